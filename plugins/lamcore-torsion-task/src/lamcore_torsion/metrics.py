"""From the scores of fragments to the metrics of a run.

The dummy is the flat profile: all conformers have the same energy. Its scores come from the labels through the same
code as those of a model, and a failed fragment counts at them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from lamcore import Metric, ScoredCase
from lamcore.scoring import Direction, pooled_mean, proportion, success_rate
from lamcore_torsion.physics import BARRIER_OFF_KCAL_PER_MOL, rmse_by_conformer_index

Flat = Mapping[str, Mapping[str, Any]]
_UNIT = "kcal/mol"
_SEED = 20240229
_INDEX_ERRORS = "own_minimum_errors_kcal_per_mol"


def default_metrics(scored: Sequence[ScoredCase], flat: Flat) -> list[Metric]:
    """Profiles aligned at their means, barriers, wells and ranking; and the error above own minima for comparison.

    Args:
        scored: All cases of the run, failed ones included.
        flat: The scores of the flat profile, by case id.
    """
    share = barriers_off(scored, flat)
    metrics = [
        _pooled(scored, flat, "mae_mean_aligned", "mean_aligned_absolute_error_sum_kcal_per_mol"),
        _pooled(scored, flat, "rmse_mean_aligned", "mean_aligned_squared_error_sum_kcal2_per_mol2", root=True),
        _pooled(scored, flat, "mae_own_minimum", "own_minimum_absolute_error_sum_kcal_per_mol"),
        barrier_error(scored, flat),
        share,
        _counted(share, "n_barriers_off"),
        _wells(scored, flat, "mae_well_position", "position_error_sum_deg", "n_wells", "deg"),
        _wells(scored, flat, "mae_well_energy", "energy_error_sum_kcal_per_mol", "n_wells", _UNIT),
        _wells(scored, flat, "share_well_pairs_in_order", "n_pairs_in_order", "n_pairs", "1", "higher"),
        lowest_well_found(scored, flat),
        rank_correlation(scored, flat),
        success_rate(scored),
    ]
    # Whether a metric has anything to count depends on the labels alone: on angles, on wells that differ in energy.
    return [metric for metric in metrics if metric.n]


def lambench_metrics(scored: Sequence[ScoredCase], flat: Flat) -> list[Metric]:
    """What LAMBench's torsionnet gives: every profile above its own minimum, and its own kind of RMSE."""
    share = barriers_off(scored, flat)
    return [
        _pooled(scored, flat, "mae_own_minimum", "own_minimum_absolute_error_sum_kcal_per_mol"),
        conformer_index_error(scored, flat),
        barrier_error(scored, flat),
        _counted(share, "n_barriers_off"),
        share,
        success_rate(scored),
    ]


def barrier_error(scored: Sequence[ScoredCase], flat: Flat) -> Metric:
    """Mean of |error of the barrier|, the highest point of the profile above its lowest."""
    return pooled_mean(
        [_with(one, _barrier_parts(one.scores)) for one in scored],
        name="mae_barrier",
        total="absolute",
        weight="one",
        unit=_UNIT,
        dummy={name: (abs(scores["barrier_error_kcal_per_mol"]), 1.0) for name, scores in flat.items()},
    )


def barriers_off(scored: Sequence[ScoredCase], flat: Flat) -> Metric:
    """The share of fragments whose barrier is off by more than 1 kcal/mol; failed ones are."""

    def is_off(scores: Mapping[str, Any] | None) -> bool:
        return scores is None or abs(scores["barrier_error_kcal_per_mol"]) > BARRIER_OFF_KCAL_PER_MOL

    return proportion(
        scored,
        name="share_barriers_off",
        success=lambda one: is_off(one.scores),
        note=f"off by more than {BARRIER_OFF_KCAL_PER_MOL:g} kcal/mol; failed cases count as off",
        dummy=float(np.mean([is_off(flat[one.case.id]) for one in scored])) if scored else None,
        direction="lower",
    )


def lowest_well_found(scored: Sequence[ScoredCase], flat: Flat) -> Metric:
    """The share of fragments whose deepest well is a deepest one of the reference."""

    def found(one: ScoredCase) -> bool | None:
        if flat[one.case.id]["wells"] is None:
            return None
        return one.scores is not None and bool(one.scores["wells"]["lowest_found"])

    return proportion(
        scored,
        name="share_lowest_well_found",
        success=found,
        note="failed cases count as not found, as a profile without wells does",
        dummy=0.0,
    )


