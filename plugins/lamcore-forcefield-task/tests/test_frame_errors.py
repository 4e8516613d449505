"""Claims about the sums over a frame, against sums written down one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.units import GPa
from lamcore_forcefield.frame_errors import (
    MAGNITUDE_EDGES_EV_PER_ANG,
    force_sums,
    force_sums_by_element,
    force_sums_by_magnitude,
    full_tensor,
    stress_sums,
)


def test_sums_are_those_of_components_and_of_vectors():
    reference = np.array([[3.0, 0.0, 4.0], [0.0, 2.0, 0.0]])
    predicted = np.array([[3.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    assert force_sums(predicted, reference) == pytest.approx(
        {
            "n_components": 6,
            "squared": 16 + 9,
            "absolute": 4 + 3,
            "n_atoms": 2,
            "vector": 4 + 3,
            "magnitude": 2 + 1,
            "n_directions": 2,
            "cosine": 0.6 - 1,
        }
    )


def test_zero_forces_have_cosine_zero_and_tiny_references_no_direction():
    sums = force_sums(np.zeros((2, 3)), np.array([[1.0, 0, 0], [1e-5, 0, 0]]))
    assert (sums["n_directions"], sums["cosine"]) == (1, 0)


def test_elements_and_magnitudes_share_out_the_whole(rng):
    reference = rng.normal(scale=3, size=(40, 3)) * rng.uniform(0, 2, size=(40, 1))
    predicted = reference + rng.normal(size=(40, 3))
    whole = force_sums(predicted, reference)
    by_element = force_sums_by_element(["Cu"] * 15 + ["O"] * 25, predicted, reference)
    by_magnitude = force_sums_by_magnitude(predicted, reference)
    assert by_element["Cu"][0] == 15
    for parts in (list(by_element.values()), by_magnitude):
        total = np.sum(parts, axis=0)
        expected = [40, whole["squared"], whole["absolute"], np.sum(reference**2)]
        np.testing.assert_allclose(total, expected, rtol=1e-12)


def test_a_bin_holds_the_forces_between_its_edges():
    for index, (low, high) in enumerate(pairwise(MAGNITUDE_EDGES_EV_PER_ANG)):
        inside = low + 0.5 * (min(high, 2 * low + 1) - low)
        reference = np.array([[0.0, inside, 0.0], [0.0, 0.0, low]])
        assert force_sums_by_magnitude(np.zeros((2, 3)), reference)[index][0] == 2


def test_voigt_order_is_xx_yy_zz_yz_xz_xy():
    np.testing.assert_array_equal(full_tensor([1, 2, 3, 4, 5, 6]), [[1, 6, 5], [6, 2, 4], [5, 4, 3]])


def test_virial_errors_are_volume_times_stress_with_shear_counted_twice():
    error = np.array([0.1, -0.2, 0.3, -0.4, 0.5, -0.6])
    sums = stress_sums(np.ones(6) + error, np.ones(6), volume_ang3=7.0, n_atoms=4)
    weights = np.array([1, 1, 1, 2, 2, 2])
    assert sums["n_components"] == 9
    assert sums["squared"] == pytest.approx(49 * np.sum(weights * error**2))
    assert sums["absolute"] == pytest.approx(7 * np.sum(weights * np.abs(error)))
    assert sums["squared_per_atom"] == pytest.approx(sums["squared"] / 16)
    assert sums["absolute_per_atom"] == pytest.approx(sums["absolute"] / 4)
    assert sums["stress_absolute_gpa"] == pytest.approx(np.sum(weights * np.abs(error)) / GPa, rel=1e-6)


def test_the_virial_is_minus_the_derivative_of_the_energy_by_strain():
    """W = −σV against finite differences of the energy of a sheared, distorted crystal, error by error."""
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.08, seed=2)
    distortion = np.array([[1.02, 0.01, 0], [0, 0.97, 0.02], [0.01, 0, 1]])
    atoms.set_cell(atoms.cell.array @ distortion, scale_atoms=True)
    atoms.calc = EMT()
    step, virial = 1e-5, np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            energies = []
            for sign in (1, -1):
                strained = atoms.copy()
                strain = np.eye(3)
                strain[i, j] += sign * step
                strained.set_cell(atoms.cell.array @ strain, scale_atoms=True)
                strained.calc = EMT()
                energies.append(strained.get_potential_energy())
            virial[i, j] = -(energies[0] - energies[1]) / (2 * step)
    sums = stress_sums(atoms.get_stress(), np.zeros(6), atoms.get_volume(), len(atoms))
    assert sums["squared"] == pytest.approx(np.sum(virial**2), rel=1e-6)
    np.testing.assert_allclose(-full_tensor(atoms.get_stress()) * atoms.get_volume(), virial, atol=1e-6)
