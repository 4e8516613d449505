"""The cases that a metric is about, and the metric made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lamcore import Metric, ScoredCase
from lamcore.task import Contributions

_LARGE_ATOMS = 1000
"""A structure with more atoms than this may turn out not to fit without being a failure."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class About:
    """The cases that a metric is about, and those of them that have what it needs."""

    cases: Sequence[ScoredCase]
    done: Sequence[ScoredCase]
    hardware: str

    @property
    def missing(self) -> list[str]:
        """Ids of the cases that lack what the metric needs."""
        have = {one.case.id for one in self.done}
        return [one.case.id for one in self.cases if one.case.id not in have]


def metric_about(
    name: str,
    unit: str,
    about: About,
    value: float | None,
    *,
    interval: Interval | None = None,
    direction: Literal["lower", "higher"] = "lower",
    note: str,
    contributions: Contributions | None = None,
) -> Metric:
    """A metric of these cases, with their hardware as its context."""
    return Metric(
        name=name,
        value=value,
        unit=unit,
        direction=direction,
        dummy=None,
        interval=interval,
        n=len(about.cases),
        n_failed=sum(one.scores is None or not one.scores.get("fits", True) for one in about.cases),
        note=f"{note}; on {about.hardware}" if about.hardware else note,
        context=about.hardware,
        contributions=contributions,
    )


def contributions_of(done: Sequence[ScoredCase], key: str) -> Contributions:
    """Each group weighs the same, whatever its number of cases."""
    groups = [group_of(one) for one in done]
    weights = tuple(1.0 / groups.count(group) for group in groups)
    values = [float(one.scores[key]) for one in done if one.scores]
    return Contributions(
        case_ids=tuple(one.case.id for one in done),
        totals=tuple(value * weight for value, weight in zip(values, weights, strict=True)),
        weights=weights,
        groups=tuple(groups),
    )


def by_group(done: Sequence[ScoredCase], key: str) -> dict[str, list[float]]:
    """The values of a score by group of cases."""
    values: dict[str, list[float]] = {}
    for one in done:
        assert one.scores is not None
        values.setdefault(group_of(one), []).append(float(one.scores[key]))
    return values


def group_of(one: ScoredCase) -> str:
    """The material or file that a case belongs to."""
    return str(one.case.settings.get("group", one.case.id))


def has(one: ScoredCase, key: str) -> bool:
    """Whether a case has a score."""
    return one.scores is not None and one.scores.get(key) is not None


def beyond(one: ScoredCase) -> bool:
    """Whether it is a large structure that turned out not to fit in memory."""
    return one.scores is not None and not one.scores.get("fits", True) and succeeded(one.scores)


def succeeded(scores: Mapping[str, Any]) -> bool:
    """Whether a structure fits in memory, or is so large that not to fit is a result."""
    return bool(scores.get("fits", True)) or scores["n_atoms"] > _LARGE_ATOMS


def why_none(about: About) -> str:
    """Why a metric has no value, in words."""
    if not about.cases:
        return "no case is for this"
    shown = ", ".join(about.missing[:3]) + (", …" if len(about.missing) > 3 else "")
    return f"no value, since these have none: {shown}"
