"""The task contract: expensive physics apart from cheap scoring."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.model import Model


@dataclass(frozen=True, slots=True)
class ScoredCase:
    """A case with its scores, or with the reason why it has none.

    Attributes:
        case: The case.
        scores: What `Task.score` returned; None where there is no output to score.
        failure: Why the case failed; None when it did not. Both are there where the output itself is the failure
            (`Task.failure`).
    """

    case: Case
    scores: Mapping[str, Any] | None
    failure: str | None = None


@dataclass(frozen=True)
class Contributions:
    """What each case adds to a metric, so that it can be resampled and compared between models case by case.

    The metric is Σ totals / Σ weights, or the square root of that.

    Attributes:
        case_ids: The cases that count, failed ones included, in the dataset's order.
        totals: What each adds to the numerator.
        weights: What each adds to the denominator.
        dummy_totals: The same for the dummy; None where it has none.
        dummy_weights: The same for the dummy; None where it has none.
        root: Whether the metric is the square root.
        groups: What each belongs to, where cases depend on one another, such as frames of a trajectory.
        labels: The label of each, where the metric compares with one number, in the metric's unit.
        errors: Prediction − label of each, with None where there is no prediction; as for labels.
    """

    case_ids: tuple[str, ...]
    totals: tuple[float, ...]
    weights: tuple[float, ...]
    dummy_totals: tuple[float, ...] | None = None
    dummy_weights: tuple[float, ...] | None = None
    root: bool = False
    groups: tuple[str, ...] | None = None
    labels: tuple[float, ...] | None = None
    errors: tuple[float | None, ...] | None = None


@dataclass(frozen=True)
class Metric:
    """One number of a run's summary.

    Attributes:
        name: Such as `mae_max_frequency`.
        value: In `unit`; None when it cannot be told from these cases.
        unit: Such as `K`; `1` for a pure number.
        direction: Whether lower or higher values are better.
        dummy: What a model that looks at no structure would get, which answers the mean of the labels unless the note
            says otherwise; None where that has no meaning.
        interval: 95 % confidence interval over cases; None with fewer than two cases.
        n: Cases that the metric is about, failed ones included.
        n_failed: Failed cases among them.
        note: How failed cases enter.
        context: What must be the same where two values of the metric are compared, such as the hardware.
        contributions: What it is made of, where it is a mean over cases.
    """

    name: str
    value: float | None
    unit: str
    direction: Literal["lower", "higher"]
    dummy: float | None
    interval: tuple[float, float] | None
    n: int
    n_failed: int
    note: str = ""
    context: str = ""
    contributions: Contributions | None = field(default=None, repr=False, compare=False)


class Task(ABC):
    """A measurement: what to compute for a case, how to score it, how to sum up the scores.

    `calculate` is ordinary sequential code; the core runs many cases at once and merges what they ask of the model.

    Attributes:
        needs: The properties that a model must give.
        alone: Whether its cases are calculated one at a time, so that what it measures of the model is not mixed with
            what other cases ask.
        depends_on_machine: Whether its numbers depend on the machine, as times do. A run of such a task on another
            machine is another run.
    """

    needs: frozenset[str] = frozenset(("energy", "forces"))
    alone: bool = False
    depends_on_machine: bool = False

    @abstractmethod
    def calculate(self, case: Case, model: Model) -> Mapping[str, Any]:
        """The expensive physics of one case.

        Returns:
            JSON values and NumPy arrays, all finite, each named with its unit. Stored, and never computed again.

        Raises:
            Exception: Whatever is raised fails this case alone.
        """

    @abstractmethod
    def score(self, case: Case, output: Mapping[str, Any]) -> Mapping[str, Any]:
        """Compare the output of one case with its reference: cheap, pure and repeatable.

        Args:
            case: The case.
            output: What `calculate` returned, as read back from the records (arrays as NumPy arrays).
        """

    def failure(self, scores: Mapping[str, Any]) -> str | None:
        """Why a case counts as failed although it has scores; None, the default, where it does not.

        For outputs that are worth keeping and are a failure of the model, such as a trajectory that blew up. The case
        is listed among the failed ones and the exit status tells of it; its record is done and not tried again.
        """
        return None

    def perfect_output(self, case: Case) -> Mapping[str, Any] | None:
        """What `calculate` would return for a model that is the reference itself.

        The conformance kit scores it and expects no error. None, the default, where the labels do not determine it.
        """
        return None

    @abstractmethod
    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """Sum up the scores of all cases, failed ones included."""
