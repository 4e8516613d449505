"""From scores of cases to metrics with a baseline and an interval.

Every function counts failed cases: a case that could not be computed, or whose score is missing or not finite, enters
at what the dummy would get on it. The dummy is a model that looks at no structure: it answers
the mean of the labels of the run, or what a task gives it.

Imputing at the dummy's error means that to fail never pays on a case where the model beats the dummy. It can pay on a
case where the model is worse than the dummy, which is why `n_failed` stands beside every metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

from lamcore.resampling import BOOTSTRAP_SEED
from lamcore.task import Contributions, Metric, ScoredCase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcore.cases import Case

Direction = Literal["lower", "higher"]
Failures = Literal["dummy", "excluded"]

_RESAMPLES = 4999
_CONFIDENCE = 0.95
_BATCH_ELEMENTS = 200_000


def mean_absolute_error(
    scored: Sequence[ScoredCase],
    *,
    name: str,
    error: str,
    label: str,
    unit: str,
    failures: Failures = "dummy",
    groups: Mapping[str, str] | None = None,
) -> Metric:
    """Mean of |prediction − reference| over the cases that have the label.

    Args:
        scored: All cases of the run, failed ones included.
        name: Of the metric.
        error: The key in `scores` that holds prediction − reference, in `unit`.
        label: The key in `case.reference`. Cases without it, or with None or a value that is not finite, do not count.
        unit: Of error and label.
        failures: `dummy` counts a failed case at |label − mean of all labels|; `excluded` leaves it out of the mean,
            as some published benchmarks do, and says so in the note.
        groups: What cases belong to that depend on one another, such as frames of a trajectory, by case id; whole
            groups are resampled.
    """
    metric = _mean(scored, name, error, unit, dummy_errors(scored, label), "lower", failures, groups, abs)
    return _with_labels(metric, scored, error, label)


def root_mean_square_error(
    scored: Sequence[ScoredCase],
    *,
    name: str,
    error: str,
    label: str,
    unit: str,
    failures: Failures = "dummy",
    groups: Mapping[str, str] | None = None,
) -> Metric:
    """Square root of the mean of (prediction − reference)²; arguments as for `mean_absolute_error`."""
    metric = _mean(
        scored, name, error, unit, dummy_errors(scored, label), "lower", failures, groups, _square, root=True
    )
    return _with_labels(metric, scored, error, label)


def mean_score(
    scored: Sequence[ScoredCase],
    *,
    name: str,
    score: str,
    unit: str,
    dummy: Mapping[str, float],
    direction: Direction = "lower",
    failures: Failures = "dummy",
    groups: Mapping[str, str] | None = None,
) -> Metric:
    """Mean of a score that is not the difference to one label.

    Args:
        scored: All cases of the run, failed ones included.
        name: Of the metric.
        score: The key in `scores`.
        unit: Of the score.
        dummy: What the dummy gets on each case, by case id. Cases that are not in it do not count.
        direction: Whether lower or higher is better.
        failures: As for `mean_absolute_error`.
        groups: As for `mean_absolute_error`.
    """
    return _mean(scored, name, score, unit, dummy, direction, failures, groups, _identity)


def pooled_mean(
    scored: Sequence[ScoredCase],
    *,
    name: str,
    total: str,
    weight: str,
    unit: str,
    dummy: Mapping[str, tuple[float, float]],
    root: bool = False,
    direction: Direction = "lower",
    failures: Failures = "dummy",
    groups: Mapping[str, str] | None = None,
) -> Metric:
    """Mean over parts of cases, such as force components, that cases have different numbers of.

    Args:
        scored: All cases of the run, failed ones included.
        name: Of the metric.
        total: The key in `scores` that holds the sum over the parts of the case.
        weight: The key in `scores` that holds their number.
        unit: Of the metric.
        dummy: Sum and number that the dummy has on each case, by case id. Cases that are not in it do not count.
        root: Whether the metric is the square root of the mean.
        direction: Whether lower or higher is better.
        failures: As for `mean_absolute_error`.
        groups: As for `mean_absolute_error`.
    """

    def parts(case: ScoredCase) -> tuple[float, float] | None:
        scores = case.scores or {}
        parts = _finite(scores.get(total)), _finite(scores.get(weight))
        return None if parts[0] is None or parts[1] is None else (parts[0], parts[1])

    return _metric(scored, name, parts, unit, dummy, direction, failures, groups, root)


def proportion(
    scored: Sequence[ScoredCase],
    *,
    name: str,
    success: Callable[[ScoredCase], bool | None],
    note: str = "",
    dummy: float | None = None,
    direction: Direction = "higher",
) -> Metric:
    """The share of cases for which something holds, with its Wilson interval.

    Args:
        scored: All cases of the run, failed ones included.
        name: Of the metric.
        success: Called for every case, failed ones too (their `scores` is None), for which it should return False.
            None means that the case cannot be judged and does not count; let that depend on the case alone (it has no
            label), never on what the model said.
        note: How failed cases enter.
        dummy: The share that the dummy reaches, if that has a meaning.
        direction: Whether lower or higher is better.

    Source:
        E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927), doi:10.1080/01621459.1927.10502953.
    """
    judged = [(case, verdict) for case in scored if (verdict := success(case)) is not None]
    n = len(judged)
    n_success = sum(bool(verdict) for _, verdict in judged)
    interval = None
    if n >= 2:
        low, high = stats.binomtest(n_success, n).proportion_ci(confidence_level=_CONFIDENCE, method="wilson")
        interval = (float(low), float(high))
    return Metric(
        name=name,
        value=n_success / n if n else None,
        unit="1",
        direction=direction,
        dummy=dummy,
        interval=interval,
        n=n,
        n_failed=sum(case.scores is None or case.failure is not None for case, _ in judged),
        note=note,
        contributions=Contributions(
            case_ids=tuple(case.case.id for case, _ in judged),
            totals=tuple(float(bool(verdict)) for _, verdict in judged),
            weights=(1.0,) * n,
        ),
    )


def success_rate(scored: Sequence[ScoredCase]) -> Metric:
    """The share of cases that did not fail."""
    return proportion(
        scored,
        name="success_rate",
        success=lambda case: case.scores is not None,
        note="a failed case is an unsuccessful one",
    )


def label_of(case: Case, label: str) -> float | None:
    """The label of a case; None where it is missing, None or not finite."""
    return _finite(case.reference.get(label))


def dummy_errors(scored: Sequence[ScoredCase], label: str) -> dict[str, float]:
    """The error, mean of all labels − label, that the dummy makes on each case that has the label, by case id."""
    labels = {case.case.id: value for case in scored if (value := label_of(case.case, label)) is not None}
    if not labels:
        return {}
    mean = math.fsum(labels.values()) / len(labels)
    return {case_id: mean - value for case_id, value in labels.items()}


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % confidence interval of the mean of independent values.

    Bias-corrected and accelerated bootstrap with a fixed seed; the order of the values does not matter. The ends fall
    together where all values are the same.

    Args:
        values: One for each case.

    Returns:
        Lower and upper end; None for fewer than two values.

    Source:
        B. Efron, J. Am. Stat. Assoc. 82, 171 (1987), doi:10.1080/01621459.1987.10478410.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if len(ordered) < 2:
        return None
    largest = float(np.max(np.abs(ordered)))
    # Values that differ by rounding alone have no spread to resample.
    if np.ptp(ordered) <= 1e-12 * largest:
        return float(ordered[0]), float(ordered[-1])
    result = stats.bootstrap(
        (ordered / largest,),  # the acceleration takes cubes, which overflow early
        np.mean,
        vectorized=True,
        n_resamples=_RESAMPLES,
        batch=max(1, _BATCH_ELEMENTS // len(ordered)),
        confidence_level=_CONFIDENCE,
        method="BCa",
        rng=np.random.default_rng(BOOTSTRAP_SEED),
    )
    low, high = (float(end) for end in result.confidence_interval)
    return low * largest, high * largest


def _mean(
    scored: Sequence[ScoredCase],
    name: str,
    score: str,
    unit: str,
    dummy: Mapping[str, float],
    direction: Direction,
    failures: Failures,
    groups: Mapping[str, str] | None,
    inner: Callable[[float], float],
    root: bool = False,
) -> Metric:
    """The mean of inner(score), each case with weight 1."""

    def parts(case: ScoredCase) -> tuple[float, float] | None:
        value = None if case.scores is None else _finite(case.scores.get(score))
        return None if value is None else (inner(value), 1.0)

    dummies = {case_id: (inner(value), 1.0) for case_id, value in dummy.items()}
    return _metric(scored, name, parts, unit, dummies, direction, failures, groups, root)


def _with_labels(metric: Metric, scored: Sequence[ScoredCase], error: str, label: str) -> Metric:
    """A metric that also keeps what its cases were compared with, so that predictions can be drawn against labels."""
    assert metric.contributions is not None
    by_id = {case.case.id: case for case in scored}
    counted = [by_id[case_id] for case_id in metric.contributions.case_ids]
    labels = [label_of(case.case, label) for case in counted]
    return replace(
        metric,
        contributions=replace(
            metric.contributions,
            labels=tuple(value for value in labels if value is not None),
            errors=tuple(None if case.scores is None else _finite(case.scores.get(error)) for case in counted),
        ),
    )


def _metric(
    scored: Sequence[ScoredCase],
    name: str,
    parts: Callable[[ScoredCase], tuple[float, float] | None],
    unit: str,
    dummy: Mapping[str, tuple[float, float]],
    direction: Direction,
    failures: Failures,
    groups: Mapping[str, str] | None,
    root: bool,
) -> Metric:
    """Σ totals / Σ weights over the cases that the dummy has, with failed cases at the dummy's."""
    if failures not in ("dummy", "excluded"):
        raise ValueError(f"metric {name!r}: failures is {failures!r}, expected 'dummy' or 'excluded'")
    ids, values, dummies = [], [], []
    n = n_failed = 0
    for case in scored:
        case_id = case.case.id
        if case_id not in dummy:
            continue
        n += 1
        value = parts(case)
        n_failed += value is None
        if value is None and failures == "excluded":
            continue
        ids.append(case_id)
        values.append(dummy[case_id] if value is None else value)
        dummies.append(dummy[case_id])
    contributions = Contributions(
        case_ids=tuple(ids),
        totals=tuple(total for total, _ in values),
        weights=tuple(weight for _, weight in values),
        dummy_totals=tuple(total for total, _ in dummies),
        dummy_weights=tuple(weight for _, weight in dummies),
        root=root,
        groups=None if groups is None else tuple(groups[case_id] for case_id in ids),
    )
    everywhere = [dummy[case.case.id] for case in scored if case.case.id in dummy]
    return Metric(
        name=name,
        value=_ratio(values, root),
        unit=unit,
        direction=direction,
        dummy=_ratio(everywhere, root),
        interval=_interval(contributions),
        n=n,
        n_failed=n_failed,
        note=(
            f"mean over the {n - n_failed} cases that did not fail"
            if failures == "excluded"
            else "failed cases count at the dummy's error"
        ),
        contributions=contributions,
    )


