"""Coordinates of a relaxation: the atoms alone, or the atoms and the logarithm of the cell's deformation.

The cell is deformed as cell = cell₀ Fᵀ with F = exp(X), rows being lattice vectors. The coordinates are the positions
pulled back into the first cell, r F⁻ᵀ, and n_atoms · X, so that one optimizer step treats atoms and cell alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.linalg import expm

from lamcore.errors import MissingPropertyError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.model import Prediction

_VOIGT_INDEX = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])


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
        self._n_atoms = len(atoms)
        self._pressure = pressure

    def start(self) -> NDArray[np.float64]:
        """The first positions and no deformation, shape (n_atoms + 3, 3)."""
        return np.vstack([self._positions, np.zeros((3, 3))])

    def place(self, coordinates: NDArray[np.float64], atoms: Atoms) -> None:
        """Give a structure the positions and the cell of these coordinates."""
        deformation = expm(self._log_deformation(coordinates))
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
        deformation = expm(log_deformation)
        volume = abs(float(np.linalg.det(self._cell @ deformation.T)))
        virial = -volume * (np.asarray(prediction.stress)[_VOIGT_INDEX] + self._pressure * np.eye(3))
        cell_force = deformation_log_force(log_deformation, np.linalg.solve(deformation, virial).T)
        return np.vstack([prediction.forces @ deformation, cell_force / self._n_atoms])

    def _log_deformation(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        log_deformation: NDArray[np.float64] = coordinates[self._n_atoms :] / self._n_atoms
        return log_deformation


def deformation_log_force(
    log_deformation: NDArray[np.float64], deformation_force: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Minus the derivative of an energy by X, from that by F = exp(X).

    The adjoint of the Fréchet derivative of the exponential at X is its Fréchet derivative at Xᵀ, which one exponential
    of a 6 × 6 block matrix gives.

    Args:
        log_deformation: X, shape (3, 3).
        deformation_force: −∂E/∂F, eV, shape (3, 3).

    Returns:
        −∂E/∂X, eV, shape (3, 3).

    Source:
        A. H. Al-Mohy and N. J. Higham, SIAM J. Matrix Anal. Appl. 30, 1639 (2009), doi:10.1137/080716426.
    """
    size = float(np.linalg.norm(deformation_force))
    if size == 0.0:
        return np.zeros((3, 3))
    block = np.zeros((6, 6))
    block[:3, :3] = block[3:, 3:] = log_deformation.T
    # The derivative is linear in its direction; a direction of norm one keeps the exponential cheap and precise.
    block[:3, 3:] = deformation_force / size
    derivative: NDArray[np.float64] = expm(block)[:3, 3:]
    return derivative * size
