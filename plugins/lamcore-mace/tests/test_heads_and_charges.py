"""Claims about checkpoints with several heads, and about those that take charge and spin."""

import numpy as np
import pytest
from ase.build import bulk, molecule
from lamcore_mace.build import build_mace

from lamcore.errors import ConfigError, UnknownNameError, UnsupportedStructureError


@pytest.mark.parametrize("head", ["pbe", "r2scan"])
def test_each_head_agrees_with_the_calculator_of_the_package_also_in_a_batch(
    package_calculator, two_heads, head, crystals
):
    model = build_mace(checkpoint=str(two_heads), head=head, device="cpu")
    calculator = package_calculator(two_heads, head=head, default_dtype="float64")
    for atoms, prediction in zip(crystals, model.evaluate(crystals), strict=True):
        atoms.calc = calculator
        assert prediction.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-10)
        np.testing.assert_allclose(prediction.stress, atoms.get_stress(), atol=1e-12)


def test_heads_differ(two_heads):
    one, other = (
        build_mace(checkpoint=str(two_heads), head=head, device="cpu").evaluate([bulk("Si")])[0].energy
        for head in ("pbe", "r2scan")
    )
    assert abs(one - other) > 0.1


def test_a_checkpoint_with_heads_asks_for_one_and_names_them(two_heads, checkpoint):
    with pytest.raises(ConfigError, match="has heads pbe, r2scan and none called default; set head"):
        build_mace(checkpoint=str(two_heads), device="cpu")
    with pytest.raises(UnknownNameError, match=r"head is 'r2scna'.* has pbe, r2scan; did you mean 'r2scan'"):
        build_mace(checkpoint=str(two_heads), head="r2scna", device="cpu")
    with pytest.raises(UnknownNameError, match="has Default"):
        build_mace(checkpoint=str(checkpoint), head="pbe", device="cpu")


def test_a_head_called_default_is_the_default(save_network, folder):
    path = save_network(folder / "default.model", heads=["pbe", "default"])
    implied, chosen, other = (
        build_mace(checkpoint=str(path), head=head, device="cpu").evaluate([bulk("Si")])[0].energy
        for head in (None, "default", "pbe")
    )
    assert implied == chosen != other


def ions():
    """Ethanol neutral, charged, and as a triplet; a crystal without a word about its charge."""
    plain = molecule("CH3CH2OH")
    cation, triplet = plain.copy(), plain.copy()
    cation.info = {"charge": 1, "spin": 2}
    triplet.info = {"charge": 0, "spin": 3}
    return [plain, cation, triplet, bulk("Si")]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 2e-5)])
def test_charge_and_spin_agree_with_the_calculator_of_the_package_also_in_a_batch(
    package_calculator, charged, dtype, tolerance
):
    model = build_mace(checkpoint=str(charged), device="cpu", dtype=dtype)
    assert model.scope.charged
    calculator = package_calculator(charged, default_dtype=dtype)
    for atoms, prediction in zip(ions(), model.evaluate(ions()), strict=True):
        atoms.calc = calculator
        assert prediction.energy == pytest.approx(atoms.get_potential_energy(), abs=tolerance)
        np.testing.assert_allclose(prediction.forces, atoms.get_forces(), atol=tolerance)


def test_charge_and_spin_matter_and_what_is_not_said_is_neutral_and_singlet(charged):
    model = build_mace(checkpoint=str(charged), device="cpu")
    said = molecule("CH3CH2OH")
    said.info = {"charge": 0, "spin": 1}
    plain, cation, triplet, neutral = [p.energy for p in model.evaluate([*ions()[:3], said])]
    assert neutral == pytest.approx(plain, abs=1e-12)
    assert abs(cation - plain) > 1e-3
    assert abs(triplet - plain) > 1e-3


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ({"charge": 4}, "charge is 4; the checkpoint knows whole numbers from -3 to 3"),
        ({"charge": 0.5}, "charge is 0.5; the checkpoint knows whole numbers"),
        ({"spin": 9}, "spin is 9; the checkpoint knows whole numbers from 0 to 4"),
    ],
)
def test_a_charge_or_spin_that_the_checkpoint_does_not_know_is_refused(charged, info, message):
    atoms = molecule("H2O")
    atoms.info = info
    with pytest.raises(UnsupportedStructureError, match=message):
        build_mace(checkpoint=str(charged), device="cpu").evaluate([atoms])


def test_a_checkpoint_that_takes_something_else_is_refused(save_network, folder):
    spec = {"type": "continuous", "per": "graph", "in_dim": 1, "emb_dim": 8}
    path = save_network(folder / "hot.model", embedding_specs={"elec_temp": spec})
    with pytest.raises(ConfigError, match="takes elec_temp beside the structure"):
        build_mace(checkpoint=str(path), device="cpu")
