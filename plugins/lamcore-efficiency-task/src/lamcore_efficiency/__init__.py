"""Speed, memory and size limits of models as a lamcore task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lamcore import Dataset, DatasetSpec, ReportSpec, Task, TaskSpec, hookimpl

if TYPE_CHECKING:
    from lamcore.report import RunView, Section

LAMCORE_API = 1

_CARDS = Path(__file__).parent / "cards"
_TASKS = ("efficiency",)


def build_task(
    protocol: Literal["default", "lambench"] = "default",
    repetitions: int = 10,
    time_budget_s: float = 8.0,
    max_warm_up: int = 10,
    steady_within: float = 0.1,
    capacity_atoms: int | None = None,
) -> Task:
    """Time, memory and size limits of energy, forces and stress.

    Args:
        protocol: `default`, or `lambench` for times to be compared with LAMBench's, which evaluates each frame once and
            fixes repetitions to 1; for the dataset `efficiency-frames`.
        repetitions: Timed evaluations of each structure; fewer where the time budget ends them, never fewer than 3.
        time_budget_s: Timed repetitions of a structure stop after this time, and its warm-up after half of it, s.
        max_warm_up: Warm-up evaluations of each structure at most.
        steady_within: The model is warm when its last three times lie within this fraction of the shortest of them.
        capacity_atoms: Search the largest structure that fits in memory up to this many atoms; 1000 on a CPU and
            200000 on other devices unless given.
    """
    from lamcore_efficiency.settings import EfficiencySettings
    from lamcore_efficiency.task import EfficiencyTask

    return EfficiencyTask(
        EfficiencySettings(
            protocol=protocol,
            repetitions=repetitions,
            time_budget_s=time_budget_s,
            max_warm_up=max_warm_up,
            steady_within=steady_within,
            capacity_atoms=capacity_atoms,
        )
    )


def build_size_ladder(
    materials: list[str] | None = None,
    max_atoms: int = 1000,
) -> Dataset:
    """Crystals repeated to a ladder of sizes, the same for every model; made by code.

    Args:
        materials: Which of Si, NaCl, Cu and H2O (a molecule in a periodic box); Si and NaCl unless given.
        max_atoms: The largest size of the ladder.
    """
    from lamcore_efficiency.datasets.size_ladder import SizeLadder

    return SizeLadder(materials, max_atoms)


def build_frames(path: Path | None = None, max_atoms: int = 1000) -> Dataset:
    """Frames of trajectory files, each repeated to about the same number of atoms, from a folder.

    Args:
        path: Folder with .traj files of ASE at any depth, as LAMBench's efficiency set.
        max_atoms: Frames are repeated as often as they fit into this many atoms; larger frames are taken as they are.
    """
    from lamcore_efficiency.datasets.frames import EfficiencyFrames

    return EfficiencyFrames(path, max_atoms)


def hardware_key(output: object) -> str:
    """The hardware that an output of this task was measured on; only outputs with the same key can be compared.

    Raises:
        ValueError: It is no output of this task.
    """
    from lamcore_efficiency.task import hardware_key

    return hardware_key(output)


def _sections(view: RunView) -> Sequence[Section]:
    from lamcore_efficiency.report import sections

    return sections(view)


@hookimpl
def lamcore_tasks() -> Sequence[TaskSpec]:
    """The task `efficiency`."""
    return (TaskSpec(name="efficiency", build=build_task, card=_CARDS / "task.yaml", dataset="size-ladder"),)


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """A ladder of sizes made by code, and frames from a folder of the user."""
    return (
        DatasetSpec(
            "size-ladder", build_size_ladder, _CARDS / "size-ladder.yaml", _TASKS, presets=_CARDS / "size-ladder"
        ),
        DatasetSpec("efficiency-frames", build_frames, _CARDS / "efficiency-frames.yaml", _TASKS),
    )


@hookimpl
def lamcore_reports() -> Sequence[ReportSpec]:
    """Scaling, throughput, memory and hardware of efficiency runs."""
    return (ReportSpec(name="efficiency", task="efficiency", sections=_sections),)
