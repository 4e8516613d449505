"""Stability of molecular dynamics at constant energy as a lamcore task, with structures to try it on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lamcore import Dataset, DatasetSpec, ReportSpec, Task, TaskSpec, hookimpl

if TYPE_CHECKING:
    from lamcore.report import RunView, Section

LAMCORE_API = 1

_CARDS = Path(__file__).parent / "cards"
_TASKS = ("nve",)


def build_task(
    protocol: Literal["default", "lambench"] = "default",
    timestep_fs: float = 1.0,
    n_steps: int = 10000,
    temperature_k: float = 300.0,
    seed: int = 0,
    sample_every: int | None = None,
    discard: float = 0.2,
    reversal_steps: int = 100,
    tolerance_ev_per_atom_ps: float | None = None,
    wall_time_s: float | None = None,
    force_limit: float = 1e4,
    max_temperature_k: float = 50000.0,
    lost_beyond_ang: float | None = 8.0,
) -> Task:
    """Energy drift, noise, momentum and time reversal of molecular dynamics at constant energy.

    Args:
        protocol: `default`, or `lambench` for numbers to be compared with LAMBench's, which fixes all of the following
            but reversal_steps and wall_time_s.
        timestep_fs: Time step, fs.
        n_steps: Steps of a trajectory.
        temperature_k: Temperature that the momenta begin at, K.
        seed: Of the momenta; each case makes its own from it.
        sample_every: Steps from one sample of the energy to the next; a thousandth of n_steps unless given.
        discard: Share of the steps, at the start, that the drift is not taken from.
        reversal_steps: Steps forward and back again in the test of time reversal; 0 for none.
        tolerance_ev_per_atom_ps: Drift that counts as none, eV/atom/ps; LAMBench's, 4.911e-5, unless given.
        wall_time_s: Seconds on the clock that a trajectory may take with all that run beside it; no limit unless given.
        force_limit: A longer force on an atom, eV/Å, is an explosion.
        max_temperature_k: A higher temperature, K, is an explosion.
        lost_beyond_ang: An atom farther than this from all others, Å, is lost; null lets atoms go where they like.
    """
    from lamcore_md.settings import NveSettings
    from lamcore_md.stability import TOLERANCE_EV_PER_ATOM_PS
    from lamcore_md.task import NveTask

    return NveTask(
        NveSettings(
            protocol=protocol,
            timestep_fs=timestep_fs,
            n_steps=n_steps,
            temperature_k=temperature_k,
            seed=seed,
            sample_every=sample_every,
            discard=discard,
            reversal_steps=reversal_steps,
            tolerance_ev_per_atom_ps=(
                TOLERANCE_EV_PER_ATOM_PS if tolerance_ev_per_atom_ps is None else tolerance_ev_per_atom_ps
            ),
            wall_time_s=wall_time_s,
            force_limit=force_limit,
            max_temperature_k=max_temperature_k,
            lost_beyond_ang=lost_beyond_ang,
        )
    )


def build_nine_systems(replicas: int = 1) -> Dataset:
    """Three molecules, two metals, two ionic crystals, a covalent one and a slab, in the package.

    Args:
        replicas: Trajectories of each structure, with different momenta.
    """
    from lamcore_md.datasets.nine_systems import NineSystems

    return NineSystems(replicas)


def build_structures(path: Path | None = None, replicas: int = 1) -> Dataset:
    """Structures of your own: any file that ASE reads, or a folder of such files.

    Args:
        path: The file or the folder.
        replicas: Trajectories of each structure, with different momenta.
    """
    from lamcore_md.datasets.structures import Structures

    return Structures(path, replicas)


def _sections(view: RunView) -> Sequence[Section]:
    from lamcore_md.report import sections

    return sections(view)


@hookimpl
def lamcore_tasks() -> Sequence[TaskSpec]:
    """The task `nve`."""
    return (TaskSpec(name="nve", build=build_task, card=_CARDS / "task.yaml", dataset="nine-systems"),)


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """Structures in the package, and those of the user."""
    return (
        DatasetSpec("nine-systems", build_nine_systems, _CARDS / "nine-systems.yaml", _TASKS),
        DatasetSpec("structures", build_structures, _CARDS / "structures.yaml", _TASKS),
    )


@hookimpl
def lamcore_reports() -> Sequence[ReportSpec]:
    """Traces of the energy, drifts and how trajectories ended."""
    return (ReportSpec("nve", "nve", _sections),)
