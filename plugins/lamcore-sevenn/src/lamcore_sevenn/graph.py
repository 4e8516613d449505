"""Neighbour lists of a batch of structures as one graph."""

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
