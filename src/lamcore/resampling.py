"""The bootstrap, paired between models: cases are drawn anew, the same ones for every model."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcore.task import Contributions

BOOTSTRAP_SEED = 20240229
N_DRAWS = 1000
_BATCH_ELEMENTS = 2_000_000


def draws(contributions: Contributions) -> NDArray[np.float64]:
    """A metric on `N_DRAWS` resamplings of its cases, or of its groups of cases where they depend on one another.

    Which cases a draw holds depends on nothing but the ids and groups of those that count, so that draw k of one model
    and draw k of another are on the same cases, and so are two metrics of one run. Metrics that count different cases,
    such as one that excludes the failed ones, are drawn independently.

    Args:
        contributions: What the metric is made of.

    Returns:
        Shape (N_DRAWS,); NaN where a draw holds nothing that counts, and throughout for fewer than two cases or groups,
        which tell nothing of how far the value may be off.

    Source:
        B. Efron and R. Tibshirani, Stat. Sci. 1, 54 (1986), doi:10.1214/ss/1177013815.
    """
    totals, weights = np.asarray(contributions.totals, float), np.asarray(contributions.weights, float)
    names, group_of = np.unique(contributions.groups or contributions.case_ids, return_inverse=True)
    if len(names) < 2:
        return np.full(N_DRAWS, np.nan)
    totals, weights = np.bincount(group_of, totals), np.bincount(group_of, weights)
    seed = hashlib.sha256(json.dumps([BOOTSTRAP_SEED, names.tolist()]).encode()).digest()
    rng = np.random.default_rng(list(seed))
    values = np.empty(N_DRAWS)
    step = max(1, _BATCH_ELEMENTS // len(names))
    for start in range(0, N_DRAWS, step):
        size = min(step, N_DRAWS - start)
        counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=size).astype(float)
        weight = counts @ weights
        with np.errstate(invalid="ignore"):
            values[start : start + size] = np.where(weight > 0, counts @ totals, np.nan) / weight
    return np.sqrt(np.maximum(values, 0.0)) if contributions.root else values


def percentile_interval(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """The middle 95 % of draws; None where there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)
