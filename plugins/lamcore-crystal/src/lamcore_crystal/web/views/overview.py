"""The challenge as a whole, and the counts over it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, func, select

from lamcore_crystal.codes import CODES
from lamcore_crystal.store.schema import challenge, hull, model, round_, submission
from lamcore_crystal.store.statistics import counts_of, statistics


def challenge_view(connection: Connection) -> dict[str, Any]:
    """`/challenge`: name, licence, counts, and the newest round with its model and hull; never the round's secret."""
    row = connection.execute(select(challenge.c.name, challenge.c.licence, challenge.c.read_access)).one()
    counts = counts_of(connection, [(name, "") for name in ("total", "stable", "unique", "novel")])
    return {
        "name": row.name,
        "licence": row.licence,
        "read_access": row.read_access,
        "counts": {
            "crystals": counts["total", ""],
            "stable": counts["stable", ""],
            "unique": counts["unique", ""],
            "novel": counts["novel", ""],
            "submissions": connection.execute(select(func.count()).select_from(submission)).scalar_one(),
        },
        "round": _newest_round(connection),
    }


def statistics_view(connection: Connection) -> dict[str, Any]:
    """`/statistics`."""
    from lamcore_crystal.figures.served import drawable  # imports Plotly

    counts = asdict(statistics(connection))
    # A code of an extension has no words of ours.
    counts["code_meanings"] = {name: CODES[name].meaning for name in counts["codes"] if name in CODES}
    counts["figures"] = drawable(connection)
    edges, heights = counts.pop("hull_distance_edges"), counts.pop("hull_distance_counts")
    return {**counts, "hull_distance": {"edges": edges, "counts": heights}}


def _newest_round(connection: Connection) -> dict[str, Any] | None:
    row = connection.execute(
        select(
            *(round_.c[name] for name in ("number", "name", "opened_at", "closed_at", "settings", "settings_sha256")),
            *(model.c.name.label("model_name"), model.c.identity, model.c.sha256.label("model_sha256")),
            *(hull.c.id.label("hull_id"), hull.c.sha256.label("hull_sha256"), hull.c.n_entries),
        )
        .join_from(round_, model, model.c.id == round_.c.model_id)
        .outerjoin(hull, hull.c.id == round_.c.hull_id)
        .order_by(round_.c.number.desc())
    ).first()
    if row is None:
        return None
    frozen = None
    if row.hull_id is not None:
        frozen = {"id": row.hull_id, "sha256": row.hull_sha256, "n_entries": row.n_entries}
    return {
        "number": row.number,
        "name": row.name,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
        "settings": row.settings,
        "settings_sha256": row.settings_sha256,
        "model": {"name": row.model_name, "identity": row.identity, "sha256": row.model_sha256},
        "hull": frozen,
        "score": row.settings["score"],
    }
