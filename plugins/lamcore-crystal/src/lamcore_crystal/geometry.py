"""A periodic structure as three arrays: how the database keeps it and how it is told from another."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray
    from pymatgen.core.structure import Structure

_HEADER = struct.Struct("<BI")
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Geometry:
    """A crystal, fully ordered and periodic in three directions.

    Attributes:
        cell: Lattice vectors as rows, Å, shape (3, 3).
        fractional: Fractional coordinates, shape (n_atoms, 3).
        numbers: Atomic numbers, shape (n_atoms,).
    """

    cell: NDArray[np.float64]
    fractional: NDArray[np.float64]
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, atoms: Atoms) -> Geometry:
        """The geometry of an `ase.Atoms`; coordinates are not wrapped."""
        return cls(
            np.array(atoms.cell.array, dtype=float),
            np.array(atoms.get_scaled_positions(wrap=False), dtype=float),
            np.array(atoms.numbers, dtype=np.int64),
        )

    def atoms(self) -> Atoms:
        """As `ase.Atoms`, periodic in three directions."""
        from ase import Atoms

        return Atoms(numbers=self.numbers, cell=self.cell, scaled_positions=self.fractional, pbc=True)

    def structure(self) -> Structure:
        """As a pymatgen `Structure`."""
        from pymatgen.core.structure import Structure

        return Structure(self.cell, self.numbers.tolist(), self.fractional)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def volume(self) -> float:
        """Of the cell, Å³."""
        return abs(float(np.linalg.det(self.cell)))

    def pack(self) -> bytes:
        """As bytes that `unpack` makes the same geometry of, bit by bit."""
        arrays = (
            np.asarray(self.numbers, "<u1").tobytes(),
            np.asarray(self.cell, "<f8").tobytes(),
            np.asarray(self.fractional, "<f8").tobytes(),
        )
        return _HEADER.pack(_FORMAT, len(self)) + zlib.compress(b"".join(arrays), 6)

    @classmethod
    def unpack(cls, packed: bytes) -> Geometry:
        """The geometry that was packed.

        Raises:
            ValueError: The bytes are not of a packed geometry.
        """
        try:
            version, n_atoms = _HEADER.unpack_from(packed)
            content = zlib.decompress(packed[_HEADER.size :])
        except (struct.error, zlib.error) as error:
            raise ValueError(f"not a packed geometry: {error}") from error
        if version != _FORMAT or len(content) != n_atoms + 72 + 24 * n_atoms:
            raise ValueError(f"not a packed geometry of format {_FORMAT}: format {version}, {len(content)} bytes")
        return cls(
            np.frombuffer(content, "<f8", 9, n_atoms).reshape(3, 3).copy(),
            np.frombuffer(content, "<f8", 3 * n_atoms, n_atoms + 72).reshape(n_atoms, 3).copy(),
            np.frombuffer(content, "<u1", n_atoms).astype(np.int64),
        )

    def sha256(self) -> str:
        """Of the exact numbers: the key of a relaxation that begins here."""
        digest = hashlib.sha256()
        for array in (
            np.asarray(self.numbers, "<i8"),
            np.asarray(self.cell, "<f8"),
            np.asarray(self.fractional, "<f8"),
        ):
            digest.update(np.ascontiguousarray(array + 0).tobytes())
        return digest.hexdigest()
