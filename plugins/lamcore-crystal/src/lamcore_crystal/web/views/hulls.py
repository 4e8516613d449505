"""Hulls: which there are, and diagrams of two or three elements."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, case, func, select

from lamcore_crystal.store.schema import hull, hull_entry
from lamcore_crystal.web.views.crystals import crystal_id_of

if TYPE_CHECKING:
    from lamcore_crystal.hull.diagram import Diagram

_COLUMNS = ("id", "sha256", "kind", "name", "model_id", "parent_id", "settings_sha256", "created_at", "n_entries")


def hulls_view(connection: Connection) -> dict[str, Any]:
    """`/hulls`: the newest first."""
    rows = connection.execute(select(*(hull.c[name] for name in _COLUMNS)).order_by(hull.c.id.desc())).mappings()
    return {"items": [dict(row) for row in rows]}


def hull_view(connection: Connection, hull_id: int) -> dict[str, Any] | None:
    """`/hulls/{id}`: with what it is made of; None where there is none."""
    row = (
        connection.execute(select(*(hull.c[name] for name in _COLUMNS)).where(hull.c.id == hull_id)).mappings().first()
    )
    if row is None:
        return None
    of_hull = hull_entry.c.hull_id == hull_id
    n_stable = connection.execute(
        select(func.coalesce(func.sum(case((hull_entry.c.is_stable, 1), else_=0)), 0)).where(of_hull)
    ).scalar_one()
    # A system of one element is its symbol alone.
    systems = connection.execute(
        select(hull_entry.c.chemical_system).where(of_hull, hull_entry.c.chemical_system.not_like("%-%")).distinct()
    ).scalars()
    return {**row, "n_stable": int(n_stable), "elements": sorted(systems)}


def diagram_view(connection: Connection, hull_id: int, elements: list[str]) -> dict[str, Any]:
    """`/hulls/{id}/diagram/{system}`: the entries of a system and its parts, with the facets of its hull.

    Args:
        connection: For reading.
        hull_id: Of a hull that is there.
        elements: Two or three symbols, sorted.

    Raises:
        ValueError: An element has no entry of its own.
    """
    from lamcore_crystal.hull.hull import Hull
    from lamcore_crystal.hull.values import HullEntry
    from lamcore_crystal.stages.hulls import composition

    kind = connection.execute(select(hull.c.kind).where(hull.c.id == hull_id)).scalar_one()
    parts = ["-".join(some) for n in range(1, len(elements) + 1) for some in combinations(elements, n)]
    rows = connection.execute(
        select(hull_entry.c.formula, hull_entry.c.energy_per_atom, hull_entry.c.origin)
        .where(hull_entry.c.hull_id == hull_id, hull_entry.c.chemical_system.in_(parts))
        .order_by(hull_entry.c.position)
    ).all()
    entries = [HullEntry(composition(row.formula), row.energy_per_atom, row.origin) for row in rows]
    diagram = Hull(entries, "formation" if kind == "external" else "total").diagram("-".join(elements))
    return _shown(diagram)


def _shown(diagram: Diagram) -> dict[str, Any]:
    return {
        "elements": list(diagram.elements),
        "entries": [
            {
                "formula": one.formula,
                "fractions": dict(one.fractions),
                "formation_energy_per_atom": one.formation_energy_per_atom,
                "energy_above_hull": one.energy_above_hull,
                "is_stable": bool(one.is_stable),
                "origin": one.origin,
                "crystal_id": crystal_id_of(one.origin),
            }
            for one in diagram.entries
        ],
        "facets": [list(facet) for facet in diagram.facets],
    }
