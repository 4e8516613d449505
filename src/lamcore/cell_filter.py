"""Coordinates of a relaxation: the atoms alone, or the atoms and the logarithm of the cell's deformation.

The cell is deformed as cell = cell₀ Fᵀ with F = exp(X), rows being lattice vectors. The coordinates are the positions
pulled back into the first cell, r F⁻ᵀ, and n_atoms · X, so that one optimizer step treats atoms and cell alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from lamcore.errors import MissingPropertyError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.model import Prediction

_NEGLIGIBLE: Final = 1e-17
_VOIGT_INDEX: Final = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])


class Coordinates(Protocol):
    """What a relaxation moves."""

    def start(self) -> NDArray[np.float64]:
        """The coordinates of the structure it was made from, shape (n_rows, 3)."""

    def place(self, coordinates: NDArray[np.float64], atoms: Atoms) -> None:
        """Give a structure the positions and the cell of these coordinates."""

    def forces(self, coordinates: NDArray[np.float64], prediction: Prediction) -> NDArray[np.float64]:
        """Minus the derivative of energy or enthalpy by the coordinates, eV/Å, shape (n_rows, 3)."""


class FixedCell:
    """The positions of the atoms, in a cell that stays."""

    def __init__(self, atoms: Atoms) -> None:
        self._positions: NDArray[np.float64] = atoms.get_positions()

    def start(self) -> NDArray[np.float64]:
        """The first positions, shape (n_atoms, 3)."""
        return self._positions

    def place(self, coordinates: NDArray[np.float64], atoms: Atoms) -> None:
        """Give a structure these positions."""
        atoms.positions[:] = coordinates

    def forces(self, coordinates: NDArray[np.float64], prediction: Prediction) -> NDArray[np.float64]:
        """The forces, eV/Å, shape (n_atoms, 3)."""
        return np.array(prediction.forces, dtype=np.float64)


class FrechetCell:
    """The positions of the atoms and, in three further rows, n_atoms times the logarithm of the deformation.

    The same coordinates and forces as ASE's FrechetCellFilter with its default factors, up to a constant.

    Args:
        atoms: The structure that relaxes, periodic in all three directions.
        pressure: Outer pressure, eV/Å³, compression positive.
    """

    def __init__(self, atoms: Atoms, pressure: float) -> None:
        self._positions = atoms.get_positions()
        self._cell = np.array(atoms.cell)
        self._volume = float(atoms.get_volume())
        self._n_atoms = len(atoms)
        self._pressure = pressure

    def start(self) -> NDArray[np.float64]:
        """The first positions and no deformation, shape (n_atoms + 3, 3)."""
        return np.vstack([self._positions, np.zeros((3, 3))])

    def place(self, coordinates: NDArray[np.float64], atoms: Atoms) -> None:
        """Give a structure the positions and the cell of these coordinates."""
        deformation = exponential(self._log_deformation(coordinates))
        atoms.positions[:] = coordinates[: self._n_atoms] @ deformation.T
        atoms.cell[:] = self._cell @ deformation.T

    def forces(self, coordinates: NDArray[np.float64], prediction: Prediction) -> NDArray[np.float64]:
        """Minus the derivative of the enthalpy E + pV by the coordinates, eV/Å, shape (n_atoms + 3, 3).

        Raises:
            MissingPropertyError: The prediction has no stress.
        """
        if prediction.stress is None:
            raise MissingPropertyError("the model gave no stress, which cell='frechet' needs; use cell='fixed'")
        log_deformation = self._log_deformation(coordinates)
        volume = self._volume * np.exp(np.trace(log_deformation))
        virial = -volume * (np.asarray(prediction.stress)[_VOIGT_INDEX] + self._pressure * np.eye(3))
        atom_forces = prediction.forces @ exponential(log_deformation)
        return np.vstack([atom_forces, log_deformation_force(log_deformation, virial) / self._n_atoms])

    def _log_deformation(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        log_deformation: NDArray[np.float64] = coordinates[self._n_atoms :] / self._n_atoms
        return log_deformation


def log_deformation_force(log_deformation: NDArray[np.float64], virial: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minus the derivative of the enthalpy by X, where the cell is deformed by F = exp(X).

    With −∂H/∂F = W F⁻ᵀ and the adjoint of the Fréchet derivative of exp at X, which is its derivative at Xᵀ, this is
    ∫₀¹ exp(sXᵀ) W exp(−sXᵀ) ds = Σₖ [Xᵀ, [Xᵀ, … W]] / (k + 1)!, with k commutators in a term. It is summed with the
    9 × 9 matrix of the commutator and calls no LAPACK routine, whose threads cost more than the arithmetic.

    Args:
        log_deformation: X, shape (3, 3).
        virial: W = −V (σ + p 1) in the deformed cell, eV, shape (3, 3).

    Returns:
        −∂H/∂X, eV, shape (3, 3).

    Source:
        The Fréchet derivative: N. J. Higham, Functions of Matrices (SIAM, 2008), section 10.2,
        doi:10.1137/1.9780898717778.
    """
    identity = np.eye(3)
    commutator = np.kron(log_deformation.T, identity) - np.kron(identity, log_deformation)
    term = total = virial.ravel()
    order = 1
    while np.abs(term).max() > _NEGLIGIBLE * np.abs(total).max():
        order += 1
        term = commutator @ term / order
        total = total + term
    return total.reshape(3, 3)


def exponential(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The exponential of a small square matrix, by its power series after halving, without calling LAPACK."""
    size = float(np.abs(matrix).sum(axis=1).max())
    n_halvings = max(0, int(np.ceil(np.log2(size)))) if size > 1.0 else 0
    halved = matrix / 2**n_halvings
    term = total = np.eye(len(matrix))
    order = 0
    while np.abs(term).max() > _NEGLIGIBLE:
        order += 1
        term = halved @ term / order
        total = total + term
    for _ in range(n_halvings):
        total = total @ total
    return total
