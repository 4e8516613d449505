"""One crystal with all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from lamcore_crystal.geometry import Geometry
from lamcore_crystal.store.schema import (
    crystal,
    environment,
    hull,
    hull_entry,
    model,
    relaxation,
    result,
    structure,
    submission,
)

_RELAXATION = (
    *("id", "status", "energy", "n_steps", "max_force", "residual", "max_stress_gpa", "volume_ratio", "seconds"),
    *("attempt", "settings_sha256", "provenance", "finished_at"),
)


def crystal_row(connection: Connection, crystal_id: int) -> Mapping[str, Any] | None:
    """All columns of a crystal; None where there is none."""
    row = connection.execute(select(crystal).where(crystal.c.id == crystal_id)).mappings().first()
    return None if row is None else dict(row)


def crystal_view(connection: Connection, crystal_id: int) -> dict[str, Any] | None:
    """A crystal with its geometries, relaxation, decomposition, results and history; None where there is none."""
    row = crystal_row(connection, crystal_id)
    if row is None:
        return None
    shown = {name: value for name, value in row.items() if name != "geometry"}
    relaxed = (
        connection.execute(
            select(*(relaxation.c[name] for name in _RELAXATION)).where(relaxation.c.id == row["relaxation_id"])
        )
        .mappings()
        .first()
    )
    results = _results(connection, crystal_id)
    return {
        **shown,
        **_geometry(row["geometry"]),
        "submitted": _submitted(connection, crystal_id),
        "relaxation": None if relaxed is None else _with_environment(connection, dict(relaxed)),
        "model": _model(connection, row["model_id"]),
        "decomposition": next(
            (_decomposition(connection, one) for one in results if one["hull_id"] == row["hull_id"]), []
        ),
        "results": results,
        "history": _history(connection, row, None if relaxed is None else relaxed["finished_at"], results),
    }


def _geometry(packed: bytes) -> dict[str, Any]:
    geometry = Geometry.unpack(packed)
    return {
        "cell": geometry.cell.tolist(),
        "fractional": geometry.fractional.tolist(),
        "numbers": geometry.numbers.tolist(),
    }


def _submitted(connection: Connection, structure_id: int) -> dict[str, Any] | None:
    packed = connection.execute(select(structure.c.geometry).where(structure.c.id == structure_id)).scalar()
    return None if packed is None else _geometry(packed)


def _with_environment(connection: Connection, relaxed: dict[str, Any]) -> dict[str, Any]:
    sha256 = (relaxed["provenance"] or {}).get("environment")
    versions = connection.execute(select(environment.c.content).where(environment.c.sha256 == sha256)).scalar()
    return {**relaxed, "environment": versions}


def _model(connection: Connection, model_id: int) -> dict[str, Any]:
    row = connection.execute(select(model.c.name, model.c.sha256, model.c.identity).where(model.c.id == model_id)).one()
    return dict(row._mapping)


def _results(connection: Connection, crystal_id: int) -> list[dict[str, Any]]:
    query = (
        select(
            *(result.c[name] for name in ("hull_id", "score_name", "score", "formation_energy_per_atom")),
            *(result.c.energy_above_hull, result.c.decomposition),
            *(hull.c.name.label("hull_name"), hull.c.sha256.label("hull_sha256"), hull.c.created_at),
        )
        .join_from(result, hull, hull.c.id == result.c.hull_id)
        .where(result.c.structure_id == crystal_id)
        .order_by(result.c.hull_id, result.c.score_name)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _decomposition(connection: Connection, one: Mapping[str, Any]) -> list[dict[str, Any]]:
    positions = [position for _, _, position in one["decomposition"]]
    found = connection.execute(
        select(hull_entry.c.position, hull_entry.c.origin).where(
            hull_entry.c.hull_id == one["hull_id"], hull_entry.c.position.in_(positions)
        )
    )
    origins = {row.position: row.origin for row in found}
    return [
        {
            "formula": formula,
            "amount": amount,
            "origin": origins.get(position),
            "crystal_id": crystal_id_of(origins.get(position)),
        }
        for formula, amount, position in one["decomposition"]
    ]


def crystal_id_of(origin: str | None) -> int | None:
    """The crystal that a hull's entry came from; None where it is a reference."""
    kind, _, name = (origin or "").partition(":")
    return int(name) if kind == "crystal" and name.isascii() and name.isdigit() else None


def _history(
    connection: Connection, row: Mapping[str, Any], relaxed_at: str | None, results: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    received_at = connection.execute(
        select(submission.c.received_at).where(submission.c.id == row["submission_id"])
    ).scalar()
    steps = [("submitted", received_at), ("relaxed", relaxed_at), ("accepted", row["added_at"])]
    history: list[dict[str, Any]] = [
        {"at": at, "kind": kind, "hull_id": None, "energy_above_hull": None} for kind, at in steps if at is not None
    ]
    for one in {one["hull_id"]: one for one in results}.values():
        # A hull that was frozen before the crystal came was met when the crystal was accepted.
        at = max(one["created_at"], row["added_at"])
        distance = one["energy_above_hull"]
        history.append({"at": at, "kind": "scored", "hull_id": one["hull_id"], "energy_above_hull": distance})
    return history
