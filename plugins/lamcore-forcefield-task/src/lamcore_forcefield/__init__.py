"""Energies, forces and stresses of labelled frames as a lamcore task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lamcore import Dataset, DatasetSpec, ReportSpec, Task, TaskSpec, hookimpl

if TYPE_CHECKING:
    from lamcore.report import RunView, Section

LAMCORE_API = 1

_CARDS = Path(__file__).parent / "cards"
_TASKS = ("forcefield",)


def build_task(
    protocol: Literal["default", "lambench"] = "default",
    bias: Literal["held-out", "fit", "none"] | None = None,
    bias_weights: Literal["atom", "frame"] | None = None,
    d3: Literal["dataset", "none", "pbe-zero", "pbe-bj"] = "dataset",
) -> Task:
    """Errors of energies, forces and stresses of single frames.

    Args:
        protocol: `default`, or `lambench` for numbers to be compared with LAMBench's, which fixes bias and bias_weights
            and leaves failed frames out of the errors.
        bias: Shifts of the elements that are taken off before energies are compared: `held-out` fits them on one half
            of the frames and judges the other, both ways; `fit` on the frames that are judged; `none` takes off
            nothing. `held-out` unless given.
        bias_weights: What the fit minimises: squared residuals of energies per `atom`, or of total energies, every
            `frame` alike. `atom` unless given.
        d3: Dispersion added to the model: what the `dataset` says, or the same for every frame.
    """
    from lamcore_forcefield.task import ForcefieldSettings, ForcefieldTask

    return ForcefieldTask(ForcefieldSettings(protocol=protocol, bias=bias, bias_weights=bias_weights, d3=d3))


def build_small_molecules(
    path: Path | None = None, species: Literal["closed-shell", "all"] = "closed-shell"
) -> Dataset:
    """Thermally distorted small molecules with PBE/def2-TZVP labels, in the package.

    Args:
        path: Another copy of small-molecules.extxyz, or the folder that holds it.
        species: `closed-shell` for neutral molecules without unpaired electrons, `all` to add radicals and cations,
            which models of neutral matter refuse.
    """
    from lamcore_forcefield.datasets.small_molecules import SmallMolecules

    return SmallMolecules(path, species)


def build_frames(
    path: Path | None = None,
    format: Literal["auto", "extxyz", "ase-db", "aselmdb", "deepmd", "deepmd-mixed"] = "auto",
    group: str | None = None,
    functional: str | None = None,
    energy_key: str = "energy",
    forces_key: str | None = "forces",
    stress_key: str | None = "stress",
    virial_key: str | None = "virial",
    charge_key: str | None = "charge",
    spin_key: str | None = "spin",
    fparam: Literal["charge-spin", "ignore"] = "charge-spin",
    d3: Literal["none", "pbe-zero", "pbe-bj"] = "none",
) -> Dataset:
    """Labelled frames in files: extended XYZ, ASE databases, fairchem's .aselmdb, and deepmd systems of both layouts.

    Args:
        path: A file, or a folder that is searched to any depth.
        format: Of the files; `auto` goes by their names.
        group: The key that tells which trajectory a frame is of, or `file` where each file or deepmd system is one:
            frames that depend on one another are resampled and held out together.
        functional: Of the labels, such as PBE; models of another are warned about.
        energy_key: What the energy is called, eV.
        forces_key: What the forces are called, eV/Å.
        stress_key: What the stress is called, eV/Å³, tension positive.
        virial_key: What the virial −σV is called, eV, where there is no stress.
        charge_key: What the total charge is called, e.
        spin_key: What the spin multiplicity is called.
        fparam: What fparam.npy of a deepmd system holds: charge and spin multiplicity, or something to be ignored.
        d3: Dispersion that the labels have, and that is added to the model.
    """
    from lamcore_forcefield.datasets.frames import Frames
    from lamcore_forcefield.datasets.sources import Keys
    from lamcore_forcefield.task import require_dftd3

    if d3 != "none":
        require_dftd3(f"dataset.d3={d3}")
    keys = Keys(
        energy=energy_key,
        forces=forces_key,
        stress=stress_key,
        virial=virial_key,
        group=group,
        charge=charge_key,
        spin=spin_key,
    )
    return Frames(path, format=format, keys=keys, fparam=fparam, functional=functional, d3=d3)


def _sections(view: RunView) -> Sequence[Section]:
    from lamcore_forcefield.report import sections

    return sections(view)


@hookimpl
def lamcore_tasks() -> Sequence[TaskSpec]:
    """The task `forcefield`."""
    return (
        TaskSpec(
            name="forcefield",
            build=build_task,
            card=_CARDS / "task.yaml",
            dataset="small-molecules",
            packages=("dftd3",),
        ),
    )


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """An embedded dataset, and files of the user."""
    return (
        DatasetSpec("small-molecules", build_small_molecules, _CARDS / "small-molecules.yaml", _TASKS),
        DatasetSpec("frames", build_frames, _CARDS / "frames.yaml", _TASKS),
    )


@hookimpl
def lamcore_reports() -> Sequence[ReportSpec]:
    """Parity plots, errors by element and by force, the shifts, the worst frames."""
    return (ReportSpec("forcefield", "forcefield", _sections),)
