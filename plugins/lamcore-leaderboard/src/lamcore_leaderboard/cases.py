"""What each case of an item came to for each model: errors, failures, predictions against labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lamcore.text import format_number
from lamcore_leaderboard.names import Slugs

if TYPE_CHECKING:
    from lamcore.results import RunSummary
    from lamcore.task import Contributions, Metric
    from lamcore_leaderboard.entries import Item, Row

MOST_DRAWN = 800
"""Cases of a run that are drawn at most."""
MOST_LISTED = 12
"""Worst cases that are listed at most."""
MOST_FAILED = 200
"""Failed cases that are listed at most."""


@dataclass(frozen=True)
class CaseValues:
    """A metric case by case for one model.

    Attributes:
        row: The model's.
        metric: As its run has it.
        values: What each case would make the metric alone, in its unit, by case id; failed cases are not among them.
        failed: Cases that failed.
        pairs: Label and prediction by case id, where the metric compares with one number.
    """

    row: Row
    metric: Metric
    values: Mapping[str, float]
    failed: frozenset[str]
    pairs: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class WorstCase:
    """A case with the value that each model has on it, by the row's slug; `failed` where it failed."""

    case_id: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class MetricView:
    """A metric of an item over all models that share a context.

    Attributes:
        slug: Unique on the item's page.
        name: Of the metric.
        unit: Of the metric.
        direction: Whether lower or higher is better.
        context: What its values share, such as the hardware.
        dummy: What the dummy gets.
        models: Rows and their runs' metric, in the order of the rows.
        cases: Case by case, for the models whose run tells.
        dummy_values: What each case would make the dummy's metric alone, by case id.
        worst: The cases that models do worst on, by the mean over models.
    """

    slug: str
    name: str
    unit: str
    direction: Literal["lower", "higher"]
    context: str
    dummy: float | None
    models: Sequence[tuple[Row, Metric]]
    cases: Sequence[CaseValues]
    dummy_values: Mapping[str, float]
    worst: Sequence[WorstCase]

    @property
    def varies(self) -> bool:
        """Whether single cases tell more than the metric: not so for yes-or-no scores."""
        return any(value not in (0.0, 1.0) for one in self.cases for value in one.values.values())


@dataclass(frozen=True)
class FailureMatrix:
    """Who failed where.

    Attributes:
        rows: Models with a run.
        cases: Cases that failed for some model, those that failed for most models first.
        reasons: Why, by case id and the row's slug.
        n_more: Cases that failed and are not listed.
    """

    rows: Sequence[Row]
    cases: Sequence[str]
    reasons: Mapping[str, Mapping[str, str]]
    n_more: int


def metric_views(item: Item) -> list[MetricView]:
    """Every metric of an item's runs, one view for each context."""
    slugs = Slugs()
    groups: dict[tuple[str, str], list[tuple[Row, RunSummary]]] = {}
    for row, run in item.runs:
        for name, metric in run.metrics.items():
            groups.setdefault((name, metric.context), []).append((row, run))
    # A run that failed as a whole does not tell the context of its metrics: it belongs into no column of its own.
    told = {name for (name, context), members in groups.items() if context and _has_value(name, members)}
    return [
        _view(name, context, members, slugs(name))
        for (name, context), members in groups.items()
        if name not in told or _has_value(name, members)
    ]


def _has_value(name: str, members: Sequence[tuple[Row, RunSummary]]) -> bool:
    return any(run.metrics[name].value is not None for _, run in members)


def failure_matrix(item: Item) -> FailureMatrix:
    """The cases that failed for at least one model."""
    reasons: dict[str, dict[str, str]] = {}
    for row, run in item.runs:
        for case_id, why in run.failures.items():
            reasons.setdefault(case_id, {})[row.slug] = why
    ordered = sorted(reasons, key=lambda case_id: (-len(reasons[case_id]), case_id))
    listed = ordered[:MOST_FAILED]
    return FailureMatrix([row for row, _ in item.runs], listed, reasons, len(ordered) - len(listed))


def drawn(values: Mapping[str, float]) -> dict[str, float]:
    """The cases to draw: all of a few, else evenly spaced by value from the lowest to the highest."""
    if len(values) <= MOST_DRAWN:
        return dict(values)
    ordered = sorted(values.items(), key=lambda pair: pair[1])
    step = (len(ordered) - 1) / (MOST_DRAWN - 1)
    return dict(ordered[round(index * step)] for index in range(MOST_DRAWN))


def _view(name: str, context: str, members: Sequence[tuple[Row, RunSummary]], slug: str) -> MetricView:
    metric = members[0][1].metrics[name]
    known = [one for row, run in members if (one := _case_values(row, run, run.metrics[name])) is not None]
    made_of = next((run.metrics[name].contributions for _, run in members if run.metrics[name].contributions), None)
    dummy_values: dict[str, float] = {}
    if made_of is not None and made_of.dummy_totals is not None and made_of.dummy_weights is not None:
        dummy_values = _alone(made_of, made_of.dummy_totals, made_of.dummy_weights)
    return MetricView(
        slug=slug,
        name=name,
        unit=metric.unit,
        direction=metric.direction,
        context=context,
        dummy=metric.dummy,
        models=[(row, run.metrics[name]) for row, run in members],
        cases=known,
        dummy_values=dummy_values,
        worst=_worst(known, metric.direction),
    )


def _case_values(row: Row, run: RunSummary, metric: Metric) -> CaseValues | None:
    made_of = metric.contributions
    if made_of is None:
        return None
    failed = frozenset(case_id for case_id in made_of.case_ids if case_id in run.failures)
    alone = _alone(made_of, made_of.totals, made_of.weights)
    pairs = {}
    if made_of.labels is not None and made_of.errors is not None:
        for case_id, label, error in zip(made_of.case_ids, made_of.labels, made_of.errors, strict=True):
            if error is None:
                failed |= {case_id}
            else:
                pairs[case_id] = (label, label + error)
    values = {case_id: value for case_id, value in alone.items() if case_id not in failed}
    return CaseValues(row, metric, values, failed, pairs)


def _alone(made_of: Contributions, totals: Sequence[float], weights: Sequence[float]) -> dict[str, float]:
    """What each case would make the metric if there were no other, by case id."""
    values = {}
    for case_id, total, weight in zip(made_of.case_ids, totals, weights, strict=True):
        if weight:
            mean = total / weight
            values[case_id] = math.sqrt(max(mean, 0.0)) if made_of.root else mean
    return values


def _worst(cases: Sequence[CaseValues], direction: str) -> list[WorstCase]:
    """Those with the worst mean over the models that could compute them."""
    by_case: dict[str, list[float]] = {}
    for one in cases:
        for case_id, value in one.values.items():
            by_case.setdefault(case_id, []).append(value)
    sign = -1 if direction == "lower" else 1
    ordered = sorted(by_case, key=lambda case_id: sign * sum(by_case[case_id]) / len(by_case[case_id]))

    def shown(one: CaseValues, case_id: str) -> str:
        return "failed" if case_id in one.failed else format_number(one.values.get(case_id))

    return [
        WorstCase(case_id, {one.row.slug: shown(one, case_id) for one in cases}) for case_id in ordered[:MOST_LISTED]
    ]
