"""The phase diagram of two or three elements as points and facets, ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lamcore_crystal.hull.bottom_up import STABLE_WITHIN
from lamcore_crystal.hull.compositions import ChemicalSystem

if TYPE_CHECKING:
    from lamcore_crystal.hull.hull import Hull


@dataclass(frozen=True)
class DiagramEntry:
    """One point of a diagram.

    Attributes:
        index: Of the entry in its hull.
        formula: Reduced.
        fractions: Atomic fractions by element.
        formation_energy_per_atom: eV/atom.
        energy_above_hull: eV/atom.
        is_stable: Whether it is on the hull.
        origin: Of the entry.
    """

    index: int
    formula: str
    fractions: Mapping[str, float]
    formation_energy_per_atom: float
    energy_above_hull: float
    is_stable: bool
    origin: str


@dataclass(frozen=True)
class Diagram:
    """A phase diagram.

    Attributes:
        elements: In alphabetical order.
        entries: All of these elements, of one alone too; by composition, then by energy.
        facets: Tie lines of two elements, triangles of three, as positions in `entries`.
    """

    elements: ChemicalSystem
    entries: tuple[DiagramEntry, ...]
    facets: tuple[tuple[int, ...], ...]


def draw(hull: Hull, elements: ChemicalSystem) -> Diagram:
    """The diagram of two or three elements.

    Raises:
        ValueError: There are not two or three.
    """
    if len(elements) not in (2, 3):
        raise ValueError(
            f"the chemical system {'-'.join(elements)} has {len(elements)} elements, a diagram two or three"
        )
    parts = [part for size in range(1, len(elements) + 1) for part in combinations(elements, size)]
    rows = np.concatenate([hull.entries_of(part) for part in parts])
    compositions = hull.compositions.taken(rows)
    distances = hull.distances(compositions, hull.energies_per_atom[rows])
    points = [
        DiagramEntry(
            index,
            compositions.formula(place),
            compositions.as_mapping(place),
            distances[place].formation_energy_per_atom,
            distances[place].energy_above_hull,
            distances[place].energy_above_hull <= STABLE_WITHIN,
            hull.origins[index],
        )
        for place, index in enumerate(rows.tolist())
    ]
    points.sort(
        key=lambda one: (
            tuple(one.fractions.get(symbol, 0.0) for symbol in elements),
            one.formation_energy_per_atom,
            one.origin,
        )
    )
    place_of = {point.index: place for place, point in enumerate(points)}
    system = hull.system(elements)
    corners = [] if system.planes is None else system.entries[system.planes.corners].tolist()
    return Diagram(
        elements, tuple(points), tuple(sorted(tuple(sorted(place_of[index] for index in one)) for one in corners))
    )
