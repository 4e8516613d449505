"""Crystal challenges: from CIF files to a scored, searchable, open database."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lamcore import CommandSpec, DatasetSpec, ReportSpec, TaskSpec, hookimpl
from lamcore_crystal.stability import METASTABLE_WITHIN, STABLE_WITHIN

if TYPE_CHECKING:
    from lamcore import Dataset, Task
    from lamcore.report import RunView, Section

LAMCORE_API = 1

_CARDS = Path(__file__).parent / "cards"
_TASKS = ("crystal",)


def build_task(
    optimizer: Literal["fire", "lbfgs", "openlam-1"] = "fire",
    fmax: float = 0.02,
    max_steps: int = 500,
    max_stress_gpa: float = 0.1,
    stable_within: float = STABLE_WITHIN,
    metastable_within: float = METASTABLE_WITHIN,
) -> Task:
    """Relaxation of crystals, and their energy above the hull of references relaxed by the same model.

    Args:
        optimizer: Of the relaxation of atoms and cell; `openlam-1` relaxes as OpenLAM did, with steps of its own.
        fmax: Longest row of the generalised forces at the end, eV/Å.
        max_steps: Steps before a relaxation counts as unconverged.
        max_stress_gpa: Largest component of the stress at the end, GPa.
        stable_within: Largest energy above hull of what counts as stable, eV/atom.
        metastable_within: Largest energy above hull of what counts as metastable, eV/atom.
    """
    from lamcore_crystal.rounds import RelaxationRules
    from lamcore_crystal.task import CrystalTask

    return CrystalTask(RelaxationRules(optimizer, fmax, max_steps, max_stress_gpa), stable_within, metastable_within)


def build_demo() -> Dataset:
    """Ten crystals of seven metals, and the elements as references; in the package."""
    from lamcore_crystal.datasets.demo import demo_crystals
    from lamcore_crystal.datasets.screening import Screening

    return Screening(demo_crystals(), references=None)


def build_crystals(path: Path | None = None, references: Path | None = None, split_blocks: bool = False) -> Dataset:
    """CIF files of your own: a folder, a zip, a tar or one file; a file that is refused is a failed case.

    Args:
        path: The files.
        references: Known crystals that the hull is made of beside the elements: a folder or archive of CIF files, or a
            file that ASE reads.
        split_blocks: Whether each data block of a file is a crystal of its own.
    """
    from lamcore_crystal.datasets.screening import Screening, submitted

    return Screening(submitted(path, split_blocks), references)


@hookimpl
def lamcore_tasks() -> Sequence[TaskSpec]:
    """The task `crystal`."""
    return (TaskSpec(name="crystal", build=build_task, card=_CARDS / "task.yaml", dataset="demo-crystals"),)


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """Ten crystals in the package, and those of the user."""
    return (
        DatasetSpec("demo-crystals", build_demo, _CARDS / "demo-crystals.yaml", _TASKS),
        DatasetSpec("crystals", build_crystals, _CARDS / "crystals.yaml", _TASKS),
    )


@hookimpl
def lamcore_reports() -> Sequence[ReportSpec]:
    """Distances from the hull."""
    return (ReportSpec("crystal", "crystal", _sections),)


def _sections(view: RunView) -> Sequence[Section]:
    from lamcore_crystal.task_report import sections

    return sections(view)


@hookimpl
def lamcore_commands() -> Sequence[CommandSpec]:
    """Offer `lamcore crystal`."""
    return (CommandSpec("crystal", "Challenges: crystals submitted, relaxed, scored and served.", _arguments, _run),)


def _arguments(parser: argparse.ArgumentParser) -> None:
    from lamcore_crystal.command.arguments import add_arguments

    add_arguments(parser)


def _run(arguments: argparse.Namespace) -> int:
    from lamcore_crystal.command.run import run

    return run(arguments)
