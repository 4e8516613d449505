"""A query over crystals as conditions, each of which can be looked up by an index or only checked."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ase.data import atomic_numbers
from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from lamcore_crystal.store.patterns import (
    PatternError,
    WyckoffPattern,
    parse_anonymous,
    parse_chemical_system,
    parse_crystal_system,
    parse_formula,
    parse_space_group,
    parse_symbols,
    parse_wyckoff,
)
from lamcore_crystal.store.query import CrystalQuery
from lamcore_crystal.store.schema import crystal, crystal_element

# Of more allowed elements the chemical systems are not listed; each crystal's elements are checked.
MAX_LISTED_ELEMENTS = 10
Column = ColumnElement[Any]
Touch = Callable[[Column], Column]


@dataclass(frozen=True)
class Condition:
    """Something that holds of the crystals that are asked for.

    Attributes:
        clause: The SQL, given what to do with each column of `crystal` (nothing, or hide it from the planner).
        column: What an index has to begin with so that the crystals can be looked up; None: they cannot.
        kind: A value or one of some (`equal`), `range`, an element that is present (`element`), or only to be checked.
        counts: Which statistics say how many there are: their sum.
        is_exact: Whether that sum is exactly how many there are.
        z: The atomic number, where an element is present.
        amount: Of that element in the reduced formula, where it matters.
        bounds: Of a range; None where open.
    """

    clause: Callable[[Touch], Column]
    column: str | None = None
    kind: str = "check"
    counts: tuple[tuple[str, str], ...] = ()
    is_exact: bool = False
    z: int | None = None
    amount: int | None = None
    bounds: tuple[float | None, float | None] = (None, None)


def conditions_of(query: CrystalQuery) -> list[Condition]:
    """The conditions of a query; together they are the query.

    Raises:
        PatternError: Something that is asked for is not written as it has to be.
    """
    return [*_of_elements(query), *_of_formula(query), *_of_symmetry(query), *_of_origin(query), *_of_numbers(query)]


def has_element(z: int, touch: Touch, amount: int | None = None) -> Column:
    """Whether a crystal holds an element."""
    return has_any_element([z], touch, amount)


def has_any_element(numbers: Sequence[int], touch: Touch, amount: int | None = None) -> Column:
    """Whether a crystal holds at least one of some elements."""
    held = crystal_element
    one = held.c.z == numbers[0] if len(numbers) == 1 else held.c.z.in_(numbers)
    query = select(held.c.z).where(one, held.c.crystal_id == touch(crystal.c.id)).correlate_except(held)
    return exists(query if amount is None else query.where(held.c.amount == amount))


def _of_elements(query: CrystalQuery) -> Iterator[Condition]:
    present = parse_symbols(query.elements, "elements")
    allowed = parse_symbols(query.only, "only")
    if present and query.n_elements == len(present) and not allowed:
        yield _equal("chemical_system", "-".join(present))
    elif allowed and len(allowed) <= MAX_LISTED_ELEMENTS:
        yield _among("chemical_system", list(_systems(present, allowed)))
    else:
        for symbol in present:
            yield _present(symbol)
    if len(allowed) > MAX_LISTED_ELEMENTS:
        numbers = [atomic_numbers[symbol] for symbol in allowed]
        yield Condition(lambda touch: _only(numbers, touch))
    if any_of := parse_symbols(query.any_of, "any_of"):
        yield _any_of(any_of)
    if excluded := parse_symbols(query.exclude, "exclude"):
        absent = [atomic_numbers[symbol] for symbol in excluded]
        yield Condition(lambda touch: ~has_any_element(absent, touch))
    if query.chemical_system is not None:
        yield _equal("chemical_system", parse_chemical_system(query.chemical_system))


def _of_formula(query: CrystalQuery) -> Iterator[Condition]:
    if query.formula is not None:
        pattern = parse_formula(query.formula)
        if pattern.wildcards:
            yield _equal("formula_anonymous", pattern.anonymous)
            for symbol, amount in pattern.amounts.items():
                yield _present(symbol, amount)
        else:
            yield _equal("formula", pattern.reduced)
    if query.formula_anonymous is not None:
        yield _equal("formula_anonymous", parse_anonymous(query.formula_anonymous))


def _of_symmetry(query: CrystalQuery) -> Iterator[Condition]:
    if query.space_group is not None:
        yield _equal("space_group", parse_space_group(query.space_group), is_counted=True)
    if query.crystal_system is not None:
        yield _equal("crystal_system", parse_crystal_system(query.crystal_system), is_counted=True)
    if query.wyckoff is not None:
        yield from _of_wyckoff(parse_wyckoff(query.wyckoff))
    if query.prototype is not None:
        yield _equal("prototype", _text(query.prototype, "prototype"))


def _of_wyckoff(pattern: WyckoffPattern) -> Iterator[Condition]:
    if pattern.occupations is not None:
        yield _among("wyckoff", list(pattern.occupations))
        return
    if pattern.space_group is not None:
        yield _equal("space_group", pattern.space_group, is_counted=True)
    yield _among("wyckoff_letters", list(pattern.letters))
    if len(pattern.letters) > 1:  # one thing is named differently in different groups
        names = pattern.letters.items()
        yield Condition(
            lambda touch: or_(
                *(
                    and_(touch(crystal.c.wyckoff_letters) == name, touch(crystal.c.space_group).in_(groups))
                    for name, groups in names
                )
            )
        )


def _of_origin(query: CrystalQuery) -> Iterator[Condition]:
    if query.source is not None:
        yield _equal("source", _text(query.source, "source"), is_counted=True)
    if query.submission_id is not None:
        number = _whole(query.submission_id, "submission_id")
        yield _equal("submission_id", number, statistic="submission")
    if query.unique:
        first = crystal.c.duplicate_in_submission.is_(None) & crystal.c.duplicate_in_database.is_(None)
        yield Condition(lambda _: first, counts=(("unique", ""),), is_exact=True)
    if query.novel:
        yield Condition(lambda _: crystal.c.is_novel.is_(True), counts=(("novel", ""),), is_exact=True)


def _of_numbers(query: CrystalQuery) -> Iterator[Condition]:
    by_system = bool(query.elements) and query.n_elements == len(set(query.elements)) and not query.only
    if query.n_elements is not None and not by_system:
        number = _whole(query.n_elements, "n_elements")
        yield _equal("n_elements", number, is_counted=True)
    yield from _range("energy_above_hull", query.min_hull, query.max_hull)
    yield from _range("formation_energy_per_atom", query.min_formation, query.max_formation)
    smallest, largest = (None if one is None else _whole(one, "sites") for one in (query.min_sites, query.max_sites))
    yield from _range("n_sites", smallest, largest)


def _equal(name: str, value: Any, is_counted: bool = False, statistic: str | None = None) -> Condition:
    column = crystal.c[name]
    counts = ((statistic or name, str(value)),) if is_counted or statistic else ()
    return Condition(lambda touch: touch(column) == value, name, "equal", counts, bool(counts))


def _among(name: str, values: list[str]) -> Condition:
    if len(values) == 1:
        return _equal(name, values[0])
    column = crystal.c[name]
    # An empty list is a search without hits, such as for elements that are not among those allowed.
    return Condition(lambda touch: touch(column).in_(values), name, "among")


def _present(symbol: str, amount: int | None = None) -> Condition:
    z = atomic_numbers[symbol]
    counts = (("element", symbol),)
    return Condition(
        lambda touch: has_element(z, touch, amount), "z", "element", counts, amount is None, z=z, amount=amount
    )


def _any_of(symbols: Sequence[str]) -> Condition:
    numbers = [atomic_numbers[symbol] for symbol in symbols]
    counts = tuple(("element", symbol) for symbol in symbols)
    return Condition(lambda touch: has_any_element(numbers, touch), None, "check", counts, len(symbols) == 1)


def _only(numbers: Sequence[int], touch: Touch) -> Column:
    held = crystal_element
    n_allowed = (
        select(func.count())
        .where(held.c.z.in_(numbers), held.c.crystal_id == touch(crystal.c.id))
        .correlate_except(held)
    )
    return touch(crystal.c.n_elements) == n_allowed.scalar_subquery()


def _range(name: str, low: float | None, high: float | None) -> Iterator[Condition]:
    for bound in (low, high):
        if bound is not None and math.isnan(bound):
            raise PatternError(f"a bound of {name} is not a number")
    if low is None and high is None:
        return
    column = crystal.c[name]

    def clause(touch: Touch) -> Column:
        if high is None:
            return touch(column) >= low
        if low is None:
            return touch(column) <= high
        return touch(column).between(low, high)

    yield Condition(clause, name, "range", bounds=(low, high))


def _systems(present: Sequence[str], allowed: Sequence[str]) -> Iterator[str]:
    if not set(present) <= set(allowed):
        return
    free = [symbol for symbol in allowed if symbol not in present]
    for n in range(len(free) + 1):
        for more in itertools.combinations(free, n):
            if present or more:
                yield "-".join(sorted((*present, *more)))


def _text(value: str, what: str) -> str:
    if len(value) > 10_000 or "\0" in value:
        raise PatternError(f"{what} is too long or holds a null character ({len(value)} characters)")
    return value


def _whole(value: int, what: str) -> int:
    if abs(value) >= 2**31:
        raise PatternError(f"{what} is {value}; expected a smaller number")
    return value
