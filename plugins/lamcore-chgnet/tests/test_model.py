"""Claims about energies, forces, stresses and descriptors."""

import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from lamcore.errors import UnsupportedStructureError


def in_a_box(atoms):
    """CHGNet's calculator needs a cell, also where nothing is periodic."""
    atoms = atoms.copy()
    atoms.center(vacuum=10.0)
    return atoms


def energy(model, atoms):
    return model.evaluate([atoms])[0].energy


def assert_same(one, other, energy_tol, forces_tol, stress_tol):
    assert one.energy == pytest.approx(other.energy, abs=energy_tol)
    np.testing.assert_allclose(one.forces, other.forces, rtol=0, atol=forces_tol)
    assert (one.stress is None) == (other.stress is None)
    if one.stress is not None:
        np.testing.assert_allclose(one.stress, other.stress, rtol=0, atol=stress_tol)


def test_single_precision_is_double_precision_but_for_rounding(model, precise, mix):
    for single, double in zip(model.evaluate(mix), precise.evaluate(mix), strict=True):
        assert_same(single, double, energy_tol=2e-5, forces_tol=1e-4, stress_tol=2e-6)


def test_a_batch_of_lone_atoms_has_energies_and_no_forces(precise, without_edges):
    predictions = precise.evaluate(without_edges)
    for atoms, prediction in zip(without_edges, predictions, strict=True):
        np.testing.assert_array_equal(prediction.forces, np.zeros((len(atoms), 3)))
    assert predictions[2].energy == pytest.approx(energy(precise, Atoms("He")) + predictions[0].energy, abs=1e-10)


def test_a_molecule_far_from_the_origin_loses_nothing(precise, molecules):
    far = molecules[0].copy()
    far.translate([1000.0, -1000.0, 500.0])
    near, away = precise.evaluate([molecules[0], far])
    assert away.energy == pytest.approx(near.energy, abs=1e-8)


def test_a_degenerate_cell_is_refused(model):
    with pytest.raises(UnsupportedStructureError, match="linearly independent"):
        model.evaluate([Atoms("Si", cell=[3, 3, 0], pbc=True)])


def test_an_unknown_element_is_refused_before_anything_is_computed(model, crystals, monkeypatch):
    def not_to_be_called(*args, **kwargs):
        raise AssertionError("the network was called")

    monkeypatch.setattr(model._network, "forward", not_to_be_called)
    monkeypatch.setattr(model._network, "_compute", not_to_be_called)
    with pytest.raises(UnsupportedStructureError, match="does not cover Po"):
        model.evaluate([crystals[0], Atoms("Po", cell=[3.4, 3.4, 3.4], pbc=True)])
    with pytest.raises(UnsupportedStructureError, match="charge is 1"):
        model.evaluate([Atoms("Na", info={"charge": 1})])


def test_no_structures_have_no_descriptors(model):
    assert model.descriptors([]) == []


def test_evaluates_where_gradients_are_switched_off(model, crystals):
    import torch

    (with_gradients,) = model.evaluate(crystals[:1])
    with torch.no_grad():
        (without,) = model.evaluate(crystals[:1])
    np.testing.assert_array_equal(with_gradients.forces, without.forces)


def test_descriptors_tell_a_turned_structure_from_another(precise, crystals):
    turned = crystals[0].copy()
    turned.rotate(50.0, (1, 1, 0), rotate_cell=True)
    turned.translate([0.3, 0.2, 0.1])
    straight, same, other = precise.descriptors([crystals[0], turned, bulk("Si")])
    np.testing.assert_allclose(same, straight, atol=1e-8)
    assert np.abs(other - straight).max() > 1e-3


# CHGNet itself makes a tensor of volumes in a way that torch warns of.
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad:UserWarning")
def test_agrees_with_the_calculator_of_the_package(model, package_calculator, crystals, molecules, slab):
    # Both compute in single precision, in another order of sums.
    mixed = [*crystals, *(in_a_box(m) for m in molecules), slab]
    for atoms, prediction in zip(mixed, model.evaluate(mixed), strict=True):
        reference = atoms.copy()
        reference.calc = package_calculator
        assert prediction.energy == pytest.approx(reference.get_potential_energy(), abs=1e-5 * len(atoms))
        np.testing.assert_allclose(prediction.forces, reference.get_forces(), rtol=0, atol=2e-4)
        if atoms.pbc.all():
            np.testing.assert_allclose(prediction.stress, reference.get_stress(), rtol=0, atol=3e-6)


def test_time_spent_on_graphs_is_told_and_is_part_of_the_whole(model, crystals):
    before, started = model.graph_seconds or 0.0, time.perf_counter()
    model.evaluate(crystals)
    assert 0 < model.graph_seconds - before < time.perf_counter() - started
