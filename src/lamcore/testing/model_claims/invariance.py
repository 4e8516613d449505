"""The same physics written down in another way has the same energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress

from lamcore.model import Prediction
from lamcore.testing.claims import Measured, claim, judged
from lamcore.testing.structures import rotation_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.testing.model_subject import ModelSubject


@claim
def translation_changes_nothing(subject: ModelSubject) -> Measured:
    """Moving all atoms by the same vector changes nothing."""

    def translated(atoms: Atoms) -> Atoms:
        atoms.positions += [0.371, -1.234, 2.718]
        return atoms

    return _unchanged(subject, translated)


@claim
def lattice_translation_changes_nothing(subject: ModelSubject) -> Measured:
    """Moving one atom by a lattice vector changes nothing.

    The first atom of each periodic structure moves by a sum of lattice vectors of its periodic directions.
    """

    def moved(atoms: Atoms) -> Atoms:
        steps = np.array([2.0, -1.0, 3.0]) * atoms.pbc
        atoms.positions[0] += steps @ atoms.cell.array
        return atoms

    return _unchanged(subject, moved, only_periodic=True)


@claim
def wrapping_changes_nothing(subject: ModelSubject) -> Measured:
    """Moving atoms into the cell changes nothing.

    The atoms are first moved by half a cell and more, so that many lie outside.
    """

    def wrapped(atoms: Atoms) -> Atoms:
        atoms.positions += np.array([0.6, 0.7, 0.8]) * atoms.pbc @ atoms.cell.array
        atoms.wrap()
        return atoms

    return _unchanged(subject, wrapped, only_periodic=True)


@claim
def permutation_permutes_forces(subject: ModelSubject) -> Measured:
    """Writing the atoms in another order changes the order of the forces and nothing else."""
    pairs = []
    rng = np.random.default_rng(31)
    for atoms, before in zip(subject.mix, subject.alone, strict=True):
        order = rng.permutation(len(atoms))
        (after,) = subject.evaluate([atoms[order]])
        pairs.append((after, Prediction(before.energy, before.forces[order], before.stress)))
    return judged(*subject.differences(pairs))


@claim
def rotation_rotates_forces_and_stress(subject: ModelSubject) -> Measured:
    """Turning a structure turns forces and stress with it and leaves the energy.

    Three rotations about axes that are not symmetric to anything.
    """
    pairs = []
    for axis, angle in (([1.0, 2.0, 3.0], 37.0), ([-2.0, 1.0, 0.5], 105.0), ([0.3, -1.0, 2.0], 211.0)):
        matrix = rotation_matrix(axis, angle)
        turned = [_turned(atoms, matrix) for atoms in subject.mix]
        for before, after in zip(subject.alone, subject.evaluate(turned), strict=True):
            pairs.append((after, _turned_prediction(before, matrix)))
    return judged(*subject.differences(pairs, rotated=True))


@claim
def energy_is_extensive(subject: ModelSubject) -> Measured:
    """Two cells side by side have twice the energy, the same forces and the same stress."""
    pairs = []
    for atoms, before in zip(subject.mix, subject.alone, strict=True):
        if atoms.pbc[0]:
            (after,) = subject.evaluate([atoms.repeat((2, 1, 1))])
            pairs.append((after, Prediction(2 * before.energy, np.tile(before.forces, (2, 1)), before.stress)))
    return _judged_pairs(subject, pairs)


INVARIANCE_CLAIMS = (
    translation_changes_nothing,
    lattice_translation_changes_nothing,
    wrapping_changes_nothing,
    permutation_permutes_forces,
    rotation_rotates_forces_and_stress,
    energy_is_extensive,
)


def _unchanged(subject: ModelSubject, change: Callable[[Atoms], Atoms], only_periodic: bool = False) -> Measured:
    pairs = [
        (before, subject.evaluate([change(atoms.copy())])[0])
        for atoms, before in zip(subject.mix, subject.alone, strict=True)
        if atoms.pbc.any() or not only_periodic
    ]
    return _judged_pairs(subject, pairs)


def _judged_pairs(subject: ModelSubject, pairs: list[tuple[Prediction, Prediction]]) -> Measured:
    if not pairs:
        return judged(detail="the model covers no periodic structure")
    return judged(*subject.differences(pairs))


def _turned(atoms: Atoms, matrix: NDArray[np.float64]) -> Atoms:
    turned: Atoms = atoms.copy()
    turned.positions = atoms.positions @ matrix.T
    turned.cell[:] = atoms.cell.array @ matrix.T
    return turned


def _turned_prediction(prediction: Prediction, matrix: NDArray[np.float64]) -> Prediction:
    stress = None
    if prediction.stress is not None:
        stress = full_3x3_to_voigt_6_stress(matrix @ voigt_6_to_full_3x3_stress(prediction.stress) @ matrix.T)
    return Prediction(prediction.energy, prediction.forces @ matrix.T, stress)
