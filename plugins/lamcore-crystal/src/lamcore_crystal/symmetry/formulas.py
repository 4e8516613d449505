"""Formulae: as OPTIMADE defines them, and as people write them.

Source: OPTIMADE specification 1.2, `chemical_formula_reduced` and `chemical_formula_anonymous`,
doi:10.1038/s41597-021-00974-z.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from string import ascii_lowercase, ascii_uppercase


def reduced_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts divided by what is common to all, elements in alphabetical order."""
    common = math.gcd(*counts.values())
    return {element: counts[element] // common for element in sorted(counts)}


def written(parts: Iterable[tuple[str, int]]) -> str:
    """Symbols with their counts; a count of one is left out."""
    return "".join(f"{symbol}{amount if amount > 1 else ''}" for symbol, amount in parts)


def formula_of(counts: Mapping[str, int]) -> str:
    """Reduced, elements in alphabetical order: `ClNa`."""
    return written(reduced_counts(counts).items())


def anonymous_formula_of(counts: Mapping[str, int]) -> str:
    """Reduced, elements replaced by A, B, … from the most frequent: `A2B`."""
    amounts = sorted(reduced_counts(counts).values(), reverse=True)
    return written((anonymous_name(index), amount) for index, amount in enumerate(amounts))


def anonymous_name(index: int) -> str:
    """The name of an element without its name: A to Z, then Aa, Ba, … Za, Ab and on."""
    block, place = divmod(index, 26)
    return ascii_uppercase[place] + ("" if block == 0 else ascii_lowercase[block - 1])


def by_electronegativity(elements: Iterable[str]) -> list[str]:
    """From the most electropositive, as pymatgen orders them; those without a value are last."""
    rank = electronegativity_order()
    return sorted(elements, key=rank.__getitem__)


@cache
def electronegativity_order() -> dict[str, int]:
    """The place of each element by Pauling electronegativity, then alphabetically."""
    from pymatgen.core.periodic_table import Element

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pymatgen tells of each element without a value
        values = {one.symbol: one.X for one in Element if one.symbol not in ("D", "T")}
    ordered = sorted(values, key=lambda symbol: (math.isnan(values[symbol]), values[symbol], symbol))
    return {symbol: place for place, symbol in enumerate(ordered)}
