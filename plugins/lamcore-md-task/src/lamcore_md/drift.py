"""How much energy a trajectory gains or loses: the slope of its total energy in time, and how sure that slope is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.signal import correlate

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESAMPLES = 2000
_CONFIDENCE = 0.95
_SEED = 20240229
_BATCH_ELEMENTS = 2_000_000
_WINDOW = 5.0
"""Correlations are summed up to this many correlation times (Sokal)."""


@dataclass(frozen=True)
class Drift:
    """A straight line through energies.

    Attributes:
        slope: eV/atom/ps.
        interval: 95 % confidence interval of the slope, eV/atom/ps.
        at_start: The line at time zero, eV/atom.
        noise: Standard deviation about the line, eV/atom.
        block_length: Samples in a block of the bootstrap.
        n_samples: Samples that the line goes through.
    """

    slope: float
    interval: tuple[float, float]
    at_start: float
    noise: float
    block_length: int
    n_samples: int


def energy_drift(times_ps: NDArray[np.float64], energies_per_atom: NDArray[np.float64]) -> Drift:
    """Slope of the total energy in time by least squares, with a moving-block bootstrap of what it leaves over.

    Energies a femtosecond apart are correlated, and the textbook error of a slope, for independent residuals, would be
    too small. Blocks of residuals keep their correlation; how long a block is follows `block_length`. Resampled
    residuals are widened by √(m/(m − 2)) for the two parameters of the line and by the ratio of Student's to the normal
    distribution's ends, with m the samples divided by their statistical inefficiency, at least three: without that, an
    interval from few independent samples would be too narrow.

    Args:
        times_ps: ps, shape (n,), n ≥ 3, not all the same.
        energies_per_atom: Total energy, eV/atom, shape (n,).

    Raises:
        ValueError: There are fewer than three samples, or one is not finite: a trajectory that blew up has no drift.

    Source:
        H. R. Künsch, Ann. Stat. 17, 1217 (1989), doi:10.1214/aos/1176347265.
    """
    n = len(times_ps)
    if n < 3:
        raise ValueError(f"a drift needs three samples or more, got {n}")
    if not (np.isfinite(times_ps).all() and np.isfinite(energies_per_atom).all()):
        n_bad = int(np.sum(~(np.isfinite(times_ps) & np.isfinite(energies_per_atom))))
        raise ValueError(f"{n_bad} of {n} samples are not finite; such a trajectory has no drift")
    from_middle = times_ps - times_ps.mean()
    weights = from_middle / np.vdot(from_middle, from_middle)
    # The mean is taken off first: energies are large against their changes.
    mean = float(energies_per_atom.mean())
    relative = energies_per_atom - mean
    slope = float(np.vdot(weights, relative))
    residuals = relative - slope * from_middle
    length = block_length(residuals)
    low, high = _resampled_slopes(residuals * widening(residuals), weights, length)
    return Drift(
        slope=slope,
        interval=(slope - high, slope - low),
        at_start=mean - slope * float(times_ps.mean()),
        noise=math.sqrt(float(np.vdot(residuals, residuals)) / (n - 2)),
        block_length=length,
        n_samples=n,
    )


def block_length(residuals: NDArray[np.float64]) -> int:
    """How many samples in a row are resampled together.

    Twice the statistical inefficiency 1 + 2 Σ ρ_k, so that a block spans what is correlated, but no less than ∛n and no
    more than n/4, which leaves four blocks to draw.

    Args:
        residuals: Shape (n,), n ≥ 3.

    Source:
        The window of the sum: A. Sokal, in Functional Integration (Springer, 1997), p. 131,
        doi:10.1007/978-1-4899-0319-8_6.
    """
    n = len(residuals)
    shortest = math.ceil(float(n) ** (1 / 3))
    longest = max(1, n // 4)
    length: int = max(1, min(longest, max(shortest, math.ceil(2 * _statistical_inefficiency(residuals)))))
    return length


def widening(residuals: NDArray[np.float64]) -> float:
    """What residuals of a line are multiplied by so that resampling them tells how uncertain the line is."""
    independent = max(3.0, len(residuals) / _statistical_inefficiency(residuals))
    end = (1 + _CONFIDENCE) / 2
    student = float(stats.t.ppf(end, independent - 2) / stats.norm.ppf(end))
    return math.sqrt(independent / (independent - 2)) * student


def _statistical_inefficiency(residuals: NDArray[np.float64]) -> float:
    """1 + 2 Σ ρ_k over lags k below five times itself; 1 where nothing varies."""
    n = len(residuals)
    centred = residuals - residuals.mean()
    scale = float(np.abs(centred).max())
    if scale == 0.0:
        return 1.0
    products = correlate(centred / scale, centred / scale, method="fft")[n - 1 :]
    sums = 1 + 2 * np.cumsum(products[1:] / products[0])
    far_enough = np.arange(1, n) >= _WINDOW * np.maximum(sums, 1.0) / 2
    # Correlated to its end: the sum over all lags is zero by construction, so its largest value stands for it.
    inefficiency = sums[np.argmax(far_enough)] if far_enough.any() else sums.max()
    return max(1.0, float(inefficiency))


def _resampled_slopes(residuals: NDArray[np.float64], weights: NDArray[np.float64], length: int) -> tuple[float, float]:
    """The ends of the middle 95 % of the slopes that blocks of residuals have by chance."""
    n = len(residuals)
    n_blocks = math.ceil(n / length)
    rng = np.random.default_rng(_SEED)
    slopes = []
    for start in range(0, _RESAMPLES, batch := max(1, _BATCH_ELEMENTS // (n_blocks * length))):
        starts = rng.integers(0, n - length + 1, size=(min(batch, _RESAMPLES - start), n_blocks, 1))
        drawn = residuals[(starts + np.arange(length)).reshape(len(starts), -1)[:, :n]]
        slopes.append(drawn @ weights)
    by_chance = np.concatenate(slopes)
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(by_chance - by_chance.mean(), (tail, 1 - tail))
    return float(low), float(high)
