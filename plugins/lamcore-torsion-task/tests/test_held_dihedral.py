"""Claims about dihedrals and relaxations that hold them."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from lamcore_torsion.held_dihedral import (
    dihedral_deg,
    dihedral_gradient,
    relax_with_held_dihedrals,
    rmsd_ang,
    with_dihedral,
    without_turning,
)
from scipy.spatial.transform import Rotation

FOUR = (4, 1, 0, 3)


@pytest.fixture
def places():
    return 1.5 * np.random.default_rng(3).normal(size=(6, 3))


def numerical_gradient(places, dihedral):
    gradient = np.zeros_like(places)
    for index in np.ndindex(places.shape):
        ahead, behind = places.copy(), places.copy()
        ahead[index] += 1e-5
        behind[index] -= 1e-5
        gradient[index] = np.radians(dihedral_deg(ahead, dihedral) - dihedral_deg(behind, dihedral)) / 2e-5
    return gradient


def test_dihedral_is_that_of_ase_with_its_sign(places):
    for dihedral in (FOUR, (0, 1, 2, 3), (5, 4, 2, 0)):
        expected = Atoms("H6", places).get_dihedral(*dihedral)
        assert dihedral_deg(places, dihedral) == pytest.approx((expected + 180) % 360 - 180, abs=1e-9)


def test_gradient_of_the_dihedral_is_its_finite_difference(places):
    gradient = dihedral_gradient(places, FOUR)
    np.testing.assert_allclose(gradient, numerical_gradient(places, FOUR), atol=1e-8)
    np.testing.assert_array_equal(gradient[[2, 5]], 0)


def test_three_atoms_on_a_line_have_no_dihedral():
    with pytest.raises(ValueError, match=r"atoms \[0, 1, 2, 3\]: three of them lie on a line"):
        dihedral_gradient([[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 3]], (0, 1, 2, 3))


@pytest.mark.parametrize("turn", [-20.0, 0.3, 25.0])
def test_the_dihedral_is_set_exactly(places, turn):
    target = dihedral_deg(places, FOUR) + turn
    assert dihedral_deg(with_dihedral(places, FOUR, target), FOUR) == pytest.approx(target, abs=1e-5)


def test_projected_forces_do_not_turn_the_dihedral(places):
    forces = np.random.default_rng(5).normal(size=places.shape)
    projected = without_turning(forces, dihedral_gradient(places, FOUR))
    assert np.vdot(projected, numerical_gradient(places, FOUR)) == pytest.approx(0, abs=1e-8)
    change = dihedral_deg(places + 1e-4 * projected, FOUR) - dihedral_deg(places, FOUR)
    assert abs(change) < 1e-5  # second order in the step
    assert abs(dihedral_deg(places + 1e-4 * forces, FOUR) - dihedral_deg(places, FOUR)) > 1e-4


def harmonic(lengths, stiffness=20.0):
    """A molecule whose every pair of atoms has a spring."""

    def evaluate(conformers):
        answers = []
        for place in conformers:
            apart = place[:, None] - place[None, :]
            distances = np.linalg.norm(apart, axis=-1) + np.eye(len(place))
            pull = stiffness * (distances - lengths) / distances
            np.fill_diagonal(pull, 0)
            np.fill_diagonal(distances, np.diag(lengths))
            energy = 0.25 * stiffness * np.sum((distances - lengths) ** 2)
            answers.append((float(energy), -np.einsum("ij,ijk->ik", pull, apart)))
        return answers

    return evaluate


def test_relaxation_holds_the_dihedral_and_leaves_no_force_that_could_be_followed():
    ethanol = molecule("CH3CH2OH")
    lengths = ethanol.get_all_distances()
    evaluate = harmonic(lengths)
    dihedral = [0, 1, 2, 3]
    given = ethanol.get_dihedral(*dihedral)
    targets = [given, given + 20, given - 30]
    starts = []
    for target in targets:
        atoms = ethanol.copy()
        atoms.rattle(0.03, seed=1)
        starts.append(with_dihedral(atoms.positions, dihedral, target))
    results = relax_with_held_dihedrals(starts, dihedral, targets, evaluate, fmax=0.005, max_steps=300)
    for result, target in zip(results, targets, strict=True):
        assert result.converged
        turned = (dihedral_deg(result.positions, dihedral) - target + 180) % 360 - 180
        assert abs(turned) < 0.01
        # What remains of the forces lies along the dihedral: checked with numerical gradients of both.
        gradient = numerical_gradient(result.positions, dihedral)
        forces = np.zeros_like(gradient)
        for index in np.ndindex(forces.shape):
            ahead, behind = result.positions.copy(), result.positions.copy()
            ahead[index] += 1e-5
            behind[index] -= 1e-5
            (up, _), (down, _) = evaluate([ahead, behind])
            forces[index] = -(up - down) / 2e-5
        rest = forces - gradient * np.vdot(gradient, forces) / np.vdot(gradient, gradient)
        assert np.linalg.norm(rest, axis=1).max() < 0.005
        assert result.energy <= result.first_energy
    assert results[0].energy == pytest.approx(0, abs=1e-4)
    assert results[2].energy > 0.01  # held away from the minimum, it costs energy


def test_conformers_do_not_depend_on_their_company():
    ethanol = molecule("CH3CH2OH")
    evaluate = harmonic(ethanol.get_all_distances())
    given = ethanol.get_dihedral(0, 1, 2, 3)
    starts, targets = [ethanol.positions, ethanol.positions], [given + 5, given + 15]
    together = relax_with_held_dihedrals(starts, [0, 1, 2, 3], targets, evaluate, 0.01, 300)
    for start, target, expected in zip(starts, targets, together, strict=True):
        (alone,) = relax_with_held_dihedrals([start], [0, 1, 2, 3], [target], evaluate, 0.01, 300)
        assert alone.n_steps == expected.n_steps
        np.testing.assert_array_equal(alone.positions, expected.positions)


def test_a_relaxation_out_of_steps_says_so():
    ethanol = molecule("CH3CH2OH")
    evaluate = harmonic(1.1 * ethanol.get_all_distances())
    (result,) = relax_with_held_dihedrals(
        [ethanol.positions], [0, 1, 2, 3], [ethanol.get_dihedral(0, 1, 2, 3) + 20], evaluate, 1e-6, 2
    )
    assert (result.converged, result.n_steps) == (False, 2)
    assert result.residual > 1e-6


def test_rmsd_does_not_see_rotations_and_shifts_but_sees_mirror_images(places):
    turned = places @ Rotation.from_rotvec([0.3, 1.2, -0.7]).as_matrix().T + [1, 2, 3]
    assert rmsd_ang(turned, places) == pytest.approx(0, abs=1e-6)
    expected = Rotation.align_vectors(places - places.mean(0), (m := places * [1, 1, -1]) - m.mean(0))[1] / np.sqrt(6)
    assert rmsd_ang(m, places) == pytest.approx(expected, rel=1e-9)
    assert expected > 0.3


def test_rmsd_of_one_moved_atom_is_that_of_its_share():
    line = np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 2]])
    longer = np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 2.3]])
    shifts = np.array([0, 0, 0.3]) - 0.1
    assert rmsd_ang(longer, line) == pytest.approx(np.sqrt(np.mean(shifts**2)), abs=1e-9)
