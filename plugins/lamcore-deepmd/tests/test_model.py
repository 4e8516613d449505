"""Claims about energies, forces, stresses and descriptors."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from lamcore_deepmd.build import build_deepmd

from lamcore.errors import UnsupportedStructureError


def energy(model, atoms):
    return model.evaluate([atoms])[0].energy


def assert_same(one, other, energy_tol, forces_tol, stress_tol):
    assert one.energy == pytest.approx(other.energy, abs=energy_tol)
    np.testing.assert_allclose(one.forces, other.forces, rtol=0, atol=forces_tol)
    assert (one.stress is None) == (other.stress is None)
    if one.stress is not None:
        np.testing.assert_allclose(one.stress, other.stress, rtol=0, atol=stress_tol)


def test_a_batch_of_anything_gives_what_each_gives_alone(precise, mix):
    for together, atoms in zip(precise.evaluate(mix), mix, strict=True):
        assert_same(together, precise.evaluate([atoms])[0], energy_tol=1e-10, forces_tol=1e-10, stress_tol=1e-12)


def test_structures_of_one_size_are_computed_in_one_call(model, crystals, monkeypatch):
    shapes = []
    evaluate = model._potential.eval

    def spy(positions, *arguments, **options):
        shapes.append(positions.shape)
        return evaluate(positions, *arguments, **options)

    monkeypatch.setattr(model._potential, "eval", spy)
    mixed = Atoms("CuAl3", positions=crystals[0].positions, cell=crystals[0].cell, pbc=True)
    model.evaluate([crystals[0], crystals[3], mixed, mixed[[3, 2, 1, 0]]])
    assert shapes == [(4, 4, 3)]


def test_a_partly_periodic_structure_is_refused_rather_than_repeated_along_its_vacuum(model, crystals):
    slab = crystals[0]
    slab.pbc = (True, True, False)
    with pytest.raises(UnsupportedStructureError, match="full, none"):
        model.evaluate([slab])


def test_an_element_that_was_not_trained_is_refused_although_it_has_a_type(model, crystals, monkeypatch):
    monkeypatch.setattr(model._potential, "eval", None)
    with pytest.raises(UnsupportedStructureError, match="does not cover Ar; it covers 2 elements: Al Cu"):
        model.evaluate([crystals[0], Atoms("Ar")])
    with pytest.raises(UnsupportedStructureError, match="charge is 1"):
        model.evaluate([Atoms("Cu", info={"charge": 1})])


def test_no_structures_have_no_descriptors(model):
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
    np.testing.assert_allclose(together[-1], alone, atol=1e-9)
    assert np.abs(together[0] - precise.descriptors([bulk("Cu", cubic=True)])[0]).max() > 1e-4


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # the calculator compiles the model
def test_agrees_with_the_calculator_of_the_package(precise, crystals, molecules):
    from deepmd.calculator import DP

    calculator = DP(precise._potential.model_file)
    for atoms, prediction in zip([*crystals, *molecules], precise.evaluate([*crystals, *molecules]), strict=True):
        reference = atoms.copy()
        reference.calc = calculator
        assert prediction.energy == pytest.approx(reference.get_potential_energy(), abs=1e-10)
        np.testing.assert_allclose(prediction.forces, reference.get_forces(), rtol=0, atol=1e-10)
        if atoms.pbc.all():
            np.testing.assert_allclose(prediction.stress, reference.get_stress(), rtol=0, atol=1e-12)


def test_the_trained_model_has_learnt_the_lattice_constants_and_stiffness_of_its_teacher(model):
    from ase.calculators.emt import EMT

    for symbol, guess in (("Cu", 3.6), ("Al", 4.0)):
        scan = [bulk(symbol, "fcc", a=guess * stretch) for stretch in (0.94, 0.97, 1.0, 1.03, 1.06)]
        taught = []
        for atoms in scan:
            reference = atoms.copy()
            reference.calc = EMT()
            taught.append(reference.get_potential_energy())
        learnt = [prediction.energy for prediction in model.evaluate(scan)]
        assert np.argmin(learnt) == np.argmin(taught) == 2
        np.testing.assert_allclose(learnt, taught, atol=0.06)


def test_frame_parameters_change_the_energy_and_are_those_of_the_option(make_checkpoint, crystals):
    path = str(make_checkpoint("dpa1", {"numb_fparam": 2}))
    energies = [
        [p.energy for p in build_deepmd(checkpoint=path, device="cpu", fparam=values).evaluate(crystals)]
        for values in ([0.0, 1.0], [0.5, -1.0])
    ]
    assert np.abs(np.subtract(*energies)).min() > 1e-4
    from deepmd.infer import DeepPot

    types = [0] * 4
    reference = DeepPot(path, no_jit=True).eval(
        crystals[0].positions[None], crystals[0].cell.array[None], types, fparam=[0.5, -1.0]
    )
    assert energies[1][0] == pytest.approx(reference[0].item(), abs=1e-10)


@pytest.fixture
def charged(make_checkpoint):
    return build_deepmd(checkpoint=str(make_checkpoint("dpa3", add_chg_spin_ebd=True)), device="cpu", spin=1)


def test_charge_and_multiplicity_of_each_structure_go_with_it(charged, molecules):
    ion, triplet = molecules[0].copy(), molecules[0].copy()
    ion.info["charge"] = 1
    triplet.info["spin"] = 3
    batch = [molecules[0], ion, triplet]
    energies = [p.energy for p in charged.evaluate(batch)]
    assert min(abs(energies[0] - energies[1]), abs(energies[0] - energies[2]), abs(energies[1] - energies[2])) > 1e-4
    assert energies == pytest.approx([energy(charged, atoms) for atoms in batch], abs=1e-10)
    assert np.abs(np.subtract(*charged.descriptors([molecules[0], ion]))).max() > 1e-6


def test_a_fractional_charge_is_refused_rather_than_cut_off(charged, molecules):
    molecules[0].info["charge"] = 0.5
    with pytest.raises(UnsupportedStructureError, match=r"charge is 0\.5, expected a whole number"):
        charged.evaluate([molecules[0]])


def test_a_multiplicity_that_nobody_gave_is_asked_for_unless_the_checkpoint_has_a_default(make_checkpoint, molecules):
    without = build_deepmd(checkpoint=str(make_checkpoint("dpa3", add_chg_spin_ebd=True)), device="cpu")
    with pytest.raises(UnsupportedStructureError, match=r"info\['spin'\] or set the option spin"):
        without.evaluate([molecules[0]])
    path = str(make_checkpoint("dpa3", add_chg_spin_ebd=True, default_chg_spin=[0.0, 2.0]))
    default, doublet = (build_deepmd(checkpoint=path, device="cpu", spin=spin) for spin in (None, 2))
    assert energy(default, molecules[0]) == energy(doublet, molecules[0])
    assert energy(default, molecules[0]) == pytest.approx(
        energy(build_deepmd(checkpoint=path, device="cpu", charge=0, spin=2), molecules[0]), abs=0
    )
