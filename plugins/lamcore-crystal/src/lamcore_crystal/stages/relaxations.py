"""Relaxations in the database, and the structures that need one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lamcore_crystal.compute import relaxation_sha256
from lamcore_crystal.store.batches import batches
from lamcore_crystal.store.schema import relaxation, structure

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.rounds import RelaxationRules
    from lamcore_crystal.store.database import Database


def accepted(database: Database, submissions: Sequence[int], size: int) -> Iterator[list[dict[str, Any]]]:
    """The structures of submissions that passed the checks and have no verdict yet, so many at a time."""
    for submission_id in submissions:
        last = 0
        while True:
            with database.read() as connection:
                rows = connection.execute(
                    select(structure.c.id, structure.c.status, structure.c.geometry_sha256, structure.c.geometry)
                    .where(
                        structure.c.submission_id == submission_id,
                        structure.c.status == "checked",
                        structure.c.id > last,
                    )
                    .order_by(structure.c.id)
                    .limit(size)
                ).mappings()
                some = [dict(row) for row in rows]
            if not some:
                break
            last = some[-1]["id"]
            yield some


def relaxations_of(
    connection: Connection, geometries: Iterable[str | None], model_id: int, rules: RelaxationRules
) -> dict[str, dict[str, Any]]:
    """Relaxations by the SHA-256 of the geometry that they began at."""
    settings_sha256 = relaxation_sha256(rules)
    found: dict[str, dict[str, Any]] = {}
    for some in batches({sha256 for sha256 in geometries if sha256 is not None}):
        rows = connection.execute(
            select(relaxation).where(
                relaxation.c.geometry_sha256.in_(some),
                relaxation.c.model_id == model_id,
                relaxation.c.settings_sha256 == settings_sha256,
            )
        ).mappings()
        found |= {row["geometry_sha256"]: dict(row) for row in rows}
    return found
