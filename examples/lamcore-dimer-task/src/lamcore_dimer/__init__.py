"""Bond lengths of diatomic molecules: a lamcore task and its dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lamcore import DatasetSpec, TaskSpec, hookimpl
from lamcore_dimer.dataset import Dimers
from lamcore_dimer.task import DimerTask

_HERE = Path(__file__).parent


@hookimpl
def lamcore_tasks() -> Sequence[TaskSpec]:
    """Offer `task=dimer`."""
    return [TaskSpec("dimer", DimerTask, _HERE / "task.yaml", dataset="dimers")]


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """Offer `dataset=dimers`."""
    return [DatasetSpec("dimers", Dimers, _HERE / "dataset.yaml", tasks=("dimer",))]
