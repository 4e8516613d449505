"""FIRE and LBFGS: from coordinates and forces to the next displacement.

Both hold their own state and know nothing of atoms, cells or models. Coordinates and forces are arrays of shape
(n_rows, 3); a row is an atom or a lattice direction. Constants are those of ASE, so that the paths are the same.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_STEP: Final = 0.2
"""Å; FIRE limits the norm of the whole displacement to it, LBFGS that of the largest row."""


class Optimizer(Protocol):
    """What a relaxation asks of an optimizer."""

    def displacement(self, coordinates: NDArray[np.float64], forces: NDArray[np.float64]) -> NDArray[np.float64]:
        """The step to take from here, shape (n_rows, 3)."""


class Fire:
    """Fast inertial relaxation engine.

    Source:
        E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006), doi:10.1103/PhysRevLett.97.170201; unit masses and forward
        Euler steps, as in ASE.
    """

    _FIRST_TIMESTEP: Final = 0.1
    _MAX_TIMESTEP: Final = 1.0
    _DELAY: Final = 5
    _ACCELERATE: Final = 1.1
    _BRAKE: Final = 0.5
    _FIRST_MIXING: Final = 0.1
    _MIXING_DECAY: Final = 0.99

    def __init__(self) -> None:
        self._velocity: NDArray[np.float64] | None = None
        self._timestep = self._FIRST_TIMESTEP
        self._mixing = self._FIRST_MIXING
        self._downhill_steps = 0

    def displacement(self, coordinates: NDArray[np.float64], forces: NDArray[np.float64]) -> NDArray[np.float64]:
        """The step to take from here, shape (n_rows, 3)."""
        velocity = self._steer(forces) + self._timestep * forces
        self._velocity = velocity
        step: NDArray[np.float64] = self._timestep * velocity
        length = _norm(step)
        return step if length <= MAX_STEP else MAX_STEP * step / length

    def _steer(self, forces: NDArray[np.float64]) -> NDArray[np.float64]:
        """The velocity turned towards the forces while it goes downhill, zero once it goes uphill."""
        if self._velocity is None:
            return np.zeros_like(forces)
        if np.vdot(forces, self._velocity) <= 0.0:
            self._mixing = self._FIRST_MIXING
            self._timestep *= self._BRAKE
            self._downhill_steps = 0
            return np.zeros_like(forces)
        turned = (1.0 - self._mixing) * self._velocity + self._mixing * forces / _norm(forces) * _norm(self._velocity)
        if self._downhill_steps > self._DELAY:
            self._timestep = min(self._timestep * self._ACCELERATE, self._MAX_TIMESTEP)
            self._mixing *= self._MIXING_DECAY
        self._downhill_steps += 1
        return turned


class Lbfgs:
    """Limited-memory BFGS without line search.

    Source:
        J. Nocedal, Math. Comput. 35, 773 (1980), doi:10.1090/S0025-5718-1980-0572855-7: the two-loop recursion.
    """

    _MEMORY: Final = 100
    _FIRST_INVERSE_CURVATURE: Final = 1.0 / 70.0
    """Å²/eV."""

    def __init__(self) -> None:
        self._pairs: deque[tuple[NDArray[np.float64], NDArray[np.float64], float]] = deque(maxlen=self._MEMORY)
        self._last: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def displacement(self, coordinates: NDArray[np.float64], forces: NDArray[np.float64]) -> NDArray[np.float64]:
        """The step to take from here, shape (n_rows, 3)."""
        self._learn(coordinates, forces)
        self._last = (coordinates, forces)
        step = self._inverse_curvature_times(forces.ravel()).reshape(forces.shape)
        longest = longest_row(step)
        return step if longest < MAX_STEP else step * (MAX_STEP / longest)

    def _learn(self, coordinates: NDArray[np.float64], forces: NDArray[np.float64]) -> None:
        if self._last is None:
            return
        moved = (coordinates - self._last[0]).ravel()
        gained = (self._last[1] - forces).ravel()
        curvature = float(moved @ gained)
        if curvature != 0.0:  # exactly zero in a constant force field, which says nothing of the curvature
            self._pairs.append((moved, gained, 1.0 / curvature))

    def _inverse_curvature_times(self, forces: NDArray[np.float64]) -> NDArray[np.float64]:
        rest = forces.copy()
        weights = []
        for moved, gained, inverse in reversed(self._pairs):
            weight = inverse * (moved @ rest)
            rest -= weight * gained
            weights.append(weight)
        step: NDArray[np.float64] = rest * self._FIRST_INVERSE_CURVATURE
        for (moved, gained, inverse), weight in zip(self._pairs, reversed(weights), strict=True):
            step += moved * (weight - inverse * (gained @ step))
        return step


def longest_row(rows: NDArray[np.float64]) -> float:
    """The largest Euclidean norm of a row of an array of shape (n_rows, 3)."""
    return float(np.sqrt(np.einsum("ij,ij->i", rows, rows).max()))


def _norm(array: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.vdot(array, array)))
