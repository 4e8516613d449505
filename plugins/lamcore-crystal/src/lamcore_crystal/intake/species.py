"""Which element a site's symbol or label stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_SYMBOL = re.compile(r"([A-Za-z]{1,2})(?:\d*[+-]|[+-]?\d+[+-]?)?")
_SHARE = re.compile(r"[\d.()]*([A-Z][a-z]?)[\d.()]*")
_LABEL = re.compile(r"[A-Za-z]+")
_ISOTOPES = ("D", "T")
# Oxygen sites that stand for a whole group where no hydrogen has a site of its own.
_WITHOUT_HYDROGENS = {"WAT", "OW", "OH", "HO", "H2O", "HOH", "H3O"}


@dataclass(frozen=True)
class Species:
    """What a symbol stands for.

    Attributes:
        number: Atomic number; 0 where it stands for no element.
        is_isotope: Deuterium or tritium, read as hydrogen.
        lacks_hydrogens: A water molecule or the like, given as one site.
        is_mixed: Several elements share the site: `0.5Ga + 0.5Zn`.
    """

    number: int
    is_isotope: bool = False
    lacks_hydrogens: bool = False
    is_mixed: bool = False


@cache
def atomic_number(symbol: str) -> int:
    """Of the element; 0 where there is none of this symbol."""
    from ase.data import atomic_numbers

    return int(atomic_numbers.get(symbol, 0))


def of_type_symbol(text: str) -> Species:
    """The element of `Na`, `Na+`, `O2-`, `Fe3+` or `FE`."""
    match = _SYMBOL.fullmatch(text)
    if match:
        return _of(match[1])
    shares = [_SHARE.fullmatch(part.strip()) for part in re.split(r"[+,/]", text)]
    if len(shares) > 1 and all(share and _of(share[1]).number for share in shares):
        return Species(0, is_mixed=True)
    return _group(text) or Species(0)


def of_label(text: str) -> Species:
    """The element that a site's label begins with: `Na1`, `MO1`, `O_a`; two letters before one."""
    match = _LABEL.match(text)
    if not match:
        return Species(0)
    letters = match[0]
    if (group := _group(letters)) is not None:
        return group
    for length in (2, 1):
        if len(letters) >= length and (species := _of(letters[:length])).number:
            return species
    return Species(0)


def _group(text: str) -> Species | None:
    return Species(8, lacks_hydrogens=True) if text.upper() in _WITHOUT_HYDROGENS else None


def _of(letters: str) -> Species:
    symbol = letters.capitalize()
    if symbol in _ISOTOPES:
        return Species(1, is_isotope=True)
    return Species(atomic_number(symbol))
