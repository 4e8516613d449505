"""What people write to search: formulas, chemical systems, Wyckoff positions; read strictly, and named when wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from ase.data import atomic_numbers

from lamcore.errors import ConfigError
from lamcore_crystal.description import CRYSTAL_SYSTEMS
from lamcore_crystal.symmetry import Orbit, canonical_letters, canonical_occupation, letters_of
from lamcore_crystal.symmetry.wyckoff import occupation_text

MAX_LENGTH = 200
_TERM = re.compile(r"([A-Z][a-z]?|\*)([0-9]{0,4})")
_ANONYMOUS_TERM = re.compile(r"([A-Z][a-z]?)([0-9]{0,4})")
# Letters of orbits: 26 small ones, and A for the last of Pmmm.
_LETTER = re.compile(r"[a-zA]")
_SYMBOLS = frozenset(symbol for symbol in atomic_numbers if symbol != "X")


class PatternError(ConfigError, ValueError):
    """Something that is searched for is not written as it has to be."""


@dataclass(frozen=True)
class FormulaPattern:
    """A formula, reduced, with or without wildcards.

    Attributes:
        amounts: Of the named elements, by symbol, alphabetical.
        wildcards: Amounts of the elements that may be any.
    """

    amounts: Mapping[str, int]
    wildcards: tuple[int, ...] = ()

    @property
    def reduced(self) -> str:
        """As in the database, where there are no wildcards: `ClNa`."""
        return "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in self.amounts.items())

    @property
    def anonymous(self) -> str:
        """Letters for elements, by falling amount, as OPTIMADE writes it: `AB2` is `A2B`."""
        return _anonymous((*self.amounts.values(), *self.wildcards))


@dataclass(frozen=True)
class WyckoffPattern:
    """Occupied orbits, under the names that the database keeps: positions have several, by the choice of origin.

    Attributes:
        space_group: International number; None: any that has these positions.
        letters: By the name that is kept, as in `wyckoff_letters`, the groups where that is the name: `a b`.
        occupations: With the elements, as in `wyckoff`: `225: a Na b Cl`, one for each group; None where no elements
            were named.
    """

    space_group: int | None
    letters: Mapping[str, tuple[int, ...]]
    occupations: tuple[str, ...] | None


@lru_cache(maxsize=4096)
def parse_formula(text: str) -> FormulaPattern:
    """A formula in any order of elements; `*` is any other element: `NaCl`, `O2Ti`, `*O2`, `Li*2O4`.

    Raises:
        PatternError: Not a formula, or an element that does not exist.
    """
    terms = _terms(text.strip(), _TERM, "a formula", "NaCl, LiFePO4 or *O2, without brackets")
    amounts: dict[str, int] = {}
    wildcards = []
    for symbol, n in terms:
        if symbol == "*":
            wildcards.append(n)
        else:
            _check_symbol(symbol, text)
            amounts[symbol] = amounts.get(symbol, 0) + n
    divisor = gcd(*amounts.values(), *wildcards)
    reduced = {symbol: amounts[symbol] // divisor for symbol in sorted(amounts)}
    return FormulaPattern(reduced, tuple(sorted(n // divisor for n in wildcards)))


def parse_anonymous(text: str) -> str:
    """An anonymous formula in any order of letters, as OPTIMADE writes it: `AB2` and `A2B` are `A2B`.

    Raises:
        PatternError: Not one.
    """
    terms = _terms(text.strip(), _ANONYMOUS_TERM, "an anonymous formula", "AB2 or A3B")
    letters = [letter for letter, _ in terms]
    if len(set(letters)) != len(letters):
        raise PatternError(f"{_shown(text)} names a letter twice; an anonymous formula is such as AB2 or A3B")
    amounts = [n for _, n in terms]
    divisor = gcd(*amounts)
    return _anonymous(n // divisor for n in amounts)


def parse_symbols(symbols: Iterable[str], what: str) -> tuple[str, ...]:
    """Chemical symbols, each once, alphabetical.

    Raises:
        PatternError: One that does not exist.
    """
    symbols = list(symbols)
    for symbol in symbols:
        _check_symbol(symbol, what)
    return tuple(sorted(set(symbols)))


def parse_chemical_system(text: str) -> str:
    """Elements joined by `-` in any order: `O-Li` is `Li-O`.

    Raises:
        PatternError: Not a chemical system.
    """
    if len(text) > MAX_LENGTH:
        raise PatternError(f"{_shown(text)} is no chemical system; expected elements joined by -, such as Li-O")
    return "-".join(parse_symbols((part.strip() for part in text.split("-")), text))


def parse_crystal_system(text: str) -> str:
    """The name of a crystal system.

    Raises:
        PatternError: Not one of the seven.
    """
    if text.lower() not in CRYSTAL_SYSTEMS:
        raise PatternError(f"{_shown(text)} is no crystal system; expected one of {', '.join(CRYSTAL_SYSTEMS)}")
    return text.lower()


def parse_space_group(number: int) -> int:
    """An international number.

    Raises:
        PatternError: Not between 1 and 230.
    """
    if not 1 <= number <= 230:
        raise PatternError(f"{number} is no space group; expected a number from 1 to 230")
    return number


@lru_cache(maxsize=4096)
def parse_wyckoff(text: str) -> WyckoffPattern:
    """Orbits by letter, with their elements or without, after a space group or not: `225: a b`, `a Na b Cl`.

    Raises:
        PatternError: Not a Wyckoff pattern.
    """
    expected = "expected letters (a b), letters with elements (a Na b Cl), or either after a space group (225: a b)"
    group, colon, rest = text.rpartition(":")
    if len(text) > MAX_LENGTH or (colon and not re.fullmatch(r"\s*[0-9]{1,3}\s*", group)):
        raise PatternError(f"{_shown(text)} is no Wyckoff pattern; {expected}")
    space_group = parse_space_group(int(group)) if colon else None
    words = rest.split()
    without_elements = all(_LETTER.fullmatch(word) for word in words)
    letters = words if without_elements else words[::2]
    symbols = [] if without_elements else words[1::2]
    if not words or (symbols and len(words) % 2) or not all(_LETTER.fullmatch(letter) for letter in letters):
        raise PatternError(f"{_shown(text)} is no Wyckoff pattern; {expected}")
    for symbol in symbols:
        _check_symbol(symbol, text)
    groups = [
        number
        for number in (range(1, 231) if space_group is None else [space_group])
        if set(letters) <= set(letters_of(number))
    ]
    if not groups:
        where = f"space group {space_group} has the positions {letters_of(space_group)}" if space_group else expected
        raise PatternError(f"{_shown(text)}: there are no such positions; {where}")
    names: dict[str, list[int]] = {}
    for number in groups:
        names.setdefault(" ".join(canonical_letters(number, tuple(sorted(letters)))), []).append(number)
    occupations = None
    if symbols:
        orbits = tuple(Orbit(*pair) for pair in sorted(zip(letters, symbols, strict=True)))
        occupations = tuple(occupation_text(number, canonical_occupation(number, orbits)) for number in groups)
    return WyckoffPattern(space_group, {name: tuple(numbers) for name, numbers in names.items()}, occupations)


def _terms(text: str, term: re.Pattern[str], what: str, such_as: str) -> list[tuple[str, int]]:
    whole = re.fullmatch(f"(?:{term.pattern})+", text) if 0 < len(text) <= MAX_LENGTH else None
    if whole is None:
        raise PatternError(f"{_shown(text)} is no {what.split(maxsplit=1)[1]}; expected {what} such as {such_as}")
    found = [(symbol, int(n) if n else 1) for symbol, n in term.findall(text)]
    if any(n == 0 for _, n in found):
        raise PatternError(f"{_shown(text)} has an amount of 0; leave that element out")
    return found


def _check_symbol(symbol: str, text: str) -> None:
    if symbol not in _SYMBOLS:
        raise PatternError(f"{_shown(symbol)} in {_shown(text)} is no chemical element; expected a symbol, such as Li")


def _anonymous(amounts: Iterable[int]) -> str:
    ordered = sorted(amounts, reverse=True)
    return "".join(f"{_anonymous_name(i)}{n if n > 1 else ''}" for i, n in enumerate(ordered))


def _anonymous_name(i: int) -> str:
    # A … Z, then Aa, Ba, … Za, Ab, …
    letter = chr(ord("A") + i % 26)
    return letter if i < 26 else letter + chr(ord("a") + i // 26 - 1)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
