"""The built-in potentials against finite differences and closed forms, in every boundary condition."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from lamcore.builtin.models import build_emt, build_lj
from lamcore.errors import UnsupportedStructureError
from lamcore.model import check_prediction

FULL, PARTIAL, NONE = (True, True, True), (True, True, False), (False, False, False)


def alloy(pbc):
    """Eight atoms of three metals in a skewed cell, none of them at rest."""
    atoms = bulk("Cu", cubic=True).repeat((2, 1, 1))
    atoms.symbols = ["Cu", "Au", "Al", "Cu", "Au", "Cu", "Al", "Al"]
    atoms.set_cell(
        atoms.cell @ np.array([[1.08, 0.03, -0.02], [0.05, 1.05, 0.04], [0.01, -0.06, 1.1]]), scale_atoms=True
    )
    atoms.rattle(0.15, seed=4)
    atoms.pbc = pbc
    if not all(pbc):
        atoms.center(vacuum=4.0, axis=2)
    return atoms


def argon(pbc):
    atoms = alloy(pbc)
    atoms.symbols = ["Ar"] * len(atoms)
    atoms.set_cell(atoms.cell * 1.45, scale_atoms=True)
    return atoms


MODELS = {
    "emt": (build_emt, alloy),
    "emt-asap-cutoff": (lambda: build_emt(asap_cutoff=True), alloy),
    "lj": (build_lj, argon),
    "lj-shifted": (lambda: build_lj(epsilon_ev=0.02, sigma_ang=3.1, cutoff_ang=8.3, smooth=False), argon),
}


@pytest.fixture(params=MODELS)
def model_and_structure(request):
    build, structure = MODELS[request.param]
    return build(), structure


@pytest.mark.parametrize("pbc", [FULL, PARTIAL, NONE], ids=["full", "partial", "none"])
def test_forces_are_the_derivative_of_the_energy(model_and_structure, pbc):
    model, structure = model_and_structure
    atoms = structure(pbc)
    step = 1e-4
    displaced = []
    for index in np.ndindex(len(atoms), 3):
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[index] += sign * step
            displaced.append(moved)
    energies = np.array([prediction.energy for prediction in model.evaluate(displaced)]).reshape(len(atoms), 3, 2)
    (prediction,) = model.evaluate([atoms])
    numeric = -(energies[..., 0] - energies[..., 1]) / (2 * step)
    assert np.abs(prediction.forces).max() > 0.01
    np.testing.assert_allclose(prediction.forces, numeric, atol=2e-7)
    check_prediction(prediction, atoms)


def test_stress_is_the_derivative_of_the_energy_with_strain(model_and_structure):
    model, structure = model_and_structure
    atoms = structure(FULL)
    step = 1e-5
    numeric = []
    for first, second in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[first, second] += sign * step / 2
            strain[second, first] += sign * step / 2
            strained = atoms.copy()
            strained.set_cell(atoms.cell @ strain, scale_atoms=True)
            energies.append(model.evaluate([strained])[0].energy)
        numeric.append((energies[0] - energies[1]) / (2 * step) / atoms.get_volume())
    (prediction,) = model.evaluate([atoms])
    assert len(np.unique(np.round(prediction.stress, 8))) == 6
    np.testing.assert_allclose(prediction.stress, numeric, atol=1e-8)


@pytest.mark.parametrize("pbc", [PARTIAL, NONE], ids=["partial", "none"])
def test_there_is_no_stress_unless_periodic_in_three_directions(model_and_structure, pbc):
    model, structure = model_and_structure
    assert model.evaluate([structure(pbc)])[0].stress is None


def test_a_cell_that_is_not_periodic_is_as_good_as_none(model_and_structure):
    model, structure = model_and_structure
    atoms = structure(NONE)
    bare = Atoms(atoms.symbols, atoms.positions)
    with_cell, without = model.evaluate([atoms, bare])
    assert with_cell.energy == pytest.approx(without.energy, abs=1e-12)
    np.testing.assert_allclose(with_cell.forces, without.forces, atol=1e-12)


def test_a_batch_gives_each_structure_what_it_gets_alone(model_and_structure):
    model, structure = model_and_structure
    atoms = structure(FULL)
    structures = [atoms, structure(NONE), atoms[:3], atoms.repeat((1, 2, 1)), atoms, structure(PARTIAL)]
    positions = [atoms.positions.copy() for atoms in structures]
    for together, one in zip(model.evaluate(structures), structures, strict=True):
        (alone,) = model.evaluate([one])
        assert together.energy == pytest.approx(alone.energy, abs=1e-11)
        np.testing.assert_allclose(together.forces, alone.forces, atol=1e-11)
    for before, after in zip(positions, structures, strict=True):
        np.testing.assert_array_equal(before, after.positions)


def test_atoms_beyond_the_stated_cutoff_do_not_see_each_other(model_and_structure):
    model, structure = model_and_structure
    symbol = "Ar" if structure is argon else "Ag"  # silver is the largest atom of EMT
    alone = model.evaluate([Atoms(symbol)])[0].energy
    for distance, sees in ((model.cutoff_ang + 1e-6, False), (model.cutoff_ang - 0.6, True)):
        pair = Atoms([symbol] * 2, [[0, 0, 0], [distance, 0, 0]])
        assert (abs(model.evaluate([pair])[0].energy - 2 * alone) > 1e-10) == sees


def test_emt_covers_its_elements_and_no_other():
    scope = build_emt().scope
    scope.check(bulk("Pt"))
    with pytest.raises(UnsupportedStructureError, match="does not cover Fe"):
        scope.check(bulk("Fe"))


def test_the_depth_of_the_lennard_jones_well_is_epsilon():
    model = build_lj(epsilon_ev=0.3, sigma_ang=2.5, cutoff_ang=20, smooth=True)
    (prediction,) = model.evaluate([Atoms("Ar2", [[0, 0, 0], [0, 2 ** (1 / 6) * 2.5, 0]])])
    assert prediction.energy == pytest.approx(-0.3, rel=1e-12)
    np.testing.assert_allclose(prediction.forces, 0, atol=1e-12)


def test_the_lennard_jones_fcc_crystal_has_its_textbook_energy_and_spacing():
    # C. Kittel, Introduction to Solid State Physics, 8th ed., chapter 3: lattice sums 12.13188 and 14.45392.
    sum_12, sum_6 = 12.13188, 14.45392
    spacing = (2 * sum_12 / sum_6) ** (1 / 6)
    model = build_lj(epsilon_ev=1.0, sigma_ang=1.0, cutoff_ang=9.0, smooth=True)
    energies = [model.evaluate([bulk("Ar", a=2**0.5 * spacing * scale)])[0].energy for scale in (0.995, 1.0, 1.005)]
    assert energies[1] == pytest.approx(-(sum_6**2) / (2 * sum_12), rel=0.005)
    assert energies[1] == min(energies)


@pytest.mark.parametrize("option", ["epsilon_ev", "sigma_ang", "cutoff_ang"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_lengths_and_depths_that_are_not_positive_are_refused(option, value):
    with pytest.raises(ValueError, match=f"lj: {option} is {value}, expected a positive number"):
        build_lj(**{option: value})
