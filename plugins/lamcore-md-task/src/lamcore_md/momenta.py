"""First momenta of molecular dynamics: thermal, at rest as a whole, and where nothing is periodic without rotation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from ase import units

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

_FLAT = 1e-8
"""Of the largest moment of inertia: below it, there is no rotation about an axis (linear molecules)."""


def random_numbers(seed: int, case_id: str) -> np.random.Generator:
    """Random numbers that depend on the seed and the case alone, not on which other cases there are."""
    digest = hashlib.sha256(f"{seed}:{case_id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16]))


def degrees_of_freedom(atoms: Atoms) -> int:
    """Momenta that are free once the whole neither moves nor, where no direction is periodic, rotates."""
    n_free = 3 * len(atoms) - 3
    return n_free if atoms.pbc.any() else n_free - _rotations(atoms)[1]


def temperature_k(atoms: Atoms) -> float:
    """2 E_kin / (k_B · degrees of freedom), K.

    Raises:
        ValueError: There are no degrees of freedom.
    """
    n_free = degrees_of_freedom(atoms)
    if n_free < 1:
        raise ValueError(f"{atoms.get_chemical_formula()} has no degrees of freedom, so it has no temperature")
    return float(2 * atoms.get_kinetic_energy() / (n_free * units.kB))


def thermal_momenta(atoms: Atoms, target_k: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Maxwell–Boltzmann momenta with exactly the temperature asked for.

    Normal deviates of variance m k_B T; the momentum of the whole is taken off, and its angular momentum where no
    direction is periodic (in a periodic cell it is no conserved quantity); then all are scaled.

    Args:
        atoms: The structure; it is left as it is.
        target_k: Temperature, K.
        rng: Source of the random numbers.

    Returns:
        √(eV·u), shape (n_atoms, 3).

    Raises:
        ValueError: There are no degrees of freedom.
    """
    momenta = _drawn_at_rest(atoms, target_k, rng, rotates=bool(atoms.pbc.any()))
    n_free = degrees_of_freedom(atoms)
    if n_free < 1:
        raise ValueError(f"{atoms.get_chemical_formula()} has no degrees of freedom, so it has no temperature")
    return _with_kinetic_energy(momenta, atoms.get_masses(), n_free * units.kB * target_k / 2)


def lambench_momenta(atoms: Atoms, target_k: float) -> NDArray[np.float64]:
    """The momenta that LAMBench starts from: random numbers of seed 0 whatever the structure.

    The momentum of the whole and its angular momentum are taken off, in periodic cells too, and what is left is scaled
    to the kinetic energy that was drawn. That is what ASE's `Stationary` and `ZeroRotation` do.

    Args:
        atoms: The structure; it is left as it is.
        target_k: Temperature of the distribution, K.

    Returns:
        √(eV·u), shape (n_atoms, 3).
    """
    masses = atoms.get_masses()
    drawn = _drawn(masses, target_k, np.random.default_rng(0))
    kinetic_energy = float(np.sum(drawn**2 / masses[:, None])) / 2
    return _with_kinetic_energy(
        _drawn_at_rest(atoms, target_k, np.random.default_rng(0), rotates=False), masses, kinetic_energy
    )


def _drawn(masses: NDArray[np.float64], target_k: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.standard_normal((len(masses), 3)) * np.sqrt(masses * units.kB * target_k)[:, None]


def _drawn_at_rest(atoms: Atoms, target_k: float, rng: np.random.Generator, rotates: bool) -> NDArray[np.float64]:
    """Random momenta without that of the whole, and without its angular momentum unless it may rotate."""
    masses = atoms.get_masses()[:, None]
    velocities = _drawn(atoms.get_masses(), target_k, rng) / masses
    velocities -= (masses * velocities).sum(axis=0) / masses.sum()
    if not rotates:
        arms = atoms.positions - atoms.get_center_of_mass()
        inverse_inertia, _ = _rotations(atoms)
        velocities -= np.cross(inverse_inertia @ np.cross(arms, masses * velocities).sum(axis=0), arms)
    momenta: NDArray[np.float64] = masses * velocities
    return momenta


def _with_kinetic_energy(
    momenta: NDArray[np.float64], masses: NDArray[np.float64], kinetic_energy: float
) -> NDArray[np.float64]:
    """Momenta scaled to a kinetic energy, eV."""
    scaled: NDArray[np.float64] = momenta * np.sqrt(2 * kinetic_energy / np.sum(momenta**2 / masses[:, None]))
    return scaled


def _rotations(atoms: Atoms) -> tuple[NDArray[np.float64], int]:
    """The inverse of the inertia tensor on the axes about which the structure can rotate, and how many there are."""
    moments, axes = np.linalg.eigh(_inertia(atoms))
    free = moments > _FLAT * max(moments[-1], 1e-300)
    inverse = np.where(free, 1 / np.where(free, moments, 1.0), 0.0)
    return (axes * inverse) @ axes.T, int(free.sum())


def _inertia(atoms: Atoms) -> NDArray[np.float64]:
    """Tensor of inertia about the centre of mass, u·Å², shape (3, 3)."""
    arms = atoms.positions - atoms.get_center_of_mass()
    weighted = atoms.get_masses()[:, None] * arms
    tensor: NDArray[np.float64] = np.eye(3) * np.vdot(weighted, arms) - weighted.T @ arms
    return tensor
