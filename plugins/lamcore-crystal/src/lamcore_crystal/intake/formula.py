"""The formula that a CIF states, compared with its sites."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping

from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding
from lamcore_crystal.intake.species import atomic_number

_PART = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d*)?|\.\d+)?")
_TOLERANCE = 0.01


def parse_formula(text: str) -> dict[int, float] | None:
    """Amounts by atomic number; None where the text is no plain list of elements and amounts.

    Deuterium and tritium count as hydrogen.
    """
    amounts: Counter[int] = Counter()
    words = text.replace(",", " ").split()
    for word in words:
        position = 0
        while position < len(word):
            match = _PART.match(word, position)
            if not match:
                return None
            number = 1 if match[1] in ("D", "T") else atomic_number(match[1])
            if not number:
                return None
            amounts[number] += float(match[2] or 1)  # type: ignore[assignment]
            position = match.end()
    stated = {number: float(amount) for number, amount in amounts.items() if amount > 0}
    return stated if stated and math.isfinite(sum(stated.values())) else None


def compare_formula(stated: Mapping[int, float], counts: Mapping[int, int]) -> list[Finding]:
    """What the stated formula says against the sites.

    Args:
        stated: Amounts by atomic number, of any number of formula units.
        counts: Sites in the cell by atomic number.
    """
    from ase.data import chemical_symbols

    missing = sorted(chemical_symbols[number] for number in stated if number not in counts)
    there = _formula(counts)
    said = _formula(stated)
    if missing:
        message = f"the stated formula is {said}, but no site is of {', '.join(missing)}; the sites are {there}"
        return [finding("E_STOICH", message, stated=said, sites=there, missing=missing)]
    units = sum(counts.values()) / sum(stated.values())
    if any(abs(stated.get(number, 0.0) * units - n) > _TOLERANCE * n for number, n in counts.items()):
        return [finding("W_FORMULA", f"the stated formula is {said}, the sites are {there}", stated=said, sites=there)]
    return []


def _formula(amounts: Mapping[int, float]) -> str:
    from ase.data import chemical_symbols

    return " ".join(f"{chemical_symbols[number]}{amount:g}" for number, amount in sorted(amounts.items()))
