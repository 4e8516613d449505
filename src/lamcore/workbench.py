"""One process's share of a run: the model and the task, each built once, and cases calculated together on them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamcore.adapters import as_model
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Outcome
from lamcore.errors import CaseError, ConfigError
from lamcore.records import Failure, Record

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

    Raises:
        ConfigError: The model does not give what the task needs.
    """

    def __init__(self, selection: Selection) -> None:
        self.counters = Counters(model_builds=1)
        self._task: Task = selection.task.build()
        started = time.perf_counter()
        model = as_model(selection.model.build(), selection.model.name)
        self.counters.build_seconds += time.perf_counter() - started
        if missing := self._task.needs - model.properties:
            raise ConfigError(
                f"task {selection.task.name!r} needs {', '.join(sorted(missing))}, which model "
                f"{selection.model.name!r} does not give; it gives {', '.join(sorted(model.properties))}"
            )
        self.facts = ComputeFacts(model.device, model.dtype, _n_threads())
        limits = BatchLimits(selection.batch["max_atoms"])
        self._hub = Hub(model, limits, self.counters, selection.batch["max_cases"])

    def calculate(self, cases: Sequence[Case], attempts: Mapping[str, int]) -> Iterator[Record]:
        """Calculate cases together; each gives one record, as it is ready.

        Args:
            cases: The cases.
            attempts: The number of this try, by case id.
        """
        for outcome in self._hub.run(self._job(case) for case in cases):
            case = cases[outcome.index]
            yield _record(case.id, outcome, attempts.get(case.id, 1))

    def _job(self, case: Case) -> Callable[[Model], Mapping[str, Any]]:
        def job(model: Model) -> Mapping[str, Any]:
            return self._task.calculate(case, model)

        return job


def _record(case_id: str, outcome: Outcome[Mapping[str, Any]], attempt: int) -> Record:
    if outcome.error is not None:
        structure = outcome.error.structure if isinstance(outcome.error, CaseError) else None
        return Record.failed(case_id, Failure.of(outcome.error, structure), outcome.seconds, attempt)
    assert outcome.output is not None
    return Record.done(case_id, outcome.output, outcome.seconds, attempt)


def _n_threads() -> int:
    """Threads that a computation of this process may use, as the loaded libraries see it."""
    if "torch" in sys.modules:
        return int(sys.modules["torch"].get_num_threads())
    return int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count() or 1
