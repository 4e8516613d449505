"""Pages of structures: found by a filter, in an order, from a place on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ase.data import chemical_symbols
from sqlalchemy import Column, ColumnElement, Connection, and_, func, select, tuple_

from lamcore_crystal.store.schema import crystal, crystal_element
from lamcore_crystal.store.search import is_finite, is_id
from lamcore_crystal.store.statistics import counts_of
from lamcore_crystal.web import cursors
from lamcore_crystal.web.errors import ApiError, TooSlowError
from lamcore_crystal.web.optimade.errors import BadFilterError, NotSupportedError
from lamcore_crystal.web.optimade.properties import PROPERTIES

if TYPE_CHECKING:
    from sqlalchemy import Row, Select

    from lamcore_crystal.web.optimade.filters import Filter
    from lamcore_crystal.web.site import Site

# Crystals of one element that are looked up one by one rather than passed by.
_SHORT_LIST = 100_000
_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Order:
    """How structures are sorted.

    Attributes:
        field: Name of the property.
        descending: Whether from the largest on.
    """

    field: str = "id"
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> Order:
        """From the parameter `sort`.

        Raises:
            BadFilterError: There is no such property, or no index in its order.
            NotSupportedError: There is more than one property.
        """
        if "," in text:
            raise NotSupportedError(f"sort={text[:80]}: one property is sorted by; ties go by id")
        name = text.removeprefix("-")
        if name not in PROPERTIES or not PROPERTIES[name].is_sortable:
            offered = ", ".join(one.name for one in PROPERTIES.values() if one.is_sortable)
            raise BadFilterError(f"sort={text[:80]}: there is no order by {name[:80]!a}; sortable are {offered}")
        return cls(name, text.startswith("-"))

    @property
    def is_by_id(self) -> bool:
        """Whether no other column is sorted by."""
        return self.field == "id"

    @property
    def text(self) -> str:
        """As in the parameter."""
        return f"-{self.field}" if self.descending else self.field


@dataclass(frozen=True)
class Found:
    """One page.

    Attributes:
        rows: With the columns asked for.
        next_above: `page_above` of the next page; None at the end.
    """

    rows: Sequence[Row[Any]]
    next_above: str | None


def find(
    connection: Connection,
    columns: Sequence[Column[Any]],
    condition: ColumnElement[bool] | None,
    order: Order,
    limit: int,
    above: str | None = None,
) -> Found:
    """One page of structures. Those without a value of the property that is sorted by come last.

    Args:
        connection: For reading.
        columns: Of `crystal`, with its id.
        condition: None for all.
        order: Of the list.
        limit: Most rows.
        above: From the page before.

    Raises:
        BadFilterError: `above` is not from a list of this order.
    """
    wanted: Select[Any] = select(*columns, _key(order).label("sort_key")).limit(limit + 1)
    if condition is not None:
        wanted = wanted.where(condition)
    if order.is_by_id:
        query = wanted.order_by(_directed(crystal.c.id, order))
        if above is not None:
            query = query.where(_after([crystal.c.id], [_id(above)], order))
        rows: Sequence[Row[Any]] = connection.execute(query).all()
    else:
        rows = _by_value(connection, wanted, order, limit, above)
    page = rows[:limit]
    return Found(page, _place(page[-1], order) if len(rows) > limit else None)


def narrowed(connection: Connection, filter_: Filter) -> ColumnElement[bool]:
    """A filter's condition, led by the list of its rarest element where that is short.

    Without it, structures are gone through in the order of the page until enough are found, which is quick where many
    fit and long where few do.
    """
    numbers = sorted(filter_.required)
    counts = counts_of(connection, [("element", chemical_symbols[z]) for z in numbers])
    rarest = min(numbers, key=lambda z: counts["element", chemical_symbols[z]], default=None)
    if rarest is None or counts["element", chemical_symbols[rarest]] > _SHORT_LIST:
        return filter_.condition
    listed = select(crystal_element.c.crystal_id).where(crystal_element.c.z == rarest)
    return and_(crystal.c.id.in_(listed), filter_.condition)


def count(site: Site, condition: ColumnElement[bool] | None) -> int | None:
    """How many structures there are; None where counting takes too long."""
    try:
        with site.read(site.count_seconds) as connection:
            if condition is None:
                return counts_of(connection, [("total", "")])["total", ""]
            return connection.execute(select(func.count()).select_from(crystal).where(condition)).scalar_one()
    except TooSlowError:
        return None


def _by_value(
    connection: Connection, wanted: Select[Any], order: Order, limit: int, above: str | None
) -> list[Row[Any]]:
    key = _key(order)
    value, last_id = (None, None) if above is None else _value_and_id(above, order)
    rows: list[Row[Any]] = []
    if above is None or value is not None:
        query = wanted.where(key.is_not(None)).order_by(_directed(key, order), _directed(crystal.c.id, order))
        if above is not None:
            query = query.where(_after([key, crystal.c.id], [value, last_id], order))
        rows = list(connection.execute(query))
    if len(rows) <= limit:
        query = wanted.where(key.is_(None)).order_by(_directed(crystal.c.id, order)).limit(limit + 1 - len(rows))
        if above is not None and value is None:
            query = query.where(_after([crystal.c.id], [last_id], order))
        rows += connection.execute(query)
    return rows


def _key(order: Order) -> ColumnElement[Any]:
    if order.is_by_id:
        return crystal.c.id
    column = PROPERTIES[order.field].column
    assert column is not None
    return column


def _directed(column: ColumnElement[Any], order: Order) -> ColumnElement[Any]:
    return column.desc() if order.descending else column.asc()


def _after(columns: list[ColumnElement[Any]], values: list[Any], order: Order) -> ColumnElement[bool]:
    left, right = (columns[0], values[0]) if len(columns) == 1 else (tuple_(*columns), tuple_(*values))
    return and_(left < right if order.descending else left > right)


def _place(row: Row[Any], order: Order) -> str:
    return str(row.id) if order.is_by_id else cursors.encode(f"optimade {order.text}", [row.sort_key, row.id])


def _id(above: str) -> int:
    if not _ID.fullmatch(above):
        raise BadFilterError(f"page_above={above[:40]!a}: expected an id; follow links.next as it is given")
    return int(above)


def _value_and_id(above: str, order: Order) -> tuple[Any, int]:
    refusal = BadFilterError(
        f"page_above={above[:40]!a}: not from a list sorted by {order.text}; follow links.next as it is given"
    )
    try:
        value, last_id = cursors.decode(f"optimade {order.text}", above)
    except (ApiError, ValueError) as error:
        raise refusal from error
    # Anyone can make the check of a cursor: what it holds is judged as any other input.
    is_text = PROPERTIES[order.field].kind in ("string", "timestamp")
    if not is_id(last_id) or not (value is None or (_is_text(value) if is_text else is_finite(value))):
        raise refusal
    return value, last_id


def _is_text(value: object) -> bool:
    # No database keeps a null character, and half a pair of surrogates is no text.
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
