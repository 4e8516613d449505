"""What every part of the web service shares: the challenge, and reading from it within a time limit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from lamcore_crystal.store.errors import DatabaseBusyError
from lamcore_crystal.store.schema import challenge as challenge_table
from lamcore_crystal.web.errors import TooSlowError

if TYPE_CHECKING:
    from fastapi import Request

    from lamcore_crystal.challenge import Challenge

_STEPS_BETWEEN_LOOKS = 20_000
Submit = Callable[..., Any]


@dataclass(frozen=True)
class Site:
    """A challenge as served.

    Attributes:
        challenge: Open.
        submit: Takes a submission in: `lamcore_crystal.stages.submit.submit`.
        root_url: Where clients reach this server, without a slash at the end; None takes it from each request.
        query_seconds: Longest time for one query, s.
        count_seconds: Longest time for counting what a query finds, s; what takes longer is not counted.
        max_uploads: Uploads at the same time.
        silent_seconds: How long an upload may keep its place without sending anything, s.
        spool: Folder for uploads on their way; None takes the system's.
    """

    challenge: Challenge
    submit: Submit
    root_url: str | None = None
    query_seconds: float = 10.0
    count_seconds: float = 2.0
    max_uploads: int = 4
    silent_seconds: float = 30.0
    spool: Path | None = None

    @contextmanager
    def read(self, seconds: float | None = None) -> Iterator[Connection]:
        """A connection for reading, whose statements are stopped in time.

        Raises:
            TooSlowError: They were.
        """
        limit = self.query_seconds if seconds is None else seconds
        deadline = time.monotonic() + limit
        try:
            with self.challenge.database.read() as connection, _stopped(connection, deadline, limit):
                yield connection
        except (DBAPIError, DatabaseBusyError) as error:
            if time.monotonic() >= deadline:
                raise TooSlowError(limit) from error
            raise

    def read_access(self) -> str:
        """`open`, or `token`."""
        with self.read() as connection:
            access: str = connection.execute(select(challenge_table.c.read_access)).scalar_one()
            return access

    def base_url(self, request: Request) -> str:
        """Of this server, as the client reaches it, without a slash at the end."""
        return self.root_url if self.root_url is not None else f"{request.url.scheme}://{request.url.netloc}"


@contextmanager
def _stopped(connection: Connection, deadline: float, seconds: float) -> Iterator[None]:
    held: Any = connection.connection.driver_connection
    if not isinstance(held, sqlite3.Connection):
        connection.execute(text(f"SET LOCAL statement_timeout = {int(1000 * seconds)}"))
        yield
        return
    held.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        held.set_progress_handler(None, 0)
