"""Benchmark items: a case with its structures and reference values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from lamcore.errors import DataError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, slots=True)
class StoredStructures(Sequence["Atoms"]):
    """Structures that stay where they are stored: each is read whenever it is asked for, and none is kept.

    With it as `Case.structures`, a dataset of any size costs no memory. Arrays that belong to a structure travel in it
    (`atoms.arrays["reference_forces"]`). Two are equal when they read the same keys in the same way.

    Args:
        read: Called with a key, gives that structure: a new object at each call, always the same in content. A function
            of a module, a `functools.partial` of one, or an object with `__call__`, so that it can be sent to another
            process.
        keys: Of the structures, in their order: frame numbers, byte offsets, file names.

    Raises:
        TypeError: `keys` is one text.
    """

    read: Callable[[Any], Atoms]
    keys: Sequence[Any]

    def __post_init__(self) -> None:
        if isinstance(self.keys, str | bytes):
            raise TypeError(f"keys is the text {self.keys!r}, expected a sequence of keys; write [{self.keys!r}]")
        if not isinstance(self.keys, range):
            object.__setattr__(self, "keys", tuple(self.keys))

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> Atoms: ...

    @overload
    def __getitem__(self, index: slice) -> StoredStructures: ...

    def __getitem__(self, index: int | slice) -> Atoms | StoredStructures:
        """Read one structure, or select some without reading.

        Raises:
            IndexError: There is no such structure.
            DataError: It cannot be read.
        """
        from ase import Atoms

        if isinstance(index, slice):
            return StoredStructures(self.read, self.keys[index])
        key = self.keys[index]
        try:
            atoms = self.read(key)
        except Exception as error:  # a file may be damaged in any way
            raise DataError(
                f"structure {key!r} cannot be read by {_named(self.read)} ({type(error).__name__}: {error}); "
                "check the dataset's files"
            ) from error
        if not isinstance(atoms, Atoms):
            raise DataError(
                f"structure {key!r} read by {_named(self.read)} is a {type(atoms).__name__}, expected ase.Atoms"
            )
        return atoms


@dataclass(frozen=True, slots=True)
class Case:
    """One benchmark item.

    Attributes:
        id: Stable and unique in its dataset.
        structures: One or more structures (Å), in the order that the task expects: a tuple, or `StoredStructures`.
        reference: The values to be predicted, named with their unit (`max_frequency_k`).
        settings: What the task needs beside them, such as `supercell_matrix`; JSON values only. `functional` is that of
            the reference values where the dataset's card does not tell.
    """

    id: str
    structures: Sequence[Atoms]
    reference: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def atoms(self) -> Atoms:
        """A copy of the structure of a case that has exactly one.

        Raises:
            ValueError: The case has none or several.
        """
        if len(self.structures) != 1:
            raise ValueError(f"case {self.id!r} has {len(self.structures)} structures, expected 1; use case.structures")
        atoms: Atoms = self.structures[0].copy()
        return atoms


def _named(read: Callable[[Any], Atoms]) -> str:
    """A reader as its author calls it, with what it was given."""
    if isinstance(read, functools.partial):
        given = [*map(repr, read.args), *(f"{name}={value!r}" for name, value in read.keywords.items())]
        return f"{_named(read.func)}({', '.join(given)})"
    name: str = getattr(read, "__qualname__", "") or repr(read)
    return name
