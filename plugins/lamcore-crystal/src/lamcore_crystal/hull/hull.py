"""A frozen hull: formation energies, signed distances and decompositions against a fixed set of entries.

Nothing that is asked about ever becomes part of it. So the distance of a new crystal is negative where the crystal lies
below, and does not depend on what else was asked; an entry's own distance is measured with itself in the hull, and is
never negative.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamcore_crystal.hull.bottom_up import ROUNDING, STABLE_WITHIN, BottomUp
from lamcore_crystal.hull.compositions import ChemicalSystem, Compositions
from lamcore_crystal.hull.system import System
from lamcore_crystal.hull.values import BadEnergyError, Energies, HullDistance, HullEntry, MissingTerminalError

if TYPE_CHECKING:
    from lamcore_crystal.hull.diagram import Diagram


class Hull:
    """The lower convex hull of all chemical systems of some entries.

    Hulls of chemical systems are made when first asked for, and kept within a bound of memory. The order of entries
    changes nothing but indices. Entries with an element that has no entry alone are not on any hull.

    Args:
        entries: Any number of each composition.
        energies: Whether their energies are total ones, or formation energies already.

    Raises:
        CompositionError: An entry's composition is none.
        BadEnergyError: An entry's energy is not finite.
    """

    def __init__(self, entries: Sequence[HullEntry], energies: Energies = "total") -> None:
        self._begin(
            Compositions.of([one.composition for one in entries]),
            np.array([one.energy_per_atom for one in entries], dtype=float),
            tuple(one.origin for one in entries),
            energies,
        )

    @classmethod
    def of_arrays(
        cls,
        compositions: Compositions,
        energies_per_atom: ArrayLike,
        energies: Energies = "total",
        origins: Sequence[str] | None = None,
    ) -> Hull:
        """The same from arrays, for very many entries.

        Args:
            compositions: From `Compositions.of_array`.
            energies_per_atom: eV/atom, shape (n,).
            energies: As of the class.
            origins: Of the entries; nothing where left out.
        """
        hull = cls.__new__(cls)
        origins = ("",) * len(compositions) if origins is None else tuple(origins)
        hull._begin(compositions, np.array(energies_per_atom, dtype=float), origins, energies)
        return hull

    def _begin(
        self, compositions: Compositions, values: NDArray[np.float64], origins: tuple[str, ...], energies: Energies
    ) -> None:
        if energies not in ("total", "formation"):
            raise BadEnergyError(f"energies are {energies!r}, expected 'total' or 'formation'")
        _check_energies(values, compositions, "entry")
        self.compositions, self.energies_per_atom, self.origins, self.energies = compositions, values, origins, energies
        order = np.argsort(np.array(origins, dtype=str), kind="stable") if any(origins) else np.arange(len(origins))
        rank = np.empty(len(origins), dtype=np.intp)
        rank[order] = np.arange(len(origins))
        self._terminals = _lowest_of_elements(compositions, values, rank)
        self._zero = {symbol: float(values[index]) for symbol, index in self._terminals.items()}
        self._parts = BottomUp(compositions, values - compositions.weighted(self._zero), rank, self._terminals)

    def __len__(self) -> int:
        return len(self.compositions)

    @property
    def elements(self) -> ChemicalSystem:
        """Elements that have an entry alone, in alphabetical order."""
        return tuple(self._terminals)

    def terminal_energy(self, symbol: str) -> float:
        """Of the lowest entry of an element alone, eV/atom.

        Raises:
            MissingTerminalError: There is none.
        """
        self._need([symbol], symbol)
        return self._zero[symbol]

    def formation_energy_per_atom(
        self, compositions: Compositions | Sequence[Mapping[str, float]], energies_per_atom: ArrayLike
    ) -> NDArray[np.float64]:
        """Formation energies, eV/atom, shape (n,); those of a `formation` hull are the energies themselves.

        Args:
            compositions: Atoms of each element.
            energies_per_atom: eV/atom, shape (n,).

        Raises:
            MissingTerminalError: An element has no entry alone.
            BadEnergyError: An energy is not finite, or their number is not that of the compositions.
        """
        asked, values = self._asked(compositions, energies_per_atom)
        return values if self.energies == "formation" else values - asked.weighted(self._zero)

    def energies_above_hull(
        self, compositions: Compositions | Sequence[Mapping[str, float]], energies_per_atom: ArrayLike
    ) -> NDArray[np.float64]:
        """Signed distances alone, eV/atom, shape (n,); errors as `distances`."""
        asked, values = self._asked(compositions, energies_per_atom)
        above = values - asked.weighted(self._zero)
        for elements, rows in asked.by_system().items():
            above[rows] -= self._parts.system(elements).at(asked.fractions[rows, : len(elements)]).energies
        return np.where(np.abs(above) < ROUNDING, 0.0, above)

    def distances(
        self, compositions: Compositions | Sequence[Mapping[str, float]], energies_per_atom: ArrayLike
    ) -> list[HullDistance]:
        """Where crystals lie; each answer is the same whatever else is asked beside it.

        Args:
            compositions: Atoms of each element.
            energies_per_atom: eV/atom, shape (n,).

        Raises:
            MissingTerminalError: An element has no entry alone.
            BadEnergyError: An energy is not finite, or their number is not that of the compositions.
            HullPrecisionError: A hull's energy could not be told within 1e-9 eV/atom.
        """
        asked, values = self._asked(compositions, energies_per_atom)
        zero = asked.weighted(self._zero)
        found: dict[int, HullDistance] = {}
        for elements, rows in asked.by_system().items():
            points = self._parts.system(elements).at(asked.fractions[rows, : len(elements)])
            for place, row in enumerate(rows.tolist()):
                formation = float(values[row] - zero[row])
                above = formation - float(points.energies[place])
                found[row] = HullDistance(
                    float(values[row]) if self.energies == "formation" else formation,
                    float(points.energies[place] + zero[row]),
                    0.0 if abs(above) < ROUNDING else above,
                    tuple(
                        (index, amount)
                        for index, amount in zip(
                            points.members[place].tolist(), points.amounts[place].tolist(), strict=True
                        )
                        if index >= 0
                    ),
                )
        return [found[row] for row in range(len(asked))]

    @property
    def entry_distances(self) -> NDArray[np.float64]:
        """Of each entry above the hull it is part of, eV/atom; not a number where an element has no entry alone."""
        return self._parts.all_distances().copy()

    @property
    def stable(self) -> NDArray[np.bool_]:
        """Whether each entry is on the hull, within 1e-8 eV/atom; those with an element without terminal are not."""
        return self._parts.all_distances() <= STABLE_WITHIN

    def entries_of(self, elements: ChemicalSystem) -> NDArray[np.intp]:
        """Indices of the entries of exactly these elements, ascending."""
        return self._parts.own.get(elements, np.array([], dtype=np.intp))

    def system(self, chemical_system: str | Sequence[str]) -> System:
        """The hull of one chemical system, such as `Li-Fe-O`; errors as `diagram`."""
        elements = self._system_of(chemical_system)
        return self._parts.system(elements)

    def with_entries(self, new: Sequence[HullEntry]) -> Hull:
        """A hull of these entries and more; this one stays as it is.

        What the new entries do not change is taken over: those above the hull change nothing but their own system,
        those below it all larger systems too. The answers are those of a hull made anew, to the last bit.
        """
        more = Compositions.of([one.composition for one in new])
        grown = Hull.of_arrays(
            self.compositions.joined(more),
            np.append(self.energies_per_atom, [one.energy_per_atom for one in new]),
            self.energies,
            (*self.origins, *(one.origin for one in new)),
        )
        grown._parts.inherit(self._parts, len(self))
        return grown

    def diagram(self, chemical_system: str | Sequence[str]) -> Diagram:
        """The phase diagram of two or three elements, to be drawn.

        Args:
            chemical_system: Such as `Li-O`, in any order.

        Raises:
            MissingTerminalError: An element has no entry alone.
            ValueError: There are not two or three elements.
        """
        from lamcore_crystal.hull.diagram import draw

        return draw(self, self._system_of(chemical_system))

    def sha256(self, *settings: str) -> str:
        """Of the entries, whatever their order, and of what else they depend on, such as the model's own hash."""
        lines = []
        for row in range(len(self)):
            pairs = zip(
                self.compositions.elements[row].tolist(), self.compositions.fractions[row].tolist(), strict=True
            )
            parts = [f"{self.compositions.symbols[element]}{fraction!r}" for element, fraction in pairs if element >= 0]
            lines.append(f"{' '.join(parts)}\t{float(self.energies_per_atom[row])!r}\t{self.origins[row]!r}")
        content = "\n".join([repr(settings), self.energies, *sorted(lines)])
        return hashlib.sha256(content.encode()).hexdigest()

    def _asked(
        self, compositions: Compositions | Sequence[Mapping[str, float]], energies_per_atom: ArrayLike
    ) -> tuple[Compositions, NDArray[np.float64]]:
        asked = compositions if isinstance(compositions, Compositions) else Compositions.of(compositions)
        values = np.array(energies_per_atom, dtype=float)
        _check_energies(values, asked, "composition")
        absent = np.array([symbol not in self._terminals for symbol in asked.symbols] + [False])
        rows = np.flatnonzero(absent[asked.elements].any(axis=1))
        if len(rows):
            row = int(rows[0])
            self._need([asked.symbols[one] for one in asked.elements[row] if one >= 0], asked.formula(row))
        return asked, values

    def _need(self, symbols: Sequence[str], what: str) -> None:
        missing = [symbol for symbol in symbols if symbol not in self._terminals]
        if missing:
            raise MissingTerminalError(
                f"{what}: this hull has no entry of {' and '.join(missing)} alone, so there is no formation energy; it "
                f"covers {len(self._terminals)} elements ({' '.join(self._terminals)}); add a reference crystal of "
                f"{' and '.join(missing)}",
                missing,
            )

    def _system_of(self, chemical_system: str | Sequence[str]) -> ChemicalSystem:
        symbols = chemical_system.split("-") if isinstance(chemical_system, str) else chemical_system
        elements = tuple(sorted({symbol.strip() for symbol in symbols} - {""}))
        self._need(elements, "-".join(elements))
        return elements


def _check_energies(values: NDArray[np.float64], compositions: Compositions, what: str) -> None:
    if values.shape != (len(compositions),):
        raise BadEnergyError(
            f"energies have shape {values.shape}, expected one for each {what}: ({len(compositions)},)"
        )
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        row = int(wrong[0])
        raise BadEnergyError(
            f"{what} {row} ({compositions.formula(row)}) has the energy {values[row]} eV/atom, expected a finite number"
        )


def _lowest_of_elements(
    compositions: Compositions, energies: NDArray[np.float64], rank: NDArray[np.intp]
) -> dict[str, int]:
    if not len(compositions):
        return {}
    alone = np.flatnonzero(compositions.elements[:, 1:].max(axis=1, initial=-1) < 0)
    order = alone[np.lexsort((rank[alone], energies[alone]))]
    lowest: dict[int, int] = {}
    for row in order.tolist():
        lowest.setdefault(int(compositions.elements[row, 0]), row)
    return {compositions.symbols[element]: lowest[element] for element in sorted(lowest)}
