"""Systems of deepmd, read from NumPy files in place.

Layout: DeePMD-kit, `deepmd/npy` and `deepmd/npy/mixed`; doi:10.1016/j.cpc.2018.03.016.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lamcore.errors import DataError
from lamcore_forcefield.datasets.sources import Entry, Source
from lamcore_forcefield.labels import finite, labelled, stress_of_virial

if TYPE_CHECKING:
    from ase import Atoms

_VIRTUAL = -1
"""Type of the atoms that fill up frames of a mixed system."""


@dataclass(frozen=True, repr=False)
class DeepmdSystem(Source):
    """A folder with type.raw, type_map.raw and set.*; frames of a mixed system each have their own species.

    Attributes:
        path: The folder.
        fparam: What fparam.npy holds: charge and spin multiplicity, or something to be ignored.
        must_be_mixed: Refuse the standard layout.
    """

    path: Path
    fparam: Literal["charge-spin", "ignore"] = "charge-spin"
    must_be_mixed: bool = False

    @property
    def files(self) -> list[Path]:
        """Every file of the system."""
        names = [self.path / name for name in ("type.raw", "type_map.raw", "nopbc") if (self.path / name).is_file()]
        return names + sorted(self.path.glob("set.*/*.npy"))

    def entries(self) -> Iterator[Entry]:
        """Every frame; its key is the set, its place there, and its number."""
        folders = sorted(folder for folder in self.path.glob("set.*") if folder.is_dir())
        if not folders:
            raise DataError(f"{self.path}: holds no set.*, expected folders with coord.npy and energy.npy")
        number = 0
        for folder in folders:
            self._check_set(folder)
            for place, energy in enumerate(_load(folder / "energy.npy").reshape(-1)):
                if not np.isfinite(energy):
                    raise DataError(f"{folder / 'energy.npy'}: frame {place} is {energy}, expected a finite number")
                yield Entry(number, (folder.name, place, number), float(energy), None)
                number += 1

    def __call__(self, key: tuple[str, int, int]) -> Atoms:
        """The frame at a key of `entries`."""
        from ase import Atoms as NewAtoms

        name, place, number = key
        folder, where = self.path / name, f"{self.path}, frame {number}"
        symbols = _symbols(self.path)
        own_types = self._row(folder, "real_atom_types", place)
        types = _standard_types(self.path) if own_types is None else own_types.astype(np.int64)
        real = types != _VIRTUAL
        if types.max(initial=0) >= len(symbols) or types.min(initial=0) < _VIRTUAL:
            raise DataError(f"{where}: has types from {types.min()} to {types.max()}, type_map.raw has {len(symbols)}")
        positions = self._vectors(folder, "coord", place, len(types), where)
        forces = self._vectors(folder, "force", place, len(types), where)
        if positions is None:
            raise DataError(f"{folder}: holds no coord.npy")
        box = None if self._is_open else self._row(folder, "box", place)
        if box is None and not self._is_open:
            raise DataError(f"{folder}: holds no box.npy and {self.path} no file nopbc; a periodic system needs a box")
        atoms = NewAtoms(
            [symbols[kind] for kind in types[real]],
            positions=positions[real],
            cell=None if box is None else finite(box, "box", where, (9,)).reshape(3, 3),
            pbc=not self._is_open,
        )
        virial = None if self._is_open else self._row(folder, "virial", place)
        charge, spin = self._charge_and_spin(folder, place, where)
        return labelled(
            atoms,
            where,
            forces=None if forces is None else forces[real],
            stress=None if virial is None else stress_of_virial(virial, atoms.cell.volume, where),
            charge=charge,
            spin=spin,
        )

    @property
    def _is_open(self) -> bool:
        """Whether the system is not periodic."""
        return (self.path / "nopbc").exists()

    def _check_set(self, folder: Path) -> None:
        """Refuse a set whose files do not belong together, before any frame is computed."""
        for name in ("coord", "energy"):
            if not (folder / f"{name}.npy").is_file():
                raise DataError(f"{folder}: holds no {name}.npy")
        n_frames = len(_load(folder / "energy.npy"))
        mixed = (folder / "real_atom_types.npy").is_file()
        if self.must_be_mixed and not mixed:
            raise DataError(f"{folder}: holds no real_atom_types.npy, but dataset.format is deepmd-mixed")
        _symbols(self.path)
        n_atoms = _load(folder / "real_atom_types.npy").shape[-1] if mixed else len(_standard_types(self.path))
        widths = {"coord": 3 * n_atoms, "force": 3 * n_atoms, "box": 9, "virial": 9, "energy": 1}
        for name, width in widths.items():
            path = folder / f"{name}.npy"
            if not path.is_file():
                continue
            shape = _load(path).shape
            if shape[0] != n_frames or int(np.prod(shape[1:])) != width:
                raise DataError(
                    f"{path}: has shape {shape}, expected {n_frames} frames (energy.npy) of {width} numbers "
                    f"({n_atoms} atoms)"
                )

    def _row(self, folder: Path, name: str, place: int) -> NDArray[np.float64] | None:
        path = folder / f"{name}.npy"
        return np.array(_load(path)[place]).reshape(-1) if path.is_file() else None

    def _vectors(self, folder: Path, name: str, place: int, n_atoms: int, where: str) -> NDArray[np.float64] | None:
        row = self._row(folder, name, place)
        return None if row is None else finite(row.astype(np.float64), name, where, (3 * n_atoms,)).reshape(-1, 3)

    def _charge_and_spin(self, folder: Path, place: int, where: str) -> tuple[Any, Any]:
        row = None if self.fparam == "ignore" else self._row(folder, "fparam", place)
        if row is None:
            return None, None
        if len(row) != 2:
            raise DataError(
                f"{where}: fparam.npy has {len(row)} numbers, expected 2: charge and spin multiplicity; "
                "dataset.fparam=ignore leaves it unread"
            )
        return row[0], row[1]


def _load(path: Path) -> NDArray[Any]:
    """A file of NumPy, mapped and not read.

    Raises:
        DataError: It is damaged, or holds pickled objects.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: not a file of numbers by NumPy: {error}") from error
    return array


@lru_cache(maxsize=256)
def _symbols(folder: Path) -> tuple[str, ...]:
    """The elements of a system's types."""
    from ase.data import atomic_numbers

    path = folder / "type_map.raw"
    if not path.is_file():
        raise DataError(f"{folder}: holds no type_map.raw, so types have no element; expected one symbol a line")
    symbols = tuple(path.read_text(encoding="utf-8").split())
    if unknown := [symbol for symbol in symbols if symbol not in atomic_numbers]:
        raise DataError(f"{path}: {', '.join(unknown)} is no chemical symbol")
    return symbols


@lru_cache(maxsize=256)
def _standard_types(folder: Path) -> NDArray[np.int64]:
    """The types of a system's atoms, where all frames have the same."""
    path = folder / "type.raw"
    if not path.is_file():
        raise DataError(f"{folder}: holds no type.raw, and its sets no real_atom_types.npy")
    try:
        return np.array([int(word) for word in path.read_text(encoding="utf-8").split()], dtype=np.int64)
    except ValueError as error:
        raise DataError(f"{path}: {error}; expected one type, a whole number, a line") from error
