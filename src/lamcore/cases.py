"""Benchmark items: a case with its structures and reference values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Case:
    """One benchmark item.

    Attributes:
        id: Stable and unique in its dataset.
        structures: One or more structures (Å), in the order that the task expects.
        reference: The values to be predicted, named with their unit (`max_frequency_k`).
        settings: What the task needs beside them, such as `supercell_matrix`; JSON values only. `functional` is that of
            the reference values where the dataset's card does not tell.
    """

    id: str
    structures: tuple[Atoms, ...]
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
