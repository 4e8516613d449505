"""CHGNet's two graphs of a structure: atoms joined by bonds, and bonds joined by angles.

CHGNet's own converter makes a Python object for each bond and matches each directed bond with its reverse. Here a bond
is kept once, in one direction, so there is nothing to match, and angles are enumerated by NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pymatgen.optimization.neighbors import find_points_in_spheres

from lamcore.open_directions import search_cell

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


@dataclass(frozen=True)
class BondGraph:
    """The bonds and angles of one structure, or of several with atoms and bonds numbered through.

    Attributes:
        numbers: Atomic numbers, shape (n_atoms,).
        bonds: The two atoms of each bond, shape (n_bonds, 2).
        bond_vectors: From the first atom to the second, Å, shape (n_bonds, 3).
        angle_centres: The atom at each angle's vertex, shape (n_angles,). An angle is counted in both orders.
        angle_bonds: Its two bonds, shape (n_angles, 2).
        angle_signs: +1 where the bond's vector points away from the vertex, else −1, shape (n_angles, 2).
    """

    numbers: NDArray[np.int64]
    bonds: NDArray[np.int64]
    bond_vectors: NDArray[np.float64]
    angle_centres: NDArray[np.int64]
    angle_bonds: NDArray[np.int64]
    angle_signs: NDArray[np.float64]


def bond_graph(atoms: Atoms, bond_cutoff_ang: float, angle_cutoff_ang: float) -> BondGraph:
    """Bonds up to one cut-off, and angles between those that are shorter than the other.

    Raises:
        UnsupportedStructureError: The lattice vectors of the periodic directions do not span them.
    """
    positions = np.ascontiguousarray(atoms.positions, dtype=np.float64)
    cell = search_cell(atoms, bond_cutoff_ang)
    first, second, image_numbers, _ = find_points_in_spheres(
        positions, positions, r=bond_cutoff_ang, pbc=atoms.pbc.astype(np.int64), lattice=cell, tol=1e-8
    )
    pairs = np.stack((first, second), axis=1).astype(np.int64)
    images = image_numbers.reshape(-1, 3).round().astype(np.int64)
    kept = _one_of_each_pair(pairs, images)
    bonds = pairs[kept]
    vectors = positions[bonds[:, 1]] + images[kept] @ cell - positions[bonds[:, 0]]
    short = np.flatnonzero(np.linalg.norm(vectors, axis=1) < angle_cutoff_ang)
    centres, angle_bonds, signs = _angles(bonds, short)
    return BondGraph(atoms.numbers.astype(np.int64), bonds, vectors, centres, angle_bonds, signs)


def _one_of_each_pair(pairs: NDArray[np.int64], images: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of each bond and its reverse, one; and of an atom with itself, none."""
    first, second = pairs.T
    x, y, z = images.T
    forward_image = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    kept: NDArray[np.bool_] = (first < second) | ((first == second) & forward_image)
    return kept


def _angles(
    bonds: NDArray[np.int64], short: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Every ordered pair of different bond ends at the same atom, among the short bonds."""
    centre = bonds[short].T.reshape(-1)
    order = np.argsort(centre, kind="stable")
    centre = centre[order]
    bond = np.tile(short, 2)[order]
    sign = np.repeat((1.0, -1.0), len(short))[order]

    _, group_start, group_size = np.unique(centre, return_index=True, return_counts=True)
    partners = np.repeat(group_size, group_size)  # ends at the same atom, for each end
    left = np.repeat(np.arange(len(centre)), partners)
    within_group = np.arange(len(left)) - np.repeat(np.cumsum(partners) - partners, partners)
    right = np.repeat(np.repeat(group_start, group_size), partners) + within_group
    left, right = left[left != right], right[left != right]
    return centre[left], np.stack((bond[left], bond[right]), axis=1), np.stack((sign[left], sign[right]), axis=1)


def join(graphs: Sequence[BondGraph]) -> BondGraph:
    """Several graphs as one, without bonds between them."""
    n_atoms = np.array([len(graph.numbers) for graph in graphs])
    n_bonds = np.array([len(graph.bonds) for graph in graphs])
    first_atom = np.cumsum(n_atoms) - n_atoms
    first_bond = np.cumsum(n_bonds) - n_bonds
    return BondGraph(
        numbers=np.concatenate([graph.numbers for graph in graphs]),
        bonds=np.concatenate([graph.bonds + start for graph, start in zip(graphs, first_atom, strict=True)]),
        bond_vectors=np.concatenate([graph.bond_vectors for graph in graphs]),
        angle_centres=np.concatenate(
            [graph.angle_centres + start for graph, start in zip(graphs, first_atom, strict=True)]
        ),
        angle_bonds=np.concatenate(
            [graph.angle_bonds + start for graph, start in zip(graphs, first_bond, strict=True)]
        ),
        angle_signs=np.concatenate([graph.angle_signs for graph in graphs]),
    )
