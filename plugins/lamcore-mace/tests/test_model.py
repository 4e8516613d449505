"""Claims about energies, forces, stresses and descriptors."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.stress import voigt_6_to_full_3x3_stress
from lamcore_mace.build import build_mace

from lamcore.errors import UnsupportedStructureError


def energy(model, atoms):
    return model.evaluate([atoms])[0].energy


def assert_same(one, other, energy_tol, forces_tol, stress_tol):
    assert one.energy == pytest.approx(other.energy, abs=energy_tol)
    np.testing.assert_allclose(one.forces, other.forces, rtol=0, atol=forces_tol)
    assert (one.stress is None) == (other.stress is None)
    if one.stress is not None:
        np.testing.assert_allclose(one.stress, other.stress, rtol=0, atol=stress_tol)


def assert_as_the_package(prediction, atoms, calculator, energy_tol=1e-10, forces_tol=1e-10, stress_tol=1e-12):
    reference = atoms.copy()
    reference.calc = calculator
    assert prediction.energy == pytest.approx(reference.get_potential_energy(), abs=energy_tol)
    np.testing.assert_allclose(prediction.forces, reference.get_forces(), rtol=0, atol=forces_tol)
    if atoms.pbc.all():
        np.testing.assert_allclose(prediction.stress, calculator.results["stress"], rtol=0, atol=stress_tol)


def test_agrees_with_the_calculator_of_the_package(package_calculator, precise, checkpoint, mix):
    calculator = package_calculator(checkpoint, default_dtype="float64")
    for atoms, prediction in zip(mix, precise.evaluate(mix), strict=True):
        assert_as_the_package(prediction, atoms, calculator)


def test_agrees_with_the_calculator_of_the_package_in_single_precision(package_calculator, single, checkpoint, mix):
    # Both round at another place: one sums the energies of atoms in double precision.
    calculator = package_calculator(checkpoint, default_dtype="float32")
    for atoms, prediction in zip(mix, single.evaluate(mix), strict=True):
        assert_as_the_package(prediction, atoms, calculator, energy_tol=1e-5, forces_tol=2e-5, stress_tol=1e-6)


def test_a_network_without_scale_and_shift_agrees_too(save_network, package_calculator, folder, crystals, molecules):
    path = save_network(folder / "plain.model", cls="MACE")
    model = build_mace(checkpoint=str(path), device="cpu")
    calculator = package_calculator(path, default_dtype="float64")
    for atoms, prediction in zip([*crystals, *molecules], model.evaluate([*crystals, *molecules]), strict=True):
        assert_as_the_package(prediction, atoms, calculator)


def test_descriptors_are_the_invariant_ones_of_the_package(
    package_calculator, precise, checkpoint, crystals, molecules
):
    calculator = package_calculator(checkpoint, default_dtype="float64")
    structures = [*crystals, *molecules]
    for atoms, features in zip(structures, precise.descriptors(structures), strict=True):
        expected = calculator.get_descriptors(atoms, invariants_only=True)
        assert features.shape == (len(atoms), 16)
        np.testing.assert_allclose(features, expected, rtol=0, atol=1e-12)


def test_descriptors_do_not_change_when_a_structure_turns(precise, mix):
    atoms = mix[0]
    turned = atoms.copy()
    turned.rotate(50.0, (1, 1, 0), rotate_cell=True)
    turned.translate([0.3, 0.2, 0.1])
    together = precise.descriptors([*mix, turned])
    assert [len(features) for features in together] == [*map(len, mix), len(atoms)]
    np.testing.assert_allclose(together[-1], together[0], atol=1e-9)
    assert np.abs(together[0] - precise.descriptors([bulk("Si")])[0]).max() > 1e-4


def test_forces_are_the_negative_slope_of_the_energy(precise, crystals, molecules, slab):
    step_ang = 1e-4  # a central difference errs by step²/6 times the third derivative
    for atoms in (crystals[0], crystals[1], molecules[0], slab):
        (prediction,) = precise.evaluate([atoms])
        displaced = []
        for i in range(len(atoms)):
            for axis in range(3):
                for sign in (1, -1):
                    moved = atoms.copy()
                    moved.positions[i, axis] += sign * step_ang
                    displaced.append(moved)
        energies = np.array([p.energy for p in precise.evaluate(displaced)]).reshape(len(atoms), 3, 2)
        numerical = -(energies[..., 0] - energies[..., 1]) / (2 * step_ang)
        assert np.abs(prediction.forces).max() > 0.05
        np.testing.assert_allclose(prediction.forces, numerical, rtol=0, atol=1e-6)


def test_stress_is_the_slope_of_the_energy_with_strain_tension_positive_in_voigt_order(precise, crystals):
    step = 1e-4
    for atoms in crystals[:2]:
        (prediction,) = precise.evaluate([atoms])
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
                    energies.append(energy(precise, moved))
                numerical[row, column] = (energies[0] - energies[1]) / (2 * step) / atoms.get_volume()
        assert np.ptp(prediction.stress) > 1e-3
        np.testing.assert_allclose(voigt_6_to_full_3x3_stress(prediction.stress), numerical, rtol=0, atol=1e-7)


def test_single_precision_is_double_precision_but_for_rounding(single, precise, mix):
    for rough, exact in zip(single.evaluate(mix), precise.evaluate(mix), strict=True):
        assert_same(rough, exact, energy_tol=1e-5, forces_tol=2e-5, stress_tol=1e-6)


def test_large_energies_of_atoms_do_not_drown_differences_in_single_precision(save_network, folder, molecules):
    # The all-electron energy of C, eV. The energy of nine such atoms has steps of 0.001 eV in single precision.
    path = save_network(folder / "core.model", atomic_energies=np.full((1, 12), -1029.5))
    rough, exact = (build_mace(checkpoint=str(path), device="cpu", dtype=dtype) for dtype in ("float32", "float64"))
    ethanol = molecules[1]
    bent = ethanol.copy()
    bent.rattle(0.002, seed=3)

    def difference(model):
        one, other = model.evaluate([ethanol, bent])
        return other.energy - one.energy

    spacing = np.spacing(np.float32(abs(energy(exact, ethanol))))
    assert abs(difference(rough) - difference(exact)) < spacing / 50


@pytest.mark.parametrize(("precision", "tolerance"), [("precise", 1e-10), ("single", 2e-5)])
def test_a_batch_of_anything_gives_what_each_gives_alone_in_any_order(request, precision, tolerance, mix):
    model = request.getfixturevalue(precision)
    forward, backward = model.evaluate(mix), model.evaluate(mix[::-1])[::-1]
    for one, other, atoms in zip(forward, backward, mix, strict=True):
        (alone,) = model.evaluate([atoms])
        assert_same(one, alone, tolerance, tolerance, tolerance / 10)
        assert_same(other, alone, tolerance, tolerance, tolerance / 10)


def test_a_batch_of_lone_atoms_has_energies_and_no_forces(precise, without_edges):
    predictions = precise.evaluate(without_edges)
    for atoms, prediction in zip(without_edges, predictions, strict=True):
        np.testing.assert_array_equal(prediction.forces, np.zeros((len(atoms), 3)))
    np.testing.assert_array_equal(predictions[1].stress, np.zeros(6))
    assert predictions[2].energy == pytest.approx(energy(precise, Atoms("He")) + predictions[0].energy, abs=1e-10)


def test_an_atom_that_leaves_the_cutoff_takes_no_energy_along(precise):
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
    assert turned.energy == pytest.approx(straight.energy, abs=1e-9)
    np.testing.assert_allclose(turned.forces, straight.forces @ turn, atol=1e-9)
    expected = turn.T @ voigt_6_to_full_3x3_stress(straight.stress) @ turn
    np.testing.assert_allclose(voigt_6_to_full_3x3_stress(turned.stress), expected, atol=1e-10)


def test_moving_an_atom_by_a_lattice_vector_changes_nothing(precise, crystals):
    atoms = crystals[1]
    moved = atoms.copy()
    moved.positions[0] += 2 * atoms.cell[0] - atoms.cell[2]
    assert_same(*precise.evaluate([atoms, moved]), energy_tol=1e-10, forces_tol=1e-10, stress_tol=1e-12)


def test_a_supercell_has_the_energy_of_its_cells(precise, crystals):
    small, large = precise.evaluate([crystals[1], crystals[1].repeat((2, 1, 2))])
    assert large.energy == pytest.approx(4 * small.energy, abs=1e-9)
    np.testing.assert_allclose(large.stress, small.stress, atol=1e-11)


def test_open_directions_ignore_the_box(precise, single, molecules, slab):
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
    near, away = single.evaluate([molecule, far])
    np.testing.assert_allclose(away.forces, near.forces, atol=1e-5)


def test_periodic_directions_may_come_in_any_order(precise, slab):
    # The package's own neighbour search lays an open direction along x, y or z, whatever the others are.
    turned = slab.copy()
    turned.set_cell(slab.cell[[2, 0, 1]])
    turned.pbc = (False, True, True)
    straight, other = precise.evaluate([slab, turned])
    assert other.energy == pytest.approx(straight.energy, abs=1e-10)
    np.testing.assert_allclose(other.forces, straight.forces, atol=1e-10)


@pytest.mark.parametrize(
    ("pbc", "message"), [(True, "1 atoms in 0 Å³"), ((False, True, True), "linearly independent lattice vectors")]
)
def test_a_degenerate_cell_is_refused(precise, pbc, message):
    with pytest.raises(UnsupportedStructureError, match=message):
        precise.evaluate([Atoms("Si", cell=[3, 3, 0], pbc=pbc)])


def test_an_unknown_element_or_a_charge_is_refused_before_anything_is_computed(precise, crystals, monkeypatch):
    def not_to_be_called(*args, **kwargs):
        raise AssertionError("the network was called")

    monkeypatch.setattr(precise._network, "forward", not_to_be_called)
    with pytest.raises(UnsupportedStructureError, match="does not cover Po"):
        precise.evaluate([crystals[0], Atoms("Po", cell=[3.4, 3.4, 3.4], pbc=True)])
    with pytest.raises(UnsupportedStructureError, match="charge is 1"):
        precise.evaluate([Atoms("Na", info={"charge": 1})])


def test_structures_are_left_as_they_are(precise, mix):
    before = [(atoms.positions.copy(), atoms.cell.array.copy(), atoms.pbc.copy()) for atoms in mix]
    precise.evaluate(mix)
    precise.descriptors(mix)
    for atoms, (positions, cell, pbc) in zip(mix, before, strict=True):
        np.testing.assert_array_equal(atoms.positions, positions)
        np.testing.assert_array_equal(atoms.cell.array, cell)
        np.testing.assert_array_equal(atoms.pbc, pbc)
        assert atoms.calc is None


def test_an_empty_batch_is_empty(precise):
    assert precise.evaluate([]) == []
    assert precise.descriptors([]) == []


def test_evaluates_where_gradients_are_switched_off_and_another_default_type_holds(precise, crystals):
    import torch

    (usual,) = precise.evaluate(crystals[:1])
    with torch.no_grad():
        (without,) = precise.evaluate(crystals[:1])
    np.testing.assert_array_equal(usual.forces, without.forces)
    torch.set_default_dtype(torch.float64)
    try:
        (other,) = precise.evaluate(crystals[:1])
    finally:
        torch.set_default_dtype(torch.float32)
    assert_same(usual, other, energy_tol=0, forces_tol=0, stress_tol=0)


def test_the_ase_calculator_gives_the_same(precise, crystals):
    atoms = crystals[0].copy()
    atoms.calc = precise.calculator()
    (prediction,) = precise.evaluate([crystals[0]])
    assert atoms.get_potential_energy() == pytest.approx(prediction.energy, abs=1e-12)
    np.testing.assert_allclose(atoms.get_stress(), prediction.stress, atol=1e-12)
