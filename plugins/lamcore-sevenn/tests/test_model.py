"""Claims about energies, forces, stresses and descriptors."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.stress import voigt_6_to_full_3x3_stress

from lamcore.errors import UnsupportedStructureError


def energy(model, atoms):
    return model.evaluate([atoms])[0].energy


def assert_same(one, other, energy_tol, forces_tol, stress_tol):
    assert one.energy == pytest.approx(other.energy, abs=energy_tol)
    np.testing.assert_allclose(one.forces, other.forces, rtol=0, atol=forces_tol)
    assert (one.stress is None) == (other.stress is None)
    if one.stress is not None:
        np.testing.assert_allclose(one.stress, other.stress, rtol=0, atol=stress_tol)


def assert_forces_are_slopes(model, atoms, step_ang=1e-4):
    # Error of a central difference: step²/6 times the third derivative, which is up to 400 eV/Å³ in these: 7e-7 eV/Å;
    # rounding of 1e-13 eV adds 1e-9.
    (prediction,) = model.evaluate([atoms])
    displaced = []
    for i in range(len(atoms)):
        for axis in range(3):
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[i, axis] += sign * step_ang
                displaced.append(moved)
    energies = np.array([p.energy for p in model.evaluate(displaced)]).reshape(len(atoms), 3, 2)
    numerical = -(energies[..., 0] - energies[..., 1]) / (2 * step_ang)
    assert np.abs(prediction.forces).max() > 0.05
    np.testing.assert_allclose(prediction.forces, numerical, rtol=0, atol=3e-6)


def assert_stress_is_slope(model, atoms, step=1e-4):
    (prediction,) = model.evaluate([atoms])
    numerical = np.zeros((3, 3))
    for row in range(3):
        for column in range(3):
            energies = []
            for sign in (1, -1):
                strain = np.zeros((3, 3))
                strain[row, column] += sign * step / 2
                strain[column, row] += sign * step / 2
                moved = atoms.copy()
                moved.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
                energies.append(energy(model, moved))
            numerical[row, column] = (energies[0] - energies[1]) / (2 * step) / atoms.get_volume()
    assert np.ptp(prediction.stress) > 1e-3
    np.testing.assert_allclose(voigt_6_to_full_3x3_stress(prediction.stress), numerical, rtol=0, atol=1e-6)


def test_forces_are_the_negative_slope_of_the_energy(precise, crystals, molecules, slab):
    for atoms in (crystals[0], crystals[1], molecules[0], slab):
        assert_forces_are_slopes(precise, atoms)


def test_stress_is_the_slope_of_the_energy_with_strain_tension_positive_in_voigt_order(precise, crystals):
    for atoms in crystals[:2]:
        assert_stress_is_slope(precise, atoms)


def test_single_precision_is_double_precision_but_for_rounding(model, precise, mix):
    for single, double in zip(model.evaluate(mix), precise.evaluate(mix), strict=True):
        assert_same(single, double, energy_tol=2e-5, forces_tol=1e-4, stress_tol=2e-6)


def test_a_batch_of_anything_gives_what_each_gives_alone(precise, mix):
    for together, atoms in zip(precise.evaluate(mix), mix, strict=True):
        assert_same(together, precise.evaluate([atoms])[0], energy_tol=1e-10, forces_tol=1e-10, stress_tol=1e-12)


def test_a_batch_in_single_precision_gives_what_each_gives_alone_but_for_rounding(model, mix):
    for together, atoms in zip(model.evaluate(mix), mix, strict=True):
        assert_same(together, model.evaluate([atoms])[0], energy_tol=1e-5, forces_tol=5e-5, stress_tol=1e-6)


def test_the_order_of_a_batch_does_not_matter(precise, mix):
    forward = precise.evaluate(mix)
    for one, other in zip(forward, reversed(precise.evaluate(mix[::-1])), strict=True):
        assert_same(one, other, energy_tol=1e-10, forces_tol=1e-10, stress_tol=1e-12)


def test_a_batch_of_lone_atoms_has_energies_and_no_forces(precise, without_edges):
    predictions = precise.evaluate(without_edges)
    for atoms, prediction in zip(without_edges, predictions, strict=True):
        np.testing.assert_array_equal(prediction.forces, np.zeros((len(atoms), 3)))
    assert predictions[2].energy == pytest.approx(energy(precise, Atoms("He")) + predictions[0].energy, abs=1e-10)


def test_an_atom_that_leaves_the_cutoff_takes_no_energy_along(precise):
    # Continuity at the edge of the graph, where the last edge vanishes.
    inside, outside = (Atoms("Ar2", positions=[[0, 0, 0], [0, 0, precise.cutoff_ang + d]]) for d in (-1e-4, 1e-4))
    assert energy(precise, inside) == pytest.approx(energy(precise, outside), abs=1e-8)


def test_swapping_atoms_swaps_forces_and_nothing_else(precise, crystals):
    atoms = crystals[2]
    order = [2, 0, 3, 1]
    straight, swapped = precise.evaluate([atoms, atoms[order]])
    assert swapped.energy == pytest.approx(straight.energy, abs=1e-10)
    np.testing.assert_allclose(swapped.forces, straight.forces[order], atol=1e-10)


def test_rotating_a_crystal_rotates_forces_and_stress(precise, crystals):
    atoms = crystals[1]
    rotated = atoms.copy()
    rotated.rotate(37.0, (1, 2, 3), rotate_cell=True)
    turn = np.linalg.solve(atoms.cell.array, rotated.cell.array)
    straight, turned = precise.evaluate([atoms, rotated])
    assert turned.energy == pytest.approx(straight.energy, abs=1e-6)
    np.testing.assert_allclose(turned.forces, straight.forces @ turn, atol=1e-6)
    np.testing.assert_allclose(
        voigt_6_to_full_3x3_stress(turned.stress),
        turn.T @ voigt_6_to_full_3x3_stress(straight.stress) @ turn,
        atol=1e-6,
    )


def test_moving_an_atom_by_a_lattice_vector_changes_nothing(precise, crystals):
    atoms = crystals[1]
    moved = atoms.copy()
    moved.positions[0] += 2 * atoms.cell[0] - atoms.cell[2]
    assert_same(*precise.evaluate([atoms, moved]), energy_tol=1e-10, forces_tol=1e-10, stress_tol=1e-12)


def test_a_supercell_has_the_energy_of_its_cells(precise, crystals):
    small, large = precise.evaluate([crystals[1], crystals[1].repeat((2, 1, 2))])
    assert large.energy == pytest.approx(4 * small.energy, abs=1e-9)
    np.testing.assert_allclose(large.stress, small.stress, atol=1e-11)


def test_open_directions_ignore_the_box(precise, molecules, slab):
    molecule = molecules[0]
    boxed = molecule.copy()
    boxed.set_cell([3.0, 3.0, 3.0])
    far = molecule.copy()
    far.translate([1000.0, -1000.0, 500.0])
    slab_without_vector = slab.copy()
    slab_without_vector.set_cell([*slab.cell[:2], [0, 0, 0]])
    padded = slab.copy()
    padded.pbc = True
    padded.set_cell([*slab.cell[:2], [0, 0, 60.0]])
    bare, in_box, away, open_slab, cellless, periodic = precise.evaluate(
        [molecule, boxed, far, slab, slab_without_vector, padded]
    )
    assert in_box.energy == pytest.approx(bare.energy, abs=1e-10)
    assert away.energy == pytest.approx(bare.energy, abs=1e-8)
    assert cellless.energy == pytest.approx(open_slab.energy, abs=1e-10)
    assert periodic.energy == pytest.approx(open_slab.energy, abs=1e-10)
    np.testing.assert_allclose(periodic.forces, open_slab.forces, atol=1e-10)
    assert open_slab.stress is None
    assert bare.stress is None


def test_a_degenerate_cell_is_refused(model):
    with pytest.raises(UnsupportedStructureError, match="linearly independent"):
        model.evaluate([Atoms("Si", cell=[3, 3, 0], pbc=True)])


def test_an_unknown_element_is_refused_before_anything_is_computed(model, crystals, monkeypatch):
    def not_to_be_called(*args, **kwargs):
        raise AssertionError("the network was called")

    monkeypatch.setattr(model._network, "forward", not_to_be_called)

    with pytest.raises(UnsupportedStructureError, match="does not cover Po"):
        model.evaluate([crystals[0], Atoms("Po", cell=[3.4, 3.4, 3.4], pbc=True)])
    with pytest.raises(UnsupportedStructureError, match="charge is 1"):
        model.evaluate([Atoms("Na", info={"charge": 1})])


def test_structures_are_left_as_they_are(model, mix):
    before = [(atoms.positions.copy(), atoms.cell.array.copy(), atoms.pbc.copy()) for atoms in mix]
    model.evaluate(mix)
    model.descriptors(mix)
    for atoms, (positions, cell, pbc) in zip(mix, before, strict=True):
        np.testing.assert_array_equal(atoms.positions, positions)
        np.testing.assert_array_equal(atoms.cell.array, cell)
        np.testing.assert_array_equal(atoms.pbc, pbc)
        assert atoms.calc is None


def test_an_empty_batch_is_empty(model):
    assert model.evaluate([]) == []
    assert model.descriptors([]) == []


def test_evaluates_where_gradients_are_switched_off(model, crystals):
    import torch

    (with_gradients,) = model.evaluate(crystals[:1])
    with torch.no_grad():
        (without,) = model.evaluate(crystals[:1])
    np.testing.assert_array_equal(with_gradients.forces, without.forces)


def test_descriptors_know_rotation_translation_and_company_from_structure(precise, mix):
    atoms = mix[0]
    turned = atoms.copy()
    turned.rotate(50.0, (1, 1, 0), rotate_cell=True)
    turned.translate([0.3, 0.2, 0.1])
    together = precise.descriptors([*mix, turned])
    assert [len(features) for features in together] == [*map(len, mix), len(atoms)]
    (alone,) = precise.descriptors([atoms])
    np.testing.assert_allclose(together[0], alone, atol=1e-10)
    np.testing.assert_allclose(together[-1], alone, atol=1e-6)
    assert np.abs(together[0] - precise.descriptors([bulk("Si")])[0]).max() > 1e-3


def test_agrees_with_the_calculator_of_the_package(model, package_calculator, crystals, molecules, slab):
    # Both compute in single precision, in another order of sums.
    mixed = [*crystals, *molecules, slab]
    for atoms, prediction in zip(mixed, model.evaluate(mixed), strict=True):
        reference = atoms.copy()
        reference.calc = package_calculator
        assert prediction.energy == pytest.approx(reference.get_potential_energy(), abs=1e-5 * len(atoms))
        np.testing.assert_allclose(prediction.forces, reference.get_forces(), rtol=0, atol=2e-4)
        if atoms.pbc.all():
            np.testing.assert_allclose(prediction.stress, reference.get_stress(), rtol=0, atol=3e-6)


def test_the_ase_calculator_gives_the_same(model, crystals):
    atoms = crystals[0].copy()
    atoms.calc = model.calculator()
    (prediction,) = model.evaluate([crystals[0]])
    assert atoms.get_potential_energy() == pytest.approx(prediction.energy, abs=1e-6)
    np.testing.assert_allclose(atoms.get_stress(), prediction.stress, atol=1e-7)
