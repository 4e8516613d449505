"""Claims about energies, forces, stresses and descriptors."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
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


def test_descriptors_tell_a_turned_structure_from_another(precise, crystals):
    turned = crystals[0].copy()
    turned.rotate(50.0, (1, 1, 0), rotate_cell=True)
    turned.translate([0.3, 0.2, 0.1])
    straight, same, other = precise.descriptors([crystals[0], turned, bulk("Si")])
    np.testing.assert_allclose(same, straight, atol=1e-9)
    assert np.abs(other - straight).max() > 1e-4


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


def test_a_batch_in_single_precision_gives_what_each_gives_alone_in_any_order(single, mix):
    forward, backward = single.evaluate(mix), single.evaluate(mix[::-1])[::-1]
    for one, other, atoms in zip(forward, backward, mix, strict=True):
        (alone,) = single.evaluate([atoms])
        assert_same(one, alone, energy_tol=2e-5, forces_tol=2e-5, stress_tol=2e-6)
        assert_same(other, alone, energy_tol=2e-5, forces_tol=2e-5, stress_tol=2e-6)


@pytest.mark.parametrize(("precision", "tolerance"), [("precise", 1e-8), ("single", 1e-5)])
def test_a_molecule_far_from_the_origin_loses_nothing(request, precision, tolerance, molecules):
    far = molecules[0].copy()
    far.translate([1000.0, -1000.0, 500.0])
    near, away = request.getfixturevalue(precision).evaluate([molecules[0], far])
    assert away.energy == pytest.approx(near.energy, abs=tolerance)
    np.testing.assert_allclose(away.forces, near.forces, atol=tolerance)


def test_periodic_directions_may_come_in_any_order(precise, slab):
    # The package's own neighbour search lays an open direction along x, y or z, whatever the others are.
    turned = slab.copy()
    turned.set_cell(slab.cell[[2, 0, 1]])
    turned.pbc = (False, True, True)
    straight, other = precise.evaluate([slab, turned])
    assert other.energy == pytest.approx(straight.energy, abs=1e-10)
    np.testing.assert_allclose(other.forces, straight.forces, atol=1e-10)


@pytest.mark.parametrize(
    ("pbc", "message"),
    [(True, "linearly independent lattice vectors"), ((False, True, True), "linearly independent lattice vectors")],
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


def test_no_structures_have_no_descriptors(precise):
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
