"""A hash that two submissions of one and the same cell share, however it was written down."""

from __future__ import annotations

import hashlib
import itertools
import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcore_crystal.geometry import Geometry

_STEPS = 10_000
# Halves, thirds and other simple fractions lie on no edge between two rounded values.
_OFF_THE_EDGES = 0.0137
_METRIC_TOLERANCE = 1e-3
_MOST_WORK = 100_000


def identity_sha256(geometry: Geometry) -> str:
    """A hash of the Niggli cell and its sites, rounded to 1e-4 (Å, cosines, fractions).

    It does not change with the order of the atoms, lattice translations of single atoms, a shift of the origin, a
    rotation or another choice of lattice vectors of the same lattice. It does change with a supercell, a mirror image
    and with any motion of 1e-4 or more. Numbers that lie at an edge between two rounded values may fall to either side
    when a file is written with other digits, so that equal hashes prove a resubmission, and unequal ones prove nothing:
    whether two crystals are the same is for `lamcore_crystal.matching` to say.

    Of the rare cells that neither moyo nor spglib can reduce, as their lengths differ by what their numbers are rounded
    to, the lattice vectors are taken as given, and another choice of them has another hash.
    """
    cell, fractional = _reduced(geometry)
    lengths = np.linalg.norm(cell, axis=1)
    cosines = (cell @ cell.T) / np.outer(lengths, lengths)
    metric = _rounded(np.array([*lengths, cosines[1, 2], cosines[0, 2], cosines[0, 1]]))
    digest = hashlib.sha256(np.ascontiguousarray(metric, "<i8").tobytes())
    digest.update(np.ascontiguousarray(_smallest_sites(cell, fractional, geometry.numbers), "<i8").tobytes())
    return digest.hexdigest()


def _reduced(geometry: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The Niggli cell and the sites in it."""
    import moyopy

    try:
        cell = np.asarray(moyopy.niggli_reduce(geometry.cell.tolist())[0])
    except ValueError:  # moyo gives up where two lengths differ by rounding alone
        cell = _reduced_by_spglib(geometry.cell)
    change = np.rint(geometry.cell @ np.linalg.inv(cell))
    return cell, geometry.fractional @ change


def _reduced_by_spglib(cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Niggli cell, or the cell as given where spglib gives up too."""
    import spglib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how spglib tells that it gave up
        try:
            reduced = spglib.niggli_reduce(cell, eps=1e-5)
        except spglib.SpglibError:
            return cell
    return cell if reduced is None else np.asarray(reduced)


def _smallest_sites(
    cell: NDArray[np.float64], fractional: NDArray[np.float64], numbers: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Sites as sorted integers, the smallest list of those that begin at an atom of the rarest element."""
    kinds, counts = np.unique(numbers, return_counts=True)
    origins = np.flatnonzero(numbers == kinds[np.argmin(counts)])
    turns = _turns(cell)
    if len(turns) * len(origins) * len(numbers) > _MOST_WORK:
        turns = np.eye(3, dtype=np.int64)[None]
    away = fractional[None, :, :] - fractional[origins, None, :]
    turned = np.einsum("oni,tij->tonj", away, turns.astype(float))
    steps = _rounded(turned) % _STEPS
    packed = ((numbers * _STEPS + steps[..., 0]) * _STEPS + steps[..., 1]) * _STEPS + steps[..., 2]
    lists = np.sort(packed.reshape(-1, len(numbers)), axis=1)
    return np.asarray(lists[np.lexsort(lists.T[::-1])[0]])


def _turns(cell: NDArray[np.float64]) -> NDArray[np.int64]:
    """Proper changes of the lattice vectors that leave their metric as it is, acting on fractional rows from the right.

    In a reduced cell their elements are -1, 0 or 1.
    """
    metric = cell @ cell.T
    scale = float(np.trace(metric)) / 3
    changed = np.einsum("tij,jk,tlk->til", _CANDIDATES, metric, _CANDIDATES)
    kept = (np.abs(changed - metric) < _METRIC_TOLERANCE * scale).all(axis=(1, 2))
    chosen = _CANDIDATES[kept]
    return np.rint(np.linalg.inv(chosen)).astype(np.int64)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.floor(values * _STEPS + 0.5 + _OFF_THE_EDGES).astype(np.int64)


def _unimodular() -> NDArray[np.int64]:
    matrices = np.array(list(itertools.product((-1, 0, 1), repeat=9))).reshape(-1, 3, 3)
    chosen: NDArray[np.int64] = matrices[np.rint(np.linalg.det(matrices)) == 1]
    return chosen


_CANDIDATES = _unimodular()
