"""A trajectory at constant energy that is kept up to where it ends, wherever that is."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from ase import units

from lamcore import molecular_dynamics
from lamcore.errors import DynamicsExplodedError, NotFiniteError, UnsupportedStructureError
from lamcore_md.momenta import temperature_k
from lamcore_md.stability import lone_atoms

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore import Model
    from lamcore.dynamics import Sample

Outcome = Literal["completed", "exploded", "not_finite", "atom_lost", "wall_time"]

OUTCOMES: Final[dict[Outcome, str]] = {
    "completed": "took all its steps",
    "exploded": "a force, a temperature or an energy beyond any physical meaning",
    "not_finite": "the model answered with a value that is not finite",
    "atom_lost": "an atom went away from all others",
    "wall_time": "took longer than it was given",
}
"""What becomes of a trajectory, and what that means."""

MOMENTUM_AMU_ANG_PER_FS: Final = units.fs
"""√(eV·u), ASE's unit of momentum, in u·Å/fs (0.0982)."""


@dataclass(frozen=True)
class Limits:
    """Where a trajectory ends early.

    Attributes:
        force: Longest force, eV/Å.
        temperature_k: K.
        energy: Total energy, eV.
        lost_beyond_ang: Distance of an atom to all others, Å; None if atoms may go where they like.
        wall_time_s: Seconds on the clock since the case began, its neighbours' share included; None for no limit.
    """

    force: float = math.inf
    temperature_k: float = math.inf
    energy: float = math.inf
    lost_beyond_ang: float | None = None
    wall_time_s: float | None = None


@dataclass
class Trace:
    """What was seen of a trajectory.

    Attributes:
        outcome: What became of it.
        detail: Why it ended early; empty where it did not.
        samples: Step, potential and kinetic energy, eV, of each sample.
        momenta: Momentum of the whole at each sample, √(eV·u), shape (3,).
        last: The structure at the last sample, with momenta.
    """

    outcome: Outcome = "completed"
    detail: str = ""
    samples: list[tuple[int, float, float]] = field(default_factory=list)
    momenta: list[NDArray[np.float64]] = field(default_factory=list)
    last: Atoms | None = None


class _Ended(Exception):
    """The trajectory reached a limit."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome: Outcome = outcome


def constant_energy(
    atoms: Atoms, model: Model, *, timestep_fs: float, n_steps: int, sample_every: int, limits: Limits
) -> Trace:
    """Move atoms by velocity Verlet until the last step, or until the trajectory means nothing any more.

    Args:
        atoms: The structure with its first momenta, without constraints; it is left as it is.
        model: Asked once for each configuration.
        timestep_fs: fs.
        n_steps: Steps to take.
        sample_every: Steps from one sample to the next.
        limits: Where to end early; looked at whenever a sample is taken, except for forces.

    Returns:
        What was seen; what the model raises in its first answer is no trajectory, and is raised.
    """
    watch = _Watch(atoms, n_steps, limits)
    trace = watch.trace
    try:
        molecular_dynamics(
            atoms,
            model,
            ensemble="nve",
            timestep_fs=timestep_fs,
            n_steps=n_steps,
            sample_every=sample_every,
            force_limit=limits.force,
            observe=watch,
        )
    except _Ended as end:
        trace.outcome, trace.detail = end.outcome, str(end)
    except NotFiniteError as error:
        _raise_if_nothing_was_seen(trace, error)
        trace.outcome, trace.detail = "not_finite", f"after step {trace.samples[-1][0]}: {error}"
    # A structure that the model covered at the start lies outside of its scope only by coordinates beyond numbers.
    except (DynamicsExplodedError, UnsupportedStructureError) as error:
        _raise_if_nothing_was_seen(trace, error)
        trace.outcome, trace.detail = "exploded", str(error)
    return trace


def _raise_if_nothing_was_seen(trace: Trace, error: Exception) -> None:
    """Without a first sample nothing was measured: the case fails."""
    if not trace.samples:
        raise error


class _Watch:
    """Keeps what is seen of a trajectory, and ends it at its limits."""

    def __init__(self, atoms: Atoms, n_steps: int, limits: Limits) -> None:
        self.trace = Trace()
        self._n_steps = n_steps
        self._limits = limits
        self._started = time.monotonic()
        distance = limits.lost_beyond_ang
        self._lone_at_start = None if distance is None else lone_atoms(atoms, distance)

    def __call__(self, sample: Sample) -> None:
        self.trace.samples.append((sample.step, sample.potential_energy, sample.kinetic_energy))
        self.trace.momenta.append(sample.atoms.get_momenta().sum(axis=0))
        self.trace.last = sample.atoms
        self._end_where_exploded(sample)
        self._end_where_an_atom_is_lost(sample)
        limit_s = self._limits.wall_time_s
        if limit_s is not None and sample.step < self._n_steps and time.monotonic() - self._started > limit_s:
            raise _Ended("wall_time", f"not done after {limit_s:g} s; raise task.wall_time_s, or use a faster machine")

    def _end_where_exploded(self, sample: Sample) -> None:
        energy = sample.potential_energy + sample.kinetic_energy
        if energy > self._limits.energy:
            raise _Ended(
                "exploded",
                f"step {sample.step}: total energy {energy:.4g} eV, expected at most {self._limits.energy:.4g} eV",
            )
        if math.isinf(self._limits.temperature_k):
            return
        now_k = temperature_k(sample.atoms)
        if now_k > self._limits.temperature_k:
            raise _Ended(
                "exploded",
                f"step {sample.step}: temperature {now_k:.4g} K, expected at most {self._limits.temperature_k:.4g} K",
            )

    def _end_where_an_atom_is_lost(self, sample: Sample) -> None:
        distance = self._limits.lost_beyond_ang
        if distance is None or self._lone_at_start is None:
            return
        lost = lone_atoms(sample.atoms, distance) & ~self._lone_at_start
        if lost.any():
            index = int(np.argmax(lost))
            name = f"atom {index} ({sample.atoms.symbols[index]})"
            raise _Ended(
                "atom_lost",
                f"step {sample.step}: {name} has no other atom within {distance:g} Å",
            )
