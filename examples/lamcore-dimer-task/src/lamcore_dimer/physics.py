"""The bottom of a potential curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def bond_length_ang(distances_ang: ArrayLike, energies_ev: ArrayLike) -> float:
    """The distance of the minimum, by a parabola through the lowest point and its two neighbours.

    Args:
        distances_ang: Distances, Å, ascending and equally spaced, shape (n,), n ≥ 3.
        energies_ev: Energies, eV, shape (n,).

    Raises:
        ValueError: The lowest point is at an end of the curve.
    """
    distances, energies = np.asarray(distances_ang, float), np.asarray(energies_ev, float)
    lowest = int(np.argmin(energies))
    if lowest in (0, len(energies) - 1):
        raise ValueError(
            f"no minimum between {distances[0]:.3f} and {distances[-1]:.3f} Å; lowest at {distances[lowest]:.3f} Å"
        )
    before, bottom, after = energies[lowest - 1 : lowest + 2]
    step = distances[1] - distances[0]
    return float(distances[lowest] + step * (before - after) / (2 * (before - 2 * bottom + after)))
