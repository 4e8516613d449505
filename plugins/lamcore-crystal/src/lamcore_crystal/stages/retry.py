"""Relaxations that failed for no fault of the structure are made once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from lamcore_crystal.store import statistics
from lamcore_crystal.store.batches import batches
from lamcore_crystal.store.schema import relaxation, structure, submission
from lamcore_crystal.store.writing import add_event

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.challenge import OpenRound

OF_THE_MACHINE = "E_MODEL"
"""What a relaxation fails with for no fault of the structure: an error of the model, a crash, no memory."""


def reopen_failed(connection: Connection, open_round: OpenRound) -> int:
    """Take the submissions of a round up again that have relaxations that failed with `E_MODEL`.

    A relaxation is marked to be made again, and counts its attempts; what it failed with goes to the log. Structures of
    submissions that were evaluated wait for their verdict again, and the gate decides again on those that it rejected.
    Crystals that were accepted meanwhile keep their rows.

    Args:
        connection: Of a transaction that writes.
        open_round: The round.

    Returns:
        How many relaxations are marked.
    """
    marked: set[int] = set()
    query = select(submission.c.id, submission.c.status).where(
        submission.c.round_id == open_round.id, submission.c.status.in_(("evaluated", "rejected", "sampled", "checked"))
    )
    for row in connection.execute(query.order_by(submission.c.id)).all():
        failed = _failed(connection, open_round.model_id, row.id)
        if not failed:
            continue
        marked |= {one["relaxation_id"] for one in failed}
        _reopen_structures(connection, [one for one in failed if one["status"] == "failed"])
        before = {"evaluated": "sampled", "rejected": "checked"}.get(row.status, row.status)
        connection.execute(update(submission).where(submission.c.id == row.id).values(status=before, finished_at=None))
        told = [{name: one[name] for name in ("geometry_sha256", "attempt", "message")} for one in failed]
        add_event(connection, "retry", {"relaxations": told, "from": row.status}, row.id)
    for some in batches(sorted(marked)):
        connection.execute(update(relaxation).where(relaxation.c.id.in_(some)).values(status="again"))
    return len(marked)


def _failed(connection: Connection, model_id: int, submission_id: int) -> list[dict[str, Any]]:
    """Structures of a submission, each with a relaxation of its that failed."""
    rows = connection.execute(
        select(
            *(structure.c[name] for name in ("id", "status", "code", "findings", "geometry_sha256")),
            *(relaxation.c[name] for name in ("attempt", "message")),
            relaxation.c.id.label("relaxation_id"),
        )
        .join(relaxation, relaxation.c.geometry_sha256 == structure.c.geometry_sha256)
        .where(
            structure.c.submission_id == submission_id,
            (structure.c.status == "checked") | (structure.c.code == OF_THE_MACHINE),
            relaxation.c.model_id == model_id,
            relaxation.c.status == "failed",
            relaxation.c.code == OF_THE_MACHINE,
        )
        .order_by(structure.c.id)
    ).mappings()
    return [dict(row) for row in rows]


def _reopen_structures(connection: Connection, failed: Sequence[dict[str, Any]]) -> None:
    """Take back the verdict that the failure was."""
    reopened = {one["id"]: one for one in failed}  # two relaxations where the sample has an fmax of its own
    for one in reopened.values():
        findings = [finding for finding in one["findings"] if finding["code"] != OF_THE_MACHINE]
        values = {"status": "checked", "code": None, "findings": findings}
        connection.execute(update(structure).where(structure.c.id == one["id"]).values(values))
    statistics.apply(connection, Counter({("code", OF_THE_MACHINE): -len(reopened)}))
