import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms, FixedLine
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet

from lamcore import AseModel, Model, Prediction, molecular_dynamics
from lamcore.errors import ConstraintError, DynamicsExplodedError, DynamicsNotFiniteError

BATH = {"ensemble": "nvt", "temperature_k": 500.0, "friction_per_fs": 0.02}


def lennard_jones():
    return LennardJones(sigma=2.3, epsilon=0.4, rc=6.0, smooth=True)


def hot_alloy():
    """A triclinic cell of two kinds of atoms with different masses, moving, one of them held."""
    rng = np.random.default_rng(11)
    atoms = bulk("Cu", cubic=True) * (1, 1, 2)
    atoms.symbols[::3] = "Au"
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.04 * rng.normal(size=(3, 3))), scale_atoms=True)
    atoms.rattle(0.05, rng=rng)
    atoms.set_momenta(np.sqrt(units.kB * 900 * atoms.get_masses())[:, None] * rng.normal(size=(8, 3)))
    return atoms


def ase_path(atoms, driver, n_steps):
    rows, positions = [], []

    def sample():
        rows.append((atoms.get_potential_energy(), atoms.get_kinetic_energy(), atoms.get_temperature()))
        positions.append(atoms.get_positions())

    driver.attach(sample)
    driver.run(n_steps)
    return np.array(rows).T, np.array(positions)


def assert_same_path(ours, atoms, driver):
    (potential, kinetic, temperatures), positions = ase_path(atoms, driver, 50)
    assert ours.positions.shape == positions.shape == (51, len(atoms), 3)
    assert np.abs(ours.positions - positions).max() < 1e-8
    assert np.abs(positions[-1] - positions[0]).max() > 0.1
    assert ours.potential_energies == pytest.approx(potential, abs=1e-8)
    assert ours.kinetic_energies == pytest.approx(kinetic, abs=1e-8)
    assert ours.temperatures_k == pytest.approx(temperatures, abs=1e-5)
    assert ours.atoms.get_momenta() == pytest.approx(atoms.get_momenta(), abs=1e-8)
    assert ours.atoms.positions == pytest.approx(atoms.positions, abs=1e-8)


@pytest.mark.parametrize("held", [[], [2, 5]])
@pytest.mark.parametrize("calculator", [EMT, lennard_jones])
def test_nve_takes_the_path_of_velocity_verlet_in_ase(calculator, held):
    atoms = hot_alloy()
    atoms.set_constraint(FixAtoms(held))
    ours = molecular_dynamics(
        atoms, AseModel(calculator()), ensemble="nve", timestep_fs=2.0, n_steps=50, keep_positions=True
    )
    theirs = atoms.copy()
    theirs.set_momenta(theirs.get_momenta())  # ASE stops held atoms only when momenta are set
    theirs.calc = calculator()
    assert_same_path(ours, theirs, VelocityVerlet(theirs, timestep=2.0 * units.fs))


@pytest.mark.parametrize("held", [[], [2, 5]])
@pytest.mark.parametrize("calculator", [EMT, lennard_jones])
def test_nvt_takes_the_path_of_langevin_in_ase_with_the_same_random_numbers(calculator, held):
    atoms = hot_alloy()
    atoms.set_constraint(FixAtoms(held))
    ours = molecular_dynamics(
        atoms,
        AseModel(calculator()),
        **BATH,
        rng=np.random.default_rng(4),
        timestep_fs=2.0,
        n_steps=50,
        keep_positions=True,
    )
    theirs = atoms.copy()
    theirs.set_momenta(theirs.get_momenta())
    theirs.calc = calculator()
    driver = Langevin(
        theirs,
        timestep=2.0 * units.fs,
        temperature_K=500,
        friction=0.02 / units.fs,
        fixcm=False,
        rng=np.random.default_rng(4),
    )
    assert_same_path(ours, theirs, driver)


def test_a_harmonic_oscillator_swings_with_the_closed_form_of_velocity_verlet():
    atoms = oscillators(1)
    atoms.positions[0, 0] += 0.1
    model = Harmonic(atoms.get_positions() - [[0.1, 0, 0]])
    omega = np.sqrt(Harmonic.stiffness / atoms.get_masses()[0])
    timestep = 3.0 * units.fs
    trajectory = molecular_dynamics(atoms, model, ensemble="nve", timestep_fs=3.0, n_steps=200, keep_positions=True)
    # x_n = x_0 cos(n θ) with cos θ = 1 - (ω Δt)²/2 solves x_{n+1} - 2 x_n + x_{n-1} = -(ω Δt)² x_n.
    theta = np.arccos(1 - (omega * timestep) ** 2 / 2)
    assert trajectory.positions[:, 0, 0] - model.sites[0, 0] == pytest.approx(
        0.1 * np.cos(theta * np.arange(201)), abs=1e-10
    )
    assert trajectory.times_fs == pytest.approx(3.0 * np.arange(201))


