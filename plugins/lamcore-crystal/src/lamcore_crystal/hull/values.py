"""What goes into a hull and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Energies: TypeAlias = Literal["total", "formation"]


class MissingTerminalError(ValueError):
    """A hull has no entry of an element alone, which formation energies are measured from.

    Attributes:
        symbols: The elements.
    """

    def __init__(self, message: str, symbols: Sequence[str]) -> None:
        super().__init__(message)
        self.symbols = tuple(symbols)


class BadEnergyError(ValueError):
    """An energy that is not a finite number, or not one for each composition."""


@dataclass(frozen=True)
class HullEntry:
    """A known crystal.

    Attributes:
        composition: Atoms of each element, in any multiple.
        energy_per_atom: eV/atom.
        origin: Where it comes from, such as `reference:elements/Li`.
    """

    composition: Mapping[str, float]
    energy_per_atom: float
    origin: str


@dataclass(frozen=True)
class HullDistance:
    """Where a crystal lies.

    Attributes:
        formation_energy_per_atom: From the hull's elements, eV/atom.
        hull_energy_per_atom: Of the hull at this composition, in the terms of its entries, eV/atom.
        energy_above_hull: eV/atom; negative below the hull, zero within 1e-12.
        decomposition: Indices of the entries that the hull is made of there, and how much of each, in atoms per atom.
    """

    formation_energy_per_atom: float
    hull_energy_per_atom: float
    energy_above_hull: float
    decomposition: tuple[tuple[int, float], ...]
