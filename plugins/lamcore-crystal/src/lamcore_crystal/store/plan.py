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
# Reading a crystal somewhere in the table costs so many times what a step along an index does.
_FETCH = 4.0
# Two conditions may depend on each other (a space group and its orbits): where they exclude each other, all that an
# index lists is touched before that is known. So much of it counts beside what is expected.
_RISK = 0.05


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
        cost: Estimated time, in steps along an index.
    """

    driver: Condition | None
    allowed: frozenset[str]
    gives_order: bool
    cost: float


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
    return min(plans, key=lambda plan: plan.cost)


def _walk(conditions: Sequence[Condition], shares: Sequence[float], total: int, sort: str, limit: int) -> Plan:
    n = float(total)
    others = []
    for condition, share in zip(conditions, shares, strict=True):
        if condition.column == sort and condition.kind == "range":
            n *= share
        else:
            others.append((condition, share))
    fetch = 1.0 if sort == "id" else _FETCH  # along the ids crystals lie side by side
    return Plan(None, frozenset({sort}), True, _ordered_cost(n, others, limit, fetch))


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
    others = [one for i, one in enumerate(zip(conditions, shares, strict=True)) if i != position]
    allowed = {columns[0]}
    following = columns[1]
    if driver.kind in ("equal", "element"):
        rest = iter(columns[1:])
        for following in rest:
            allowed.add(following)
            fixed = [(one, share) for one, share in others if one.column == following and one.kind == "equal"]
            if not fixed:
                break
            n *= fixed[0][1]
            others = [one for one in others if one is not fixed[0] and one[0] is not fixed[0][0]]
        for condition, share in list(others):
            if condition.column == following and condition.kind == "range":
                n *= share
                others = [one for one in others if one[0] is not condition]
    if following == sort and driver.kind in ("equal", "element"):
        return Plan(driver, frozenset(allowed), True, _ordered_cost(n, others, limit, _FETCH))
    is_read = sort not in (*columns, "id") or any(one.kind != "element" for one, _ in others)
    remaining = math.prod(share for one, share in others if one.kind == "element") if driver.kind == "element" else 1.0
    cost = n * (1.3 + sum(one.kind == "element" for one, _ in others)) + (n * remaining * _FETCH if is_read else 0.0)
    return Plan(driver, frozenset(allowed), False, cost)


def _ordered_cost(n: float, others: Sequence[tuple[Condition, float]], limit: int, fetch: float) -> float:
    """Of going along an index until a page is full."""
    share = math.prod(one for _, one in others)
    step = 1.0 + (fetch if any(condition.kind != "element" for condition, _ in others) else 0.0)
    risk = _RISK * n if len(others) > 1 else 0.0
    return (min(n, (limit + 1) / share) + risk) * step


_INDEXES = [
    tuple(column.name for column in index.columns) for index in sorted(crystal.indexes, key=lambda one: str(one.name))
]