def test_the_energy_error_of_nve_falls_with_the_square_of_the_time_step():
    def drift(timestep_fs, n_steps):
        run = molecular_dynamics(hot_alloy(), AseModel(EMT()), ensemble="nve", timestep_fs=timestep_fs, n_steps=n_steps)
        total = run.potential_energies + run.kinetic_energies
        return np.abs(total - total[0]).max()

    assert drift(4.0, 25) / drift(2.0, 50) == pytest.approx(4.0, rel=0.25)


def test_langevin_oscillators_take_on_the_temperature_of_the_bath():
    atoms = oscillators(400)
    trajectory = molecular_dynamics(
        atoms,
        Harmonic(atoms.get_positions()),
        ensemble="nvt",
        temperature_k=300.0,
        friction_per_fs=0.05,
        rng=np.random.default_rng(0),
        timestep_fs=2.0,
        n_steps=1000,
    )
    settled = slice(200, None)
    # 1200 oscillators over about 1600 fs / 20 fs correlation times: a standard error of about half a per cent.
    assert trajectory.temperatures_k[settled].mean() == pytest.approx(300, rel=0.02)
    potential_k = 2 * trajectory.potential_energies[settled].mean() / (1200 * units.kB)
    assert potential_k == pytest.approx(300, rel=0.02)


def test_the_same_generator_gives_the_same_trajectory_and_another_one_does_not():
    def last(seed):
        run = molecular_dynamics(
            hot_alloy(), AseModel(EMT()), **BATH, rng=np.random.default_rng(seed), timestep_fs=1.0, n_steps=5
        )
        return run.atoms.positions

    assert np.array_equal(last(1), last(1))
    assert not np.allclose(last(1), last(2), atol=1e-6)


def test_a_run_without_friction_is_newtonian():
    bath = {"ensemble": "nvt", "temperature_k": 300.0, "friction_per_fs": 0.0, "rng": np.random.default_rng(0)}
    with_bath = molecular_dynamics(hot_alloy(), AseModel(EMT()), **bath, timestep_fs=2.0, n_steps=30)
    alone = molecular_dynamics(hot_alloy(), AseModel(EMT()), ensemble="nve", timestep_fs=2.0, n_steps=30)
    assert with_bath.atoms.positions == pytest.approx(alone.atoms.positions, abs=1e-10)


def test_samples_are_taken_every_so_many_steps_and_at_step_zero():
    model = CountingModel()
    run = molecular_dynamics(
        hot_alloy(), model, ensemble="nve", timestep_fs=0.5, n_steps=10, sample_every=4, keep_positions=True
    )
    full = molecular_dynamics(hot_alloy(), AseModel(EMT()), ensemble="nve", timestep_fs=0.5, n_steps=10)
    assert run.times_fs.tolist() == [0.0, 2.0, 4.0]
    assert run.kinetic_energies == pytest.approx(full.kinetic_energies[::4], abs=1e-12)
    assert run.positions.shape == (3, 8, 3)
    assert full.positions is None
    assert run.atoms.positions == pytest.approx(full.atoms.positions, abs=1e-12)
    assert model.calls == 11


def test_no_steps_are_one_sample_of_the_structure_as_it_is():
    atoms = hot_alloy()
    run = molecular_dynamics(atoms, AseModel(EMT()), ensemble="nve", timestep_fs=1.0, n_steps=0)
    assert run.times_fs.tolist() == [0.0]
    assert run.kinetic_energies[0] == pytest.approx(atoms.get_kinetic_energy(), abs=1e-12)
    assert run.temperatures_k[0] == pytest.approx(atoms.get_temperature(), abs=1e-9)
    assert run.atoms.get_momenta() == pytest.approx(atoms.get_momenta(), abs=1e-14)


def test_the_input_is_left_as_it_is():
    atoms = hot_alloy()
    atoms.set_constraint(FixAtoms([1]))
    calculator = atoms.calc = EMT()
    before, momenta = atoms.copy(), atoms.get_momenta()
    run = molecular_dynamics(atoms, AseModel(EMT()), ensemble="nve", timestep_fs=1.0, n_steps=3)
    assert atoms == before
    assert np.array_equal(atoms.get_momenta(), momenta)
    assert atoms.calc is calculator
    assert run.atoms.calc is None
    assert run.atoms.constraints[0].index.tolist() == [1]
    assert not run.atoms.get_momenta()[1].any()


