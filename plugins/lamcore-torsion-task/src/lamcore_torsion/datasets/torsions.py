"""Which reader a file or folder needs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lamcore import Dataset
from lamcore.errors import DataError
from lamcore_torsion.datasets.extxyz import ExtxyzTorsions, Labels
from lamcore_torsion.datasets.files import given_path
from lamcore_torsion.datasets.units import EnergyUnit

Format = Literal["auto", "extxyz", "sdf", "lambench"]
LAMBENCH_FUNCTIONAL = "CCSD(T)"
"""Of LAMBench's labels since its version 0.3.0; before that they were ωB97M."""
_EXPECTED = "an extended XYZ file, an SDF, or a folder in LAMBench's layout"
_ENDINGS: dict[str, Format] = {".extxyz": "extxyz", ".xyz": "extxyz", ".sdf": "sdf", ".sd": "sdf"}


def open_torsions(
    path: Path | None,
    file_format: Format,
    labels: Labels,
    functional: str | None,
    energy_tag: str | None,
    energy_unit: EnergyUnit | None,
    group_tag: str | None,
) -> Dataset:
    """The dataset of a file or folder.

    Raises:
        DataError: Nothing is there, the format cannot be told, or an option is missing or does not go with the format.
    """
    found = _file_within(given_path(path, _EXPECTED))
    chosen = _format_of(found) if file_format == "auto" else file_format
    if (chosen == "lambench") != found.is_dir():
        kind = "a folder" if found.is_dir() else "a file"
        raise DataError(f"dataset.path={path}: is {kind}, which the format {chosen} is not; expected {_EXPECTED}")
    if chosen != "sdf" and (energy_tag or group_tag):
        raise DataError(f"{found}: dataset.energy_tag and dataset.group_tag are for SDF, the format here is {chosen}")
    if chosen == "extxyz":
        if energy_unit is not None:
            raise DataError(f"{found}: energies of an extended XYZ are in eV; leave dataset.energy_unit out")
        return ExtxyzTorsions(found, labels, functional)
    if chosen == "lambench":
        from lamcore_torsion.datasets.lambench import LambenchTorsions

        return LambenchTorsions(found, functional or LAMBENCH_FUNCTIONAL, energy_unit or "kcal/mol")
    if functional is None:
        raise DataError(
            f"{found}: does not tell what its energies were computed with; give dataset.functional=… (such as CCSD(T))"
        )
    if energy_tag is None or energy_unit is None:
        raise DataError(
            f"{found}: an SDF needs dataset.energy_tag=… and dataset.energy_unit=… (kcal/mol, kJ/mol, eV, Hartree)"
        )
    from lamcore_torsion.datasets.sdf import SdfTorsions

    return SdfTorsions(found, energy_tag, energy_unit, functional, group_tag)


def _file_within(path: Path) -> Path:
    """The one file with scans that a folder holds; the path itself for anything else."""
    if not path.is_dir():
        return path
    files = [file for file in sorted(path.iterdir()) if file.is_file() and _ending(file) in _ENDINGS]
    return files[0] if len(files) == 1 else path


def _format_of(path: Path) -> Format:
    if path.is_dir():
        return "lambench"
    ending = _ending(path)
    if ending not in _ENDINGS:
        raise DataError(
            f"{path}: its name does not tell the format; use dataset.format=extxyz or dataset.format=sdf, or a name "
            f"that ends in {', '.join(_ENDINGS)}, .gz after it or not"
        )
    return _ENDINGS[ending]


def _ending(path: Path) -> str:
    """The last suffix, .gz apart."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()
