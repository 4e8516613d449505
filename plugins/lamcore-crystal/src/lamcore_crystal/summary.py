"""From relaxed crystals and references to distances from the hull, in which what failed counts as unstable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from lamcore import Metric
from lamcore.scoring import proportion
from lamcore_crystal.hull.hull import Hull
from lamcore_crystal.hull.values import HullEntry, MissingTerminalError

if TYPE_CHECKING:
    from lamcore import ScoredCase
    from lamcore_crystal.hull.values import HullDistance

_ROUNDING = 1e-8


@dataclass(frozen=True)
class Screened:
    """One crystal that was screened.

    Attributes:
        case: With its scores.
        distance: From the hull; None where it failed, or a reference of one of its elements did.
    """

    case: ScoredCase
    distance: HullDistance | None


def is_reference(one: ScoredCase) -> bool:
    """Whether a case belongs to the hull."""
    return one.case.settings.get("role") == "reference"


def screened(scored: Sequence[ScoredCase]) -> list[Screened]:
    """The distance of each crystal from the hull of the references of the same run."""
    entries = [
        HullEntry(one.scores["composition"], one.scores["energy_per_atom"], one.case.id)
        for one in scored
        if is_reference(one) and one.scores is not None and one.failure is None
    ]
    hull = Hull(entries)
    return [Screened(one, _distance(one, hull)) for one in scored if not is_reference(one)]


def _distance(one: ScoredCase, hull: Hull) -> HullDistance | None:
    if one.scores is None or one.failure is not None:
        return None
    try:
        return hull.distances([one.scores["composition"]], [one.scores["energy_per_atom"]])[0]
    except MissingTerminalError:
        return None


def metrics(scored: Sequence[ScoredCase], stable_within: float, metastable_within: float) -> list[Metric]:
    """The summary of a run; references count in none of it but the share of references that failed."""
    found = screened(scored)
    distances = {one.case.case.id: None if one.distance is None else one.distance.energy_above_hull for one in found}
    formation = [None if one.distance is None else one.distance.formation_energy_per_atom for one in found]
    crystals = [one.case for one in found]

    def share(name: str, limit: float) -> Metric:
        def holds(one: ScoredCase) -> bool:
            distance = distances[one.case.id]
            return distance is not None and distance <= limit + _ROUNDING

        note = f"energy above hull of at most {limit:g} eV/atom; what failed is not"
        return proportion(crystals, name=name, success=holds, note=note)

    return [
        proportion(
            crystals,
            name="share_relaxed",
            success=lambda one: distances[one.case.id] is not None,
            note="refused, unconverged, exploded, or without a reference of an element: not relaxed",
        ),
        share("share_stable", stable_within),
        share("share_metastable", metastable_within),
        _median("median_energy_above_hull", list(distances.values())),
        _median("median_formation_energy", formation),
        proportion(
            [one for one in scored if is_reference(one)],
            name="share_references_relaxed",
            success=lambda one: one.scores is not None and one.failure is None,
            note="references that the hull is made of",
        ),
    ]


def _median(name: str, values: Sequence[float | None]) -> Metric:
    """Median in which what has no value lies beyond all others; its interval is that of order statistics."""
    numbers = [math.inf if value is None else value for value in values]
    middle = float(np.median(numbers)) if numbers else math.inf
    interval = None
    if len(numbers) >= 2 and math.isfinite(middle):
        ends = stats.quantile_test(np.array(numbers), p=0.5).confidence_interval(0.95)
        if math.isfinite(ends.low) and math.isfinite(ends.high):
            interval = (float(ends.low), float(ends.high))
    return Metric(
        name=name,
        value=middle if math.isfinite(middle) else None,
        unit="eV/atom",
        direction="lower",
        dummy=None,
        interval=interval,
        n=len(numbers),
        n_failed=sum(map(math.isinf, numbers)),
        note="what failed lies above all others; no value where that is half or more",
    )
