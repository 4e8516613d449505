"""Claims about energies, forces, stresses and descriptors."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.stress import voigt_6_to_full_3x3_stress
from lamcore_orb.build import build_orb

from lamcore.errors import UnsupportedStructureError

KINDS = ["conservative", "conservative-20", "direct", "direct-molecules", "molecules", "v2"]
FOR_CRYSTALS = [kind for kind in KINDS if "molecules" not in kind]


def energy(model, atoms):
    return model.evaluate([atoms])[0].energy


def assert_same(one, other, energy_tol, forces_tol, stress_tol):
    assert one.energy == pytest.approx(other.energy, abs=energy_tol)
    np.testing.assert_allclose(one.forces, other.forces, rtol=0, atol=forces_tol)
    assert (one.stress is None) == (other.stress is None)
    if one.stress is not None:
        np.testing.assert_allclose(one.stress, other.stress, rtol=0, atol=stress_tol)


def numerical_forces(model, atoms, step_ang=1e-4):
    displaced = []
    for i in range(len(atoms)):
        for axis in range(3):
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[i, axis] += sign * step_ang
                displaced.append(moved)
    energies = np.array([p.energy for p in model.evaluate(displaced)]).reshape(len(atoms), 3, 2)
    return -(energies[..., 0] - energies[..., 1]) / (2 * step_ang)


def numerical_stress(model, atoms, step=1e-4):
    stress = np.zeros((3, 3))
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
            stress[row, column] = (energies[0] - energies[1]) / (2 * step) / atoms.get_volume()
    return stress


@pytest.mark.parametrize("handed", [[0, 1, 2], [1, 0, 2]])
def test_direct_forces_and_stress_have_the_signs_and_the_order_of_slopes(new_network, tmp_path, handed):
    """With its heads silenced a direct model is its pair repulsion, whose slopes are known from the energy."""
    network = new_network("direct")
    with torch.no_grad():
        for name in ("energy", "forces", "stress"):
            for layer in network.heads[name].mlp.parameters():
                layer.zero_()
    torch.save(network.state_dict(), tmp_path / "repulsion.ckpt")
    model = build_orb(
        checkpoint=str(tmp_path / "repulsion.ckpt"),
        architecture="orb-v3-direct-inf-omat",
        device="cpu",
        dtype="float64",
    )
    crowded = Atoms("SiC", positions=[[0, 0, 0], [0.7, 0.9, 0.5]], cell=[[4, 0.3, 0], [0, 4.2, 0.5], [0.2, 0, 4.4]])
    crowded.pbc = True
    crowded.set_cell(crowded.cell.array[handed])
    (prediction,) = model.evaluate([crowded])
    assert np.ptp(prediction.stress) > 1e-2
    np.testing.assert_allclose(prediction.forces, numerical_forces(model, crowded, 1e-5), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        voigt_6_to_full_3x3_stress(prediction.stress), numerical_stress(model, crowded, 1e-5), rtol=1e-6, atol=1e-7
    )


def test_models_say_whether_they_are_conservative_and_what_they_give(built):
    assert [built(kind).conservative for kind in ("conservative", "conservative-20", "molecules")] == [True] * 3
    assert [built(kind).conservative for kind in ("direct", "direct-molecules", "v2")] == [False] * 3
    assert {kind for kind in KINDS if "stress" in built(kind).properties} == set(FOR_CRYSTALS)


def test_direct_forces_are_not_slopes_and_sum_to_nothing(built, crystals, molecules):
    for kind in ("direct", "v2"):
        for atoms in (crystals[1], molecules[1]):
            (prediction,) = built(kind).evaluate([atoms])
            assert np.abs(prediction.forces - numerical_forces(built(kind), atoms)).max() > 1e-2
            np.testing.assert_allclose(prediction.forces.sum(axis=0), 0, atol=1e-10)
        torque = np.cross(atoms.positions, prediction.forces).sum(axis=0)
        np.testing.assert_allclose(torque, 0, atol=1e-10)


# orb-models tells of the default type that it sets, and makes arrays of tensors in a way that numpy warns of.
@pytest.mark.filterwarnings("ignore:Setting global:UserWarning", "ignore:Consider passing:UserWarning")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 3e-5)])
def test_agrees_with_the_calculator_of_the_package(
    built, files, new_network, crystals, molecules, without_edges, kind, dtype, tolerance
):
    from orb_models.forcefield.atomic_system import SystemConfig
    from orb_models.forcefield.calculator import ORBCalculator
    from orb_models.forcefield.pretrained import load_model

    structures = [*molecules, *without_edges] if "molecules" in kind else [*crystals, *molecules, *without_edges]
    predictions = built(kind, dtype).evaluate(structures)
    precision = {"float32": "float32-highest", "float64": "float64"}[dtype]
    config = SystemConfig(radius=6.0, max_num_neighbors=20 if kind in ("v2", "conservative-20") else 120)
    try:
        network = load_model(new_network(kind), str(files[kind]), "cpu", precision=precision, compile=False)
        calculator = ORBCalculator(network, system_config=config, device="cpu")
        for atoms, prediction in zip(structures, predictions, strict=True):
            reference = atoms.copy()
            reference.info |= {"charge": 0, "spin": 1 + int(atoms.numbers.sum()) % 2}
            reference.calc = calculator
            assert prediction.energy == pytest.approx(reference.get_potential_energy(), abs=tolerance * len(atoms))
            np.testing.assert_allclose(prediction.forces, reference.get_forces(), rtol=0, atol=tolerance)
            if prediction.stress is not None:
                np.testing.assert_allclose(prediction.stress, reference.get_stress(), rtol=0, atol=tolerance)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_anything_gives_what_each_gives_alone(built, mix, kind):
    model = built(kind)
    for together, atoms in zip(model.evaluate(mix), mix, strict=True):
        assert_same(together, model.evaluate([atoms])[0], energy_tol=1e-11, forces_tol=1e-11, stress_tol=1e-12)


@pytest.mark.parametrize("kind", ["conservative", "direct", "v2"])
def test_a_batch_in_single_precision_gives_what_each_gives_alone_but_for_rounding(built, mix, kind):
    model = built(kind, "float32")
    for together, atoms in zip(model.evaluate(mix), mix, strict=True):
        assert_same(together, model.evaluate([atoms])[0], energy_tol=1e-5, forces_tol=2e-5, stress_tol=5e-6)


def test_single_precision_is_double_precision_but_for_rounding(model, precise, mix):
    for single, double in zip(model.evaluate(mix), precise.evaluate(mix), strict=True):
        assert_same(single, double, energy_tol=3e-4, forces_tol=1e-4, stress_tol=1e-5)


def test_a_molecule_far_from_the_origin_loses_nothing_in_single_precision(model, molecules):
    far = molecules[1].copy()
    far.translate([5000.0, -3000.0, 800.0])
    assert_same(*model.evaluate([molecules[1], far]), energy_tol=2e-6, forces_tol=2e-6, stress_tol=0)


def test_charge_and_spin_change_energy_and_forces_and_default_to_the_lowest(built, molecules):
    model = built("molecules")
    water = molecules[0]
    variants = [water.copy() for _ in range(4)]
    variants[1].info |= {"charge": 0, "spin": 1}
    variants[2].info |= {"charge": 1}
    variants[3].info |= {"charge": 1, "spin": 2}
    variants.append(water.copy())
    variants[4].info |= {"spin": 3}
    plain, explicit, cation, explicit_cation, triplet = model.evaluate(variants)
    assert_same(plain, explicit, 1e-12, 1e-12, 0)
    assert_same(cation, explicit_cation, 1e-12, 1e-12, 0)
    for other in (cation, triplet):
        assert abs(other.energy - plain.energy) > 1e-4
        assert np.abs(other.forces - plain.forces).max() > 1e-5
    assert abs(cation.energy - triplet.energy) > 1e-4


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (
            {"spin": 2},
            r"charge 0 leaves 10 electrons, which cannot have the multiplicity 2 .* expected 2S\+1, 1 or more",
        ),
        ({"charge": 1, "spin": 1}, "leaves 9 electrons, which cannot have the multiplicity 1"),
        ({"spin": 13}, "cannot have the multiplicity 13"),
        ({"charge": 0.5}, r"info\['charge'\] is 0.5, expected a whole number"),
        ({"charge": float("nan")}, "expected a whole number"),
        ({"spin": "singlet"}, "is 'singlet', expected a whole number"),
    ],
)
def test_impossible_charges_and_spins_are_refused(built, info, message):
    with pytest.raises(UnsupportedStructureError, match=message):
        built("molecules").evaluate([Atoms(molecule("H2O"), info=info)])


def test_models_of_crystals_refuse_charges_and_those_of_molecules_give_no_stress(built, model, crystals):
    with pytest.raises(UnsupportedStructureError, match="charge is 1"):
        model.evaluate([Atoms("Na", info={"charge": 1})])
    assert built("molecules").evaluate(crystals[1:2])[0].stress is None
    atoms = crystals[1].copy()
    atoms.calc = built("molecules").calculator()
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_stress()


@pytest.mark.parametrize(
    ("pbc", "message"),
    [(True, "linearly independent lattice vectors"), ((True, False, True), "linearly independent lattice vectors")],
)
def test_a_degenerate_cell_is_refused(model, pbc, message):
    with pytest.raises(UnsupportedStructureError, match=message):
        model.evaluate([Atoms("Si", cell=[3, 3, 0], pbc=pbc)])


def test_an_unknown_element_is_refused_before_anything_is_computed(built, crystals, monkeypatch):
    model = built("direct")

    def not_to_be_called(*args, **kwargs):
        raise AssertionError("the network was called")

    monkeypatch.setattr(model._network.model, "forward", not_to_be_called)
    with pytest.raises(UnsupportedStructureError, match="does not cover Po"):
        model.evaluate([crystals[0], Atoms("Po", cell=[3.4, 3.4, 3.4], pbc=True)])
    with pytest.raises(UnsupportedStructureError, match="does not cover U"):
        built("molecules").evaluate([Atoms("U")])


def test_no_structures_have_no_descriptors(model):
    assert model.descriptors([]) == []


def test_evaluates_where_gradients_are_switched_off(model, crystals):
    (with_gradients,) = model.evaluate(crystals[:1])
    with torch.no_grad():
        (without,) = model.evaluate(crystals[:1])
    np.testing.assert_array_equal(with_gradients.forces, without.forces)


def test_evaluating_leaves_the_settings_of_torch_as_they_were(precise, crystals, monkeypatch):
    seen = []
    forward = type(precise._network.model).forward
    monkeypatch.setattr(
        type(precise._network.model),
        "forward",
        lambda *args: (seen.append((torch.get_default_dtype(), torch.get_float32_matmul_precision())), forward(*args))[
            1
        ],
    )
    torch.set_float32_matmul_precision("medium")
    try:
        precise.evaluate(crystals[:1])
        assert seen == [(torch.float64, "highest")]
        assert torch.get_default_dtype() == torch.float32
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("kind", KINDS)
def test_descriptors_are_per_atom_and_know_translation_order_and_company_from_structure(built, mix, kind):
    model = built(kind)
    atoms = mix[4]
    moved = atoms[::-1]
    moved.translate([0.3, 0.2, 0.1])
    together = model.descriptors([*mix, moved])
    assert [len(features) for features in together] == [*map(len, mix), len(atoms)]
    (alone,) = model.descriptors([atoms])
    np.testing.assert_allclose(together[4], alone, atol=1e-10)
    np.testing.assert_allclose(together[-1][::-1], alone, atol=1e-8)
    assert np.abs(together[0] - model.descriptors([bulk("Si")])[0]).max() > 1e-4
