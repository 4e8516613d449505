"""Rocksalt and zincblende binaries, embedded in the package."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from lamcore import Case, Dataset
from lamcore_phonon.datasets.labels import case_settings

_FILE = Path(__file__).parent.parent / "data" / "phonon-cubic.csv"
_LABELS = ("max_frequency_k", "entropy_j_per_mol_k", "free_energy_kj_per_mol", "heat_capacity_j_per_mol_k")
_FACE_CENTRED = [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
_SUPERCELL = [[2, 0, 0], [0, 2, 0], [0, 0, 2]]


class PhononCubic(Dataset):
    """Conventional cells of 8 atoms at the reference's lattice constant, in 2×2×2 supercells."""

    files: Mapping[str, Path] = {_FILE.name: _FILE}

    def cases(self) -> Iterator[Case]:
        """In the order of the file, whose beginning spans prototypes and stiffness."""
        from ase.build import bulk

        with _FILE.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                atoms = bulk(row["cation"] + row["anion"], row["prototype"], a=float(row["a_ang"]), cubic=True)
                yield Case(
                    id=row["mp_id"],
                    structures=(atoms,),
                    reference={label: float(row[label]) for label in _LABELS},
                    settings=case_settings(
                        name=f"{row['formula']} {row['prototype']}",
                        supercell_matrix=_SUPERCELL,
                        primitive_matrix=_FACE_CENTRED,
                        level_of_theory="PBE",
                    ),
                )
