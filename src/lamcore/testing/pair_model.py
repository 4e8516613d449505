"""A model for every element, quick and smooth, to try tasks with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from ase.stress import full_3x3_to_voigt_6_stress

from lamcore.model import Model, Prediction

if TYPE_CHECKING:
    from ase import Atoms

_DEPTH_EV: Final = 0.4
_STEEPNESS: Final = 4.0
_BOND: Final = 1.05
_CUTOFF_ANG: Final = 8.0
_SWITCH_FROM_ANG: Final = 5.0


class PairModel(Model):
    """Morse potential between all elements, with its minimum at 1.05 sums of covalent radii.

    E = D [(1 − e^(−a (r/r₀ − 1)))² − 1] with D = 0.4 eV and a = 4, brought to zero between 5 and 8 Å by a polynomial
    with two continuous derivatives. It has no chemistry: it is for seeing whether a task computes, not what it finds.
    """

    properties = frozenset(("energy", "forces", "stress", "descriptors"))
    cutoff_ang = _CUTOFF_ANG

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure."""
        return [_predict(atoms) for atoms in structures]

    def descriptors(self, structures: Sequence[Atoms]) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        """The energy of each atom and its number of neighbours, shape (n_atoms, 2)."""
        described = []
        for atoms in structures:
            centres, _, energies, _ = _pairs(atoms)
            share = np.bincount(centres, weights=energies / 2, minlength=len(atoms))
            neighbours = np.bincount(centres, minlength=len(atoms)).astype(np.float64)
            described.append(np.stack([share, neighbours], axis=1))
        return described


def _predict(atoms: Atoms) -> Prediction:
    centres, vectors, energies, pulls = _pairs(atoms)
    forces = np.zeros((len(atoms), 3))
    np.add.at(forces, centres, pulls)
    stress = None
    if atoms.pbc.all():
        # Each pair is there twice; a strain moves the far end of a bond by strain × vector.
        stress = full_3x3_to_voigt_6_stress(np.einsum("pi,pj->ij", vectors, pulls) / (2 * atoms.get_volume()))
    return Prediction(float(np.sum(energies)) / 2, forces, stress)


def _pairs(atoms: Atoms) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centres, vectors to neighbours (Å), pair energies (eV) and forces on the centres (eV/Å); each pair twice."""
    centres, others, distances, vectors = neighbor_list("ijdD", atoms, _CUTOFF_ANG)
    radii = covalent_radii[atoms.numbers]
    rest = _BOND * (radii[centres] + radii[others])
    decay = np.exp(-_STEEPNESS * (distances / rest - 1))
    energies = _DEPTH_EV * ((1 - decay) ** 2 - 1)
    slopes = _DEPTH_EV * 2 * (1 - decay) * decay * _STEEPNESS / rest
    x = np.clip((distances - _SWITCH_FROM_ANG) / (_CUTOFF_ANG - _SWITCH_FROM_ANG), 0, 1)
    switch = 1 - x**3 * (10 - 15 * x + 6 * x**2)
    switch_slope = -30 * x**2 * (1 - x) ** 2 / (_CUTOFF_ANG - _SWITCH_FROM_ANG)
    slopes = slopes * switch + energies * switch_slope
    pulls = (slopes / np.maximum(distances, 1e-12))[:, None] * vectors
    return centres, vectors, energies * switch, pulls
