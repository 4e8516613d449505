"""Searching the open database, a page at a time.

A page is found by one query over one index, whatever is asked for; the next page begins after the last row of this one,
so that a page in the middle of millions costs what the first does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, tuple_
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import UnaryExpression

from lamcore_crystal.store.conditions import Column, Condition, conditions_of
from lamcore_crystal.store.patterns import PatternError
from lamcore_crystal.store.plan import Estimate, Plan, choose, estimates_of
from lamcore_crystal.store.query import CrystalQuery, Page
from lamcore_crystal.store.schema import crystal, crystal_element
from lamcore_crystal.store.statistics import counts_of

MAX_LIMIT = 1000
SORTS = ("id", "energy_above_hull", "formation_energy_per_atom")
SHOWN = tuple(column for column in crystal.columns if column.name != "geometry")


class CursorError(PatternError):
    """A cursor that was changed on the way, or that belongs to another search."""


@dataclass(frozen=True)
class _Place:
    """The last row of a page: its id, and its value of the column of the order, None where it has none."""

    id: int
    value: float | None


def search(connection: Connection, query: CrystalQuery, limit: int = 100, after: str | None = None) -> Page:
    """One page of the crystals that a query asks for.

    Args:
        connection: Of `Database.read`.
        query: What is asked for; crystals without a value of the column of the order come last.
        limit: Rows on the page, from 1 to 1000.
        after: `Page.next` of the page before; None begins.

    Raises:
        PatternError: Something in the query is not written as it has to be.
        CursorError: `after` is not a cursor of this query.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise PatternError(f"limit is {limit}; expected from 1 to {MAX_LIMIT} rows a page")
    if query.sort not in SORTS:
        raise PatternError(f"sort is {query.sort!r}; expected one of {', '.join(SORTS)}")
    place = None if after is None else _read_cursor(after, query)
    conditions = conditions_of(query)
    total = counts_of(connection, [("total", "")])[("total", "")]
    estimates = estimates_of(connection, conditions, total, limit)
    plan = choose(conditions, estimates, total, query.sort, limit)
    rows: list[dict[str, Any]] = []
    for is_null in _parts(query, place):
        statement = page_statement(connection, query, conditions, plan, limit + 1 - len(rows), place, is_null)
        rows += [dict(row) for row in connection.execute(statement).mappings()]
        if len(rows) > limit:
            break
        place = None  # what follows begins at its first row
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = _cursor(query, _Place(rows[-1]["id"], rows[-1][query.sort] if query.sort != "id" else None))
    is_whole = after is None and following is None
    return Page(rows, following, len(rows) if is_whole else _total(estimates, total))


def page_statement(
    connection: Connection,
    query: CrystalQuery,
    conditions: Sequence[Condition],
    plan: Plan,
    limit: int,
    place: _Place | None,
    is_null: bool,
) -> Select[Any]:
    """The query of one page: the ids by one index, then the rows of those ids alone."""
    chooses = connection.dialect.name == "sqlite"

    driver = plan.driver
    by_element = chooses and driver is not None and driver.kind == "element"
    listed = crystal_element.alias("listed")
    ids: Column = listed.c.crystal_id if by_element else crystal.c.id

    def touch(column: Column) -> Column:
        if by_element and column is crystal.c.id:
            return _hidden(ids)  # the lists of elements are compared before the crystal itself is read
        name = getattr(column, "name", "")
        return _hidden(column) if chooses and name not in plan.allowed else column

    ordered_id = ids if not chooses or plan.gives_order else _hidden(ids)
    value = touch(crystal.c[query.sort]) if query.sort != "id" else ordered_id
    chosen = select(crystal.c.id.label("id"), crystal.c[query.sort].label("value"))
    if by_element and driver is not None:
        # Hiding the second column keeps the element's list outside and the crystals inside.
        chosen = chosen.join_from(listed, crystal, crystal.c.id == _hidden(listed.c.crystal_id))
        chosen = chosen.where(listed.c.z == driver.z)
        if driver.amount is not None:
            chosen = chosen.where(listed.c.amount == driver.amount)
    for condition in conditions:
        if not (by_element and condition is driver):
            chosen = chosen.where(condition.clause(touch))
    if query.sort != "id":
        chosen = chosen.where(value.is_(None) if is_null else value.is_not(None))
    if place is not None:
        chosen = chosen.where(_after(query, place, value, ordered_id, is_null))
    elif plan.driver is None and query.sort == "id":
        chosen = chosen.where(ids > 0)  # along the ids, from the first; no other index serves as well
    order: list[ColumnElement[Any]] = [ordered_id] if query.sort == "id" or is_null else [value, ordered_id]
    page = chosen.order_by(*(_directed(one, query.descending) for one in order)).limit(limit).subquery("page")
    final = [page.c.id] if query.sort == "id" or is_null else [page.c.value, page.c.id]
    return (
        select(*SHOWN)
        .join_from(page, crystal, crystal.c.id == page.c.id)
        .order_by(*(_directed(one, query.descending) for one in final))
    )


def _after(query: CrystalQuery, place: _Place, value: Column, ids: Column, is_null: bool) -> Column:
    if query.sort == "id" or is_null:
        return ids < place.id if query.descending else ids > place.id
    here, there = tuple_(value, ids), tuple_(place.value, place.id)
    return here < there if query.descending else here > there


def _parts(query: CrystalQuery, place: _Place | None) -> list[bool]:
    """Whether to look among crystals with a value (False), then among those without (True)."""
    if query.sort == "id":
        return [False]
    if place is not None and place.value is None:
        return [True]
    bounds = {
        "energy_above_hull": (query.min_hull, query.max_hull),
        "formation_energy_per_atom": (query.min_formation, query.max_formation),
    }[query.sort]
    return [False, True] if bounds == (None, None) else [False]


def _total(estimates: Sequence[Estimate], total: int) -> int | None:
    if not estimates:
        return total
    return int(estimates[0].n) if len(estimates) == 1 and estimates[0].is_exact else None


def _hidden(column: Column) -> Column:
    """The column behind a unary plus, which SQLite looks up by no index."""
    return UnaryExpression(column, operator=operators.custom_op("+"), type_=column.type)


def _directed(column: Column, descending: bool) -> ColumnElement[Any]:
    return column.desc() if descending else column.asc()


def _cursor(query: CrystalQuery, place: _Place) -> str:
    content = json.dumps([_fingerprint(query), place.id, place.value]).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()[:6] + content).decode().rstrip("=")


def _read_cursor(text: str, query: CrystalQuery) -> _Place:
    again = "leave it out to begin at the first page"
    if len(text) > 500 or not text.isascii():
        raise CursorError(f"the cursor is damaged ({len(text)} characters); {again}")
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise CursorError(f"the cursor is damaged ({error}); {again}") from error
    if hashlib.sha256(packed[6:]).digest()[:6] != packed[:6]:
        raise CursorError(f"the cursor is damaged; {again}")
    try:  # a sum without a key is no proof of who made it
        fingerprint, last_id, value = json.loads(packed[6:])
    except (ValueError, TypeError, RecursionError) as error:
        raise CursorError(f"the cursor is damaged; {again}") from error
    if type(last_id) is not int or abs(last_id) >= 2**63 or not (value is None or type(value) is float):
        raise CursorError(f"the cursor is damaged; {again}")
    if fingerprint != _fingerprint(query):
        raise CursorError(f"the cursor belongs to another search; give the same conditions and order, or {again}")
    return _Place(last_id, value)


def _fingerprint(query: CrystalQuery) -> str:
    return hashlib.sha256(json.dumps(asdict(query), sort_keys=True).encode()).hexdigest()[:12]
