"""The wells of a torsion profile: where they are, how deep, and which of two profiles' wells are the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import linear_sum_assignment

SHALLOWEST_KCAL_PER_MOL = 0.1
"""A dent less deep than this is no well: noise of the energies and of the interpolation makes such."""
SAME_WELL_DEG = 30.0
"""Wells of two profiles farther apart than this are not the same one; two steps of the usual scan."""
WIDEST_STEP_DEG = 45.0
"""Angles with a wider gap between them do not tell where wells are; a threefold barrier needs three points."""


@dataclass(frozen=True)
class Wells:
    """Minima of a periodic profile.

    Attributes:
        angles_deg: Where they are, in (−180, 180], ascending, shape (n_wells,).
        energies: Energy at the bottom, in the unit of the profile, shape (n_wells,).
    """

    angles_deg: NDArray[np.float64]
    energies: NDArray[np.float64]


def is_full_turn(angles_deg: ArrayLike) -> bool:
    """Whether the angles go all the way round without a gap wider than `WIDEST_STEP_DEG`."""
    angles = np.sort(np.asarray(angles_deg, dtype=np.float64))
    gaps = np.diff(np.append(angles, angles[0] + 360.0))
    return bool(gaps.max() <= WIDEST_STEP_DEG)


def interpolated(angles_deg: ArrayLike, energies: ArrayLike) -> CubicSpline:
    """The profile as a periodic cubic spline.

    Args:
        angles_deg: Angles, degrees, ascending, within one turn, all different, shape (n,), n ≥ 3.
        energies: Energies, any unit, shape (n,).
    """
    angles, values = np.asarray(angles_deg, dtype=np.float64), np.asarray(energies, dtype=np.float64)
    return CubicSpline(np.append(angles, angles[0] + 360.0), np.append(values, values[0]), bc_type="periodic")


def find_wells(angles_deg: ArrayLike, energies: ArrayLike, shallowest: float = SHALLOWEST_KCAL_PER_MOL) -> Wells:
    """The minima of a profile between barriers that are at least `shallowest` high on either side.

    Minima and maxima of the periodic spline alternate around the turn. As long as two neighbours differ by less than
    `shallowest`, the pair that differs least is taken out, and what remains alternates again. A flat profile has no
    wells.

    Args:
        angles_deg: Angles, degrees, ascending, within one turn, all different, shape (n,), n ≥ 3.
        energies: Energies, shape (n,).
        shallowest: In the unit of the energies.

    Source:
        The pairing of extrema by persistence: H. Edelsbrunner, D. Letscher, A. Zomorodian, Discrete Comput. Geom. 28,
        511 (2002), doi:10.1007/s00454-002-2885-2.
    """
    spline = interpolated(angles_deg, energies)
    turning = _turning_points(spline)
    heights = spline(turning)
    while len(turning) >= 2:
        steps = np.abs(heights - np.roll(heights, -1))
        least = int(np.argmin(steps))
        if steps[least] >= shallowest:
            break
        pair = [least, (least + 1) % len(turning)]
        turning, heights = np.delete(turning, pair), np.delete(heights, pair)
    if len(turning) < 2:
        return Wells(np.empty(0), np.empty(0))
    is_low = heights < np.roll(heights, 1)
    angles = wrapped_deg(turning[is_low])
    order = np.argsort(angles)
    return Wells(angles[order], heights[is_low][order])


def _turning_points(spline: CubicSpline) -> NDArray[np.float64]:
    """Minima and maxima in the order of their angles, each once; inflections with a level tangent are left out."""
    slope = spline.derivative()
    roots = slope.roots(discontinuity=False, extrapolate=False)
    start, end = float(spline.x[0]), float(spline.x[-1])
    roots = np.sort(roots[np.isfinite(roots)])
    # A root at a knot is found in both pieces, and one at the seam at both ends.
    roots = roots[np.append(True, np.diff(roots) > 1e-6)] if len(roots) else roots
    if len(roots) > 1 and roots[-1] - roots[0] > end - start - 1e-6:
        roots = roots[:-1]
    if len(roots) < 2:
        return np.empty(0)
    between = (roots + np.append(roots[1:], roots[0] + end - start)) / 2
    signs = np.sign(slope(np.where(between > end, between - (end - start), between)))
    turning: NDArray[np.float64] = roots[(signs != np.roll(signs, 1)) & (signs != 0)]
    return turning


def wrapped_deg(angles_deg: ArrayLike) -> NDArray[np.float64]:
    """Angles brought into (−180, 180]."""
    wrapped: NDArray[np.float64] = 180.0 - (180.0 - np.asarray(angles_deg, dtype=np.float64)) % 360.0
    return wrapped


def matched(reference: Wells, predicted: Wells, limit_deg: float = SAME_WELL_DEG) -> list[tuple[int, int]]:
    """Pairs of a well of the reference and one of the prediction, each used once, closest together overall.

    Returns:
        Indices (reference, prediction); wells without a partner within the limit are not among them.
    """
    if not len(reference.angles_deg) or not len(predicted.angles_deg):
        return []
    apart = np.abs(wrapped_deg(predicted.angles_deg[None, :] - reference.angles_deg[:, None]))
    # A pair beyond the limit costs more than all others together, so that it never buys two that are within.
    cost = np.where(apart <= limit_deg, apart, 1e6)
    rows, columns = linear_sum_assignment(cost)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if apart[i, j] <= limit_deg]
