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

    The edge from atom i to atom j is `positions[j] - positions[i] + unit_shifts @ cell`.

    Attributes:
        numbers: Atomic numbers, shape (n_atoms,).
        n_atoms: Atoms in each structure, shape (n_structures,).
        owner: The structure of each atom, shape (n_atoms,).
        positions: Å, each structure's centred on the mean of its atoms, shape (n_atoms, 3).
        cells: Lattice vectors as rows, zero in open directions, Å, shape (n_structures, 3, 3).
        edges: Centre and neighbour of each edge, shape (2, n_edges).
        unit_shifts: Lattice vectors that each edge crosses, shape (n_edges, 3).
        shifts: The same, Å, shape (n_edges, 3).
    """

    numbers: NDArray[np.int64]
    n_atoms: NDArray[np.int64]
    owner: NDArray[np.int64]
    positions: NDArray[np.float64]
    cells: NDArray[np.float64]
    edges: NDArray[np.int64]
    unit_shifts: NDArray[np.int64]
    shifts: NDArray[np.float64]


def batch_graph(structures: Sequence[Atoms], cutoff_ang: float) -> BatchGraph:
    """All pairs within the cut-off, periodic images included, in each structure.

    Raises:
        UnsupportedStructureError: The lattice vectors of the periodic directions do not span them.
    """
    edges, unit_shifts, shifts = [], [], []
    n_atoms = np.array([len(atoms) for atoms in structures], dtype=np.int64)
    first_atoms = np.cumsum(n_atoms) - n_atoms
    cells = np.array([np.where(atoms.pbc[:, None], atoms.cell.array, 0.0) for atoms in structures])
    for atoms, cell, first_atom in zip(structures, cells, first_atoms, strict=True):
        centres, neighbours, crossed = neighbour_list(
            "ijS",
            positions=atoms.positions,
            cell=search_cell(atoms, cutoff_ang),
            pbc=atoms.pbc,
            cutoff=cutoff_ang,
        )
        crossed = crossed.reshape(-1, 3)
        edges.append(np.stack((centres, neighbours)).astype(np.int64) + first_atom)
        unit_shifts.append(crossed.astype(np.int64))
        shifts.append(crossed @ cell)
    return BatchGraph(
        numbers=np.concatenate([atoms.numbers for atoms in structures]).astype(np.int64),
        n_atoms=n_atoms,
        owner=np.repeat(np.arange(len(structures)), n_atoms),
        # In single precision a molecule far from the origin would lose digits.
        positions=np.concatenate([atoms.positions - atoms.positions.mean(axis=0) for atoms in structures]),
        cells=cells,
        edges=np.concatenate(edges, axis=1),
        unit_shifts=np.concatenate(unit_shifts),
        shifts=np.concatenate(shifts),
    )
