"""Claims about composed permutations: they are phonopy's own."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.spacegroup import crystal
from lamcore_phonon.permutations import FastSymmetry, compose_permutations
from lamcore_phonon.physics import prepare, to_phonopy
from phonopy import Phonopy
from phonopy.structure.symmetry import Symmetry

FACE_CENTRED = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]


def quartz():
    return crystal(
        ["Si", "O"],
        [(0.4697, 0, 0), (0.4135, 0.2669, 0.1191)],
        spacegroup=152,
        cellpar=[4.916, 4.916, 5.405, 90, 90, 120],
    )


@pytest.mark.parametrize(
    ("atoms", "supercell_matrix", "primitive_matrix"),
    [
        (bulk("NaCl", "rocksalt", a=5.6, cubic=True), np.diag([2, 2, 2]), FACE_CENTRED),
        (quartz(), np.diag([2, 2, 3]), np.eye(3)),
        (bulk("Ti", a=2.95, c=4.68), [[2, 1, 0], [0, 3, 0], [0, 1, 2]], np.eye(3)),
        (bulk("Si", cubic=True), np.diag([1, 2, 3]), FACE_CENTRED),
    ],
)
def test_composed_permutations_are_phonopys(atoms, supercell_matrix, primitive_matrix, monkeypatch):
    matched = []
    original = FastSymmetry._match
    monkeypatch.setattr(FastSymmetry, "_match", lambda self, r, t: (matched.append(len(r)), original(self, r, t))[1])
    ours, _ = prepare(atoms, supercell_matrix, primitive_matrix)
    theirs = Symmetry(ours.supercell, s2p_map=ours.primitive.s2p_map)
    np.testing.assert_array_equal(ours.symmetry.atomic_permutations, theirs.atomic_permutations)
    np.testing.assert_array_equal(ours.symmetry.get_map_operations(), theirs.get_map_operations())
    for atom in range(len(ours.supercell)):
        np.testing.assert_array_equal(ours.symmetry.get_site_symmetry(atom), theirs.get_site_symmetry(atom))
    assert 0 < sum(matched) < len(theirs.atomic_permutations)


def test_displacements_are_phonopys():
    atoms = quartz()
    ours, supercells = prepare(atoms, np.diag([2, 2, 2]), np.eye(3))
    theirs = Phonopy(to_phonopy(atoms), np.diag([2, 2, 2]), np.eye(3))
    theirs.generate_displacements(distance=0.01, is_diagonal=False)
    np.testing.assert_array_equal(ours.displacements, theirs.displacements)
    assert len(supercells) == len(theirs.displacements)


def test_operations_that_do_not_fall_apart_are_left_to_phonopy():
    identity, inversion = np.eye(3, dtype=int), -np.eye(3, dtype=int)
    rotations = np.array([identity, identity, inversion])
    translations = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0, 0.0]])
    assert compose_permutations(rotations, translations, lambda r, t: pytest.fail("matched"), 1e-5) is None
    rotations = np.array([identity, identity, inversion, inversion])
    translations = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0, 0], [0.3, 0, 0]])
    assert compose_permutations(rotations, translations, lambda r, t: pytest.fail("matched"), 1e-5) is None
