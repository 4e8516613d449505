"""A crystal as a file to download."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from lamcore_crystal.geometry import Geometry


def _ase(geometry: Geometry, format_: str, info: Mapping[str, Any], **options: Any) -> bytes:
    from ase.io import write

    atoms = geometry.atoms()
    atoms.info.update(info)
    text = io.StringIO()
    write(text, atoms, format=format_, **options)
    return text.getvalue().encode()


def _cif(geometry: Geometry, info: Mapping[str, Any]) -> bytes:
    from ase.io.cif import write_cif

    data = io.BytesIO()
    write_cif(data, geometry.atoms())
    # ASE names the block by its place; this names it by the crystal, whose id is a number.
    return data.getvalue().replace(b"data_image0", f"data_crystal_{info['crystal_id']}".encode(), 1)


def _json(geometry: Geometry, info: Mapping[str, Any]) -> bytes:
    return json.dumps(geometry.structure().as_dict() | {"properties": dict(info)}, default=float).encode()


_WRITERS: Mapping[str, tuple[str, Callable[[Geometry, Mapping[str, Any]], bytes]]] = {
    "cif": ("chemical/x-cif", _cif),
    "poscar": ("text/plain", lambda geometry, info: _ase(geometry, "vasp", info, direct=True)),
    "extxyz": ("text/plain", lambda geometry, info: _ase(geometry, "extxyz", info)),
    "json": ("application/json", _json),
}
FORMATS = tuple(_WRITERS)


def file_of(crystal_id: int, row: Mapping[str, Any], format_: str) -> tuple[bytes, str, str]:
    """A crystal's file.

    Args:
        crystal_id: Also names the file.
        row: Columns of `crystal`.
        format_: One of `FORMATS`.

    Returns:
        Its bytes, media type, and a name that nothing of the content is in.
    """
    media_type, write = _WRITERS[format_]
    info = {"crystal_id": crystal_id} | {
        name: row[name]
        for name in ("energy_per_atom", "formation_energy_per_atom", "energy_above_hull", "hull_id")
        if row[name] is not None
    }
    name = f"crystal-{crystal_id}.{format_}" if format_ != "poscar" else f"crystal-{crystal_id}.vasp"
    return write(Geometry.unpack(row["geometry"]), info), media_type, name