def test_an_explosion_says_at_which_step():
    with pytest.raises(DynamicsNotFiniteError, match=r"step 3 .*forces is not finite \(1 of 24 values\)"):
        molecular_dynamics(hot_alloy(), CountingModel(bad_at=3), ensemble="nve", timestep_fs=1.0, n_steps=9)
    approaching = Atoms("Cu2", [(0, 0, 0), (4, 0, 0)], momenta=[(4000, 0, 0), (0, 0, 0)])
    with pytest.raises(DynamicsExplodedError, match=r"step 1 .*eV/Å long, expected at most 100 eV/Å"):
        molecular_dynamics(
            approaching, AseModel(lennard_jones()), ensemble="nve", timestep_fs=0.5, n_steps=9, force_limit=100
        )


def test_an_observer_sees_every_sample_up_to_the_explosion():
    seen = []
    with pytest.raises(DynamicsNotFiniteError):
        molecular_dynamics(
            hot_alloy(),
            CountingModel(bad_at=6),
            ensemble="nve",
            timestep_fs=2.0,
            n_steps=9,
            sample_every=2,
            observe=seen.append,
        )
    assert [(sample.step, sample.time_fs) for sample in seen] == [(0, 0.0), (2, 4.0), (4, 8.0)]
    assert [sample.kinetic_energy for sample in seen] == pytest.approx(
        [sample.atoms.get_kinetic_energy() for sample in seen], rel=1e-12
    )


def test_what_an_observer_raises_ends_the_dynamics_and_what_it_gets_is_its_own():
    class Enough(Exception):
        pass

    def spoil(sample):
        sample.atoms.positions[:] = 0
        sample.atoms.set_momenta(np.ones((8, 3)))
        if sample.step == 3:
            raise Enough

    options = {"ensemble": "nve", "timestep_fs": 1.0}
    with pytest.raises(Enough):
        molecular_dynamics(hot_alloy(), AseModel(EMT()), n_steps=9, observe=spoil, **options)
    undisturbed = molecular_dynamics(hot_alloy(), AseModel(EMT()), n_steps=2, **options)
    spoilt = molecular_dynamics(hot_alloy(), AseModel(EMT()), n_steps=2, observe=spoil, **options)
    assert np.array_equal(undisturbed.atoms.positions, spoilt.atoms.positions)
    assert np.array_equal(undisturbed.kinetic_energies, spoilt.kinetic_energies)


def test_a_constraint_that_would_be_ignored_is_refused():
    atoms = hot_alloy()
    atoms.set_constraint(FixedLine(0, (0, 0, 1)))
    with pytest.raises(ConstraintError, match="FixedLine"):
        molecular_dynamics(atoms, AseModel(EMT()), ensemble="nve", timestep_fs=1.0, n_steps=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ensemble": "npt"}, "ensemble is 'npt'"),
        ({"ensemble": "nve", "temperature_k": 300.0}, "temperature_k given, which do nothing"),
        ({"ensemble": "nvt", "temperature_k": 300.0}, "needs temperature_k, friction_per_fs and rng"),
        (BATH | {"rng": np.random.default_rng(0), "temperature_k": -1.0}, "temperature_k is -1.0"),
        (BATH | {"rng": np.random.default_rng(0), "friction_per_fs": -1.0}, "friction_per_fs is -1.0"),
        ({"ensemble": "nve", "timestep_fs": 0.0}, "timestep_fs is 0.0"),
        ({"ensemble": "nve", "n_steps": -1}, "n_steps is -1"),
        ({"ensemble": "nve", "sample_every": 0}, "sample_every is 0"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        molecular_dynamics(bulk("Cu"), AseModel(EMT()), **({"timestep_fs": 1.0, "n_steps": 1} | options))


def oscillators(n_atoms):
    return Atoms(f"Cu{n_atoms}", 3.0 * np.random.default_rng(1).normal(size=(n_atoms, 3)))


class Harmonic(Model):
    """Independent oscillators about their sites: E = k/2 Σu²."""

    stiffness = 2.0  # eV/Å²

    def __init__(self, sites):
        self.sites = sites

    def evaluate(self, structures):
        return [self._one(atoms.positions - self.sites) for atoms in structures]

    def _one(self, displaced):
        return Prediction(0.5 * self.stiffness * float(np.vdot(displaced, displaced)), -self.stiffness * displaced)


class CountingModel(AseModel):
    """EMT that counts its calls, one of which may be spoilt."""

    def __init__(self, bad_at=None):
        super().__init__(EMT())
        self.calls, self.bad_at = 0, bad_at

    def evaluate(self, structures):
        predictions = super().evaluate(structures)
        if self.calls == self.bad_at:
            predictions[0].forces[1, 1] = np.nan
        self.calls += 1
        return predictions
