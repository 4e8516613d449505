"""Structures of several sizes as frames of one array, filled up with atoms that do not count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamcore.open_directions import search_cell

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

VIRTUAL = -1
"""The type of an atom that fills a place; DeePMD-kit gives it no energy, no force and no part in its neighbours'."""

LARGEST_SHARE_OF_VIRTUAL_ATOMS = 0.25
"""A frame is filled up by no more than this share, since virtual atoms cost as much as others."""


@dataclass(frozen=True)
class Frames:
    """What one call of DeePMD-kit takes.

    Attributes:
        positions: Å, shape (n_frames, n_atoms, 3); zero for virtual atoms.
        cells: Lattice vectors as rows, Å, shape (n_frames, 3, 3); None where nothing is periodic.
        types: Indices into the model's type map, shape (n_frames, n_atoms); `VIRTUAL` beyond a structure's own atoms.
    """

    positions: NDArray[np.float64]
    cells: NDArray[np.float64] | None
    types: NDArray[np.int32]


def alike(structures: Sequence[Atoms]) -> list[list[int]]:
    """Which structures to compute in one call: all periodic or none, and of nearly one size.

    Returns:
        Indices into `structures`, each in one list.
    """
    groups: list[list[int]] = []
    for periodic in (True, False):
        chosen = [i for i, atoms in enumerate(structures) if bool(atoms.pbc.any()) == periodic]
        largest = 0
        for index in sorted(chosen, key=lambda i: -len(structures[i])):
            if len(structures[index]) < (1 - LARGEST_SHARE_OF_VIRTUAL_ATOMS) * largest or largest == 0:
                groups.append([])
                largest = len(structures[index])
            groups[-1].append(index)
    return groups


def frames(structures: Sequence[Atoms], type_of: Mapping[str, int], cutoff_ang: float) -> Frames:
    """The arrays of structures that `alike` put together.

    Args:
        structures: All periodic in every direction, or in none.
        type_of: The index of each element in the model's type map.
        cutoff_ang: The model's cut-off, Å.

    Raises:
        UnsupportedStructureError: The lattice vectors of a periodic structure do not span space.
    """
    n_atoms = max(len(atoms) for atoms in structures)
    positions = np.zeros((len(structures), n_atoms, 3))
    types = np.full((len(structures), n_atoms), VIRTUAL, dtype=np.int32)
    for frame, atoms in enumerate(structures):
        positions[frame, : len(atoms)] = atoms.positions
        types[frame, : len(atoms)] = [type_of[symbol] for symbol in atoms.symbols]
    periodic = bool(structures[0].pbc.all())
    cells = np.stack([search_cell(atoms, cutoff_ang) for atoms in structures]) if periodic else None
    return Frames(positions, cells, types)
