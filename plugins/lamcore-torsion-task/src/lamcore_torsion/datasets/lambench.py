"""Torsion scans in LAMBench's layout: a folder for each fragment, in deepmd's raw format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from lamcore import Case, Dataset
from lamcore.errors import DataError
from lamcore_torsion.datasets.files import read_text
from lamcore_torsion.datasets.fragments import fragment_case
from lamcore_torsion.datasets.units import EnergyUnit, kcal_per_mol

_FILES = ("type_map.raw", "type.raw", "coord.raw", "energy.raw")
EXPECTED = f"a folder of fragment folders that hold {', '.join(_FILES)}"


class LambenchTorsions(Dataset):
    """Fragments of LAMBench's torsionnet: `coord.raw` in Å, `energy.raw` in kcal/mol, one line a conformer.

    The files do not tell the dihedral; it is found where the conformers are the steps of a regular scan.

    Args:
        path: The folder.
        functional: Of the labels.
        energy_unit: Of `energy.raw`.

    Attributes:
        files: The files of every fragment whose case has been generated so far.
    """

    def __init__(self, path: Path, functional: str, energy_unit: EnergyUnit = "kcal/mol") -> None:
        self._path = path
        self._functional = functional
        self._energy_unit = energy_unit
        self.files: dict[str, Path] = {}

    def cases(self) -> Iterator[Case]:
        """The fragments by name, numbers in names in the order of their value."""
        folders = [file.parent for file in self._path.rglob(_FILES[0])]
        if not folders:
            raise DataError(f"{self._path}: holds no fragments, expected {EXPECTED}")
        for folder in sorted(folders, key=self._order):
            yield self._case(folder)

    def _order(self, folder: Path) -> list[tuple[int, int, str]]:
        parts = re.split(r"(\d+)", self._name(folder))
        return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]

    def _name(self, folder: Path) -> str:
        return str(folder.relative_to(self._path))

    def _case(self, folder: Path) -> Case:
        name = self._name(folder)
        if missing := [file for file in _FILES if not (folder / file).is_file()]:
            raise DataError(f"{folder}: has no {', '.join(missing)}, expected {EXPECTED}")
        self.files |= {f"{name}/{file}": folder / file for file in _FILES}
        elements = read_text(folder / "type_map.raw").split()
        types = self._numbers(folder / "type.raw").ravel().astype(int)
        if types.size == 0 or types.min() < 0 or types.max() >= len(elements):
            raise DataError(
                f"{folder / 'type.raw'}: expected indices into the {len(elements)} elements of type_map.raw"
            )
        coordinates = self._numbers(folder / "coord.raw")
        energies = self._numbers(folder / "energy.raw").ravel()
        if coordinates.shape != (len(energies), 3 * len(types)):
            raise DataError(
                f"{folder}: coord.raw has shape {coordinates.shape}, expected ({len(energies)}, {3 * len(types)}): a "
                f"line for each of the {len(energies)} energies, three numbers for each of the {len(types)} atoms"
            )
        symbols = [elements[index] for index in types]
        return fragment_case(
            name,
            [Atoms(symbols, row.reshape(-1, 3), info={"charge": 0}) for row in coordinates],
            [kcal_per_mol(float(energy), self._energy_unit) for energy in energies],
            functional=self._functional,
            source=self._path,
        )

    def _numbers(self, path: Path) -> NDArray[np.float64]:
        lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
        try:
            return np.array(lines, dtype=np.float64)
        except ValueError as error:
            raise DataError(f"{path}: expected lines with the same count of numbers each ({error})") from error
