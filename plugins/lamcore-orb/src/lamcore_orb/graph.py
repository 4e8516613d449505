"""Neighbour lists of a batch of structures as one graph.

The package makes a supercell and a tree for each structure. For small structures a cell list takes a fraction of that
time, and it covers those that are periodic in one or two directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matscipy.neighbours import neighbour_list

from lamcore.open_directions import search_cell

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


@dataclass(frozen=True)
class BatchGraph:
    """The atoms and the directed edges of several structures, atoms numbered through.

    Attributes:
        numbers: Atomic numbers, shape (n_atoms,).
        positions: Å, about the mean of each structure, shape (n_atoms, 3).
        n_atoms: Atoms in each structure, shape (n_structures,).
        cells: Å, right-handed, shape (n_structures, 3, 3); zero without periodicity, a box around the structure in
            open directions where it is periodic in others.
        edges: Sender and receiver of each edge, shape (2, n_edges).
        edge_vectors: From sender to receiver, Å, shape (n_edges, 3).
        n_edges: Edges in each structure, shape (n_structures,).
    """

    numbers: NDArray[np.int64]
    positions: NDArray[np.float64]
    n_atoms: NDArray[np.int64]
    cells: NDArray[np.float64]
    edges: NDArray[np.int64]
    edge_vectors: NDArray[np.float64]
    n_edges: NDArray[np.int64]


def batch_graph(structures: Sequence[Atoms], cutoff_ang: float, max_neighbours: int) -> BatchGraph:
    """Edges from each atom to its nearest neighbours within the cut-off, periodic images included.

    Raises:
        UnsupportedStructureError: The lattice vectors of the periodic directions do not span them.
    """
    edges, vectors, cells = [], [], []
    n_atoms = np.array([len(atoms) for atoms in structures], dtype=np.int64)
    for atoms, first_atom in zip(structures, np.cumsum(n_atoms) - n_atoms, strict=True):
        cell = search_cell(atoms, cutoff_ang)
        senders, receivers, offsets, lengths = neighbour_list(
            "ijDd", positions=atoms.positions, cell=cell, pbc=atoms.pbc, cutoff=cutoff_ang
        )
        kept = _nearest(senders, lengths, len(atoms), max_neighbours)
        edges.append(np.stack((senders, receivers)).astype(np.int64)[:, kept] + first_atom)
        vectors.append(offsets.reshape(-1, 3)[kept])
        cells.append(cell * np.sign(np.linalg.det(cell)) if atoms.pbc.any() else np.zeros((3, 3)))
    return BatchGraph(
        numbers=np.concatenate([atoms.numbers for atoms in structures]).astype(np.int64),
        positions=np.concatenate([atoms.positions - atoms.positions.mean(axis=0) for atoms in structures]),
        n_atoms=n_atoms,
        cells=np.stack(cells),
        edges=np.concatenate(edges, axis=1),
        edge_vectors=np.concatenate(vectors),
        n_edges=np.array([len(kept) for kept in vectors], dtype=np.int64),
    )


def _nearest(
    senders: NDArray[np.int32], lengths: NDArray[np.float64], n_atoms: int, limit: int
) -> NDArray[np.int64] | slice:
    """The edges to the nearest neighbours of each atom; which of several equally far ones is left to rounding."""
    degrees = np.bincount(senders, minlength=n_atoms)
    if degrees.max() <= limit:
        return slice(None)
    order = np.lexsort((lengths, senders))
    rank = np.arange(len(senders)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
    return order[rank < limit]
