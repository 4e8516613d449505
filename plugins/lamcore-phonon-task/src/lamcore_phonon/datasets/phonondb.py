"""Crystals of phononDB-PBE: a folder with structures and labels."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

from lamcore import Case, Dataset
from lamcore.errors import DataError
from lamcore.quantities import KELVIN_PER_THZ
from lamcore_phonon.datasets.files import given_path, read_json, read_text
from lamcore_phonon.datasets.labels import IDENTITY, Labels, case_settings, entry

if TYPE_CHECKING:
    from ase import Atoms

_STRUCTURES = "structures.extxyz"
_REFERENCE = "reference_300K.json"
_LABEL_SETS = {"no_nac": "no", "nac": "nac"}


class PhononDB(Dataset):
    """Structures with `fc2_supercell`, `fc3_supercell` and `primitive_matrix`, and a table of labels on meshes."""

    def __init__(self, path: str | None, labels: Labels = "no_nac", supercell: Literal["fc2", "fc3"] = "fc2") -> None:
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
        from ase.io import read

        frames = read(StringIO(read_text(self.files[_STRUCTURES])), index=":", format="extxyz")
        structures = {frame.info["mp_id"]: frame for frame in frames}
        path = self.files[_REFERENCE]
        for material in entry(read_json(path), "materials", path, "the table"):
            mp_id = entry(material, "mp_id", path, "a material")
            if mp_id not in structures:
                raise DataError(f"{self.files[_STRUCTURES]}: no structure with mp_id={mp_id}, which {path.name} labels")
            yield self._case(mp_id, material, structures[mp_id])

    def _case(self, mp_id: str, material: dict[str, Any], frame: Atoms) -> Case:
        path = self.files[_REFERENCE]
        labels = entry(material, self._label_set, path, mp_id)
        supercell_matrix = entry(frame.info, self._supercell_key, self.files[_STRUCTURES], mp_id)
        # Structures without the matrix are primitive cells.
        primitive_matrix = frame.info.get("primitive_matrix")
        frame.info = {}
        return Case(
            id=mp_id,
            structures=(frame,),
            reference={
                "max_frequency_k": entry(labels, "max_freq_THz", path, mp_id) * KELVIN_PER_THZ,
                "min_frequency_thz": entry(labels, "min_freq_THz", path, mp_id),
                "entropy_j_per_mol_k": entry(labels, "entropy_J_K_mol", path, mp_id),
                "free_energy_kj_per_mol": entry(labels, "free_energy_kJ_mol", path, mp_id),
                "heat_capacity_j_per_mol_k": entry(labels, "heat_capacity_J_K_mol", path, mp_id),
            },
            settings=case_settings(
                name=f"{material['name']} ({material['spg']})",
                supercell_matrix=supercell_matrix.tolist(),
                primitive_matrix=IDENTITY if primitive_matrix is None else primitive_matrix.tolist(),
                level_of_theory="PBE",
            ),
        )