def rank_correlation(scored: Sequence[ScoredCase], flat: Flat) -> Metric:
    """Mean over fragments of Spearman's correlation between predicted and reference energies of the conformers."""
    ranked = {name: (0.0, 1.0) for name, scores in flat.items() if scores["rank_correlation"] is not None}
    parts = [
        _with(one, None if one.scores is None else {"rank": one.scores["rank_correlation"], "one": 1.0})
        for one in scored
    ]
    metric = pooled_mean(
        parts, name="mean_rank_correlation", total="rank", weight="one", unit="1", dummy=ranked, direction="higher"
    )
    return replace(metric, note="Spearman; failed cases count as 0, as a profile that ranks nothing does")


def conformer_index_error(scored: Sequence[ScoredCase], flat: Flat) -> Metric:
    """The mean over the 24 conformers of the RMSE over fragments, which LAMBench calls RMSE."""
    ordered = sorted(scored, key=lambda one: one.case.id)
    errors = [(flat[one.case.id] if one.scores is None else one.scores)[_INDEX_ERRORS] for one in ordered]
    n_failed = sum(one.scores is None for one in scored)
    metric = Metric(
        "rmse_by_conformer_index", None, _UNIT, "lower", None, None, len(scored), n_failed, "there are no fragments"
    )
    if not errors:
        return metric
    if len({len(row) for row in errors}) != 1:
        return replace(metric, note="the fragments have different numbers of conformers")
    table = np.array(errors)
    return replace(
        metric,
        value=rmse_by_conformer_index(table),
        dummy=rmse_by_conformer_index([flat[one.case.id][_INDEX_ERRORS] for one in ordered]),
        interval=_interval(table),
        note="failed cases count at the dummy's error",
    )


def _interval(table: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float] | None:
    """95 % interval over fragments, percentiles of 999 resamples."""
    if len(table) < 2:
        return None
    result = stats.bootstrap(
        (np.arange(len(table)),),
        lambda rows: rmse_by_conformer_index(table[rows]),
        vectorized=False,
        n_resamples=999,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    value = rmse_by_conformer_index(table)
    low, high = (float(end) for end in result.confidence_interval)
    # Resamples of very few fragments lean to low values, so that the whole may lie outside of their percentiles.
    return min(low, value), max(high, value)


def _pooled(scored: Sequence[ScoredCase], flat: Flat, name: str, total: str, root: bool = False) -> Metric:
    """Mean over all conformers of all fragments."""
    dummy = {case_id: (scores[total], scores["n_conformers"]) for case_id, scores in flat.items()}
    return pooled_mean(scored, name=name, total=total, weight="n_conformers", unit=_UNIT, dummy=dummy, root=root)


def _wells(
    scored: Sequence[ScoredCase],
    flat: Flat,
    name: str,
    total: str,
    weight: str,
    unit: str,
    direction: Direction = "lower",
) -> Metric:
    """Mean over the wells, or pairs of wells, of all fragments whose wells are known."""
    dummy = {
        case_id: (float(scores["wells"][total]), float(scores["wells"][weight]))
        for case_id, scores in flat.items()
        if scores["wells"] is not None and scores["wells"][weight] > 0
    }
    parts = [_with(one, None if one.scores is None else one.scores["wells"]) for one in scored]
    return pooled_mean(parts, name=name, total=total, weight=weight, unit=unit, dummy=dummy, direction=direction)


def _counted(share: Metric, name: str) -> Metric:
    """A share as a count."""
    n = share.n

    def count(value: float | None) -> float | None:
        return None if value is None else value * n

    contributions = share.contributions
    return replace(
        share,
        name=name,
        value=count(share.value),
        dummy=count(share.dummy),
        interval=None if share.interval is None else (share.interval[0] * n, share.interval[1] * n),
        note=f"of {n}; {share.note}",
        contributions=None if contributions is None else replace(contributions, weights=(1 / n,) * n if n else ()),
    )


def _barrier_parts(scores: Mapping[str, Any] | None) -> dict[str, float] | None:
    return None if scores is None else {"absolute": abs(scores["barrier_error_kcal_per_mol"]), "one": 1.0}


def _with(one: ScoredCase, scores: Mapping[str, Any] | None) -> ScoredCase:
    return replace(one, scores=scores)
