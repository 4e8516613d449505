"""Symmetry-keeping relaxations: projections onto what the space group of a structure leaves unchanged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from lamcore.errors import SymmetryError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

_SPGLIB_ERROR_SWITCH: Final = "SPGLIB_OLD_ERROR_HANDLING"


class SymmetryProjection:
    """Projects displacements and deformations onto those that keep the space group of a structure.

    Everything is worked out once: atoms through a sparse orthonormal basis of the invariant displacements, three
    columns or fewer for each set of equivalent atoms; the deformation through one 9 × 9 matrix.

    Args:
        atoms: A structure whose symmetry is exact, see `refined`; periodic in all three directions.
        symprec: Distance within which atoms count as equivalent, Å.

    Raises:
        SymmetryError: The space group cannot be found.
    """

    def __init__(self, atoms: Atoms, symprec: float) -> None:
        dataset = _dataset(atoms, symprec)
        rotations = _cartesian_rotations(dataset.rotations, np.array(atoms.cell))
        images = _images(atoms, dataset.rotations, dataset.translations)
        self._basis = _invariant_displacements(rotations, images)
        self._deformation = np.einsum("gij,gkl->ikjl", rotations, rotations).reshape(9, 9) / len(rotations)
        self.space_group_number = int(dataset.number)
        self.n_operations = len(rotations)

    def displacements(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The invariant part of one Cartesian vector for each atom, shape (n_atoms, 3)."""
        invariant: NDArray[np.float64] = self._basis @ (self._basis.T @ rows.ravel())
        return invariant.reshape(rows.shape)

    def deformation(self, tensor: NDArray[np.float64]) -> NDArray[np.float64]:
        """The invariant part of a Cartesian tensor, shape (3, 3)."""
        invariant: NDArray[np.float64] = self._deformation @ tensor.ravel()
        return invariant.reshape(3, 3)


def refined(atoms: Atoms, symprec: float) -> Atoms:
    """A copy whose cell and positions follow its space group exactly.

    Args:
        atoms: A structure, periodic in all three directions.
        symprec: Distance within which atoms count as equivalent, Å.

    Raises:
        SymmetryError: The structure is not periodic in all three directions, or spglib finds no space group.
    """
    from ase.spacegroup.symmetrize import refine_symmetry

    if not atoms.pbc.all():
        raise SymmetryError(
            f"{atoms.get_chemical_formula()}: pbc is {atoms.pbc.tolist()}; symmetry=True needs a structure that is "
            "periodic in all three directions"
        )
    copy: Atoms = atoms.copy()
    with _as_symmetry_error(atoms, symprec), _spglib_error_switch_kept():
        refine_symmetry(copy, symprec=symprec)
    return copy


def _dataset(atoms: Atoms, symprec: float) -> Any:
    from ase.spacegroup.symmetrize import check_symmetry

    with _as_symmetry_error(atoms, symprec), _spglib_error_switch_kept():
        return check_symmetry(atoms, symprec=symprec)


@contextmanager
def _as_symmetry_error(atoms: Atoms, symprec: float) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # which one depends on the versions of spglib and ASE
        raise SymmetryError(
            f"{atoms.get_chemical_formula()}: spglib found no space group with symprec={symprec} Å "
            f"({type(error).__name__}: {error}); try another symprec, or symmetry=False"
        ) from error


@contextmanager
def _spglib_error_switch_kept() -> Iterator[None]:
    """ASE changes how spglib reports errors in the whole process, and leaves it so; other users must not see that."""
    before = os.environ.get(_SPGLIB_ERROR_SWITCH)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_SPGLIB_ERROR_SWITCH, None)
        else:
            os.environ[_SPGLIB_ERROR_SWITCH] = before


def _cartesian_rotations(rotations: NDArray[Any], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthogonal matrices, shape (n_operations, 3, 3), of rotations that act on fractional column vectors."""
    nearly_orthogonal = cell.T @ rotations @ np.linalg.inv(cell.T)
    left, _, right = np.linalg.svd(nearly_orthogonal)
    orthogonal: NDArray[np.float64] = left @ right
    return orthogonal


def _images(atoms: Atoms, rotations: NDArray[Any], translations: NDArray[Any]) -> NDArray[np.intp]:
    """Which atom each operation takes each atom to, shape (n_operations, n_atoms)."""
    scaled = atoms.get_scaled_positions(wrap=False)
    # Twice, since a tiny negative number modulo one is one.
    moved = (np.einsum("gij,nj->gni", rotations, scaled) + translations[:, None, :]) % 1.0 % 1.0
    _, images = cKDTree(scaled % 1.0 % 1.0, boxsize=1.0).query(moved)
    same_kind = np.array_equal(atoms.numbers[images], np.broadcast_to(atoms.numbers, images.shape))
    if not same_kind or not np.array_equal(np.sort(images), np.broadcast_to(np.arange(len(atoms)), images.shape)):
        raise SymmetryError(
            f"{atoms.get_chemical_formula()}: an operation of the space group does not map atoms onto atoms"
        )
    return np.asarray(images, dtype=np.intp)


def _invariant_displacements(rotations: NDArray[np.float64], images: NDArray[np.intp]) -> csr_array:
    """Orthonormal displacements that every operation leaves unchanged, as columns, shape (3 n_atoms, n_invariant).

    An invariant displacement of one atom lies in the space that its site symmetry fixes; the operations then give the
    displacements of all equivalent atoms.
    """
    n_atoms = images.shape[1]
    rows: list[NDArray[np.intp]] = []
    columns: list[NDArray[np.intp]] = []
    values: list[NDArray[np.float64]] = []
    n_columns = 0
    for first in np.flatnonzero(images.min(axis=0) == np.arange(n_atoms)):
        members, operations = np.unique(images[:, first], return_index=True)
        free = _fixed_space(rotations[images[:, first] == first])
        vectors = rotations[operations] @ free / np.sqrt(len(members))
        row = np.broadcast_to(3 * members[:, None, None] + np.arange(3)[:, None], vectors.shape)
        column = np.broadcast_to(n_columns + np.arange(free.shape[1]), vectors.shape)
        rows.append(row.ravel())
        columns.append(column.ravel())
        values.append(vectors.ravel())
        n_columns += free.shape[1]
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(entries, shape=(3 * n_atoms, n_columns))


def _fixed_space(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal columns that span the vectors which all these rotations leave unchanged, shape (3, 0 to 3)."""
    values, vectors = np.linalg.eigh(rotations.mean(axis=0))
    fixed: NDArray[np.float64] = vectors[:, values > 0.5]
    return fixed
