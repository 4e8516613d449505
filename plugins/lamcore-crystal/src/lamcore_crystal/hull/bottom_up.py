"""From elements to larger chemical systems: what may be a corner of a hull is known from the hulls of its parts.

An entry on the hull of its own chemical system is on the hull of every larger one, for its composition is on the face
that they share; an entry above it is on none. So the hull of a system needs its own entries and the stable ones of its
sub-systems, and each system is looked at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lamcore_crystal.hull.compositions import ChemicalSystem, Compositions
from lamcore_crystal.hull.system import System

STABLE_WITHIN = 1e-8
"""eV/atom above the hull up to which an entry is on it."""

ROUNDING = 1e-12
"""eV/atom; smaller distances are what rounding leaves of zero, and are given as zero."""

_SAME_COMPOSITION_DECIMALS = 9


class BottomUp:
    """The hulls of all chemical systems of a set of entries, made when they are asked for.

    Args:
        compositions: Of the entries.
        energies: Formation energies of the entries, eV/atom; not a number where an element has no terminal.
        rank: Decides between entries of equal composition and energy, so that their order does not.
        terminals: Index of the lowest entry of each element.
        cache_bytes: What the hulls that are kept may take, about; what the systems' stable entries take comes on top.
    """

    def __init__(
        self,
        compositions: Compositions,
        energies: NDArray[np.float64],
        rank: NDArray[np.intp],
        terminals: Mapping[str, int],
        cache_bytes: int = 128_000_000,
    ) -> None:
        self._compositions, self._energies, self._rank = compositions, energies, rank
        self._terminals = terminals
        self._cache_bytes = cache_bytes
        self.own = compositions.by_system()
        self.above_hull = np.full(len(compositions), np.nan)
        self._stable: dict[ChemicalSystem, NDArray[np.intp]] = {}
        self._systems: OrderedDict[ChemicalSystem, System] = OrderedDict()
        self._cached_bytes = 0

    def system(self, elements: ChemicalSystem) -> System:
        """The hull of one system, from the cache where it is there.

        Args:
            elements: In alphabetical order, each with a terminal.
        """
        known = self._systems.get(elements)
        if known is None:
            known = self._keep(elements, self._make(elements))
        self._systems.move_to_end(elements)
        return known

    def stable(self, elements: ChemicalSystem) -> NDArray[np.intp]:
        """Indices of the entries of exactly these elements that may be corners of larger hulls.

        The lowest of each composition, below zero and on the hull; the terminal of an element.
        """
        if elements not in self._stable:
            self._look_at(elements)
        return self._stable[elements]

    def all_distances(self) -> NDArray[np.float64]:
        """Of each entry above the hull, eV/atom; not a number where an element has no terminal."""
        for elements in self.own:
            if all(symbol in self._terminals for symbol in elements):
                self.stable(elements)
        return self.above_hull

    def inherit(self, older: BottomUp, n_older: int) -> None:
        """Take over from the hulls of the first entries all that the later ones do not change.

        Args:
            older: Of the first `n_older` of these entries.
            n_older: How many.
        """
        touched = {elements for elements, rows in self.own.items() if rows[-1] >= n_older}
        doubtful = [one for one in (*older._stable, *older._systems) if _among(touched, one)]
        self._take(older, set(doubtful))
        changed = {
            elements
            for elements in sorted(touched, key=lambda one: (len(one), one))
            if all(symbol in self._terminals for symbol in elements) and self._differs(older, elements)
        }
        self._take(older, {one for one in doubtful if one in touched or _among(changed, one)})

    def _differs(self, older: BottomUp, elements: ChemicalSystem) -> bool:
        if elements not in older.own or not all(symbol in older._terminals for symbol in elements):
            return True
        return not np.array_equal(self.stable(elements), older.stable(elements))

    def _take(self, older: BottomUp, without: set[ChemicalSystem]) -> None:
        for elements, indices in older._stable.items():
            if elements not in without and elements not in self._stable:
                self._stable[elements] = indices
                rows = self.own[elements]
                self.above_hull[rows] = older.above_hull[rows]
        for elements, system in older._systems.items():
            if elements not in without and elements not in self._systems:
                self._keep(elements, system)

    def _keep(self, elements: ChemicalSystem, system: System) -> System:
        self._systems[elements] = system
        self._cached_bytes += system.n_bytes
        while self._cached_bytes > self._cache_bytes and len(self._systems) > 1:
            self._cached_bytes -= self._systems.popitem(last=False)[1].n_bytes
        return system

    def _look_at(self, elements: ChemicalSystem) -> None:
        """Find the distances of the system's own entries, and which of them larger hulls stand on."""
        rows = self.own[elements]
        energies = self._energies[rows]
        if len(elements) == 1:
            distances, candidates = energies, np.array([self._terminals[elements[0]]], dtype=np.intp)
        else:
            points = self.system(elements).at(self._fractions(elements, rows))
            distances = energies - points.energies
            candidates = self._candidates(rows[distances <= STABLE_WITHIN])
        self.above_hull[rows] = np.where(np.abs(distances) < ROUNDING, 0.0, distances)
        self._stable[elements] = candidates

    def _make(self, elements: ChemicalSystem) -> System:
        parts = [self.stable(part) for part in self._parts(elements)]
        if elements in self.own and len(elements) > 1:
            parts.append(self._candidates(self.own[elements]))
        entries = np.concatenate(parts)
        return System(elements, entries, self._fractions(elements, entries), self._energies[entries])

    def _parts(self, elements: ChemicalSystem) -> Iterator[ChemicalSystem]:
        """Systems with entries of fewer of these elements, smaller ones first; the element itself of one."""
        if len(elements) == 1:
            yield elements
        elif 2 ** len(elements) <= len(self.own):
            for size in range(1, len(elements)):
                yield from (part for part in combinations(elements, size) if part in self.own)
        else:
            whole = set(elements)
            yield from (part for part in self.own if len(part) < len(elements) and whole.issuperset(part))

    def _candidates(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Of entries of one system, the lowest of each composition that are below zero, in an order of their own."""
        rows = rows[self._energies[rows] < 0]
        if len(rows) < 2:
            return rows
        fractions = np.round(self._compositions.fractions[rows], _SAME_COMPOSITION_DECIMALS)
        order = np.lexsort((self._rank[rows], self._energies[rows], *fractions.T))
        first = np.append(True, (np.diff(fractions[order], axis=0) != 0).any(axis=1))
        return np.asarray(rows[order[first]], dtype=np.intp)

    def _fractions(self, elements: ChemicalSystem, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Of entries, with one column for each element of the system."""
        positions = np.array([self._compositions.symbols.index(symbol) for symbol in elements])
        present = self._compositions.elements[rows]
        row, column = np.nonzero(present >= 0)
        table = np.zeros((len(rows), len(elements)))
        table[row, np.searchsorted(positions, present[row, column])] = self._compositions.fractions[rows[row], column]
        return table


def _among(systems: set[ChemicalSystem], elements: ChemicalSystem) -> bool:
    """Whether one of the systems is made of some or all of the elements."""
    if 2 ** len(elements) <= 4 * len(systems):
        return any(part in systems for size in range(1, len(elements) + 1) for part in combinations(elements, size))
    return any(set(elements).issuperset(one) for one in systems)
