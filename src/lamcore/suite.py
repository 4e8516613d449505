"""The suite contract: a versioned set of runs, and the formulas that turn their metrics into a leaderboard."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lamcore.results import RunSummary


@dataclass(frozen=True)
class SuiteItem:
    """One run of a suite, the same for every model.

    Attributes:
        key: Unique in the suite.
        title: For people.
        domain: What it belongs to, such as `Molecules`.
        task: Name of the task; empty where there is none that could be installed.
        dataset: Name of the dataset; empty as for the task.
        task_options: Options of the task that the suite fixes; the others are at their defaults.
        dataset_options: The same of the dataset; a path tells this item's runs from those of others by the content of
            its files.
        max_cases: How many cases of the dataset the suite takes; None for all.
        missing: Why it cannot be run with what the suite was given, such as data; empty where it can.
        obtain: How to get what it needs.
    """

    key: str
    title: str
    domain: str
    task: str
    dataset: str
    task_options: Mapping[str, Any] = field(default_factory=dict)
    dataset_options: Mapping[str, Any] = field(default_factory=dict)
    max_cases: int | None = None
    missing: str = ""
    obtain: str = ""


@dataclass(frozen=True)
class Headline:
    """One of the few numbers by which models are compared.

    Attributes:
        name: Such as `M_FF`.
        title: For people.
        unit: `1` for a pure number.
        direction: Whether lower or higher is better.
        formula: How it is made, in words and signs.
        decimals: Models are ranked by the value rounded to so many; None for all.
        dummy: Whether the dummy has one.
    """

    name: str
    title: str
    unit: str
    direction: Literal["lower", "higher"]
    formula: str
    decimals: int | None = None
    dummy: bool = True


@dataclass(frozen=True, eq=False)
class Score:
    """A headline's value for a model, or a part of it.

    Attributes:
        name: Of the headline, domain, item or metric.
        title: For people.
        value: None where it cannot be told.
        unit: `1` for a pure number.
        direction: Whether lower or higher is better.
        draws: The value on resampled cases, shape (N_DRAWS,), draw k of every model on the same cases; None where the
            suite gives no intervals.
        parts: What it is made of.
        note: Why there is no value, or what it leaves out.
        context: What values must share to be compared, such as the hardware.
    """

    name: str
    title: str
    value: float | None
    unit: str = "1"
    direction: Literal["lower", "higher"] = "lower"
    draws: NDArray[np.float64] | None = None
    parts: tuple[Score, ...] = ()
    note: str = ""
    context: str = ""

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval over resampled cases."""
        from lamcore.resampling import percentile_interval

        return None if self.draws is None or self.value is None else percentile_interval(self.draws)

    def plain(self) -> dict[str, Any]:
        """As JSON values, parts included, draws as the interval."""
        return {
            "name": self.name,
            "title": self.title,
            "value": self.value,
            "unit": self.unit,
            "direction": self.direction,
            "interval": self.interval,
            "note": self.note,
            "context": self.context,
            "parts": [part.plain() for part in self.parts],
        }


@dataclass(frozen=True)
class PublishedRow:
    """A model's headlines as somebody published them; not run again.

    Attributes:
        model: As published.
        values: By headline; the published figures, rounded as they are.
        domains: By headline and domain, where published.
        source: Where.
        url: Of the source.
        note: What a reader should know, such as hardware.
    """

    model: str
    values: Mapping[str, float]
    domains: Mapping[str, Mapping[str, float]]
    source: str
    url: str
    note: str = ""


class Suite(ABC):
    """A set of runs and the formulas over their metrics.

    Attributes:
        items: The runs.
        headlines: What is computed from them; models are sorted by the first, then the next.
    """

    items: Sequence[SuiteItem]
    headlines: Sequence[Headline]

    @abstractmethod
    def score(self, runs: Mapping[str, RunSummary]) -> Sequence[Score]:
        """The headlines of one model, in their order, each with its parts.

        Args:
            runs: The model's runs by item key; an item that was not run is not among them.
        """

    def published(self) -> Sequence[PublishedRow]:
        """Rows of others, on the same scale."""
        return ()
