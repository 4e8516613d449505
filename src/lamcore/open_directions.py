"""Cells for neighbour searches in structures that are not periodic in every direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.geometry import complete_cell

from lamcore.errors import UnsupportedStructureError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


def search_cell(atoms: Atoms, cutoff_ang: float) -> NDArray[np.float64]:
    """A cell to search neighbours in: open directions get a vector across the whole structure, normal to the others.

    What the structure holds for its open directions (often nothing, or a box) plays no part.

    Returns:
        Vectors as rows, Å, shape (3, 3).

    Raises:
        UnsupportedStructureError: The lattice vectors of the periodic directions do not span them.
    """
    periodic = np.asarray(atoms.pbc, dtype=bool)
    lattice = atoms.cell.array
    if np.linalg.matrix_rank(lattice[periodic]) < periodic.sum():
        raise UnsupportedStructureError(
            f"{atoms.get_chemical_formula()}: pbc is {periodic.tolist()}, but the cell is {lattice.tolist()}; "
            f"expected linearly independent lattice vectors in the periodic directions"
        )
    if periodic.all():
        return np.array(lattice)
    cell = np.ascontiguousarray(complete_cell(np.where(periodic[:, None], lattice, 0.0)))
    heights = np.ptp(atoms.positions @ cell[~periodic].T, axis=0)
    cell[~periodic] *= (heights + 2 * cutoff_ang)[:, None]
    return cell
