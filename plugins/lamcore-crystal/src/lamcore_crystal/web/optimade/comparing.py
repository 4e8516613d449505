"""Each kind of comparison of OPTIMADE's filter language, for one property.

Unknown values follow SQL: a comparison with them is neither true nor false, and negated it still finds nothing.
"""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ase.data import atomic_numbers
from sqlalchemy import Boolean, ColumnElement, Float, and_, cast, exists, false, func, literal, not_, null, true

from lamcore_crystal.store.schema import crystal, crystal_element
from lamcore_crystal.web.optimade.errors import BadFilterError, NotSupportedError
from lamcore_crystal.web.optimade.properties import Property

Condition = ColumnElement[bool]

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operators.eq,
    "!=": operators.ne,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}
_EXAMPLES = {
    "string": 'a string in double quotes, such as "NaCl"',
    "integer": "a number, such as 3",
    "float": "a number, such as 0.02",
    "boolean": "TRUE or FALSE",
    "timestamp": 'a time of RFC 3339 in double quotes, such as "2026-01-31T12:00:00Z"',
}
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
# Columns are compared with what fits in all of them; larger numbers as floating point.
_SMALL = 2**15
_ID = re.compile(r"0|[1-9]\d{0,17}")


def compare(one: Property, operator: str, value: Any) -> Condition:
    """`property operator value`.

    Raises:
        BadFilterError: The value is of another type than the property.
        NotSupportedError: The property cannot be compared, or with another property.
    """
    if one.is_absent:
        return _unknown()
    if isinstance(value, Property):
        raise NotSupportedError(f"{one.name} is compared with {value.name}; compare with a constant")
    _check_type(one, value)
    if isinstance(value, bool) and operator not in ("=", "!="):
        raise BadFilterError(f"{one.name} {operator} {str(value).upper()}: only = and != compare truth values")
    if one.column is None:
        return true() if _OPERATORS[operator](one.constant, value) else false()
    if one.name in ("id", "immutable_id") and operator in ("=", "!="):
        return _compare_id(operator, value)
    if one.kind == "boolean":
        return one.column if (operator == "=") == value else not_(one.column)
    bound = _time(one, value) if one.kind == "timestamp" else _bound(value)
    condition: Condition = _OPERATORS[operator](one.column, bound)
    return condition


def known(one: Property, is_known: bool) -> Condition:
    """`property IS KNOWN`, or `IS UNKNOWN`."""
    if one.is_absent:
        return false() if is_known else true()
    if one.column is None or one.kind == "boolean":
        return true() if is_known else false()
    return one.column.is_not(None) if is_known else one.column.is_(None)


def fuzzy(one: Property, how: str, value: Any) -> Condition:
    """`property CONTAINS value`, `STARTS WITH` and `ENDS WITH`; case matters.

    Raises:
        BadFilterError: The property or the value is no string.
    """
    if one.is_absent:
        return _unknown()
    if isinstance(value, Property):
        raise NotSupportedError(f"{one.name} is compared with {value.name}; compare with a constant")
    if one.kind != "string" or not isinstance(value, str):
        raise BadFilterError(f"{one.name} {how}: only strings contain, start or end with a string")
    if one.column is None:
        text = str(one.constant)
        return (
            true()
            if {"CONTAINS": value in text, "STARTS": text.startswith(value)}.get(how, text.endswith(value))
            else false()
        )
    n = len(value)
    if n == 0:
        return one.column.is_not(None)
    # LIKE does not tell cases apart in SQLite.
    if how == "CONTAINS":
        return func.replace(one.column, value, "") != one.column
    if how == "STARTS":
        return func.substr(one.column, 1, n) == value
    return and_(func.length(one.column) >= n, func.substr(one.column, func.length(one.column) - (n - 1)) == value)


def has(one: Property, kind: str, values: list[Any]) -> Condition:
    """`property HAS value`, `HAS ALL`, `HAS ANY` and `HAS ONLY` values.

    Raises:
        BadFilterError: The property is no list, or a value cannot be in it.
        NotSupportedError: The members of the list are not in the tables.
    """
    if one.is_absent:
        return _unknown()
    if one.kind != "list":
        raise BadFilterError(f"{one.name} HAS: {one.name} is no list; compare it with =")
    if any(isinstance(value, Property) for value in values):
        raise NotSupportedError(f"{one.name} HAS: members are compared with constants alone")
    if one.members == "constant":
        return true() if _has(one.constant, kind, values) else false()
    if one.members != "elements":
        raise NotSupportedError(f"{one.name} HAS: its members cannot be searched for here")
    if not all(isinstance(value, str) for value in values):
        raise BadFilterError(f'{one.name} HAS: expected chemical symbols in double quotes, such as "Li"')
    numbers = sorted(atomic_numbers_of(values))
    if kind == "ALL":
        return and_(*(_holds([z]) for z in numbers)) if len(numbers) == len(set(values)) else false()
    if kind == "ANY":
        return _holds(numbers) if numbers else false()
    mine = exists().where(crystal_element.c.crystal_id == crystal.c.id, crystal_element.c.z.not_in(numbers))
    return not_(mine.correlate(crystal))


def length(one: Property, operator: str, value: int) -> Condition:
    """`property LENGTH operator value`.

    Raises:
        BadFilterError: The property is no list.
    """
    if one.is_absent:
        return _unknown()
    if one.kind != "list" or one.length is None:
        raise BadFilterError(f"{one.name} LENGTH: {one.name} is no list")
    compared = _OPERATORS[operator](one.length, value if isinstance(one.length, int) else _bound(value))
    if isinstance(compared, bool):
        return true() if compared else false()
    condition: Condition = compared
    return condition


def atomic_numbers_of(symbols: Iterable[str]) -> frozenset[int]:
    """Of those that are elements."""
    return frozenset(atomic_numbers[symbol] for symbol in symbols if atomic_numbers.get(symbol, 0) > 0)


def _unknown() -> Condition:
    return cast(null(), Boolean)


def _holds(numbers: list[int]) -> Condition:
    mine = exists().where(crystal_element.c.crystal_id == crystal.c.id, crystal_element.c.z.in_(numbers))
    return mine.correlate(crystal)


def _has(members: list[Any], kind: str, values: list[Any]) -> bool:
    if kind == "ALL":
        return all(value in members for value in values)
    if kind == "ANY":
        return any(value in members for value in values)
    return bool(members) and all(member in values for member in members)


def _check_type(one: Property, value: Any) -> None:
    fits = {
        "string": isinstance(value, str),
        "timestamp": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int | float) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
    }
    if one.kind not in fits:
        raise NotSupportedError(f"{one.name} is a {one.kind}: it is searched with HAS and LENGTH, not compared")
    if not fits[one.kind]:
        raise BadFilterError(f"{one.name} is compared with {value!a}, expected {_EXAMPLES[one.kind]}")


def _compare_id(operator: str, value: str) -> Condition:
    if not _ID.fullmatch(value):
        return true() if operator == "!=" else false()
    same: Condition = _OPERATORS[operator](crystal.c.id, int(value))
    return same


def _bound(value: Any) -> Any:
    if isinstance(value, int) and not -_SMALL < value < _SMALL:
        return literal(_as_float(value), Float(53))
    return literal(value, Float(53)) if isinstance(value, float) else value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _time(one: Property, value: str) -> str:
    """In UTC as the column has it, whose text is in the order of time."""
    if _TIME.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
            return moment.replace(tzinfo=None).isoformat()
        except (ValueError, OverflowError):
            pass
    raise BadFilterError(f"{one.name} is compared with {value!a}, expected {_EXAMPLES['timestamp']}")
