"""Molecular dynamics with any model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import numpy as np
from ase import units

from lamcore._explosion import what_exploded
from lamcore.constraints import fixed_atoms
from lamcore.errors import DynamicsExplodedError, DynamicsNotFiniteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.model import Model, Prediction

Ensemble = Literal["nve", "nvt"]


@dataclass(frozen=True)
class Sample:
    """Molecular dynamics at one moment.

    Attributes:
        step: Steps taken so far.
        time_fs: fs.
        potential_energy: eV.
        kinetic_energy: eV.
        atoms: The structure, with momenta and without constraints; a copy that its receiver may keep.
    """

    step: int
    time_fs: float
    potential_energy: float
    kinetic_energy: float
    atoms: Atoms


@dataclass(frozen=True)
class Trajectory:
    """What molecular dynamics went through, sampled at step 0 and every `sample_every` steps.

    Attributes:
        times_fs: fs, shape (n_samples,).
        potential_energies: eV, shape (n_samples,).
        kinetic_energies: eV, shape (n_samples,).
        temperatures_k: 2 E_kin / (k_B · degrees of freedom), K, shape (n_samples,); three degrees of freedom for each
            atom that moves.
        atoms: The structure after the last step, with momenta and constraints and without a calculator.
        positions: Å, not wrapped into the cell, shape (n_samples, n_atoms, 3); None unless asked for.
    """

    times_fs: NDArray[np.float64]
    potential_energies: NDArray[np.float64]
    kinetic_energies: NDArray[np.float64]
    temperatures_k: NDArray[np.float64]
    atoms: Atoms
    positions: NDArray[np.float64] | None = None


def molecular_dynamics(
    atoms: Atoms,
    model: Model,
    *,
    ensemble: Ensemble,
    timestep_fs: float,
    n_steps: int,
    temperature_k: float | None = None,
    friction_per_fs: float | None = None,
    rng: np.random.Generator | None = None,
    sample_every: int = 1,
    keep_positions: bool = False,
    force_limit: float = 1e4,
    observe: Callable[[Sample], None] | None = None,
) -> Trajectory:
    """Move atoms by Newton's equations, alone (`nve`) or in a Langevin heat bath (`nvt`).

    It takes the path of ASE's VelocityVerlet, or of Langevin with `fixcm=False` and the same random numbers.

    Args:
        atoms: The structure with its first momenta; it is left as it is. FixAtoms constraints are kept.
        model: Asked once for each configuration, n_steps + 1 times.
        ensemble: `nve` or `nvt`.
        timestep_fs: fs.
        n_steps: How many steps to take.
        temperature_k: Temperature of the heat bath, K; `nvt` only.
        friction_per_fs: Coupling to the heat bath, 1/fs; `nvt` only.
        rng: Source of the random numbers; `nvt` only.
        sample_every: Steps from one sample to the next.
        keep_positions: Whether the positions of all samples are returned.
        force_limit: Longest force on an atom that is still taken for physics, eV/Å.
        observe: Called with each sample as it is taken, so that what led to an explosion is not lost with it; what it
            raises ends the dynamics.

    Raises:
        ConstraintError: A constraint other than FixAtoms.
        DynamicsExplodedError: A force is longer than `force_limit`, or (`DynamicsNotFiniteError`) a prediction is not
            finite.
        ValueError: An option is missing, out of its range or of another ensemble.

    Source:
        Velocity Verlet: W. C. Swope et al., J. Chem. Phys. 76, 637 (1982), doi:10.1063/1.442716.
        Langevin: equation 23 of E. Vanden-Eijnden and G. Ciccotti, Chem. Phys. Lett. 429, 310 (2006),
        doi:10.1016/j.cplett.2006.07.086.
    """
    _check_options(ensemble, timestep_fs, n_steps, sample_every)
    moves = np.ones((len(atoms), 1))
    moves[fixed_atoms(atoms)] = 0.0
    masses = atoms.get_masses()[:, None]
    if not (masses > 0).all():
        raise ValueError(f"atom {int(np.argmin(masses))} has mass {masses.min()} u, expected every mass above zero")
    timestep = timestep_fs * units.fs
    integrator: _Integrator
    if ensemble == "nve":
        _refuse_bath(temperature_k, friction_per_fs, rng)
        integrator = _VelocityVerlet(timestep, masses, moves)
    else:
        bath = _checked_bath(temperature_k, friction_per_fs, rng)
        integrator = _Langevin(timestep, masses, moves, *bath)

    free = atoms.copy()
    free.set_constraint()
    samples = _Samples(3 * int(moves.sum()), keep_positions, observe)
    velocities = moves * free.get_velocities()
    prediction = _predict(model, free, 0, force_limit)
    samples.add(0, 0.0, prediction.energy, velocities, masses, free)
    for step in range(1, n_steps + 1):
        positions, drift = integrator.first_half(free.positions, velocities, prediction.forces)
        free = free.copy()
        free.positions[:] = positions
        prediction = _predict(model, free, step, force_limit)
        velocities = integrator.second_half(drift, prediction.forces)
        if step % sample_every == 0:
            samples.add(step, step * timestep_fs, prediction.energy, velocities, masses, free)
    free.set_momenta(velocities * masses)
    free.set_constraint([constraint.copy() for constraint in atoms.constraints])
    return samples.trajectory(free)


class _Integrator(Protocol):
    """One step in two halves, between which the forces at the new positions are asked for."""

    def first_half(
        self, positions: NDArray[np.float64], velocities: NDArray[np.float64], forces: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """New positions, and velocities on the way."""

    def second_half(self, velocities: NDArray[np.float64], forces: NDArray[np.float64]) -> NDArray[np.float64]:
        """New velocities, from those on the way and the new forces."""


class _VelocityVerlet:
    def __init__(self, timestep: float, masses: NDArray[np.float64], moves: NDArray[np.float64]) -> None:
        self._timestep = timestep
        self._kick = moves * 0.5 * timestep / masses

    def first_half(
        self, positions: NDArray[np.float64], velocities: NDArray[np.float64], forces: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        drift = velocities + self._kick * forces
        return positions + self._timestep * drift, drift

    def second_half(self, velocities: NDArray[np.float64], forces: NDArray[np.float64]) -> NDArray[np.float64]:
        return velocities + self._kick * forces


class _Langevin:
    """Two normal numbers for each atom and direction are drawn a step, for velocities first and positions second."""

    def __init__(
        self,
        timestep: float,
        masses: NDArray[np.float64],
        moves: NDArray[np.float64],
        temperature_k: float,
        friction_per_fs: float,
        rng: np.random.Generator,
    ) -> None:
        friction = friction_per_fs / units.fs
        noise = np.sqrt(2 * units.kB * temperature_k * friction / masses)
        self._timestep = timestep
        self._moves = moves
        self._rng = rng
        self._kick = (timestep / 2 - timestep**2 * friction / 8) / masses
        self._drag = timestep * friction / 2 - timestep**2 * friction**2 / 8
        self._velocity_noise = np.sqrt(timestep) * noise / 2 - timestep**1.5 * friction * noise / 8
        self._position_noise = timestep**1.5 * noise / (2 * np.sqrt(3))
        self._shared_noise = friction / 2 * self._position_noise
        self._velocity_push = np.zeros_like(masses)

    def first_half(
        self, positions: NDArray[np.float64], velocities: NDArray[np.float64], forces: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        xi = self._rng.standard_normal(size=positions.shape)
        eta = self._rng.standard_normal(size=positions.shape)
        self._velocity_push = self._velocity_noise * xi - self._shared_noise * eta
        drift = self._half_kick(velocities, forces)
        return positions + self._moves * (self._timestep * drift + self._position_noise * eta), drift

    def second_half(self, velocities: NDArray[np.float64], forces: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._half_kick(velocities, forces)

    def _half_kick(self, velocities: NDArray[np.float64], forces: NDArray[np.float64]) -> NDArray[np.float64]:
        kicked: NDArray[np.float64] = velocities + self._kick * forces - self._drag * velocities + self._velocity_push
        return self._moves * kicked


class _Samples:
    def __init__(
        self, n_degrees_of_freedom: int, keep_positions: bool, observe: Callable[[Sample], None] | None
    ) -> None:
        self._observe = observe
        self._n_degrees_of_freedom = n_degrees_of_freedom
        self._keep_positions = keep_positions
        self._rows: list[tuple[float, float, float]] = []
        self._positions: list[NDArray[np.float64]] = []

    def add(
        self,
        step: int,
        time_fs: float,
        energy: float,
        velocities: NDArray[np.float64],
        masses: NDArray[np.float64],
        atoms: Atoms,
    ) -> None:
        momenta = velocities * masses
        kinetic_energy = 0.5 * float(np.vdot(momenta, velocities))
        self._rows.append((time_fs, energy, kinetic_energy))
        if self._keep_positions:
            self._positions.append(atoms.get_positions())
        if self._observe is not None:
            shown = atoms.copy()
            shown.set_momenta(momenta)
            self._observe(Sample(step, time_fs, energy, kinetic_energy, shown))

    def trajectory(self, last: Atoms) -> Trajectory:
        times_fs, potential, kinetic = np.array(self._rows).T
        return Trajectory(
            times_fs=times_fs,
            potential_energies=potential,
            kinetic_energies=kinetic,
            temperatures_k=2 * kinetic / (max(self._n_degrees_of_freedom, 1) * units.kB),
            atoms=last,
            positions=np.array(self._positions) if self._keep_positions else None,
        )


def _predict(model: Model, atoms: Atoms, step: int, force_limit: float) -> Prediction:
    (prediction,) = model.evaluate([atoms])
    if problem := what_exploded(prediction, force_limit):
        values = (prediction.energy, prediction.forces, prediction.stress)
        is_finite = all(value is None or np.isfinite(value).all() for value in values)
        kind = DynamicsExplodedError if is_finite else DynamicsNotFiniteError
        raise kind(f"{atoms.get_chemical_formula()}: step {step} of molecular dynamics: {problem}")
    return prediction


def _check_options(ensemble: str, timestep_fs: float, n_steps: int, sample_every: int) -> None:
    if ensemble not in get_args(Ensemble):
        raise ValueError(f"ensemble is {ensemble!r}, expected one of {', '.join(get_args(Ensemble))}")
    if not timestep_fs > 0:
        raise ValueError(f"timestep_fs is {timestep_fs}, expected more than zero")
    if n_steps < 0:
        raise ValueError(f"n_steps is {n_steps}, expected zero or more")
    if sample_every < 1:
        raise ValueError(f"sample_every is {sample_every}, expected one or more")


def _refuse_bath(temperature_k: float | None, friction_per_fs: float | None, rng: np.random.Generator | None) -> None:
    bath = {"temperature_k": temperature_k, "friction_per_fs": friction_per_fs, "rng": rng}
    if given := [name for name, value in bath.items() if value is not None]:
        raise ValueError(f"{', '.join(given)} given, which do nothing in ensemble='nve'; use ensemble='nvt'")


def _checked_bath(
    temperature_k: float | None, friction_per_fs: float | None, rng: np.random.Generator | None
) -> tuple[float, float, np.random.Generator]:
    if temperature_k is None or friction_per_fs is None or rng is None:
        raise ValueError("ensemble='nvt' needs temperature_k, friction_per_fs and rng")
    if not temperature_k >= 0:
        raise ValueError(f"temperature_k is {temperature_k}, expected zero or more")
    if not friction_per_fs >= 0:
        raise ValueError(f"friction_per_fs is {friction_per_fs}, expected zero or more")
    return temperature_k, friction_per_fs, rng
