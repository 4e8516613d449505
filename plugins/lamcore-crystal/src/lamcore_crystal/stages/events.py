"""The log of a challenge: what happened, when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection


def now() -> str:
    """In UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def log(connection: Connection, kind: str, submission_id: int | None = None, **details: Any) -> None:
    """Add a line to the log, in the caller's transaction.

    Args:
        connection: Of a transaction that writes.
        kind: Such as `submitted`, `gate` or `phase`.
        submission_id: What it is about, if a submission.
        details: JSON values.
    """
    from lamcore_crystal.store.schema import event

    connection.execute(event.insert().values(at=now(), kind=kind, submission_id=submission_id, details=details))
