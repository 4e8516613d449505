"""From the scores of trajectories to metrics, in which one that ended early counts as the worst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from lamcore import Metric
from lamcore.scoring import mean_score, proportion
from lamcore_md.stability import WORST_INSTABILITY
from lamcore_md.trajectory import OUTCOMES, Outcome

if TYPE_CHECKING:
    from lamcore import ScoredCase
    from lamcore_md.settings import NveSettings

_CONFIDENCE = 0.95
_OTHER = "failed"
LAMBENCH_DRIFT_UNIT = "eV/atom/(10.18 ps)"


def metrics(scored: Sequence[ScoredCase], settings: NveSettings) -> list[Metric]:
    """The summary of a run."""
    drift = (
        ("median_abs_drift_lambench", "abs_drift_lambench", LAMBENCH_DRIFT_UNIT)
        if settings.is_lambench
        else ("median_abs_drift", "abs_drift_ev_per_atom_ps", "eV/atom/ps")
    )
    return [
        instability(scored),
        share_completed(scored),
        median(scored, *drift),
        median(scored, "median_noise_ratio", "noise_ratio", "1"),
        median(scored, "median_momentum_change", "momentum_change_amu_ang_per_fs", "u·Å/fs"),
        *([median(scored, "median_reversal", "reversal_rms_ang", "Å")] if settings.reversal_steps else []),
        *(share_of(kind, scored) for kind in OUTCOMES if kind != "completed"),
    ]


def outcome_of(one: ScoredCase) -> str:
    """How a case ended; `failed` where it has no trajectory."""
    return _OTHER if one.scores is None else str(one.scores["outcome"])


def instability(scored: Sequence[ScoredCase]) -> Metric:
    """Mean over cases of log₁₀(|drift| / tolerance) between 0 and 5; what did not complete counts 5."""
    metric = mean_score(
        scored,
        name="instability",
        score="instability",
        unit="1",
        dummy={one.case.id: WORST_INSTABILITY for one in scored},
        groups={one.case.id: str(one.case.settings.get("system", one.case.id)) for one in scored},
    )
    return replace(metric, note="what did not complete counts 5, the worst; the dummy never completes")


def share_completed(scored: Sequence[ScoredCase]) -> Metric:
    """The share of trajectories that took all their steps."""
    kinds = [outcome_of(one) for one in scored]
    ends = ", ".join(f"{kind} {kinds.count(kind)}" for kind in (*OUTCOMES, _OTHER) if kind in kinds)
    return proportion(
        scored,
        name="share_completed",
        success=lambda one: outcome_of(one) == "completed",
        note=f"of {len(scored)}: {ends}" if scored else "",
    )


def share_of(kind: Outcome, scored: Sequence[ScoredCase]) -> Metric:
    """The share of trajectories that ended early in one way."""
    return proportion(
        scored,
        name=f"share_{kind}",
        success=lambda one: outcome_of(one) == kind,
        note=OUTCOMES[kind],
        direction="lower",
    )


def median(scored: Sequence[ScoredCase], name: str, score: str, unit: str) -> Metric:
    """Median of a score over all cases, with one that did not complete beyond all others.

    Its interval is that of order statistics, which assumes nothing of the distribution.

    Args:
        scored: All cases of the run, failed ones included.
        name: Of the metric.
        score: The key in `scores`; smaller is better.
        unit: Of the score.
    """
    values = [math.inf if (value := (one.scores or {}).get(score)) is None else float(value) for one in scored]
    middle = float(np.median(values)) if values else math.inf
    interval = None
    if len(values) >= 2 and math.isfinite(middle):
        ends = stats.quantile_test(np.array(values), p=0.5).confidence_interval(_CONFIDENCE)
        if math.isfinite(ends.low) and math.isfinite(ends.high):
            interval = (float(ends.low), float(ends.high))
    return Metric(
        name=name,
        value=middle if math.isfinite(middle) else None,
        unit=unit,
        direction="lower",
        dummy=None,
        interval=interval,
        n=len(values),
        n_failed=sum(map(math.isinf, values)),
        note="what did not complete counts as larger than any number; no value where that is half or more",
    )
