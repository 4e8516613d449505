"""What can be wrong with the database of a challenge, and what to do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from lamcore.errors import ConfigError, LamcoreError


class StoreError(LamcoreError):
    """The database cannot be used, or did not take what was written; nothing of the transaction is kept."""


class DatabaseMissingError(ConfigError, StoreError):
    """There is no database where one was expected, or something that is not one."""


class DatabaseExistsError(ConfigError, StoreError):
    """There is a database where one was to be made."""


class SchemaVersionError(ConfigError, StoreError):
    """The tables were made by a newer version of this package."""


class DatabaseBusyError(StoreError):
    """Another process held the database for longer than the wait."""


class DatabaseFullError(StoreError):
    """The disk, or the space allowed, is full."""


_BUSY_STATES = {"40001", "40P01", "55P03", "57014"}
_FULL_STATES = {"53100", "53200", "54000"}
_CONNECTION_STATES = {None, "08001", "08006", "3D000", "28000", "28P01", "53300", "57P03"}


@contextmanager
def translated(where: str, busy_seconds: float) -> Iterator[None]:
    """Failures of the database itself as errors that say what to do; others pass.

    Args:
        where: The database, as shown.
        busy_seconds: How long a lock was waited for, s.

    Raises:
        DatabaseBusyError: Locked by another process, or a deadlock.
        DatabaseFullError: No space is left.
        DatabaseMissingError: Not a database, or no server there.
        StoreError: The database cannot be written or is damaged.
    """
    try:
        yield
    except DBAPIError as error:
        known = _translation(error, where, busy_seconds)
        if known is None:
            raise
        raise known from error


def _translation(error: DBAPIError, where: str, busy_seconds: float) -> StoreError | None:
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return _sqlite(original, where, busy_seconds)
    return _postgresql(original, where)


def _sqlite(error: sqlite3.Error, where: str, busy_seconds: float) -> StoreError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the lower byte is the kind, the upper ones tell more
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseBusyError(
            f"{where} is locked: another process has been writing for more than {busy_seconds:g} s; nothing was "
            "written; wait until it ends, or end it, and give the same command again"
        )
    if code == sqlite3.SQLITE_FULL:
        return DatabaseFullError(
            f"{where}: no space is left; nothing of this step was written, what was there before is unharmed; "
            "free space on that disk and give the same command again"
        )
    if code == sqlite3.SQLITE_IOERR:
        return DatabaseFullError(
            f"{where}: the file could not be read or written ({error}); the disk or a quota may be full; nothing of "
            "this step was kept; check the disk and give the same command again"
        )
    if code == sqlite3.SQLITE_READONLY:
        return StoreError(f"{where} cannot be written ({error}); check the permissions of the file and its folder")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DatabaseMissingError(
            f"{where} is damaged or is no SQLite database ({error}); expected a file made by `lamcore crystal init`; "
            "put back a copy of it"
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return DatabaseMissingError(f"{where} cannot be opened ({error}); check the path and its permissions")
    return None


def _postgresql(error: BaseException | None, where: str) -> StoreError | None:
    state = getattr(error, "sqlstate", "")
    first_line = str(error).strip().split("\n")[0]
    if state in _BUSY_STATES:
        return DatabaseBusyError(
            f"{where}: another transaction holds what this one needs ({first_line}); nothing was written; "
            "give the same command again"
        )
    if state in _FULL_STATES:
        return DatabaseFullError(
            f"{where}: the server has no space left ({first_line}); nothing of this step was written; free space on "
            "the server and give the same command again"
        )
    if state in _CONNECTION_STATES:
        return DatabaseMissingError(
            f"{where}: no connection ({first_line}); check the address, the name of the database and the password, "
            "and that the server runs"
        )
    return None
