"""Crystals of phononDB-PBE: a folder with structures and labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamcore import Case, Dataset
from lamcore.errors import DataError
from lamcore_phonon.datasets.files import given_path, read_extxyz, read_json
from lamcore_phonon.datasets.labels import (
    IDENTITY,
    Labels,
    case_settings,
    entry,
    integer_matrix,
    json_labels,
    list_entry,
    matrix,
)

if TYPE_CHECKING:
    from ase import Atoms

_STRUCTURES = "structures.extxyz"
_REFERENCE = "reference_300K.json"
_LABEL_SETS = {"no_nac": "no", "nac": "nac"}


class PhononDB(Dataset):
    """Structures with `fc2_supercell`, `fc3_supercell` and `primitive_matrix`, and a table of labels on meshes."""

    def __init__(self, path: Path | None, labels: Labels = "no_nac", supercell: Literal["fc2", "fc3"] = "fc2") -> None:
        self._folder = given_path(path, "phonondb", f"a folder with {_STRUCTURES} and {_REFERENCE}")
        self._label_set = _LABEL_SETS[labels]
        self._supercell_key = f"{supercell}_supercell"
        self.files = {name: self._folder / name for name in (_STRUCTURES, _REFERENCE)}
        for file in self.files.values():
            if not file.is_file():
                raise DataError(
                    f"{file}: not found; dataset phonondb needs {_STRUCTURES} and {_REFERENCE} in the folder"
                )

    def cases(self) -> Iterator[Case]:
        """In the order of the table of labels."""
        structures = self._structures()
        path = self.files[_REFERENCE]
        for material in list_entry(read_json(path), "materials", path, "the table"):
            mp_id = entry(material, "mp_id", path, "a material")
            if mp_id not in structures:
                raise DataError(f"{self.files[_STRUCTURES]}: no structure with mp_id={mp_id}, which {path.name} labels")
            yield self._case(mp_id, material, structures[mp_id])

    def _structures(self) -> dict[str, Atoms]:
        """The structures by material."""
        path = self.files[_STRUCTURES]
        structures: dict[str, Atoms] = {}
        for frame in read_extxyz(path):
            mp_id = entry(frame.info, "mp_id", path, "a structure")
            if mp_id in structures:
                raise DataError(f"{path}: two structures have mp_id={mp_id}, expected one for each material")
            if not frame.pbc.all():
                raise DataError(f"{path}: {mp_id} has pbc {frame.pbc.tolist()}, expected a crystal with its Lattice")
            structures[mp_id] = frame
        return structures

    def _case(self, mp_id: str, material: dict[str, Any], frame: Atoms) -> Case:
        path, structures = self.files[_REFERENCE], self.files[_STRUCTURES]
        labels = entry(material, self._label_set, path, mp_id)
        supercell_matrix = entry(frame.info, self._supercell_key, structures, mp_id)
        # Structures without the matrix are primitive cells.
        primitive_matrix = frame.info.get("primitive_matrix", IDENTITY)
        frame.info = {}
        return Case(
            id=mp_id,
            structures=(frame,),
            reference=json_labels(labels, "max_freq_THz", "min_freq_THz", labels, path, mp_id),
            settings=case_settings(
                name=f"{entry(material, 'name', path, mp_id)} ({entry(material, 'spg', path, mp_id)})",
                supercell_matrix=integer_matrix(supercell_matrix, self._supercell_key, structures, mp_id),
                primitive_matrix=matrix(primitive_matrix, "primitive_matrix", structures, mp_id),
                functional="PBE",
            ),
        )
