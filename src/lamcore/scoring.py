"""From scores of cases to metrics with a baseline and an interval.

Every function counts failed cases: a case that could not be computed, or whose score is missing or not finite, enters
at what the dummy would get on it. The dummy is a model that knows nothing but the mean of the labels of the run.

Imputing at the dummy's error means that to fail never pays on a case where the model beats the dummy. It can pay on a
case where the model is worse than the dummy, which is why `n_failed` stands beside every metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

from lamcore.task import Metric, ScoredCase

if TYPE_CHECKING:
    from lamcore.cases import Case

Direction = Literal["lower", "higher"]
Failures = Literal["dummy", "excluded"]

_RESAMPLES = 4999
BOOTSTRAP_SEED = 20240229
_CONFIDENCE = 0.95
_BATCH_ELEMENTS = 2_000_000


def mean_absolute_error(
    scored: Sequence[ScoredCase],
    *,
    name: str,
    error: str,
    label: str,
    unit: str,
    failures: Failures = "dummy",
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
    """
    dummy = dummy_errors(scored, label)
    return _mean_metric(scored, name, error, unit, dummy, "lower", failures, inner=abs, outer=_identity)


def root_mean_square_error(
    scored: Sequence[ScoredCase],
    *,
    name: str,
    error: str,
    label: str,
    unit: str,
    failures: Failures = "dummy",
) -> Metric:
    """Square root of the mean of (prediction − reference)²; arguments as for `mean_absolute_error`."""
    dummy = dummy_errors(scored, label)
    return _mean_metric(scored, name, error, unit, dummy, "lower", failures, inner=_square, outer=math.sqrt)


def mean_score(
    scored: Sequence[ScoredCase],
    *,
    name: str,
    score: str,
    unit: str,
    dummy: Mapping[str, float],
    direction: Direction = "lower",
    failures: Failures = "dummy",
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
    """
    return _mean_metric(scored, name, score, unit, dummy, direction, failures, inner=_identity, outer=_identity)


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
        n_failed=sum(case.scores is None for case, _ in judged),
        note=note,
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


def _mean_metric(
    scored: Sequence[ScoredCase],
    name: str,
    score: str,
    unit: str,
    dummy: Mapping[str, float],
    direction: Direction,
    failures: Failures,
    inner: Callable[[float], float],
    outer: Callable[[float], float],
) -> Metric:
    """outer(mean of inner(score)), with failed cases at inner(dummy)."""
    if failures not in ("dummy", "excluded"):
        raise ValueError(f"metric {name!r}: failures is {failures!r}, expected 'dummy' or 'excluded'")
    counted = [case for case in scored if case.case.id in dummy]
    finished: list[float] = []
    imputed: list[float] = []
    for case in counted:
        value = None if case.scores is None else _finite(case.scores.get(score))
        if value is None:
            imputed.append(inner(dummy[case.case.id]))
        else:
            finished.append(inner(value))
    values = finished + imputed if failures == "dummy" else finished
    interval = bootstrap_interval(values)
    return Metric(
        name=name,
        value=outer(math.fsum(values) / len(values)) if values else None,
        unit=unit,
        direction=direction,
        dummy=outer(math.fsum(inner(dummy[case.case.id]) for case in counted) / len(counted)) if counted else None,
        interval=None if interval is None else (outer(interval[0]), outer(interval[1])),
        n=len(counted),
        n_failed=len(imputed),
        note=(
            f"mean over the {len(finished)} cases that did not fail"
            if failures == "excluded"
            else "failed cases count at the dummy's error"
        ),
    )


def _finite(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _identity(value: float) -> float:
    return value


def _square(value: float) -> float:
    return value * value
