"""phonopy with a faster symmetry set-up for supercells of high symmetry.

phonopy matches rotated against original positions for each operation of the supercell's space group, and a supercell
has all operations of the primitive cell times all its lattice translations: 1,296 for Cu3Au in 3×3×3. Permutations form
a group like the operations, so one match for each rotation and one for each translation are enough.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from phonopy import Phonopy
from phonopy.structure.cells import compute_all_sg_permutations
from phonopy.structure.symmetry import Symmetry


class FastPhonopy(Phonopy):
    """Phonopy whose supercell symmetry composes its permutations.

    The methods overridden here and below are not public in phonopy: were they renamed, its own would run, with the same
    result.
    """

    def _search_symmetry(self) -> None:
        self._symmetry = FastSymmetry(self._supercell, self._symprec, s2p_map=self._primitive.s2p_map)


class FastSymmetry(Symmetry):
    """Symmetry whose permutations are composed where the operations allow it."""

    def get_site_symmetry(self, atom_number: int) -> NDArray[np.int64]:
        """Rotations that leave an atom where it is, shape (n_rotations, 3, 3): those whose permutation does."""
        stays = self.atomic_permutations[:, atom_number] == atom_number
        rotations: NDArray[np.int64] = self.symmetry_operations["rotations"][stays]
        return rotations

    def _set_atomic_permutations(self) -> None:
        operations = self.symmetry_operations
        composed = compose_permutations(
            operations["rotations"],
            operations["translations"],
            self._match,
            tolerance=self.tolerance / np.linalg.norm(self._cell.cell, axis=1).max(),
        )
        if composed is None:
            super()._set_atomic_permutations()
        else:
            self._atomic_permutations = composed

    def _match(self, rotations: NDArray[np.int64], translations: NDArray[np.float64]) -> NDArray[np.int64]:
        cell = self._cell
        lattice = np.array(cell.cell.T, dtype=float, order="C")
        types = cell.totuple()[2]
        return compute_all_sg_permutations(
            cell.scaled_positions, rotations, translations, lattice, self.tolerance, types
        )


def compose_permutations(
    rotations: NDArray[np.int64],
    translations: NDArray[np.float64],
    match: Callable[[NDArray[np.int64], NDArray[np.float64]], NDArray[np.int64]],
    tolerance: float,
) -> NDArray[np.int64] | None:
    """Permutations of atoms under space-group operations, from those of one operation for each rotation.

    An operation (R, t) is the first one with the same rotation, (R, t₀), followed by the pure translation t − t₀.

    Args:
        rotations: In fractional coordinates, shape (n_operations, 3, 3).
        translations: Fractional, shape (n_operations, 3).
        match: Gives the permutations, shape (n, n_atoms), of some operations by comparing positions.
        tolerance: Fractional distance within which two translations are the same.

    Returns:
        Shape (n_operations, n_atoms); None where the operations do not fall apart in this way.
    """
    _, first, group = np.unique(rotations.reshape(-1, 9), axis=0, return_index=True, return_inverse=True)
    is_pure = np.all(rotations == np.eye(3, dtype=int), axis=(1, 2))
    pure = np.flatnonzero(is_pure)
    if len(first) * len(pure) != len(rotations):
        return None
    after = translations - translations[first][group]
    distance = after[:, None] - translations[pure]
    distance = np.abs(distance - np.rint(distance)).max(axis=2)
    which = distance.argmin(axis=1)
    if distance[np.arange(len(which)), which].max() > tolerance:
        return None
    by_rotation = match(rotations[first], translations[first])[group]
    by_translation = match(rotations[pure], translations[pure])[which]
    return np.take_along_axis(by_translation, by_rotation, axis=1)
