"""Crystals of the MDR phonon database: a folder of phonopy files and a table of labels."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Literal

from lamcore import Case, Dataset
from lamcore.errors import DataError
from lamcore_phonon.datasets.files import COMPRESSIONS, given_path, read_json, read_text
from lamcore_phonon.datasets.labels import (
    IDENTITY,
    Labels,
    case_settings,
    entry,
    finite_labels,
    integer_matrix,
    json_labels,
    list_entry,
    matrix,
)

Points = Literal["mesh", "commensurate", "lambench"]

_TABLES = ("pbe.csv", "reference_300K.json")
_CSV_LABELS = {
    "max_freq": "max_frequency_k",
    "entropy": "entropy_j_per_mol_k",
    "heat_capacity": "heat_capacity_j_per_mol_k",
    "free_energy": "free_energy_kj_per_mol",
}
_FILE_NAME = re.compile(rf"(?:phonopy_params_)?(?P<mp_id>.+)\.yaml(?:{'|'.join(map(re.escape, COMPRESSIONS))})?")
_CRYSTAL_BLOCKS = ("phonopy:", "physical_unit:", "unit_cell:", "supercell_matrix:", "primitive_matrix:")
_VASP_FUNCTIONALS = {"PS": "PBEsol", "PE": "PBE"}
_EXPECTED = (
    f"a folder with one phonopy file a material (<mp_id>.yaml, .yaml.bz2, .yaml.gz or .yaml.xz) and {_TABLES[0]}"
)


class Mdr(Dataset):
    """Unit cells, supercell and primitive matrices from phonopy files; labels from a CSV or JSON table.

    The CSV has the columns mp_id, max_freq (K), entropy, heat_capacity (J/K/mol) and free_energy (kJ/mol), as
    LAMBench's `pbe.csv`. The JSON has a list `materials` with `mp_id`, `gga` and, under `no_nac` and `nac`, labels
    whose names carry their units.

    Attributes:
        files: The table, and the phonopy file of every material whose case has been generated so far.
    """

    def __init__(
        self,
        path: Path | None,
        labels_path: Path | None = None,
        labels: Labels = "no_nac",
        max_frequency_points: Points | None = None,
        functional: str | None = None,
    ) -> None:
        self._folder = given_path(path, "mdr", _EXPECTED)
        if not self._folder.is_dir():
            raise DataError(f"dataset.path={path}: not a folder, expected {_EXPECTED}")
        self._table = self._find_table(labels_path)
        is_csv = self._table.suffix == ".csv"
        if is_csv and labels == "nac":
            raise DataError(f"{self._table}: a CSV table has labels of one kind only; leave dataset.labels at no_nac")
        if is_csv and max_frequency_points not in (None, "lambench") and self._table.name == _TABLES[0]:
            raise DataError(
                f"{self._table}: LAMBench's labels are the highest frequency at LAMBench's points; "
                f"dataset.max_frequency_points={max_frequency_points} does not describe them"
            )
        if not is_csv and max_frequency_points == "commensurate":
            raise DataError(f"{self._table}: has no labels over all commensurate points; use mesh or lambench")
        self._labels = labels
        self._points: Points = max_frequency_points or ("lambench" if is_csv else "mesh")
        self._functional = functional or ("PBE" if self._table.name == _TABLES[0] else None)
        if is_csv and self._functional is None:
            raise DataError(
                f"{self._table}: does not tell the functional of its labels; give dataset.functional=… (PBE)"
            )
        self.files: dict[str, Path] = {self._table.name: self._table}

    def cases(self) -> Iterator[Case]:
        """In the order of the table; every material of the table has to have its phonopy file."""
        files = self._phonopy_files()
        rows = self._csv_rows() if self._table.suffix == ".csv" else self._json_rows()
        for mp_id, reference, functional in rows:
            found = files.get(mp_id, [])
            if not found:
                raise DataError(
                    f"{self._folder}: no phonopy file for {mp_id}, which {self._table.name} labels; "
                    f"expected {mp_id}.yaml or, compressed, {mp_id}.yaml.bz2"
                )
            if len(found) > 1:
                raise DataError(
                    f"{self._folder}: {len(found)} phonopy files for {mp_id}, expected one: "
                    f"{', '.join(str(file.relative_to(self._folder)) for file in found)}; move the others elsewhere"
                )
            (file,) = found
            self.files[str(file.relative_to(self._folder))] = file
            yield self._case(mp_id, file, reference, functional)

    def _find_table(self, labels_path: Path | None) -> Path:
        if labels_path is not None:
            return given_path(labels_path, "mdr", "a table of labels (CSV or JSON)", option="labels_path")
        for name in _TABLES:
            if (candidate := self._folder / name).is_file():
                return candidate
        raise DataError(
            f"{self._folder}: no table of labels ({' or '.join(_TABLES)}); name it with dataset.labels_path=…"
        )

    def _phonopy_files(self) -> dict[str, list[Path]]:
        """The files below the folder that are named as phonopy files of a material, by material."""
        files: dict[str, list[Path]] = {}
        for file in sorted(self._folder.rglob("*.yaml*")):
            if (name := _FILE_NAME.fullmatch(file.name)) and file.is_file():
                files.setdefault(name["mp_id"], []).append(file)
        return files

    def _csv_rows(self) -> Iterator[tuple[str, dict[str, float], str]]:
        assert self._functional is not None
        for row in csv.DictReader(StringIO(read_text(self._table))):
            mp_id = entry(row, "mp_id", self._table, "the table")
            if None in row or None in row.values():
                raise DataError(f"{self._table}: the row of {mp_id} has more or fewer columns than the header")
            columns = {column: entry(row, column, self._table, "the table") for column in _CSV_LABELS}
            labels = finite_labels(columns, self._table, mp_id)
            yield mp_id, {_CSV_LABELS[column]: label for column, label in labels.items()}, self._functional

    def _json_rows(self) -> Iterator[tuple[str, dict[str, float], str]]:
        for material in list_entry(read_json(self._table), "materials", self._table, "the table"):
            mp_id = entry(material, "mp_id", self._table, "a material")
            if self._labels not in material:
                continue  # a material without Born charges has no labels with the correction
            functional = self._functional or _VASP_FUNCTIONALS.get(material.get("gga", ""))
            if functional is None:
                raise DataError(
                    f"{self._table}: {mp_id} has gga={material.get('gga')!r}, expected one of "
                    f"{', '.join(_VASP_FUNCTIONALS)}; give dataset.functional=…"
                )
            labels = material[self._labels]
            # Of the sums those without modes up to 0.01 THz, as the task leaves them out too; LAMBench does not.
            sums = labels if self._points == "lambench" else entry(labels, "cutoff_0.01THz", self._table, mp_id)
            # What the table calls commensurate was computed at LAMBench's points.
            points = "mesh" if self._points == "mesh" else "commensurate"
            highest, lowest = f"max_freq_THz_{points}", f"min_freq_THz_{points}"
            yield mp_id, json_labels(labels, highest, lowest, sums, self._table, mp_id), functional

    def _case(self, mp_id: str, file: Path, reference: dict[str, float], functional: str) -> Case:
        from phonopy.interface.phonopy_yaml import read_phonopy_yaml

        from lamcore_phonon.physics import from_phonopy

        text = _crystal_blocks(read_text(file))
        try:
            crystal = read_phonopy_yaml(StringIO(text))
        except Exception as error:  # which one depends on where phonopy's reader stumbles
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise DataError(
                f"{file}: not a phonopy file ({reason}); expected a phonopy_params or phonopy_disp file"
            ) from error
        if crystal.unitcell is None or crystal.supercell_matrix is None:
            raise DataError(
                f"{file}: has no unit cell or no supercell_matrix, expected a phonopy_params or phonopy_disp file"
            )
        primitive = crystal.primitive_matrix
        atoms = from_phonopy(crystal.unitcell)
        return Case(
            id=mp_id,
            structures=(atoms,),
            reference=reference,
            settings=case_settings(
                name=f"{atoms.get_chemical_formula(empirical=True)} ({mp_id})",
                supercell_matrix=integer_matrix(crystal.supercell_matrix, "supercell_matrix", file, mp_id),
                primitive_matrix=matrix(IDENTITY if primitive is None else primitive, "primitive_matrix", file, mp_id),
                functional=functional,
                max_frequency_points=self._points,
                min_frequency_points=self._points,
            ),
        )


def _crystal_blocks(text: str) -> str:
    """A phonopy file without its forces, supercell and Born charges, which take ten times longer to parse."""
    kept = []
    keep = False
    for line in text.splitlines(keepends=True):
        if not line.startswith((" ", "-", "#", "\n")):
            keep = line.startswith(_CRYSTAL_BLOCKS)
        if keep:
            kept.append(line)
    return "".join(kept)
