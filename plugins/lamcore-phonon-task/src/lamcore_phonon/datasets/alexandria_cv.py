"""Heat capacities of Alexandria: one file with structures and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms

from lamcore import Case, Dataset
from lamcore.errors import ConfigError, DataError
from lamcore_phonon.datasets.files import given_path, read_extxyz
from lamcore_phonon.datasets.labels import IDENTITY, case_settings, entry, finite_labels


class AlexandriaCv(Dataset):
    """Structures with `mp_id` and `heat_capacity` (J/K/mol of the cell as it is in the file)."""

    def __init__(self, path: Path | None, min_length_ang: float = 10.0) -> None:
        if not min_length_ang > 0:
            raise ConfigError(f"dataset.min_length_ang is {min_length_ang}, expected a length above zero")
        self._file = given_path(path, "alexandria-cv", "an extended XYZ file (.extxyz or .extxyz.gz)")
        if not self._file.is_file():
            raise DataError(f"dataset.path={path}: is a folder, expected an extended XYZ file such as cv300K.extxyz.gz")
        self._min_length_ang = min_length_ang
        self.files = {self._file.name: self._file}

    def cases(self) -> Iterator[Case]:
        """In the order of the file; a material that occurs again gets a number after its id."""
        seen: Counter[str] = Counter()
        for frame in read_extxyz(self._file):
            mp_id = str(entry(frame.info, "mp_id", self._file, "a structure"))
            if not frame.pbc.all():
                raise DataError(
                    f"{self._file}: {mp_id} has pbc {frame.pbc.tolist()}, expected a crystal with its Lattice"
                )
            heat_capacity = entry(frame.info, "heat_capacity", self._file, mp_id)
            frame.info = {}
            seen[mp_id] += 1
            yield Case(
                id=mp_id if seen[mp_id] == 1 else f"{mp_id}#{seen[mp_id]}",
                structures=(frame,),
                reference=finite_labels({"heat_capacity_j_per_mol_k": heat_capacity}, self._file, mp_id),
                settings=case_settings(
                    name=frame.get_chemical_formula(),
                    supercell_matrix=supercell_of_length(frame, self._min_length_ang),
                    primitive_matrix=IDENTITY,
                    functional="PBE",
                ),
            )


def supercell_of_length(atoms: Atoms, min_length_ang: float) -> list[list[int]]:
    """The smallest diagonal supercell whose opposite faces are at least a length apart.

    Args:
        atoms: The unit cell.
        min_length_ang: Å.
    """
    heights = 1 / np.linalg.norm(atoms.cell.reciprocal().array, axis=1)
    repeats = np.ceil(min_length_ang / heights - 1e-9).astype(int)
    return [[int(value) for value in row] for row in np.diag(np.maximum(repeats, 1))]
