"""LAMBench's formulas, on floats and on arrays of draws alike.

What a version of LAMBench sets (weights, baselines, clips) is an argument; the versions' YAML files hold the values.

Source:
    A. Peng et al., LAMBench: a benchmark for large atomic models, doi:10.1038/s41524-025-01929-3 (arXiv:2504.19578).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = float | NDArray[np.float64]
"""One number, or one for each draw of a bootstrap."""
Key = TypeVar("Key", bound=str)

STEPS = 10_000
"""Steps of LAMBench's molecular dynamics."""
TOLERANCE = 5e-4
"""Drift that counts as stable, on LAMBench's scale; 4.91e-5 eV/atom/ps in true units."""
WORST_INSTABILITY = 5.0


def ratio(error: Value, baseline: float, clip: float | None = None) -> Value:
    """An error as a fraction of the baseline's, at most `clip`.

    Args:
        error: In any unit, not negative.
        baseline: Error of a model that knows nothing but the composition, same unit, above 0.
        clip: What a model worse than the baseline counts; None to count what it is.
    """
    fraction = error / baseline
    return fraction if clip is None else np.minimum(fraction, clip)


def log_mean(
    ratios: Sequence[Value], *, weights: Sequence[float] | None = None, floor: float = 0.0, decimals: int | None = None
) -> Value:
    """The exponential of the mean of u·ln r; the geometric mean where every weight u is 1.

    LAMBench multiplies the logarithm by the weight and divides by the number of ratios, not by the weights' sum.

    Args:
        ratios: One for each data set, at least one.
        weights: u for each; 1 unless given.
        floor: Smaller ratios count as this one, so that one of exactly 0 does not make the mean 0.
        decimals: To round to; LAMBench rounds to 7.
    """
    if not ratios:
        raise ValueError("the mean of no ratios is not defined; expected at least one data set")
    factors = [1.0] * len(ratios) if weights is None else weights
    with np.errstate(divide="ignore"):
        terms: list[Value] = [u * np.log(np.maximum(r, floor)) for u, r in zip(factors, ratios, strict=True)]
    mean: Value = np.exp(plain_mean(terms))
    return mean if decimals is None else np.round(mean, decimals)


def mix(means: Mapping[Key, Value], weights: Mapping[Key, float]) -> Value:
    """Σ w·m over the kinds of error (energy, force, virial) that have a weight.

    Raises:
        KeyError: A kind has a weight and no mean.
    """
    return sum((weight * means[kind] for kind, weight in weights.items()), start=0.0)


def plain_mean(values: Sequence[Value]) -> Value:
    """The arithmetic mean of at least one value."""
    if not values:
        raise ValueError("the mean of no values is not defined")
    return sum(values, start=0.0) / len(values)


def normalised(value: Value, dummy: float, clip: float | None = None, success_rate: float | None = None) -> Value:
    """A metric of a property task as a fraction of the dummy's, between 0 and `clip`, over the success rate.

    The penalty comes after the clip, so that the result may be above it.

    Args:
        value: The metric.
        dummy: The dummy's, same unit.
        clip: At most; None for as it is, not even held to 0 or more.
        success_rate: Fraction, not per cent; None where the task has no penalty.
    """
    fraction = value / dummy
    if clip is not None:
        fraction = np.clip(fraction, 0.0, clip)
        success_rate = None if success_rate is None else float(np.clip(success_rate, 0.0, 1.0))
    return fraction if success_rate is None else fraction / success_rate


def system_instability(
    steps: float | None, slope: float | None, *, tolerance: float = TOLERANCE, worst: float = WORST_INSTABILITY
) -> float:
    """How many powers of ten the drift of one system is above the tolerance: 0 where below, `worst` for failures.

    A drift that is not finite is a failure; LAMBench leaves it out of the mean.

    Args:
        steps: That the simulation came to; fewer than 10 000 is a failure, None too.
        slope: Drift of the total energy on LAMBench's scale.
        tolerance: Drift that counts as stable.
        worst: Of failures, and at most.
    """
    if steps != STEPS or slope is None or not math.isfinite(slope):
        return worst
    return min(max(0.0, math.log10(slope / tolerance)) if slope > 0 else 0.0, worst)


def instability(systems: Mapping[str, Mapping[str, Any]], tolerance: float = TOLERANCE) -> float:
    """Mean over systems, each with `steps` and `slope`."""
    return float(
        plain_mean(
            [
                system_instability(system.get("steps"), system.get("slope"), tolerance=tolerance)
                for system in systems.values()
            ]
        )
    )


def efficiency(time_us_per_atom: Value) -> Value:
    """100 over the time of energy, forces and stress, µs/atom; higher is better."""
    return 100.0 / time_us_per_atom


def rounded_or_none(value: float | None, decimals: int) -> float | None:
    """Rounded as Python rounds; None stays None."""
    return None if value is None else round(float(value), decimals)


def radar_values(bars: Sequence[float | None]) -> list[float | None]:
    """1 − bar, in the floating-point arithmetic of the published files: 1 − 0.32 is 0.6799999999999999."""
    return [None if bar is None else 1 - bar for bar in bars]


def geometric_mean_rounded(values: Sequence[float], decimals: int = 1) -> float:
    """LAMBench's "Weighted" row: the geometric mean of values that were rounded before, rounded again."""
    return round(float(log_mean(list(values))), decimals)
