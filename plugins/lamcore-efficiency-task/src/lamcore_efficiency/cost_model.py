"""What an evaluation costs as a function of its size: t ≈ L + N·τ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Interval = tuple[float, float]


@dataclass(frozen=True)
class CostModel:
    """The fit of t = L + N·τ with one L, and a τ for each material.

    Attributes:
        overhead_s: L.
        overhead_interval_s: 95 % interval; None without more sizes than parameters.
        seconds_per_atom: τ by material.
        mean_seconds_per_atom: The mean of τ over the materials.
        mean_interval_s: 95 % interval of that; None as above.
        worst_relative_residual: The largest |fit − time| / time.
    """

    overhead_s: float
    overhead_interval_s: Interval | None
    seconds_per_atom: dict[str, float]
    mean_seconds_per_atom: float
    mean_interval_s: Interval | None
    worst_relative_residual: float

    def seconds(self, material: str, n_atoms: ArrayLike) -> NDArray[np.float64]:
        """What the fit says of a size, s."""
        return self.overhead_s + self.seconds_per_atom[material] * np.asarray(n_atoms, dtype=np.float64)


def fit_cost_model(n_atoms: Sequence[float], seconds: Sequence[float], materials: Sequence[str]) -> CostModel:
    """Least squares on relative errors: Σ ((L + N τ − t) / t)² is least, so that small sizes weigh like large ones.

    L is not negative: where the best one is, it is 0 and τ is fitted again. Intervals are Student's, from the scatter
    of the times about the fit; where a line does not describe the times they are wide.

    Args:
        n_atoms: Sizes.
        seconds: Times, positive.
        materials: What was timed, one name for each time.

    Raises:
        ValueError: There are fewer than two sizes of every material, or a time is not positive.
    """
    names = sorted(set(materials))
    sizes, times = np.asarray(n_atoms, dtype=np.float64), np.asarray(seconds, dtype=np.float64)
    if not np.all(times > 0):
        raise ValueError(f"the shortest time is {times.min(initial=np.inf)} s, expected positive times")
    if not any(len({size for size, name in zip(n_atoms, materials, strict=True) if name == one}) > 1 for one in names):
        raise ValueError("a cost model needs two sizes of at least one material")
    of_material = np.array([[name == one for one in names] for name in materials], dtype=np.float64)
    design = np.column_stack((np.ones_like(times), of_material * sizes[:, None])) / times[:, None]
    best, covariance, freedom = _least_squares(design)
    mean_weights = np.concatenate(([0.0], np.full(len(names), 1 / len(names))))
    overhead_interval = _interval(best, covariance, freedom, np.eye(len(best))[0])
    mean_interval = _interval(best, covariance, freedom, mean_weights)
    if best[0] < 0:
        best = np.concatenate(([0.0], _least_squares(design[:, 1:])[0]))
    mean = float(mean_weights @ best)
    return CostModel(
        overhead_s=float(best[0]),
        overhead_interval_s=_holding(float(best[0]), overhead_interval),
        seconds_per_atom=dict(zip(names, best[1:].tolist(), strict=True)),
        mean_seconds_per_atom=mean,
        mean_interval_s=_holding(mean, mean_interval),
        worst_relative_residual=float(np.max(np.abs(design @ best - 1))),
    )


def _least_squares(design: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """The solution of design · x = 1, its covariance, and the degrees of freedom."""
    scale = np.linalg.norm(design, axis=0)  # atoms and seconds differ by orders of magnitude
    solution, *_ = np.linalg.lstsq(design / scale, np.ones(len(design)), rcond=None)
    freedom = len(design) - design.shape[1]
    residuals = design / scale @ solution - 1
    variance = float(residuals @ residuals) / freedom if freedom > 0 else np.nan
    covariance = variance * np.linalg.pinv((design / scale).T @ (design / scale))
    return solution / scale, covariance / np.outer(scale, scale), freedom


def _interval(
    best: NDArray[np.float64], covariance: NDArray[np.float64], freedom: int, weights: NDArray[np.float64]
) -> Interval | None:
    """95 % interval of a combination of parameters, cut at zero."""
    if freedom < 1:
        return None
    centre = float(weights @ best)
    half = float(stats.t.ppf(0.975, freedom)) * float(np.sqrt(weights @ covariance @ weights))
    return max(0.0, centre - half), max(0.0, centre + half)


def _holding(value: float, interval: Interval | None) -> Interval | None:
    return None if interval is None else (min(interval[0], value), max(interval[1], value))
