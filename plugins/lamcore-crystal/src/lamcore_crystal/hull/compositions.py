"""Many compositions in a few arrays, whatever the number of elements among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

ChemicalSystem: TypeAlias = tuple[str, ...]
"""Elements in alphabetical order."""


class CompositionError(ValueError):
    """A composition that is none: empty, negative or not finite."""


@dataclass(frozen=True, eq=False)
class Compositions:
    """Atomic fractions, each row with the elements that it has and no others.

    Attributes:
        symbols: All elements, in alphabetical order.
        elements: Positions in `symbols`, ascending, -1 after the last, shape (n, most elements of one).
        fractions: Their atomic fractions, which sum to 1, zero after the last, same shape.
    """

    symbols: ChemicalSystem
    elements: NDArray[np.int16]
    fractions: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.elements)

    @classmethod
    def of(cls, compositions: Sequence[Mapping[str, float]]) -> Compositions:
        """From amounts by symbol; elements of amount zero are left out.

        Raises:
            CompositionError: One is empty, or has an amount that is negative or not finite.
        """
        symbols = tuple(sorted({symbol for one in compositions for symbol in one}))
        position = {symbol: index for index, symbol in enumerate(symbols)}
        rows = [
            sorted((position[symbol], float(amount)) for symbol, amount in one.items() if amount != 0)
            for one in compositions
        ]
        width = max((len(row) for row in rows), default=0)
        elements = np.full((len(rows), width), -1, dtype=np.int16)
        amounts = np.zeros((len(rows), width))
        for index, row in enumerate(rows):
            for column, (element, amount) in enumerate(row):
                elements[index, column], amounts[index, column] = element, amount
        return cls(symbols, elements, _normalised(amounts))

    @classmethod
    def of_array(cls, symbols: Sequence[str], amounts: ArrayLike) -> Compositions:
        """From a table of amounts.

        Args:
            symbols: The elements of the columns, in any order.
            amounts: Atoms of each, shape (n, n_elements).

        Raises:
            CompositionError: A row is empty, or has an amount that is negative or not finite; or symbols repeat or are
                not as many as the columns.
        """
        table = np.asarray(amounts, dtype=float)
        if table.ndim != 2 or table.shape[1] != len(symbols) or len(set(symbols)) != len(symbols):
            raise CompositionError(
                f"amounts have shape {table.shape} for {len(symbols)} symbols, expected (n, {len(symbols)}) and each "
                "symbol once"
            )
        order = np.argsort(np.array(symbols, dtype=str), kind="stable")
        row, column = np.nonzero(table[:, order])
        counts = np.bincount(row, minlength=len(table))
        place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        elements = np.full((len(table), int(counts.max(initial=0))), -1, dtype=np.int16)
        packed = np.zeros(elements.shape)
        elements[row, place] = column
        packed[row, place] = table[row, order[column]]
        return cls(tuple(symbols[index] for index in order), elements, _normalised(packed))

    def by_system(self) -> dict[ChemicalSystem, NDArray[np.intp]]:
        """Rows of each chemical system, ascending; the systems by number of elements, then alphabetical."""
        if not len(self):
            return {}
        distinct, which = np.unique(self.elements, axis=0, return_inverse=True)
        which = which.ravel()
        rows = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
        systems = [tuple(self.symbols[index] for index in one if index >= 0) for one in distinct.tolist()]
        order = sorted(range(len(systems)), key=lambda one: (len(systems[one]), systems[one]))
        return {systems[one]: rows[one] for one in order}

    def weighted(self, per_element: Mapping[str, float]) -> NDArray[np.float64]:
        """Sums over the elements of fraction times a value of the element, shape (n,)."""
        values = np.array([*(per_element.get(symbol, np.nan) for symbol in self.symbols), 0.0])[self.elements]
        return sum_of_products(self.fractions, values)

    def joined(self, other: Compositions) -> Compositions:
        """These, then the others."""
        symbols = tuple(sorted({*self.symbols, *other.symbols}))
        width = max(self.elements.shape[1], other.elements.shape[1])
        parts = []
        for one in (self, other):
            new = np.array([*(symbols.index(symbol) for symbol in one.symbols), -1], dtype=np.int16)
            missing = ((0, 0), (0, width - one.elements.shape[1]))
            parts.append((np.pad(new[one.elements], missing, constant_values=-1), np.pad(one.fractions, missing)))
        return Compositions(
            symbols,
            np.concatenate([elements for elements, _ in parts]),
            np.concatenate([fractions for _, fractions in parts]),
        )

    def taken(self, rows: NDArray[np.intp]) -> Compositions:
        """Some of the rows."""
        return Compositions(self.symbols, self.elements[rows], self.fractions[rows])

    def as_mapping(self, row: int) -> dict[str, float]:
        """Atomic fractions of one row by symbol."""
        pairs = zip(self.elements[row].tolist(), self.fractions[row].tolist(), strict=True)
        return {self.symbols[element]: fraction for element, fraction in pairs if element >= 0}

    def formula(self, row: int) -> str:
        """Of one row, for messages: fractions as amounts of 100 atoms where they are no small whole numbers."""
        from math import gcd

        pairs = list(self.as_mapping(row).items())
        for atoms in range(1, 401):
            amounts = [fraction * atoms for _, fraction in pairs]
            if all(abs(amount - round(amount)) < 1e-6 and round(amount) for amount in amounts):
                whole = [round(amount) for amount in amounts]
                divisor = gcd(*whole)
                return "".join(
                    f"{symbol}{count // divisor if count != divisor else ''}"
                    for (symbol, _), count in zip(pairs, whole, strict=True)
                )
        return "".join(f"{symbol}{100 * fraction:.4g}" for symbol, fraction in pairs)


def sum_of_products(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ a·b over the last axis, term after term: each sum is the same to the last bit whatever stands beside it."""
    total = np.zeros(np.broadcast_shapes(a.shape, b.shape)[:-1])
    for column in range(a.shape[-1]):
        total += a[..., column] * b[..., column]
    return total


def _normalised(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = sum_of_products(amounts, np.ones(amounts.shape[1:])) if amounts.size else np.zeros(len(amounts))
    wrong = ~np.isfinite(amounts).all(axis=1) | (amounts < 0).any(axis=1) | ~(total > 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise CompositionError(
            f"composition {row} has the amounts {amounts[row].tolist()}, expected finite ones that are not negative, "
            "and at least one above zero"
        )
    return amounts / total[:, None]
