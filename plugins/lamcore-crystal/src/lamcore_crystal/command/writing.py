"""All hits of a search in a file, streamed page by page."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import select

from lamcore.errors import ConfigError
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.store.schema import crystal
from lamcore_crystal.store.search import search

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.store.query import CrystalQuery

_PAGE = 500
_TEXT_COLUMNS = (
    *("id", "formula_pretty", "chemical_system", "space_group", "space_group_symbol", "wyckoff", "prototype"),
    *("n_sites", "volume_per_atom", "density_g_cm3", "energy_per_atom", "formation_energy_per_atom"),
    *("energy_above_hull", "score", "hull_id", "source", "name", "submission_id", "licence", "content_sha256"),
)
Hit = tuple[Mapping[str, Any], Geometry]


def write_hits(connection: Connection, query: CrystalQuery, path: Path) -> int:
    """Write all hits; the file appears whole or not at all.

    Args:
        connection: To read with.
        query: What to search for.
        path: With the ending `.extxyz`, `.csv`, `.json` or `.cif`.

    Returns:
        How many there are.

    Raises:
        ConfigError: Another ending, or the file cannot be written.
    """
    write = _WRITERS.get(path.suffix)
    if write is None:
        raise ConfigError(f"{path}: the ending is {path.suffix!r}, expected one of {', '.join(_WRITERS)}")
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            n_written = write(file, _hits(connection, query))
        os.replace(temporary, path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error}); name another file") from error
    return n_written


def _hits(connection: Connection, query: CrystalQuery) -> Iterator[Hit]:
    after = None
    while True:
        page = search(connection, query, _PAGE, after)
        found = connection.execute(
            select(crystal.c.id, crystal.c.geometry).where(crystal.c.id.in_([row["id"] for row in page.rows]))
        )
        packed = {crystal_id: geometry for crystal_id, geometry in found}
        for row in page.rows:
            yield row, Geometry.unpack(packed[row["id"]])
        if page.next is None:
            return
        after = page.next


def _extxyz(file: IO[str], hits: Iterator[Hit]) -> int:
    from ase.io import write

    n_written = 0
    for row, geometry in hits:
        atoms = geometry.atoms()
        atoms.info = {name: row[name] for name in _TEXT_COLUMNS if row[name] is not None}
        write(file, atoms, format="extxyz")
        n_written += 1
    return n_written


def _csv(file: IO[str], hits: Iterator[Hit]) -> int:
    writer = csv.writer(file)
    writer.writerow(_TEXT_COLUMNS)
    n_written = 0
    for row, _ in hits:
        writer.writerow([row[name] for name in _TEXT_COLUMNS])
        n_written += 1
    return n_written


def _json(file: IO[str], hits: Iterator[Hit]) -> int:
    """A list, one crystal a line."""
    file.write("[")
    n_written = 0
    for row, geometry in hits:
        whole = {name: row[name] for name in _TEXT_COLUMNS} | {
            "cell_ang": geometry.cell.tolist(),
            "fractional": geometry.fractional.tolist(),
            "numbers": geometry.numbers.tolist(),
        }
        file.write(("\n" if n_written == 0 else ",\n") + json.dumps(whole, allow_nan=False))
        n_written += 1
    file.write("\n]\n")
    return n_written


def _cif(file: IO[str], hits: Iterator[Hit]) -> int:
    """A block for each crystal, named by its id."""
    from pymatgen.io.cif import CifWriter

    n_written = 0
    for row, geometry in hits:
        lines = str(CifWriter(geometry.structure())).splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("data_"))
        file.write("\n".join([f"data_crystal_{row['id']}", *lines[start + 1 :]]) + "\n\n")
        n_written += 1
    return n_written


_WRITERS: Mapping[str, Callable[[IO[str], Iterator[Hit]], int]] = {
    ".extxyz": _extxyz,
    ".csv": _csv,
    ".json": _json,
    ".cif": _cif,
}
