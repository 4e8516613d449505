"""One process's share of a run: the model and the task, each built once, and cases calculated together on them."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.adapters import as_model
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job, Outcome
from lamcore.cores import usable_cores
from lamcore.errors import CaseError, ConfigError
from lamcore.hardware import n_threads
from lamcore.records import Failure, Record
from lamcore.stored_values import check_storable

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.config import Selection
    from lamcore.model import Model
    from lamcore.task import Task


@dataclass(frozen=True)
class ComputeFacts:
    """Where and how a model computed."""

    device: str
    dtype: str
    threads: int


class Workbench:
    """Calculates cases of one run in this process.

    Attributes:
        counters: What it cost so far.
        facts: Where and how the model computes.
        scope: Which structures the model covers.

    Raises:
        ConfigError: The model does not give what the task needs.
    """

    def __init__(self, selection: Selection) -> None:
        self.counters = Counters()
        self._task: Task = selection.task.build()
        started = time.perf_counter()
        self._model = model = build_model(selection)
        self._builds_counted = model.n_builds
        self.counters.model_builds += model.n_builds
        self.counters.build_seconds += time.perf_counter() - started
        if missing := self._task.needs - model.properties:
            raise ConfigError(
                f"task {selection.task.name!r} needs {', '.join(sorted(missing))}, which model "
                f"{selection.model.name!r} does not give; it gives {', '.join(sorted(model.properties))}"
            )
        self.scope = model.scope
        self.facts = ComputeFacts(model.device, model.dtype, n_threads())
        limits = BatchLimits(selection.batch["max_atoms"])
        self._hub = Hub(model, limits, self.counters, 1 if self._task.alone else selection.batch["max_cases"])

    def calculate(self, cases: Sequence[Case], attempts: Mapping[str, int]) -> Iterator[Record]:
        """Calculate cases together; each gives one record, as it is ready.

        Args:
            cases: The cases.
            attempts: The number of this try, by case id.
        """
        for outcome in self._hub.run(self._job(case) for case in cases):
            case = cases[outcome.index]
            self.counters.model_builds += self._model.n_builds - self._builds_counted
            self._builds_counted = self._model.n_builds
            yield _record(case.id, outcome, attempts.get(case.id, 1))

    def close(self) -> None:
        """End the processes that hold the model, if any."""
        self._model.close()

    def _job(self, case: Case) -> Job[Mapping[str, Any]]:
        def work(model: Model) -> Mapping[str, Any]:
            output = self._task.calculate(case, model)
            check_storable(output)
            return output

        seed = int.from_bytes(hashlib.sha256(case.id.encode()).digest()[:4])
        return Job(work, seed)


def build_model(selection: Selection) -> Model:
    """The model of a run: in this process, or in workers where the user or the model's environment wants that."""
    choice, way, remote = selection.model, selection.worker, selection.model_spec.remote
    if way.name == "none" and remote is None:
        return as_model(choice.build(), choice.name)
    from lamcore.worker.client import WorkerModel, WorkerPool, WorkerSettings

    count = way.options.get("count", 1)
    devices = way.options.get("devices") or [None] * count
    if way.options.get("devices") and "device" not in choice.offer.options():
        raise ConfigError(f"worker.devices: model {choice.name!r} has no option device; leave worker.devices out")
    settings = [
        WorkerSettings(
            model=choice.name,
            options=choice.options if device is None else {**choice.options, "device": device},
            python=Path(sys.executable) if remote is None else remote.python,
            timeout_s=way.options.get("timeout_s", 600.0),
            environment=_share_of_threads(len(devices)),
        )
        for device in devices
    ]
    return WorkerPool([WorkerModel(one) for one in settings])


def _share_of_threads(workers: int) -> dict[str, str]:
    """Each worker's numerical libraries use their share of the cores, unless the user has said otherwise."""
    if "OMP_NUM_THREADS" in os.environ:
        return {}
    return {"OMP_NUM_THREADS": str(max(1, usable_cores() // workers))}


def _record(case_id: str, outcome: Outcome[Mapping[str, Any]], attempt: int) -> Record:
    if outcome.error is not None:
        structure = outcome.error.structure if isinstance(outcome.error, CaseError) else None
        failure = Failure.of(outcome.error, structure)
        _let_go_of_frames(outcome.error)
        return Record.failed(case_id, failure, outcome.seconds, attempt)
    assert outcome.output is not None
    return Record.done(case_id, outcome.output, outcome.seconds, attempt)


def _let_go_of_frames(error: BaseException | None) -> None:
    """Drop the tracebacks of an exception and of what led to it.

    Frames that hold an exception whose traceback holds them are a cycle, in which the structures of a case, and of its
    neighbours in the batch, would stay until Python looks for cycles.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
