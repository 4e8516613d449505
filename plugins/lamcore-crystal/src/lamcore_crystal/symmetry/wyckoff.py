"""Which Wyckoff positions are occupied by what, whatever origin and axes were chosen.

A change of origin or axes that leaves the space group as it is renames its Wyckoff positions: in Fm-3m, `a` and `b`
are two names of one thing. Of all names that the affine normalizer allows the smallest is kept, so that two
descriptions of one crystal agree. The affine normalizer is the Euclidean normalizer of the most symmetrical metric for
orthorhombic groups and above, and larger than any Euclidean normalizer below; taking it, no accident of the lattice
parameters can tell two descriptions apart.

Source: International Tables for Crystallography A, 6th ed., chapter 3.5; for occupation as a prototype's label,
D. Hicks et al., npj Comput. Mater. 7, 30 (2021), doi:10.1038/s41524-020-00483-4.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from lamcore_crystal.symmetry.formulas import anonymous_name, by_electronegativity, electronegativity_order, written

# Groups that a mirror image turns into each other, by their numbers: P4_1 and P4_3, and so on.
MIRRORED = {78: 76, 95: 91, 96: 92, 145: 144, 153: 151, 154: 152, 170: 169, 172: 171, 179: 178, 181: 180, 213: 212}


@dataclass(frozen=True, order=True)
class Orbit:
    """Atoms of one element that the space group makes of one of them: a Wyckoff letter and an element."""

    letter: str
    element: str


def letters_of(number: int) -> str:
    """Wyckoff letters of a space group, from the most special; `A` is the 27th, of Pmmm's general position.

    Raises:
        ValueError: There is no such group.
    """
    return _table_row(number)[0]


@cache
def relabellings(number: int) -> tuple[str, ...]:
    """What the letters may be renamed to, each as the new names of `letters_of` in order; the first changes nothing."""
    letters, generators = _table_row(number)
    steps = [dict(zip(letters, one, strict=True)) for one in generators]
    reached, edge = {letters: None}, [letters]
    while edge:
        images = ["".join(step[letter] for letter in known) for known in edge for step in steps]
        edge = [image for image in dict.fromkeys(images) if image not in reached]
        reached.update(dict.fromkeys(edge))
    return tuple(reached)


@lru_cache(maxsize=50_000)
def canonical_letters(number: int, letters: tuple[str, ...]) -> tuple[str, ...]:
    """The smallest name for occupied positions without regard to what occupies them, sorted.

    Args:
        number: Of the space group.
        letters: One for each orbit.

    Raises:
        ValueError: A letter is none of the group's.
    """
    order = _order(number, letters)
    images = _images(number, tuple(sorted(set(letters), key=order.__getitem__)))
    return min(
        (tuple(sorted((image[letter] for letter in letters), key=order.__getitem__)) for image in images),
        key=lambda one: [order[letter] for letter in one],
    )


@lru_cache(maxsize=50_000)
def canonical_occupation(number: int, orbits: tuple[Orbit, ...]) -> tuple[Orbit, ...]:
    """The smallest name of an occupation: first by its letters, then by its elements, most electropositive first.

    Raises:
        ValueError: A letter is none of the group's, or an element is none.
    """
    rank = electronegativity_order()
    unknown = sorted({one.element for one in orbits} - set(rank))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no element's symbol")
    order = _order(number, [one.letter for one in orbits])
    best = min(_renamed(number, orbits), key=lambda one: _sorted_ranks(one, order, rank))
    return tuple(sorted(best, key=lambda one: (order[one.letter], rank[one.element])))


def prototype_of(number: int, occupation: tuple[Orbit, ...], counts: Mapping[str, int]) -> str:
    """The occupation with elements made anonymous: `AB2 225: a A c B` for fluorite.

    Args:
        number: Of the space group.
        occupation: Its orbits under any name.
        counts: Atoms of each element in the reduced formula.

    Elements are named A, B, … by rising count, then by the letters that they occupy.
    """
    return _prototype_of(number, tuple(sorted(occupation)), tuple(sorted(counts.items())))


@lru_cache(maxsize=50_000)
def _prototype_of(number: int, occupation: tuple[Orbit, ...], counts: tuple[tuple[str, int], ...]) -> str:
    order = _order(number, [one.letter for one in occupation])
    amounts = dict(counts)

    def anonymous(renamed: Sequence[Orbit]) -> tuple[list[int], list[tuple[int, int]], dict[str, int]]:
        held: dict[str, list[int]] = {}
        for one in renamed:
            held.setdefault(one.element, []).append(order[one.letter])
        elements = sorted(held, key=lambda element: (amounts[element], sorted(held[element])))
        place = {element: index for index, element in enumerate(elements)}
        pairs = sorted((order[one.letter], place[one.element]) for one in renamed)
        return [letter for letter, _ in pairs], pairs, place

    _, pairs, place = min((anonymous(one) for one in _renamed(number, occupation)), key=lambda one: one[:2])
    letters = letters_of(number)
    orbits = " ".join(f"{letters[letter]} {anonymous_name(index)}" for letter, index in pairs)
    formula = written((anonymous_name(index), amounts[element]) for element, index in place.items())
    return f"{formula} {MIRRORED.get(number, number)}: {orbits}"


def occupation_text(number: int, occupation: Iterable[Orbit]) -> str:
    """As kept and searched: `225: a Na b Cl`."""
    return f"{number}: " + " ".join(f"{one.letter} {one.element}" for one in occupation)


def symmetry_key(number: int, occupation: Iterable[Orbit], formula: str) -> str:
    """Equal for two descriptions of one crystal, and for its mirror image."""
    return f"{formula} {occupation_text(MIRRORED.get(number, number), occupation)}"


def pretty(counts: Mapping[str, int]) -> str:
    """A formula with elements from the most electropositive: `NaCl`."""
    return written((element, counts[element]) for element in by_electronegativity(counts))


def _renamed(number: int, orbits: tuple[Orbit, ...]) -> Iterable[list[Orbit]]:
    present = tuple(sorted({one.letter for one in orbits}))
    for image in _images(number, present):
        yield [Orbit(image[one.letter], one.element) for one in orbits]


@lru_cache(maxsize=10_000)
def _images(number: int, present: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    """What the letters that are present may be renamed to, each renaming once."""
    where = [letters_of(number).index(letter) for letter in present]
    distinct = dict.fromkeys(tuple(one[k] for k in where) for one in relabellings(number))
    return tuple(dict(zip(present, image, strict=True)) for image in distinct)


def _sorted_ranks(orbits: Sequence[Orbit], order: Mapping[str, int], rank: Mapping[str, int]) -> tuple[list[int], ...]:
    pairs = sorted((order[one.letter], rank[one.element]) for one in orbits)
    return [letter for letter, _ in pairs], [element for _, element in pairs]


def _order(number: int, letters: Iterable[str]) -> dict[str, int]:
    order = {letter: index for index, letter in enumerate(letters_of(number))}
    unknown = Counter(letters).keys() - order.keys()
    if unknown:
        raise ValueError(
            f"space group {number} has no Wyckoff position {min(unknown)!r}; it has {' '.join(letters_of(number))}"
        )
    return order


@cache
def _table_row(number: int) -> tuple[str, tuple[str, ...]]:
    row = _table().get(str(number))
    if row is None:
        raise ValueError(f"there is no space group {number}; they are 1 to 230")
    return row["letters"], tuple(row["generators"])


@cache
def _table() -> dict[str, dict[str, str]]:
    text = files("lamcore_crystal.symmetry").joinpath("relabellings.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = json.loads(text)
    return table
