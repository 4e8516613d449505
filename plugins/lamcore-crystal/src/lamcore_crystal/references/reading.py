"""Known crystals from the organiser's own files."""

from __future__ import annotations

import gzip
import json
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from lamcore.errors import DataError
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.references.crystals import ReferenceCrystal

_NAME_KEYS = ("id", "material_id", "name", "file")


class ReferenceFileError(DataError):
    """A file of known crystals that cannot be read."""


def read_reference_set(path: Path) -> list[ReferenceCrystal]:
    """Crystals of a folder or zip archive of CIF files, of one CIF or extended XYZ file, or of JSON lines.

    A line of `.jsonl` or `.jsonl.gz` is an object with `cif`, and its name in `id`, `material_id`, `name` or `file`.
    Files are the organiser's own and are trusted; every block of a CIF file is a crystal.

    Args:
        path: Expanded where it begins with `~`.

    Raises:
        ReferenceFileError: Something cannot be read, is disordered, or repeats a name; the message names the file.
    """
    found = path.expanduser()
    if not found.exists():
        raise ReferenceFileError(f"{path}: not found (looked at {found.absolute()}); {_EXPECTED}")
    crystals = list(_reader(found)(found))
    if not crystals:
        raise ReferenceFileError(f"{path}: no crystals in it; {_EXPECTED}")
    name, count = Counter(one.name for one in crystals).most_common(1)[0]
    if count > 1:
        raise ReferenceFileError(f"{path}: {count} crystals are called {name!r}; names must be unique")
    return crystals


_EXPECTED = (
    "expected a folder or .zip of CIF files, a .cif, .extxyz or .xyz file, or .jsonl(.gz) with `cif` in each line"
)


def _reader(path: Path) -> Callable[[Path], Iterator[ReferenceCrystal]]:
    if path.is_dir():
        return _folder
    readers = {".zip": _zip, ".cif": _one_cif, ".extxyz": _xyz, ".xyz": _xyz, ".jsonl": _lines, ".jsonl.gz": _lines}
    name = path.name.lower()
    for ending, reader in readers.items():
        if name.endswith(ending):
            return reader
    raise ReferenceFileError(f"{path}: unknown kind of file; {_EXPECTED}")


def _folder(path: Path) -> Iterator[ReferenceCrystal]:
    for file in sorted(path.rglob("*")):
        if file.suffix.lower() == ".cif" and file.is_file():
            name = file.relative_to(path).with_suffix("").as_posix()
            yield from _crystals(file.read_bytes(), name, str(file))


def _one_cif(path: Path) -> Iterator[ReferenceCrystal]:
    yield from _crystals(path.read_bytes(), path.stem, str(path))


def _zip(path: Path) -> Iterator[ReferenceCrystal]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(one for one in archive.namelist() if one.lower().endswith(".cif")):
                yield from _crystals(archive.read(name), name[: -len(".cif")], f"{path}, {name}")
    except (zipfile.BadZipFile, RuntimeError, OSError) as error:
        raise ReferenceFileError(f"{path}: not a readable zip archive ({error})") from error


def _xyz(path: Path) -> Iterator[ReferenceCrystal]:
    from ase.io import iread

    try:
        for index, atoms in enumerate(iread(path, format="extxyz")):
            where = f"{path}, frame {index}"
            if not atoms.pbc.all() or atoms.cell.rank != 3:
                raise ReferenceFileError(f"{where}: periodic along {atoms.pbc.tolist()}, expected a crystal")
            name = next((str(atoms.info[key]) for key in _NAME_KEYS if key in atoms.info), str(index))
            yield ReferenceCrystal(name, Geometry.of(atoms), str(path))
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise ReferenceFileError(f"{path}: not readable as extended XYZ ({error})") from error


def _lines(path: Path) -> Iterator[ReferenceCrystal]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield from _line(line, number, f"{path}, line {number}")
        except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
            raise ReferenceFileError(f"{path}: not readable as JSON lines ({error})") from error


def _line(line: str, number: int, where: str) -> Iterator[ReferenceCrystal]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ReferenceFileError(f"{where}: not JSON ({error}); expected an object with `cif`") from error
    if not isinstance(row, dict) or not isinstance(row.get("cif"), str):
        raise ReferenceFileError(f"{where}: expected an object with the text of a CIF file in `cif`")
    name = next((str(row[key]) for key in _NAME_KEYS if row.get(key) is not None), str(number))
    yield from _crystals(row["cif"].encode(), name, where)


def _crystals(data: bytes, name: str, where: str) -> Iterator[ReferenceCrystal]:
    from pymatgen.io.cif import CifParser

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # coordinates snapped to symmetry, and the like; the files are trusted
            structures = CifParser.from_str(data.decode("utf-8-sig")).parse_structures(primitive=False)
    except Exception as error:  # pymatgen raises whatever its parts raise
        raise ReferenceFileError(f"{where}: not readable as CIF ({type(error).__name__}: {error})") from error
    for index, structure in enumerate(structures):
        if not structure.is_ordered:
            raise ReferenceFileError(f"{where}: {structure.formula} is disordered, expected whole occupancies")
        from pymatgen.io.ase import AseAtomsAdaptor

        atoms = AseAtomsAdaptor.get_atoms(structure.remove_oxidation_states())
        full = name if len(structures) == 1 else f"{name}#{index}"
        yield ReferenceCrystal(full, Geometry.of(atoms), where)
