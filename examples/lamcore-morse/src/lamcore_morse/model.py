"""Energies, forces and stresses of batches of structures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from ase.neighborlist import neighbor_list
from ase.stress import full_3x3_to_voigt_6_stress

from lamcore import Model, Prediction
from lamcore.errors import UnsupportedStructureError

if TYPE_CHECKING:
    from ase import Atoms


class MorseModel(Model):
    """Morse potential between all pairs of atoms, whatever their elements.

    E(r) = D [(1 − e^(−ρ (r/r₀ − 1)))² − 1] s(r); s goes from 1 at 2 r₀ to 0 at 3 r₀ with two continuous derivatives.

    Args:
        depth_ev: D, eV.
        bond_ang: r₀, Å.
        steepness: ρ, dimensionless.

    Source:
        P. M. Morse, Phys. Rev. 34, 57 (1929), doi:10.1103/PhysRev.34.57.
    """

    properties = frozenset(("energy", "forces", "stress"))

    def __init__(self, depth_ev: float, bond_ang: float, steepness: float) -> None:
        self.depth_ev = depth_ev
        self.bond_ang = bond_ang
        self.steepness = steepness
        self.cutoff_ang = 3 * bond_ang

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure.

        Raises:
            UnsupportedStructureError: A structure is periodic and its cell has no volume.
        """
        return [self._predict(atoms) for atoms in structures]

    def _predict(self, atoms: Atoms) -> Prediction:
        self.scope.check(atoms)
        if atoms.pbc.all() and abs(atoms.cell.volume) < 1e-6:
            raise UnsupportedStructureError(f"{atoms.get_chemical_formula()}: the cell has no volume", atoms)
        centres, distances, vectors = neighbor_list("idD", atoms, self.cutoff_ang)  # every pair twice
        energies, slopes = self._pair(distances)
        pulls = (slopes / distances)[:, None] * vectors
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, centres, pulls)
        stress = None
        if atoms.pbc.all():
            stress = full_3x3_to_voigt_6_stress(np.einsum("pi,pj->ij", vectors, pulls) / (2 * atoms.cell.volume))
        return Prediction(float(energies.sum()) / 2, forces, stress)

    def _pair(self, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies, eV, and their slopes, eV/Å, at distances in Å."""
        decay = np.exp(-self.steepness * (distances / self.bond_ang - 1))
        energies = self.depth_ev * ((1 - decay) ** 2 - 1)
        slopes = 2 * self.depth_ev * (1 - decay) * decay * self.steepness / self.bond_ang
        x = np.clip(distances / self.bond_ang - 2, 0, 1)
        switch = 1 - x**3 * (10 - 15 * x + 6 * x**2)
        switch_slope = -30 * x**2 * (1 - x) ** 2 / self.bond_ang
        return energies * switch, slopes * switch + energies * switch_slope
