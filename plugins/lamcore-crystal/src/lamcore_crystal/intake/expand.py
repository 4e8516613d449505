"""All atoms of the cell from the sites and operations of a CIF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Coordinates this close to a multiple of 1/24 are meant to be it: 0.3333 is 1/3.
_ROUNDING = 1e-4
_SAME_ATOM_ANG = 0.1
_SAME_SITE = 1e-3


def unit_cell(
    cell: NDArray[np.float64], fractional: NDArray[np.float64], operations: Sequence[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Every atom of the cell.

    Images of one site that lie within 0.1 Å of each other are one atom, at their mean: a site at a special position
    whose coordinates are rounded.

    Args:
        cell: Lattice vectors as rows, Å.
        fractional: Of the listed sites, shape (n_sites, 3).
        operations: As `gemmi.Op`; the identity is among them.

    Returns:
        Fractional coordinates in [0, 1), shape (n_atoms, 3), and the site that each atom is an image of.
    """
    if len(operations) == 1:
        return np.mod(fractional, 1.0) % 1.0, np.arange(len(fractional))
    rotations = np.array([one.rot for one in operations], dtype=float) / operations[0].DEN
    shifts = np.array([one.tran for one in operations], dtype=float) / operations[0].DEN
    atoms, parents = [], []
    for site, position in enumerate(_ideal(fractional)):
        images = _distinct(rotations @ position + shifts, cell)
        atoms.append(images)
        parents += [site] * len(images)
    return np.concatenate(atoms), np.array(parents, dtype=np.int64)


def coincident(fractional: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pairs of atoms on one site, fractional coordinates equal within 1e-3; shape (n_pairs, 2)."""
    from scipy.spatial import cKDTree

    tree = cKDTree(np.mod(fractional, 1.0) % 1.0, boxsize=1.0)
    return np.asarray(tree.query_pairs(_SAME_SITE, p=np.inf, output_type="ndarray"), dtype=np.int64).reshape(-1, 2)


def _ideal(fractional: NDArray[np.float64]) -> NDArray[np.float64]:
    nearest = np.round(fractional * 24) / 24
    ideal: NDArray[np.float64] = np.where(np.abs(fractional - nearest) < _ROUNDING, nearest, fractional)
    return ideal


def _distinct(images: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """The images modulo lattice vectors, those that are one atom averaged."""
    left = np.arange(len(images))
    found = []
    while len(left):
        first = images[left[0]]
        apart = images[left] - first
        apart -= np.round(apart)
        same = np.linalg.norm(apart @ cell, axis=1) < _SAME_ATOM_ANG
        found.append(first + apart[same].mean(axis=0))
        left = left[~same]
    # Twice, since the remainder of a tiny negative number is 1.0.
    wrapped: NDArray[np.float64] = np.mod(np.array(found), 1.0) % 1.0
    return wrapped
