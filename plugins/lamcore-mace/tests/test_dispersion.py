"""Claims about D3, against torch-dftd's own calculator, which searches neighbours in another way."""

import importlib.util
import sys

import numpy as np
import pytest
from lamcore_mace.build import build_mace

from lamcore.errors import ConfigError, UnknownNameError, UnsupportedStructureError

needs_torch_dftd = pytest.mark.skipif(
    importlib.util.find_spec("torch_dftd") is None, reason="the optional package torch-dftd is not installed"
)


@pytest.fixture(scope="module")
def dispersed(checkpoint):
    return build_mace(checkpoint=str(checkpoint), device="cpu", dispersion=True)


def reference(**options):
    import torch
    from ase.units import Bohr
    from torch_dftd.torch_dftd3_calculator import TorchDFTD3Calculator

    return TorchDFTD3Calculator(cutoff=40 * Bohr, dtype=torch.float64, device="cpu", **options)


@needs_torch_dftd
@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy.ndarrays")  # by torch-dftd's calculator
@pytest.mark.parametrize(("functional", "damping"), [("pbe", "bj"), ("b-lyp", "zero")])
def test_dispersion_adds_what_torch_dftd_says_also_in_a_batch(
    checkpoint, precise, crystals, molecules, slab, without_edges, functional, damping
):
    model = build_mace(
        checkpoint=str(checkpoint),
        device="cpu",
        dispersion=True,
        dispersion_functional=functional,
        dispersion_damping=damping,
    )
    structures = [crystals[0], without_edges[0], molecules[0], crystals[1], slab, molecules[1]]
    calculator = reference(xc=functional, damping=damping)
    for atoms, with_d3, bare in zip(structures, model.evaluate(structures), precise.evaluate(structures), strict=True):
        atoms.calc = calculator
        assert with_d3.energy - bare.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-8)
        np.testing.assert_allclose(with_d3.forces - bare.forces, atoms.get_forces(), atol=1e-8)
        if atoms.pbc.all():
            np.testing.assert_allclose(with_d3.stress - bare.stress, atoms.get_stress(), atol=1e-9)
        else:
            assert with_d3.stress is None


@needs_torch_dftd
def test_structures_without_neighbours_have_no_dispersion(dispersed, precise, without_edges):
    alone = without_edges[0]
    (with_d3,), (bare,) = dispersed.evaluate([alone]), precise.evaluate([alone])
    assert with_d3.energy == bare.energy
    np.testing.assert_array_equal(with_d3.forces, np.zeros((1, 3)))


@needs_torch_dftd
def test_forces_with_dispersion_are_the_negative_slope_of_the_energy(dispersed, molecules):
    step_ang = 1e-4
    atoms = molecules[0]
    (prediction,) = dispersed.evaluate([atoms])
    for axis in range(3):
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[1, axis] += sign * step_ang
            energies.append(dispersed.evaluate([moved])[0].energy)
        slope = (energies[0] - energies[1]) / (2 * step_ang)
        assert prediction.forces[1, axis] == pytest.approx(-slope, abs=1e-6)


@needs_torch_dftd
def test_an_unknown_functional_is_refused(checkpoint):
    with pytest.raises(UnknownNameError, match="dispersion_functional is 'pbee'; torch-dftd has no D3"):
        build_mace(checkpoint=str(checkpoint), device="cpu", dispersion=True, dispersion_functional="pbee")


def test_without_the_package_dispersion_is_refused_with_the_line_that_installs_it(checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_dftd", None)
    monkeypatch.setattr("lamcore_mace.build.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs torch-dftd: pip install 'lamcore-mace\[dispersion\]'"):
        build_mace(checkpoint=str(checkpoint), device="cpu", dispersion=True)


@needs_torch_dftd
def test_elements_without_dispersion_coefficients_are_refused(save_network, folder):
    # Am has no D3 coefficients.
    path = save_network(folder / "heavy.model", atomic_numbers=[1, 2, 6, 8, 10, 11, 13, 14, 17, 18, 29, 95])
    from ase import Atoms

    bare = build_mace(checkpoint=str(path), device="cpu")
    assert np.isfinite(bare.evaluate([Atoms("Am")])[0].energy)
    with pytest.raises(UnsupportedStructureError, match="does not cover Am"):
        build_mace(checkpoint=str(path), device="cpu", dispersion=True).evaluate([Atoms("Am")])
