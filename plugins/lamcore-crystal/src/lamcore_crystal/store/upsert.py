"""Rows that may be there already, in the dialect of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is not there yet; leave the others as they are."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))


def add_to(connection: Connection, table: Table, column: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add to a number of the row with the same primary key, or insert the row."""
    if rows:
        statement = _insert(connection, table)
        total = table.c[column] + statement.excluded[column]
        keys = [key.name for key in table.primary_key]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={column: total}), list(rows))


def _insert(connection: Connection, table: Table) -> Any:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
