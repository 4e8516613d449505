"""Torsion profiles of molecules as a lamcore task, with the datasets that have labels for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lamcore import Dataset, DatasetSpec, ReportSpec, Task, TaskSpec, hookimpl

if TYPE_CHECKING:
    from lamcore.report import RunView, Section

LAMCORE_API = 1

_CARDS = Path(__file__).parent / "cards"
_TASKS = ("torsion",)


def build_task(
    protocol: Literal["default", "lambench"] = "default",
    mode: Literal["single_point", "relaxed"] = "single_point",
    fmax: float = 0.02,
    max_steps: int = 300,
) -> Task:
    """Energies along the rotation of a bond, compared with a reference profile.

    Args:
        protocol: `default`, or `lambench` for numbers to be compared with LAMBench's.
        mode: `single_point` takes the structures as they are; `relaxed` holds the dihedral of each and relaxes the rest
            with the model.
        fmax: Relaxed when no force, the dihedral's part taken off, is larger, eV/Å.
        max_steps: Relaxation steps of a conformer at most.
    """
    from lamcore_torsion.task import TorsionSettings, TorsionTask

    return TorsionTask(TorsionSettings(protocol=protocol, mode=mode, fmax=fmax, max_steps=max_steps))


def build_small_torsions(path: Path | None = None) -> Dataset:
    """Small molecules, computed for this package, in the package.

    Args:
        path: Another copy of small-torsions.extxyz, or the folder that holds it, instead of the package's own.
    """
    from lamcore_torsion.datasets.small import SmallTorsions

    return SmallTorsions(path)


def build_torsions(
    path: Path | None = None,
    format: Literal["auto", "extxyz", "sdf", "lambench"] = "auto",
    labels: Literal["dlpno_ccsdt", "wb97xd3bj", "b3lyp"] = "dlpno_ccsdt",
    functional: str | None = None,
    energy_tag: str | None = None,
    energy_unit: Literal["kcal/mol", "kJ/mol", "eV", "Hartree"] | None = None,
    group_tag: str | None = None,
) -> Dataset:
    """Torsion scans from files of the user: extended XYZ, SDF, or LAMBench's folders.

    Args:
        path: The file (.gz or not), a folder that holds it alone, or the folder that holds a folder for each fragment.
        format: Told by the name unless given.
        labels: Which energies of an extended XYZ: its key energy_dlpno_ccsdt, energy_wb97xd3bj or erel_b3lyp.
        functional: Of the labels, such as CCSD(T); needed for SDF, which does not tell. LAMBench's folders are taken to
            hold CCSD(T), as since its version 0.3.0; of older ones give ωB97M.
        energy_tag: SDF: the tag that holds the energy.
        energy_unit: SDF: its unit; of LAMBench's folders kcal/mol unless given.
        group_tag: SDF: the tag that names the fragment; the title line unless given.
    """
    from lamcore_torsion.datasets.torsions import open_torsions

    return open_torsions(path, format, labels, functional, energy_tag, energy_unit, group_tag)


def _sections(view: RunView) -> Sequence[Section]:
    from lamcore_torsion.report import sections

    return sections(view)


@hookimpl
def lamcore_tasks() -> Sequence[TaskSpec]:
    """The task `torsion`."""
    return (
        TaskSpec(
            name="torsion",
            build=build_task,
            card=_CARDS / "task.yaml",
            dataset="small-torsions",
            packages=("rdkit",),
        ),
    )


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """An embedded dataset and one that is read from files of the user."""
    return (
        DatasetSpec("small-torsions", build_small_torsions, _CARDS / "small-torsions.yaml", _TASKS),
        DatasetSpec("torsions", build_torsions, _CARDS / "torsions.yaml", _TASKS),
    )


@hookimpl
def lamcore_reports() -> Sequence[ReportSpec]:
    """Profiles, drawings and tables for torsion runs."""
    return (ReportSpec(name="torsion", task="torsion", sections=_sections),)
