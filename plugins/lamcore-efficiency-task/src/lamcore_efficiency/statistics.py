"""Repeated times: their middle, their spread, and what can be said of means of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_DRAWS = 2000
_SEED = 20240229
_ENDS = (2.5, 97.5)


@dataclass(frozen=True)
class Spread:
    """Repetitions of one measurement, in its unit.

    Attributes:
        median: Their middle.
        interquartile_range: Between the quarter below and the quarter above.
        median_absolute_deviation: From the median.
        interval: 95 % bootstrap interval of the median.
        n: Repetitions.
    """

    median: float
    interquartile_range: float
    median_absolute_deviation: float
    interval: tuple[float, float]
    n: int


def spread(values: ArrayLike) -> Spread:
    """Median and spread of repetitions.

    Args:
        values: At least one.

    Source:
        P. J. Rousseeuw, C. Croux, J. Am. Stat. Assoc. 88, 1273 (1993), doi:10.1080/01621459.1993.10476408, on the
        median absolute deviation.
    """
    array = np.asarray(values, dtype=np.float64)
    median = float(np.median(array))
    lower, upper = np.percentile(array, (25, 75))
    low, high = np.percentile(medians_of_draws(array), _ENDS)
    return Spread(
        median=median,
        interquartile_range=float(upper - lower),
        median_absolute_deviation=float(np.median(np.abs(array - median))),
        interval=(min(float(low), median), max(float(high), median)),
        n=len(array),
    )


def medians_of_draws(values: ArrayLike, stream: int = 0) -> NDArray[np.float64]:
    """Medians of repetitions drawn again with replacement; the seed is fixed and the order of values does not matter.

    Args:
        values: At least one.
        stream: Draws of different streams are independent.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    generator = np.random.default_rng((_SEED, stream))
    drawn = ordered[generator.integers(len(ordered), size=(_DRAWS, len(ordered)))]
    medians: NDArray[np.float64] = np.median(drawn, axis=1)
    return medians


def mean_over_groups(values: Mapping[str, Sequence[float]]) -> float:
    """The mean of the means of groups, so that a group with many values weighs no more than one with few.

    Raises:
        ValueError: A group is empty, or there are none.
    """
    if not values or not all(values.values()):
        raise ValueError("a mean over groups needs at least one value in each group")
    return math.fsum(math.fsum(group) / len(group) for group in values.values()) / len(values)


def interval_of_mean_over_groups(repetitions: Mapping[str, Sequence[ArrayLike]]) -> tuple[float, float]:
    """95 % interval of the mean over groups of the medians of repetitions: of the timing alone, the cases are given.

    Args:
        repetitions: For each group, for each of its cases, the repeated values.
    """
    total = np.zeros(_DRAWS)
    stream = 0
    for name in sorted(repetitions):
        cases = sorted((np.sort(np.asarray(case, dtype=np.float64)) for case in repetitions[name]), key=tuple)
        for case in cases:
            total += medians_of_draws(case, stream) / len(cases) / len(repetitions)
            stream += 1
    low, high = np.percentile(total, _ENDS)
    return float(low), float(high)


def pooled_deviation(values: Mapping[str, Sequence[float]]) -> float:
    """The square root of the mean of the groups' variances, each about its own mean and divided by its number.

    Raises:
        ValueError: A group is empty, or there are none.
    """
    return math.sqrt(
        mean_over_groups({name: [float(np.var(group))] if group else [] for name, group in values.items()})
    )


def efficiency_score(time_per_atom_us: float) -> float:
    """LAMBench's efficiency M_E = 100 / (µs per atom): 0.5 µs give 200.

    Source:
        A. Peng et al., LAMBench, npj Comput. Mater. (2025), arXiv:2504.19578, doi:10.48550/arXiv.2504.19578.
    """
    return 100.0 / time_per_atom_us
