"""What readers of labelled frames have in common, and which reader a file gets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcore.errors import DataError
from lamcore_forcefield.labels import labelled, stress_of_virial

if TYPE_CHECKING:
    from ase import Atoms

Format = Literal["auto", "extxyz", "ase-db", "aselmdb", "deepmd", "deepmd-mixed"]

_SUFFIXES: Mapping[str, Format] = {
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
    ".extxyz.gz": "extxyz",
    ".xyz.gz": "extxyz",
    ".db": "ase-db",
    ".aselmdb": "aselmdb",
}
_LABEL_FILE = "type.raw"


@dataclass(frozen=True)
class Keys:
    """What labels are called in files; None for a label that is not read.

    Attributes:
        energy: eV.
        forces: eV/Å.
        stress: eV/Å³, tension positive.
        virial: −σV, eV; taken where there is no stress.
        group: What a frame belongs to, such as a trajectory.
        charge: Total charge, e.
        spin: Spin multiplicity.
    """

    energy: str = "energy"
    forces: str | None = "forces"
    stress: str | None = "stress"
    virial: str | None = "virial"
    group: str | None = None
    charge: str | None = "charge"
    spin: str | None = "spin"


@dataclass(frozen=True)
class Entry:
    """One frame, not read yet.

    Attributes:
        number: Its place in the source, from 0.
        key: What the source needs to read it.
        energy: Its label, eV.
        group: What it belongs to; None where the source does not say.
    """

    number: int
    key: Any
    energy: float
    group: str | None


class Source(ABC):
    """A file or folder of frames. It keeps no frame, can be pickled, and reads any frame by its key.

    Attributes:
        path: Where it is.
        files: What it is read from.
    """

    path: Path

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def files(self) -> list[Path]:
        """The files behind it."""
        return [self.path]

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """Every frame in the order of the source; one pass that keeps nothing.

        Raises:
            DataError: The source cannot be read, or a frame has no energy.
        """

    @abstractmethod
    def __call__(self, key: Any) -> Atoms:
        """A frame with its labels.

        Raises:
            DataError: The frame cannot be read, or a label has the wrong shape.
        """


def found_sources(
    path: Path, asked: Format, keys: Keys, fparam: Literal["charge-spin", "ignore"]
) -> list[tuple[str, Source]]:
    """The sources in a file or folder, each with a name, in alphabetical order.

    A folder is searched to any depth: deepmd systems are folders that hold type.raw or type_map.raw, all else goes by
    the file's name.

    Raises:
        DataError: There is none, or two would have the same name.
    """
    if path.is_file():
        return [(_stem(path.name), _file_source(path, asked, keys))]
    found: list[tuple[str, Source]] = []
    if asked in ("auto", "deepmd", "deepmd-mixed"):
        from lamcore_forcefield.datasets.deepmd import DeepmdSystem

        systems = {file.parent for name in (_LABEL_FILE, "type_map.raw") for file in path.rglob(name)}
        found += [
            (_name(path, folder), DeepmdSystem(folder, fparam=fparam, must_be_mixed=asked == "deepmd-mixed"))
            for folder in systems
        ]
    if asked not in ("deepmd", "deepmd-mixed"):
        chosen = [
            file
            for file in path.rglob("*")
            if file.is_file() and (kind := _format_of(file)) and asked in ("auto", kind)
        ]
        found += [(_stem(_name(path, file)), _file_source(file, asked, keys)) for file in chosen]
    if not found:
        raise DataError(
            f"{path}: holds no {'frames' if asked == 'auto' else asked}; expected files named {', '.join(_SUFFIXES)}, "
            f"or deepmd systems (folders with {_LABEL_FILE} and type_map.raw); dataset.format is for other names"
        )
    found.sort(key=lambda pair: pair[0])
    for (name, one), (other_name, other) in pairwise(found):
        if name == other_name:
            raise DataError(f"{path}: {one.path} and {other.path} would both be called {name!r}; rename one of them")
    return found


def label_at(values: Mapping[str, Any], key: str, where: str) -> Any:
    """A label that has to be there.

    Raises:
        DataError: It is not; the message says what there is.
    """
    if key not in values:
        known = ", ".join(sorted(map(str, values))) or "none"
        raise DataError(f"{where}: has no {key!r}; it has: {known}; dataset.*_key and dataset.group say what to take")
    return values[key]


def energy_at(values: Mapping[str, Any], key: str, where: str) -> float:
    """The energy, eV.

    Raises:
        DataError: There is none, or it is not a finite number.
    """
    value = label_at(values, key, where)
    try:
        energy = float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {key} is {value!r}, expected a number") from error
    if not np.isfinite(energy):
        raise DataError(f"{where}: {key} is {energy}, expected a finite number; take the frame out of the file")
    return energy


def frame_from(atoms: Atoms, values: Mapping[str, Any], keys: Keys, where: str) -> Atoms:
    """A frame with those labels that the file has.

    Args:
        atoms: The structure.
        values: What the file says of it, by name.
        keys: What labels are called.
        where: What to call the frame in messages.

    Raises:
        DataError: Forces, charge or spin have been given a name of their own that the frame does not have, or a label
            is not as `labelled` wants it.
    """

    def get(key: str | None) -> Any:
        return None if key is None else values.get(key)

    usual = Keys()
    for key, default in ((keys.forces, usual.forces), (keys.charge, usual.charge), (keys.spin, usual.spin)):
        if key not in (None, default):
            label_at(values, key, where)
    stress = get(keys.stress)
    if stress is None and (virial := get(keys.virial)) is not None:
        stress = stress_of_virial(virial, atoms.cell.volume, where)
    return labelled(atoms, where, forces=get(keys.forces), stress=stress, charge=get(keys.charge), spin=get(keys.spin))


def _file_source(path: Path, asked: Format, keys: Keys) -> Source:
    kind = _format_of(path) if asked == "auto" else asked
    if kind == "extxyz":
        from lamcore_forcefield.datasets.extxyz import ExtxyzFile

        return ExtxyzFile(path, keys)
    if kind in ("ase-db", "aselmdb"):
        from lamcore_forcefield.datasets.ase_db import AseDatabase

        return AseDatabase(path, keys, lmdb=kind == "aselmdb")
    if kind is None:
        hint = "; .lmdb files of pickled graphs are not read, since unpickling runs code: convert them to .aselmdb"
        raise DataError(
            f"{path}: unknown kind of file, expected a name ending in {', '.join(_SUFFIXES)}; "
            f"or say what it is with dataset.format{hint if path.suffix == '.lmdb' else ''}"
        )
    raise DataError(f"{path}: is a file, expected the folder of a deepmd system, since dataset.format is {kind}")


def _format_of(path: Path) -> Format | None:
    return next((kind for suffix, kind in _SUFFIXES.items() if path.name.lower().endswith(suffix)), None)


def _stem(name: str) -> str:
    """A name without the ending that tells the format."""
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def _name(folder: Path, inside: Path) -> str:
    """How a source in a folder is called: its path there."""
    return inside.relative_to(folder).as_posix() if inside != folder else folder.resolve().name
