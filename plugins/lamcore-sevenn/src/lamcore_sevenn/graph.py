"""Neighbour lists of a batch of structures as one graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.geometry import complete_cell
from matscipy.neighbours import neighbour_list

from lamcore.errors import UnsupportedStructureError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


@dataclass(frozen=True)
class BatchGraph:
    """The atoms and the directed edges of several structures, atoms numbered through.

    Attributes:
        numbers: Atomic numbers, shape (n_atoms,).
        n_atoms: Atoms in each structure, shape (n_structures,).
        volumes: Å³, shape (n_structures,); zero where the structure is not periodic in three directions.
        edges: Centre and neighbour of each edge, shape (2, n_edges).
        edge_vectors: From centre to neighbour, Å, shape (n_edges, 3).
    """

    numbers: NDArray[np.int64]
    n_atoms: NDArray[np.int64]
    volumes: NDArray[np.float64]
    edges: NDArray[np.int64]
    edge_vectors: NDArray[np.float64]


def batch_graph(structures: Sequence[Atoms], cutoff_ang: float) -> BatchGraph:
    """All pairs within the cut-off, periodic images included, in each structure.

    Raises:
        UnsupportedStructureError: The lattice vectors of the periodic directions do not span them.
    """
    edges, vectors, volumes = [], [], []
    n_atoms = np.array([len(atoms) for atoms in structures], dtype=np.int64)
    first_atoms = np.cumsum(n_atoms) - n_atoms
    for atoms, first_atom in zip(structures, first_atoms, strict=True):
        centres, neighbours, offsets = neighbour_list(
            "ijD",
            positions=atoms.positions,
            cell=search_cell(atoms, cutoff_ang),
            pbc=atoms.pbc,
            cutoff=cutoff_ang,
        )
        edges.append(np.stack((centres, neighbours)).astype(np.int64) + first_atom)
        vectors.append(offsets.reshape(-1, 3))
        volumes.append(atoms.get_volume() if atoms.pbc.all() else 0.0)
    return BatchGraph(
        numbers=np.concatenate([atoms.numbers for atoms in structures]).astype(np.int64),
        n_atoms=n_atoms,
        volumes=np.array(volumes),
        edges=np.concatenate(edges, axis=1),
        edge_vectors=np.concatenate(vectors),
    )


def search_cell(atoms: Atoms, cutoff_ang: float) -> NDArray[np.float64]:
    """A cell to search neighbours in: open directions get a vector across the whole structure, normal to the others.

    What the structure holds for its open directions (often nothing, or a box) plays no part.

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
