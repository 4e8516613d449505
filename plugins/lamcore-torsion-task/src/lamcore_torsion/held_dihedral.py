"""Relaxation of molecules whose dihedral is held: all conformers of a scan together.

The forces are projected onto the directions that leave the dihedral as it is, a quasi-Newton step is taken along them,
and the little that the dihedral has turned by then is turned back along its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
EnergiesAndForces = Callable[[list[Array]], Sequence[tuple[float, Array]]]

_CURVATURE: Final = 70.0
"""eV/Å²: the first guess of the Hessian, as in ASE."""
_LONGEST_STEP_ANG: Final = 0.2
_HELD_DEG: Final = 1e-6


@dataclass(frozen=True)
class HeldRelaxation:
    """How the relaxation of one conformer ended.

    Attributes:
        positions: Å, shape (n_atoms, 3).
        energy: eV.
        first_energy: Before the first step, the dihedral brought to its target, eV.
        residual: Largest norm of a projected force on an atom, eV/Å.
        n_steps: Steps taken.
        converged: Whether the residual fell below the limit.
    """

    positions: Array
    energy: float
    first_energy: float
    residual: float
    n_steps: int
    converged: bool


def dihedral_deg(positions: ArrayLike, atoms: Sequence[int]) -> float:
    """The dihedral of four atoms in (−180, 180], positive clockwise looking from the second to the third (IUPAC).

    Args:
        positions: Å, shape (n_atoms, 3).
        atoms: The indices of the four.
    """
    before, axis, after = _bonds(positions, atoms)
    first, second = np.cross(before, axis), np.cross(axis, after)
    angle = np.degrees(np.arctan2(np.linalg.norm(axis) * (before @ second), first @ second))
    return 180.0 if angle == -180.0 else float(angle)


def dihedral_gradient(positions: ArrayLike, atoms: Sequence[int]) -> Array:
    """The derivative of the dihedral with respect to the positions, radians/Å, shape (n_atoms, 3).

    Raises:
        ValueError: Three of the atoms lie on a line, so that there is no dihedral.

    Source:
        A. Blondel, M. Karplus, J. Comput. Chem. 17, 1132 (1996), doi:10.1002/(SICI)1096-987X(19960715)17:9<1132.
    """
    place = np.asarray(positions, dtype=np.float64)
    before, axis, after = _bonds(place, atoms)
    first, second = np.cross(before, axis), np.cross(axis, after)
    length = float(np.linalg.norm(axis))
    for normal, arm in ((first, before), (second, after)):
        if np.linalg.norm(normal) <= 1e-3 * length * np.linalg.norm(arm):
            raise ValueError(f"atoms {list(atoms)}: three of them lie on a line, so that their dihedral is undefined")
    outer_first = -length * first / (first @ first)
    outer_second = length * second / (second @ second)
    share_first, share_second = (before @ axis) / length**2, (after @ axis) / length**2
    gradient = np.zeros_like(place)
    i, j, k, m = atoms
    gradient[i] = outer_first
    gradient[m] = outer_second
    gradient[j] = -(1.0 + share_first) * outer_first + share_second * outer_second
    gradient[k] = share_first * outer_first - (1.0 + share_second) * outer_second
    return gradient


def with_dihedral(positions: ArrayLike, atoms: Sequence[int], angle_deg: float) -> Array:
    """The positions moved along the gradient of the dihedral, as little as it takes, until it has the angle.

    Args:
        positions: Å, shape (n_atoms, 3); the dihedral is some degrees off at most.
        atoms: The indices of the four.
        angle_deg: The angle.

    Raises:
        ValueError: The angle is not reached, or there is no dihedral.
    """
    place = np.array(positions, dtype=np.float64)
    for _ in range(20):
        missing = _turn_deg(angle_deg - dihedral_deg(place, atoms))
        if abs(missing) < _HELD_DEG:
            return place
        gradient = dihedral_gradient(place, atoms)
        place += np.radians(missing) * gradient / np.vdot(gradient, gradient)
    raise ValueError(f"atoms {list(atoms)}: the dihedral stays {missing:.3g} degrees away from {angle_deg:g}")


def without_turning(forces: ArrayLike, gradient: Array) -> Array:
    """The part of forces that does not turn the dihedral: their projection onto the complement of its gradient."""
    rows = np.asarray(forces, dtype=np.float64)
    projected: Array = rows - gradient * (np.vdot(gradient, rows) / np.vdot(gradient, gradient))
    return projected


def relax_with_held_dihedrals(
    conformers: Sequence[ArrayLike],
    atoms: Sequence[int],
    angles_deg: Sequence[float],
    evaluate: EnergiesAndForces,
    fmax: float,
    max_steps: int,
) -> list[HeldRelaxation]:
    """Relax all conformers, each at its own angle; one request a step for all that are not done.

    Args:
        conformers: Positions, Å, each of shape (n_atoms, 3).
        atoms: The indices of the four atoms of the dihedral.
        angles_deg: The angle of each conformer.
        evaluate: Gives energy (eV) and forces (eV/Å) of each of a list of positions.
        fmax: Done when no projected force is longer, eV/Å.
        max_steps: Steps of a conformer at most.

    Raises:
        ValueError: A dihedral is undefined or cannot be kept.
    """
    descents = [
        _Descent(with_dihedral(positions, atoms, angle), tuple(atoms), angle)
        for positions, angle in zip(conformers, angles_deg, strict=True)
    ]
    active = descents
    while active:
        answers = evaluate([descent.positions.copy() for descent in active])
        for descent, (energy, forces) in zip(active, answers, strict=True):
            descent.learn(energy, forces)
        active = [one for one in active if one.residual >= fmax and one.n_steps < max_steps]
        for descent in active:
            descent.step()
    return [descent.result(fmax) for descent in descents]


def rmsd_ang(positions: ArrayLike, others: ArrayLike) -> float:
    """Root mean square distance of atoms after the best translation and proper rotation, Å.

    Source:
        W. Kabsch, Acta Cryst. A32, 922 (1976), doi:10.1107/S0567739476001873.
    """
    first, second = (np.asarray(place, dtype=np.float64) for place in (positions, others))
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    if len(first) < 2:
        return 0.0
    # The best rotation of a linear molecule is not unique, but its distance is.
    covariance = first.T @ second
    left, stretches, right = np.linalg.svd(covariance)
    stretches[-1] *= np.sign(np.linalg.det(left @ right))
    squared = np.sum(first**2) + np.sum(second**2) - 2.0 * stretches.sum()
    return float(np.sqrt(max(squared, 0.0) / len(first)))


class _Descent:
    """One conformer on its way: BFGS with the eigenvalues of the Hessian made positive, steps limited."""

    def __init__(self, positions: Array, atoms: tuple[int, ...], angle_deg: float) -> None:
        self.positions = positions
        self.atoms = atoms
        self.angle_deg = angle_deg
        self.energy = self.first_energy = np.nan
        self.residual = np.inf
        self.n_steps = 0
        self._forces: Array = np.empty(0)
        self._hessian = _CURVATURE * np.eye(positions.size)
        self._last: tuple[Array, Array] | None = None

    def learn(self, energy: float, forces: Array) -> None:
        """Take in what the model says of the present positions."""
        if self.n_steps == 0:
            self.first_energy = energy
        self.energy = energy
        projected = without_turning(forces, dihedral_gradient(self.positions, self.atoms))
        self.residual = float(np.linalg.norm(projected, axis=1).max())
        self._forces = projected.ravel()
        if self._last is not None:
            moved, gained = self.positions.ravel() - self._last[0], self._last[1] - self._forces
            curvature = float(gained @ moved)
            if curvature != 0.0:  # exactly zero in a constant force field, which says nothing of the curvature
                curved = self._hessian @ moved
                self._hessian += np.outer(gained, gained) / curvature - np.outer(curved, curved) / (moved @ curved)
        self._last = (self.positions.ravel().copy(), self._forces)

    def step(self) -> None:
        """Move, and turn the dihedral back."""
        curvatures, directions = np.linalg.eigh(self._hessian)
        step = (directions @ ((self._forces @ directions) / np.abs(curvatures))).reshape(-1, 3)
        longest = float(np.linalg.norm(step, axis=1).max())
        step *= min(1.0, _LONGEST_STEP_ANG / longest)
        self.positions = with_dihedral(self.positions + step, self.atoms, self.angle_deg)
        self.n_steps += 1

    def result(self, fmax: float) -> HeldRelaxation:
        """Where it stands."""
        return HeldRelaxation(
            positions=self.positions,
            energy=self.energy,
            first_energy=self.first_energy,
            residual=self.residual,
            n_steps=self.n_steps,
            converged=self.residual < fmax,
        )


def _bonds(positions: ArrayLike, atoms: Sequence[int]) -> tuple[Array, Array, Array]:
    a, b, c, d = np.asarray(positions, dtype=np.float64)[list(atoms)]
    return b - a, c - b, d - c


def _turn_deg(angle_deg: float) -> float:
    """The same turn within (−180, 180]."""
    return 180.0 - (180.0 - angle_deg) % 360.0
