"""Claims about first momenta."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.md import velocitydistribution
from lamcore_md.momenta import degrees_of_freedom, lambench_momenta, random_numbers, temperature_k, thermal_momenta


def moving(atoms, momenta):
    atoms = atoms.copy()
    atoms.set_momenta(momenta)
    return atoms


@pytest.mark.parametrize(
    ("atoms", "n_free"),
    [(molecule("H2O"), 3), (molecule("CO2"), 4), (molecule("N2"), 1), (bulk("Cu", cubic=True), 9), (Atoms("Ar"), 0)],
)
def test_degrees_of_freedom_leave_out_what_is_taken_off(atoms, n_free):
    assert degrees_of_freedom(atoms) == n_free


@pytest.mark.parametrize("name", ["H2O", "CO2", "N2", "CH3CH2OH"])
def test_a_molecule_neither_moves_nor_rotates_and_has_exactly_its_temperature(name):
    atoms = molecule(name)
    atoms.translate([3, -2, 1])
    atoms.rotate(37, (1, 2, 3))
    hot = moving(atoms, thermal_momenta(atoms, 300.0, np.random.default_rng(2)))
    assert np.abs(hot.get_momenta().sum(axis=0)).max() < 1e-12
    assert np.abs(hot.get_angular_momentum()).max() < 1e-11
    assert 2 * hot.get_kinetic_energy() / (degrees_of_freedom(atoms) * units.kB) == pytest.approx(300.0, rel=1e-12)


def test_a_crystal_does_not_move_as_a_whole_and_keeps_its_angular_momentum():
    atoms = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    hot = moving(atoms, thermal_momenta(atoms, 500.0, np.random.default_rng(2)))
    assert np.abs(hot.get_momenta().sum(axis=0)).max() < 1e-12
    assert np.abs(hot.get_angular_momentum()).max() > 0.1
    assert temperature_k(hot) == pytest.approx(500.0, rel=1e-12)


def test_each_momentum_has_the_variance_of_maxwell_and_boltzmann():
    atoms = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    rng = np.random.default_rng(0)
    drawn = np.array([thermal_momenta(atoms, 300.0, rng) for _ in range(2000)])
    masses = atoms.get_masses()
    # What the whole would carry is taken off: m (1 − m/M) k_B T is left, on average.
    expected = masses * (1 - masses / masses.sum()) * units.kB * 300
    assert drawn.var(axis=(0, 2)) == pytest.approx(expected, rel=0.05)


def test_random_numbers_depend_on_seed_and_case_alone():
    first = random_numbers(0, "copper").standard_normal(4)
    assert np.array_equal(first, random_numbers(0, "copper").standard_normal(4))
    assert not np.array_equal(first, random_numbers(1, "copper").standard_normal(4))
    assert not np.array_equal(first, random_numbers(0, "copper~2").standard_normal(4))


@pytest.mark.parametrize("atoms", [molecule("CH3CH2OH"), molecule("CO2"), bulk("ZnS", "wurtzite", a=3.8, c=6.2)])
def test_lambenchs_momenta_are_those_that_ase_makes_of_seed_0(atoms):
    expected = atoms.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer ASE has another name for the first; the last comments on cells
        velocitydistribution.MaxwellBoltzmannDistribution(expected, temperature_K=300, rng=np.random.default_rng(0))
        drawn = expected.get_temperature()
        velocitydistribution.Stationary(expected)
        velocitydistribution.ZeroRotation(expected)
    ours = moving(atoms, lambench_momenta(atoms, 300))
    np.testing.assert_allclose(ours.get_momenta(), expected.get_momenta(), atol=1e-10)
    assert ours.get_temperature() == pytest.approx(drawn, rel=1e-9)
    assert abs(drawn - 300) > 1


def test_lambenchs_random_numbers_are_the_same_for_every_structure():
    silver, gold = (bulk(symbol, cubic=True, a=4.08) for symbol in ("Ag", "Au"))
    ratio = lambench_momenta(gold, 300) / lambench_momenta(silver, 300)
    assert ratio == pytest.approx(np.sqrt(gold.get_masses()[0] / silver.get_masses()[0]))


def test_constraints_and_momenta_of_the_structure_do_not_matter():
    from ase.constraints import FixAtoms

    atoms = bulk("Cu", cubic=True)
    expected = thermal_momenta(atoms, 300, np.random.default_rng(1)), lambench_momenta(atoms, 300)
    atoms.set_momenta(np.ones((4, 3)))
    atoms.set_constraint(FixAtoms([0]))
    assert np.array_equal(thermal_momenta(atoms, 300, np.random.default_rng(1)), expected[0])
    assert np.array_equal(lambench_momenta(atoms, 300), expected[1])


def test_a_temperature_without_degrees_of_freedom_is_refused():
    with pytest.raises(ValueError, match="no degrees of freedom"):
        thermal_momenta(Atoms("Ar"), 300, np.random.default_rng(0))