def _ratio(parts: Sequence[tuple[float, float]], root: bool) -> float | None:
    weight = math.fsum(weight for _, weight in parts)
    if not weight:
        return None
    mean = math.fsum(total for total, _ in parts) / weight
    return math.sqrt(mean) if root else mean


def _interval(contributions: Contributions) -> tuple[float, float] | None:
    """The bootstrap interval of a metric; groups are resampled whole."""
    totals, weights = np.asarray(contributions.totals), np.asarray(contributions.weights)
    if contributions.groups is not None:
        _, group_of = np.unique(contributions.groups, return_inverse=True)
        totals, weights = np.bincount(group_of, totals), np.bincount(group_of, weights)
    totals, weights = totals[weights != 0], weights[weights != 0]
    if len(weights) < 2:
        return None
    interval = bootstrap_interval(totals / weights) if np.ptp(weights) == 0 else _ratio_interval(totals, weights)
    if interval is None or not contributions.root:
        return interval
    return math.sqrt(max(interval[0], 0.0)), math.sqrt(max(interval[1], 0.0))


def _ratio_interval(totals: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of Σ totals / Σ weights over resampled pairs, bias-corrected and accelerated."""
    ratios = totals / weights
    largest = float(np.max(np.abs(ratios)))
    if np.ptp(ratios) <= 1e-12 * largest:
        return float(ratios.min()), float(ratios.max())
    order = np.lexsort((weights, totals))
    result = stats.bootstrap(
        (totals[order] / largest, weights[order]),
        lambda total, weight, axis: np.sum(total, axis=axis) / np.sum(weight, axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=_RESAMPLES,
        batch=max(1, _BATCH_ELEMENTS // len(totals)),
        confidence_level=_CONFIDENCE,
        method="BCa",
        rng=np.random.default_rng(BOOTSTRAP_SEED),
    )
    low, high = (float(end) * largest for end in result.confidence_interval)
    return low, high


def _finite(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _identity(value: float) -> float:
    return value


def _square(value: float) -> float:
    return value * value
