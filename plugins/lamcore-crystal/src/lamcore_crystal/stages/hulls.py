"""Hulls in the database: frozen when they are made, and loaded as they were."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lamcore_crystal.rounds import sha256_of_json
from lamcore_crystal.store.writing import add_event, now

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.hull.hull import Hull

_ENTRIES_PER_STATEMENT = 1000


@dataclass(frozen=True)
class NewEntry:
    """An entry of a hull that is being made.

    Attributes:
        formula: Reduced, alphabetical.
        chemical_system: Elements in alphabetical order, joined by `-`.
        energy_per_atom: eV/atom, of the model, or a formation energy in an external hull.
        origin: `reference:<set>/<name>` or `crystal:<id>`.
    """

    formula: str
    chemical_system: str
    energy_per_atom: float
    origin: str


def composition(formula: str) -> dict[str, float]:
    """Atoms of each element in a reduced formula."""
    return {symbol: float(count or 1) for symbol, count in re.findall(r"([A-Z][a-z]?)(\d*)", formula)}


def freeze(
    connection: Connection,
    kind: Literal["references", "round", "external"],
    name: str,
    entries: Sequence[NewEntry],
    model: tuple[int, str] | None,
    settings_sha256: str,
    parent_id: int | None = None,
) -> int:
    """Write a hull down; the same entries of the same model are the same hull.

    Args:
        connection: Of a transaction that writes.
        kind: What it is made of.
        name: For people.
        entries: In any order.
        model: Id and SHA-256 of the model; None for another method.
        settings_sha256: Of the relaxation's settings.
        parent_id: The hull that this one grew from.

    Returns:
        Its id.
    """
    from sqlalchemy import select

    from lamcore_crystal.store.batches import batches
    from lamcore_crystal.store.schema import hull, hull_entry

    ordered = sorted(entries, key=lambda one: (one.formula, one.energy_per_atom, one.origin))
    identity = sha256_of_json(
        [model and model[1], settings_sha256, [[one.formula, repr(one.energy_per_atom), one.origin] for one in ordered]]
    )
    known = connection.execute(select(hull.c.id).where(hull.c.sha256 == identity)).scalar()
    if known is not None:
        return int(known)
    stable = _make(kind, [(one.formula, one.energy_per_atom, one.origin) for one in ordered]).stable
    values = {
        **{"sha256": identity, "kind": kind, "name": name, "model_id": model and model[0], "parent_id": parent_id},
        **{"settings_sha256": settings_sha256, "created_at": now(), "n_entries": len(ordered)},
    }
    hull_id: int = connection.execute(hull.insert().values(values).returning(hull.c.id)).scalar_one()
    rows = (
        {"hull_id": hull_id, "position": position, **vars(one), "is_stable": bool(stable[position])}
        for position, one in enumerate(ordered)
    )
    for some in batches(rows, _ENTRIES_PER_STATEMENT):
        connection.execute(hull_entry.insert(), some)
    details = {"hull_id": hull_id, "sha256": identity, "n_entries": len(ordered), "n_stable": int(stable.sum())}
    add_event(connection, "hull", details)
    return hull_id


@dataclass(frozen=True)
class FrozenHull:
    """A hull as it was written down.

    Attributes:
        id: In the database.
        hull: Ready to be asked.
        formulas: Of its entries, in their order.
    """

    id: int
    hull: Hull
    formulas: Sequence[str]

    def decomposition(self, parts: Sequence[tuple[int, float]]) -> list[tuple[str, float, int]]:
        """What a composition falls apart into: formula, amount as a share of the atoms, and the entry's position."""
        return [(self.formulas[index], amount, index) for index, amount in parts]


def load(connection: Connection, hull_id: int) -> FrozenHull:
    """A hull that was frozen before."""
    from sqlalchemy import select

    from lamcore_crystal.store.schema import hull, hull_entry

    kind = connection.execute(select(hull.c.kind).where(hull.c.id == hull_id)).scalar_one()
    rows = connection.execute(
        select(hull_entry.c.formula, hull_entry.c.energy_per_atom, hull_entry.c.origin)
        .where(hull_entry.c.hull_id == hull_id)
        .order_by(hull_entry.c.position)
    ).all()
    entries = [(row.formula, row.energy_per_atom, row.origin) for row in rows]
    return FrozenHull(hull_id, _make(kind, entries), [formula for formula, _, _ in entries])


def _make(kind: str, entries: Sequence[tuple[str, float, str]]) -> Hull:
    from lamcore_crystal.hull.hull import Hull
    from lamcore_crystal.hull.values import HullEntry

    return Hull(
        [HullEntry(composition(formula), energy, origin) for formula, energy, origin in entries],
        energies="formation" if kind == "external" else "total",
    )


def entries_of(connection: Connection, hull_id: int) -> list[NewEntry]:
    """The entries of a frozen hull, to grow another from it."""
    from sqlalchemy import select

    from lamcore_crystal.store.schema import hull_entry

    rows = (
        connection.execute(
            select(
                hull_entry.c.formula, hull_entry.c.chemical_system, hull_entry.c.energy_per_atom, hull_entry.c.origin
            )
            .where(hull_entry.c.hull_id == hull_id)
            .order_by(hull_entry.c.position)
        )
        .mappings()
        .all()
    )
    return [NewEntry(**row) for row in rows]
