"""Rocksalt and zincblende binaries, embedded in the package."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from lamcore import Case, Dataset
from lamcore.cards import DatasetCard, load_card
from lamcore.data_files import locate
from lamcore_phonon.datasets.files import read_text
from lamcore_phonon.datasets.labels import case_settings, finite_labels

_PACKAGE = Path(__file__).parents[1]
_NAME = "phonon-cubic.csv"
_LABELS = ("max_frequency_k", "entropy_j_per_mol_k", "free_energy_kj_per_mol", "heat_capacity_j_per_mol_k")
_FACE_CENTRED = [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
_SUPERCELL = [[2, 0, 0], [0, 2, 0], [0, 0, 2]]


class PhononCubic(Dataset):
    """Conventional cells of 8 atoms at the reference's lattice constant, in 2×2×2 supercells.

    Args:
        path: Another copy of the file, or the folder that holds it; the package's own if not given.

    Raises:
        DataError: The file is missing, or is not the one that the card describes.
    """

    def __init__(self, path: Path | None = None) -> None:
        card = load_card(_PACKAGE / "cards" / "phonon-cubic.yaml", DatasetCard)
        self._file = locate(_NAME, card.files[_NAME], package=_PACKAGE / "data", local=path)
        self.files = {_NAME: self._file}

    def cases(self) -> Iterator[Case]:
        """In the order of the file, whose beginning spans prototypes and stiffness."""
        from ase.build import bulk

        for row in csv.DictReader(StringIO(read_text(self._file))):
            atoms = bulk(row["cation"] + row["anion"], row["prototype"], a=float(row["a_ang"]), cubic=True)
            yield Case(
                id=row["mp_id"],
                structures=(atoms,),
                reference=finite_labels({label: row[label] for label in _LABELS}, self._file, row["mp_id"]),
                settings=case_settings(
                    name=f"{row['formula']} {row['prototype']}",
                    supercell_matrix=_SUPERCELL,
                    primitive_matrix=_FACE_CENTRED,
                    functional="PBE",
                ),
            )
