"""Which index a search goes by.

SQLite's own planner knows averages at best, while how common an element or a space group is varies by four orders of
magnitude. The counts that are kept say it for each value; from them the index that touches fewest rows is chosen, and
the other columns are hidden from the planner. PostgreSQL keeps such counts itself and is left alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, literal, select

from lamcore_crystal.store.conditions import Condition
from lamcore_crystal.store.schema import crystal, statistic
from lamcore_crystal.store.statistics import HULL_DISTANCE_EDGES, counts_of

_UNKNOWN_SHARE = 0.5


@dataclass(frozen=True)
class Estimate:
    """How many crystals a condition holds of.

    Attributes:
        n: Crystals.
        is_exact: Whether exactly so many.
    """

    n: float
    is_exact: bool


@dataclass(frozen=True)
class Plan:
    """How a page is found.

    Attributes:
        driver: The condition that is looked up; None walks the table in the order that is asked for.
        allowed: Columns that the planner may look up.
        gives_order: Whether crystals come in the order that is asked for, so that the first ones are the page.
        n_touched: Estimated rows to touch.
    """

    driver: Condition | None
    allowed: frozenset[str]
    gives_order: bool
    n_touched: float


def estimates_of(connection: Connection, conditions: Sequence[Condition], total: int, limit: int) -> list[Estimate]:
    """How many crystals each condition holds of, from the counts, or by looking at no more than a few thousand keys."""
    counts = counts_of(connection, {key for one in conditions for key in one.counts})
    # Beyond so many, walking in order finds a page sooner than gathering and sorting.
    most = max(1000, math.ceil(2 * math.sqrt(limit * total)))
    return [_estimate(connection, one, counts, total, most) for one in conditions]


def _estimate(
    connection: Connection, condition: Condition, counts: dict[tuple[str, str], int], total: int, most: int
) -> Estimate:
    if condition.counts:
        return Estimate(min(total, sum(counts[key] for key in condition.counts)), condition.is_exact)
    if condition.column == "energy_above_hull":
        return Estimate(_within_bins(connection, condition.bounds), False)
    if condition.column is None:
        return Estimate(_UNKNOWN_SHARE * total, False)
    some = (
        select(literal(1))
        .select_from(crystal)
        .where(condition.clause(lambda column: column))
        .limit(most + 1)
        .subquery()
    )
    n = int(connection.execute(select(func.count()).select_from(some)).scalar_one())
    return Estimate(n, True) if n <= most else Estimate(max(n, _UNKNOWN_SHARE * total / 5), False)


def _within_bins(connection: Connection, bounds: tuple[float | None, float | None]) -> float:
    query = select(statistic.c.key, statistic.c.n).where(statistic.c.name == "hull_distance")
    low = -math.inf if bounds[0] is None else bounds[0]
    high = math.inf if bounds[1] is None else bounds[1]
    edges = (-math.inf, *HULL_DISTANCE_EDGES, math.inf)
    n = 0.0
    for key, count in connection.execute(query):
        below, above = edges[int(key)], edges[int(key) + 1]
        if low < above and high >= below:
            inside = min(high, above) - max(low, below)
            width = above - below
            n += count * (inside / width if math.isfinite(width) and width > 0 else 1.0)
    return n


def choose(conditions: Sequence[Condition], estimates: Sequence[Estimate], total: int, sort: str, limit: int) -> Plan:
    """The plan that touches fewest rows, taking the conditions as independent."""
    if not total:
        return Plan(None, frozenset({sort}), True, 0)
    shares = [min(1.0, max(one.n, 0.5) / total) for one in estimates]
    plans = [_walk(conditions, shares, total, sort, limit)]
    for i, condition in enumerate(conditions):
        if condition.kind == "element":
            order: tuple[str, ...] = ("id",)
            plans.append(_by(condition, ("z", *order), i, conditions, shares, total, sort, limit))
        elif condition.column is not None:
            plans += [
                _by(condition, columns, i, conditions, shares, total, sort, limit)
                for columns in _INDEXES
                if columns[0] == condition.column
            ]
    return min(plans, key=lambda plan: plan.n_touched)


def _walk(conditions: Sequence[Condition], shares: Sequence[float], total: int, sort: str, limit: int) -> Plan:
    n = float(total)
    others = 1.0
    for condition, share in zip(conditions, shares, strict=True):
        if condition.column == sort and condition.kind == "range":
            n *= share
        else:
            others *= share
    return Plan(None, frozenset({sort}), True, min(n, (limit + 1) / others))


def _by(
    driver: Condition,
    columns: tuple[str, ...],
    position: int,
    conditions: Sequence[Condition],
    shares: Sequence[float],
    total: int,
    sort: str,
    limit: int,
) -> Plan:
    n = total * shares[position]
    others = 1.0
    allowed = {columns[0]}
    is_one_value = driver.kind in ("equal", "element")
    for i, (condition, share) in enumerate(zip(conditions, shares, strict=True)):
        if i == position:
            continue
        if is_one_value and condition.kind == "range" and condition.column == columns[1]:
            n *= share
            allowed.add(columns[1])
        else:
            others *= share
    gives_order = is_one_value and columns[1] == sort
    if gives_order:
        allowed.add(sort)
        return Plan(driver, frozenset(allowed), True, min(n, (limit + 1) / others))
    return Plan(driver, frozenset(allowed), False, 1.3 * n)


_INDEXES = [
    tuple(column.name for column in index.columns) for index in sorted(crystal.indexes, key=lambda one: str(one.name))
]
