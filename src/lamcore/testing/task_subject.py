"""A task under test: its cases, a model to calculate with, and models that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.cards import TaskCard, load_card
from lamcore.errors import BadOutputError, CaseError
from lamcore.model import Model, Prediction
from lamcore.records import Failure, Record

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.cases import Case
    from lamcore.config import Choice
    from lamcore.task import Task


class TaskSubject:
    """A task with the first cases of its own dataset.

    Args:
        choice: The task and its options.
        model: Calculates.
        n_cases: How many cases to take, at least two.
        cases: Cases to take instead.

    Attributes:
        dataset: Where the cases come from; None where they were given.
    """

    def __init__(self, choice: Choice, model: Model, n_cases: int = 2, cases: Sequence[Case] | None = None) -> None:
        from lamcore.testing.check import choose

        self.choice = choice
        self.card = load_card(choice.offer.spec.card, TaskCard)
        self.task: Task = choice.build()
        self.model = model
        self.dataset: Choice | None = None
        if cases is None:
            self.dataset = choose("dataset", choice.offer.spec.dataset)
            cases = list(islice(self.dataset.build().cases(), max(2, n_cases)))
        self.cases = list(cases)

    @cached_property
    def together(self) -> dict[str, Record]:
        """What becomes of each case when all are calculated together with the model, by id."""
        return {record.case_id: record for record in self.run(self.model)}

    @property
    def outputs(self) -> dict[str, Mapping[str, Any]]:
        """The outputs of the cases that did not fail, by id."""
        return {name: record.output for name, record in self.together.items() if record.output is not None}

    @property
    def why_none(self) -> str:
        """Why there are no outputs."""
        reasons = {record.failure.message.splitlines()[0] for record in self.together.values() if record.failure}
        return f"every case fails with {type(self.model).__name__}: {'; '.join(sorted(reasons))}; choose another model"

    def run(
        self,
        model: Model,
        max_cases: int = 256,
        max_atoms: int | None = None,
        cases: Sequence[Case] | None = None,
        shown: Callable[[Case, Model], Model] | None = None,
    ) -> Iterator[Record]:
        """Calculate cases as a run does; each gives one record.

        Args:
            model: Calculates.
            max_cases: How many are under way at once.
            max_atoms: The size of a batch at most.
            cases: All if not given.
            shown: Turns the model into what a case gets to see of it.
        """
        chosen = self.cases if cases is None else cases

        def job(case: Case) -> Job[Mapping[str, Any]]:
            return Job(lambda asked: self.task.calculate(case, asked if shown is None else shown(case, asked)))

        hub = Hub(model, BatchLimits(max_atoms), Counters(), max_cases)
        for outcome in hub.run(job(case) for case in chosen):
            case_id = chosen[outcome.index].id
            if outcome.error is not None:
                structure = outcome.error.structure if isinstance(outcome.error, CaseError) else None
                yield Record.failed(case_id, Failure.of(outcome.error, structure), outcome.seconds)
            elif not isinstance(outcome.output, Mapping):
                wrong = BadOutputError(f"calculate returned a {type(outcome.output).__name__}, expected a mapping")
                yield Record.failed(case_id, Failure.of(wrong), outcome.seconds)
            else:
                yield Record.done(case_id, outcome.output, outcome.seconds)


class Wrapped(Model):
    """Another model, as the wrappers here show it."""

    def __init__(self, inner: Model, properties: frozenset[str] | None = None) -> None:
        self.inner = inner
        self.scope = inner.scope
        self.properties = inner.properties if properties is None else properties
        self.cutoff_ang = inner.cutoff_ang
        self.device = inner.device
        self.dtype = inner.dtype
        self.conservative = inner.conservative

    @property
    def graph_seconds(self) -> float | None:
        """What the other model says."""
        return self.inner.graph_seconds

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """What the other model says."""
        return self.inner.evaluate(structures)

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """What the other model says, where the properties hold descriptors."""
        if "descriptors" not in self.properties:
            return super().descriptors(structures)
        return self.inner.descriptors(structures)


class RaisingModel(Wrapped):
    """Raises whatever it is asked."""

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Raise.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("this model always raises")

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """Raise.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("this model always raises")


class NanModel(Wrapped):
    """Answers with values that are not numbers."""

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Predictions of the right shape without a number in them."""
        return [Prediction(np.nan, np.full((len(atoms), 3), np.nan), np.full(6, np.nan)) for atoms in structures]

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """Descriptors of the right shape without a number in them."""
        return [np.full((len(atoms), 4), np.nan) for atoms in structures]


class OnlyModel(Wrapped):
    """Gives no more than some properties: no stress, no descriptors, forces that are zero."""

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Predictions without what is left out."""
        return [
            Prediction(
                prediction.energy,
                prediction.forces if "forces" in self.properties else np.zeros_like(prediction.forces),
                prediction.stress if "stress" in self.properties else None,
            )
            for prediction in self.inner.evaluate(structures)
        ]
