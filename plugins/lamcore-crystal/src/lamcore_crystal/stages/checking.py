"""From the files of a submission to its structures, each with what the checks say of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from lamcore_crystal.findings import Finding, first_error
from lamcore_crystal.stages.watching import timed
from lamcore_crystal.store.content import content_of
from lamcore_crystal.store.schema import submission, submitted_file
from lamcore_crystal.store.writing import add_structures

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.intake.checking import Checked
    from lamcore_crystal.intake.pool import CheckingPool
    from lamcore_crystal.stages.watching import PhaseTime, Watcher
    from lamcore_crystal.store.database import Database

_FILES_AT_ONCE = 200


def check_files(database: Database, submission_id: int, pool: CheckingPool, watcher: Watcher) -> PhaseTime:
    """Check the files that were not checked before, in their order, so that ids do not depend on interruptions."""
    with timed("check") as spent:
        with database.read() as connection:
            split = connection.execute(
                select(submission.c.split_blocks).where(submission.c.id == submission_id)
            ).scalar_one()
            unread = _unread(connection, submission_id)
        watcher.began(f"submission {submission_id}: checking files", len(unread))
        for start in range(0, len(unread), _FILES_AT_ONCE):
            some = unread[start : start + _FILES_AT_ONCE]
            with database.read() as connection:
                contents = [
                    (row["id"], content_of(connection, row["content_sha256"]), split) for row in some if _kept(row)
                ]
            found = dict(pool.check_all(contents))
            with database.write() as connection:
                for row in some:
                    checked = found.get(row["id"])
                    rows = list(_structures(submission_id, row, checked))
                    add_structures(connection, rows)
                    spent.n += len(rows)
                connection.execute(
                    update(submitted_file)
                    .where(submitted_file.c.id.in_([row["id"] for row in some]))
                    .values(is_read=True)
                )
            watcher.advanced(len(some))
    return spent


def _unread(connection: Connection, submission_id: int) -> Sequence[Any]:
    return (
        connection.execute(
            select(
                submitted_file.c.id,
                submitted_file.c.content_sha256,
                submitted_file.c.refusal,
            )
            .where(submitted_file.c.submission_id == submission_id, submitted_file.c.is_read.is_(False))
            .order_by(submitted_file.c.position)
        )
        .mappings()
        .all()
    )


def _kept(row: Any) -> bool:
    return row["refusal"] is None


def _structures(submission_id: int, row: Any, checked: Sequence[Checked] | None) -> Iterator[dict[str, Any]]:
    """Rows of `structure`; one at least, so that a file that holds nothing readable is counted."""
    empty = dict.fromkeys(
        ("geometry", "geometry_sha256", "identity_sha256", "formula", "chemical_system", "n_sites", "sample_position")
    )
    base = empty | {"submission_id": submission_id, "file_id": row["id"]}
    if checked is None:
        refusal = row["refusal"]
        yield base | {
            "block": 0,
            "block_name": "",
            "status": "refused",
            "code": refusal["code"],
            "findings": [refusal],
            "labels": {},
        }
        return
    for one in checked:
        error = _refusing(one)
        filled: dict[str, Any] = {}
        if one.geometry is not None:
            filled |= {
                "geometry": one.geometry.pack(),
                "geometry_sha256": one.geometry.sha256(),
                "n_sites": len(one.geometry),
            }
        if one.description is not None:
            filled |= {
                "identity_sha256": one.description.identity_sha256,
                "formula": one.description.formula,
                "chemical_system": one.description.chemical_system,
            }
        yield base | {
            "block": one.block,
            "block_name": one.name,
            "status": "checked" if error is None else "refused",
            "code": None if error is None else error.code,
            "findings": [finding.as_json() for finding in one.findings],
            "labels": dict(one.labels),
            **filled,
        }


def _refusing(checked: Checked) -> Finding | None:
    return first_error(checked.findings)
