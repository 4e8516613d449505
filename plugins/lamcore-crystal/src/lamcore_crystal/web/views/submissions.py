"""Submissions: how far they are, and what became of each structure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, case, distinct, func, select

from lamcore_crystal.codes import CODES
from lamcore_crystal.store.schema import relaxation, round_, structure, submission, submitted_file
from lamcore_crystal.web import cursors

STATUSES = ("refused", "checked", "passed", "failed")
_COLUMNS = (
    *("id", "source", "submitter", "licence", "received_at", "sha256", "split_blocks", "n_files", "status", "gate"),
    "finished_at",
)


def submissions_view(connection: Connection, limit: int, after: str | None) -> dict[str, Any]:
    """`/submissions`: the newest first.

    Raises:
        ApiError: The cursor is damaged.
    """
    query = (
        select(*(submission.c[name] for name in _COLUMNS), round_.c.number.label("round"))
        .join_from(submission, round_, round_.c.id == submission.c.round_id)
        .order_by(submission.c.id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(submission.c.id < cursors.decode_id("submissions", after))
    rows = [dict(row) for row in connection.execute(query).mappings()]
    counts = _counts(connection, [row["id"] for row in rows[:limit]])
    items = [{**row, "counts": counts[row["id"]]} for row in rows[:limit]]
    more = len(rows) > limit
    return {"items": items, "next": cursors.encode("submissions", [items[-1]["id"]]) if more else None}


def submission_view(connection: Connection, submission_id: int) -> dict[str, Any] | None:
    """`/submissions/{id}`: with its progress; None where there is none."""
    row = (
        connection.execute(
            select(*(submission.c[name] for name in _COLUMNS), round_.c.number.label("round"), round_.c.model_id)
            .join_from(submission, round_, round_.c.id == submission.c.round_id)
            .where(submission.c.id == submission_id)
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    shown = {name: value for name, value in row.items() if name != "model_id"}
    counts = _counts(connection, [submission_id])[submission_id]
    codes = connection.execute(
        select(structure.c.code, func.count())
        .where(structure.c.submission_id == submission_id, structure.c.code.is_not(None))
        .group_by(structure.c.code)
        .order_by(func.count().desc(), structure.c.code)
    )
    return {
        **shown,
        "counts": counts,
        "codes": [_explained(code) | {"n": n} for code, n in codes],
        "progress": _progress(connection, submission_id, row["model_id"], row["n_files"], counts),
    }


def structures_view(
    connection: Connection, submission_id: int, status: str | None, limit: int, after: str | None
) -> dict[str, Any]:
    """`/submissions/{id}/structures`: what became of each, with the code and what to do about it.

    Raises:
        ApiError: The cursor is damaged, or of another list.
    """
    purpose = f"structures of {submission_id} {status}"
    query = (
        select(
            *(structure.c[name] for name in ("id", "block", "block_name", "status", "code", "findings", "formula")),
            submitted_file.c.name.label("file"),
        )
        .join_from(structure, submitted_file, submitted_file.c.id == structure.c.file_id)
        .where(structure.c.submission_id == submission_id)
        .order_by(structure.c.id)
        .limit(limit + 1)
    )
    if status is not None:
        query = query.where(structure.c.status == status)
    if after is not None:
        query = query.where(structure.c.id > cursors.decode_id(purpose, after))
    rows = [dict(row) for row in connection.execute(query).mappings()]
    items = [{**row, **_explained(row["code"]), "message": _message(row)} for row in rows[:limit]]
    more = len(rows) > limit
    return {"items": items, "next": cursors.encode(purpose, [items[-1]["id"]]) if more else None}


def _counts(connection: Connection, ids: list[int]) -> dict[int, dict[str, int]]:
    counts = {one: dict.fromkeys(STATUSES, 0) for one in ids}
    rows = connection.execute(
        select(structure.c.submission_id, structure.c.status, func.count())
        .where(structure.c.submission_id.in_(ids))
        .group_by(structure.c.submission_id, structure.c.status)
    )
    for submission_id, status, n in rows:
        counts[submission_id][status] = n
    return {one: {**mine, "total": sum(mine.values())} for one, mine in counts.items()}


def _progress(
    connection: Connection, submission_id: int, model_id: int, n_files: int, counts: Mapping[str, int]
) -> dict[str, int]:
    """Files that were checked; distinct structures that have a relaxation, of those that need one."""
    checked = connection.execute(
        select(func.coalesce(func.sum(case((submitted_file.c.is_read, 1), else_=0)), 0)).where(
            submitted_file.c.submission_id == submission_id
        )
    ).scalar_one()
    mine = and_(structure.c.submission_id == submission_id, structure.c.status != "refused")
    to_relax, relaxed = connection.execute(
        select(func.count(distinct(structure.c.geometry_sha256)), func.count(distinct(relaxation.c.geometry_sha256)))
        .select_from(structure)
        .outerjoin(
            relaxation,
            and_(relaxation.c.geometry_sha256 == structure.c.geometry_sha256, relaxation.c.model_id == model_id),
        )
        .where(mine)
    ).one()
    return {
        "files": n_files,
        "checked": int(checked),
        "to_relax": to_relax,
        "relaxed": relaxed,
        "total": counts["total"],
    }


def _explained(name: str | None) -> dict[str, str | None]:
    code = CODES.get(name) if name is not None else None
    if code is None:
        return {"code": name, "meaning": None, "advice": None}
    return {"code": name, "meaning": code.meaning, "advice": code.advice}


def _message(row: Mapping[str, Any]) -> str | None:
    return next((one["message"] for one in row["findings"] if one["code"] == row["code"]), None)
