"""Claims about trajectories against closed forms, and about how they end."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.lj import LennardJones
from lamcore_md.momenta import thermal_momenta
from lamcore_md.trajectory import Limits, constant_energy

from lamcore import AseModel, Model, Prediction, molecular_dynamics
from lamcore.errors import NotFiniteError

STIFFNESS = 5.0


@pytest.fixture
def oscillator():
    """One atom on a spring, 0.3 Å away from where it belongs, and at rest."""
    return Atoms("Ar", [(0.3, 0, 0)])


@pytest.fixture
def spring(springs):
    return springs({"Ar": np.zeros((1, 3))}, STIFFNESS)


def total_energies(atoms, model, timestep_fs, duration_fs):
    run = molecular_dynamics(
        atoms,
        model,
        ensemble="nve",
        timestep_fs=timestep_fs,
        n_steps=round(duration_fs / timestep_fs),
        keep_positions=True,
    )
    return run.potential_energies + run.kinetic_energies, run.positions


def test_energy_of_a_harmonic_oscillator_keeps_velocity_verlets_own_constant(oscillator, spring):
    """p²/2m + ½ k x² (1 − ω² Δt²/4) is kept exactly, so the energy swings by ½ k x² ω² Δt²/4 and never drifts."""
    timestep_fs = 40.0
    energies, positions = total_energies(oscillator, spring, timestep_fs, 40_000)
    omega_step_squared = STIFFNESS / oscillator.get_masses()[0] * (timestep_fs * units.fs) ** 2
    swing = 0.5 * STIFFNESS * np.sum(positions**2, axis=(1, 2)) * omega_step_squared / 4
    kept = energies - swing
    assert np.ptp(energies) > 0.01
    assert np.ptp(kept) < 1e-12


def exponent(timesteps, spreads):
    return np.polyfit(np.log(timesteps), np.log(spreads), 1)[0]


def test_energy_error_of_a_harmonic_oscillator_goes_as_the_step_squared(oscillator, spring):
    timesteps = np.array([2.0, 4.0, 8.0, 16.0])
    spreads = [np.ptp(total_energies(oscillator, spring, step, 4000)[0]) for step in timesteps]
    assert exponent(timesteps, spreads) == pytest.approx(2, abs=0.02)


def test_energy_error_of_a_lennard_jones_crystal_goes_as_the_step_squared():
    crystal = bulk("Ar", cubic=True, a=5.3)
    crystal.rattle(0.05, seed=3)
    crystal.set_momenta(thermal_momenta(crystal, 40.0, np.random.default_rng(0)))
    model = AseModel(LennardJones(sigma=3.4, epsilon=0.0103, rc=6.0, smooth=True))
    timesteps = np.array([5.0, 10.0, 20.0])
    spreads = [np.std(total_energies(crystal, model, step, 1000)[0][:: round(20 / step)]) for step in timesteps]
    assert exponent(timesteps, spreads) == pytest.approx(2, abs=0.15)


def run(atoms, model, limits=None, n_steps=40, sample_every=5, timestep_fs=1.0):
    return constant_energy(
        atoms, model, timestep_fs=timestep_fs, n_steps=n_steps, sample_every=sample_every, limits=limits or Limits()
    )


def test_samples_are_taken_at_the_start_and_at_every_interval_to_the_end(oscillator, spring):
    trace = run(oscillator, spring)
    assert (trace.outcome, trace.detail) == ("completed", "")
    assert [step for step, *_ in trace.samples] == [0, 5, 10, 15, 20, 25, 30, 35, 40]
    assert spring.calls == {"Ar": 41}


@pytest.mark.parametrize(
    ("spoilt", "outcome", "detail"),
    [
        ({"energy": np.nan}, "not_finite", "step 12"),
        ({"forces": np.full((1, 3), np.nan)}, "not_finite", "step 12"),
        ({"forces": np.full((1, 3), 1e5)}, "exploded", r"eV/Å long"),
    ],
)
def test_what_led_to_an_end_is_kept(oscillator, springs, spoilt, outcome, detail):
    def spoil(call, atoms, prediction):
        return Prediction(**{**vars(prediction), **spoilt}) if call == 12 else None

    trace = run(oscillator, springs({"Ar": np.zeros((1, 3))}, STIFFNESS, spoil=spoil), Limits(force=1e4))
    assert trace.outcome == outcome
    assert detail.replace(r"\.", ".") in trace.detail
    assert [step for step, *_ in trace.samples] == [0, 5, 10]
    assert len(trace.momenta) == 3
    assert np.isfinite(trace.last.positions).all()


def test_a_model_that_has_no_number_at_the_start_gives_no_trajectory(oscillator, springs):
    model = springs(
        {"Ar": np.zeros((1, 3))}, spoil=lambda call, atoms, prediction: Prediction(np.nan, prediction.forces)
    )
    with pytest.raises(NotFiniteError):
        run(oscillator, model)


class Free(Model):
    """Atoms that do not feel each other."""

    def evaluate(self, structures):
        return [Prediction(0.0, np.zeros((len(atoms), 3))) for atoms in structures]


def flying(speed_ang_per_fs):
    atoms = Atoms("Ar3", [(0, 0, 0), (3, 0, 0), (0, 3, 0)])
    atoms.set_velocities([(0, 0, 0), (speed_ang_per_fs / units.fs, 0, 0), (0, 0, 0)])
    return atoms


def test_an_atom_that_leaves_all_others_is_lost():
    trace = run(flying(0.19), Free(), Limits(lost_beyond_ang=8.0))
    assert trace.outcome == "atom_lost"
    # 3 Å + 0.19 Å/fs: 7.75 Å after 25 steps, 8.7 Å after 30.
    assert trace.detail == "step 30: atom 1 (Ar) has no other atom within 8 Å"
    assert run(flying(0.19), Free(), Limits(lost_beyond_ang=None)).outcome == "completed"
    assert run(flying(0.1), Free(), Limits(lost_beyond_ang=8.0)).outcome == "completed"


def test_an_atom_that_was_alone_from_the_start_cannot_be_lost():
    atoms = Atoms("Ar3", [(0, 0, 0), (3, 0, 0), (0, 30, 0)])
    atoms.set_velocities([(0, 0, 0), (0, 0, 0), (0, 0.1 / units.fs, 0)])
    assert run(atoms, Free(), Limits(lost_beyond_ang=8.0)).outcome == "completed"


def test_a_temperature_or_an_energy_beyond_its_limit_is_an_explosion():
    hot = run(flying(0.5), Free(), Limits(temperature_k=5e4))
    assert hot.outcome == "exploded"
    assert "temperature" in hot.detail
    assert "expected at most 5e+04 K" in hot.detail
    rich = run(flying(0.5), Free(), Limits(energy=1.0))
    assert rich.outcome == "exploded"
    assert "total energy" in rich.detail


def test_time_that_runs_out_is_an_end_unless_all_steps_are_taken(oscillator, spring):
    trace = run(oscillator, spring, Limits(wall_time_s=0.0))
    assert trace.outcome == "wall_time"
    assert trace.detail == "not done after 0 s; raise task.wall_time_s, or use a faster machine"
    assert [step for step, *_ in trace.samples] == [0]
    assert run(oscillator, spring, Limits(wall_time_s=60.0)).outcome == "completed"
