"""How many there are of what: kept up to date with every change, so that nothing is counted when it is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ase.data import chemical_symbols
from sqlalchemy import Connection, select

from lamcore_crystal.stability import STABLE_WITHIN
from lamcore_crystal.store.schema import crystal, crystal_element, statistic, structure
from lamcore_crystal.store.upsert import add_to

# Bins of the distance to the hull, eV/atom; the first and the last bin are open.
HULL_DISTANCE_EDGES = tuple(round(-0.5 + 0.01 * i, 2) for i in range(151))
Delta = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Statistics:
    """Counts over the open database, and over what was refused.

    Attributes:
        total: Crystals.
        stable: At most `STABLE_WITHIN` above the hull, or below it.
        unique: That repeat no other.
        novel: In no reference set.
        elements: Crystals that hold an element, by symbol.
        n_elements: By number of elements.
        space_groups: By international number.
        crystal_systems: By name.
        sources: By source.
        submissions: By submission's id.
        hull_distance_edges: Of the bins, eV/atom, shape (n,).
        hull_distance_counts: Shape (n + 1,): below the first edge, between edges (the lower one belongs to the bin),
            from the last on.
        codes: Structures refused or failed, by code.
    """

    total: int
    stable: int
    unique: int
    novel: int
    elements: Mapping[str, int]
    n_elements: Mapping[int, int]
    space_groups: Mapping[int, int]
    crystal_systems: Mapping[str, int]
    sources: Mapping[str, int]
    submissions: Mapping[int, int]
    hull_distance_edges: tuple[float, ...]
    hull_distance_counts: tuple[int, ...]
    codes: Mapping[str, int]


def statistics(connection: Connection) -> Statistics:
    """All counts, from the table that keeps them."""
    counts: dict[str, dict[str, int]] = {}
    for name, key, n in connection.execute(select(statistic.c.name, statistic.c.key, statistic.c.n)):
        if n:
            counts.setdefault(name, {})[key] = n
    bins = counts.get("hull_distance", {})
    return Statistics(
        total=counts.get("total", {}).get("", 0),
        stable=counts.get("stable", {}).get("", 0),
        unique=counts.get("unique", {}).get("", 0),
        novel=counts.get("novel", {}).get("", 0),
        elements=counts.get("element", {}),
        n_elements=_by_number(counts.get("n_elements", {})),
        space_groups=_by_number(counts.get("space_group", {})),
        crystal_systems=counts.get("crystal_system", {}),
        sources=counts.get("source", {}),
        submissions=_by_number(counts.get("submission", {})),
        hull_distance_edges=HULL_DISTANCE_EDGES,
        hull_distance_counts=tuple(bins.get(str(i), 0) for i in range(len(HULL_DISTANCE_EDGES) + 1)),
        codes=counts.get("code", {}),
    )


def counts_of(connection: Connection, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Some of the counts, such as `("element", "Li")`; those that are not kept are 0."""
    wanted = list(wanted)
    if not wanted:
        return {}
    by_name: dict[str, list[str]] = {}
    for name, key in wanted:
        by_name.setdefault(name, []).append(key)
    found: dict[tuple[str, str], int] = dict.fromkeys(wanted, 0)
    for name, keys in by_name.items():
        query = select(statistic.c.key, statistic.c.n).where(statistic.c.name == name, statistic.c.key.in_(keys))
        found.update({(name, key): n for key, n in connection.execute(query)})
    return found


def apply(connection: Connection, delta: Delta) -> None:
    """Add to the counts, in the transaction of the change itself."""
    # In one order everywhere, so that two writers cannot wait for each other.
    rows = [{"name": name, "key": key, "n": n} for (name, key), n in sorted(delta.items()) if n]
    add_to(connection, statistic, "n", rows)


def of_crystal(row: Mapping[str, Any], symbols: Iterable[str]) -> list[tuple[str, str]]:
    """The counts that one crystal belongs to."""
    return [
        ("total", ""),
        ("n_elements", str(row["n_elements"])),
        ("space_group", str(row["space_group"])),
        ("crystal_system", row["crystal_system"]),
        ("source", row["source"]),
        ("submission", str(row["submission_id"])),
        *(("element", symbol) for symbol in symbols),
        *of_changing(row),
    ]


def of_changing(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The counts of what another hull, another match or another reference set changes."""
    keys = []
    distance = row["energy_above_hull"]
    if distance is not None:
        keys.append(("hull_distance", str(bisect_right(HULL_DISTANCE_EDGES, distance))))
        if distance <= STABLE_WITHIN:
            keys.append(("stable", ""))
    if row["duplicate_in_submission"] is None and row["duplicate_in_database"] is None:
        keys.append(("unique", ""))
    if row["is_novel"]:
        keys.append(("novel", ""))
    return keys


def recount(connection: Connection) -> Statistics:
    """Count everything anew and replace what was kept; walks the tables."""
    delta: Delta = Counter()
    symbols: dict[int, list[str]] = {}
    for z, crystal_id in connection.execute(select(crystal_element.c.z, crystal_element.c.crystal_id)):
        symbols.setdefault(crystal_id, []).append(chemical_symbols[z])
    names = (
        *("id", "n_elements", "space_group", "crystal_system", "source", "submission_id", "energy_above_hull"),
        *("duplicate_in_submission", "duplicate_in_database", "is_novel"),
    )
    for row in connection.execute(select(*(crystal.c[name] for name in names))).mappings():
        delta.update(of_crystal(dict(row), symbols.get(row["id"], ())))
    codes = select(structure.c.code).where(structure.c.code.is_not(None))
    delta.update(("code", code) for (code,) in connection.execute(codes))
    connection.execute(statistic.delete())
    apply(connection, delta)
    return statistics(connection)


def _by_number(counts: Mapping[str, int]) -> dict[int, int]:
    return {int(key): n for key, n in sorted(counts.items(), key=lambda one: int(one[0]))}
