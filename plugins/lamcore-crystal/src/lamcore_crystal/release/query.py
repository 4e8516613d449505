"""SQL over a release, through DuckDB, which reads no other files meanwhile."""

from __future__ import annotations

from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from lamcore.errors import ConfigError, DataError

if TYPE_CHECKING:
    import duckdb
    import pyarrow

TABLES = {
    "crystals": "crystals/*.parquet",
    "structures": "structures/*.parquet",
    "results": "results/*.parquet",
    "hull_entries": "hull_entries.parquet",
}


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection with the tables `crystals`, `structures`, `results` and `hull_entries`; close it afterwards.

    Raises:
        DataError: Not a release.
    """
    import duckdb

    folder = folder.absolute()
    readable = escape(str(folder))  # a folder may be called `a[1]`
    connection = duckdb.connect()
    for name, pattern in TABLES.items():
        if not list(folder.glob(pattern)):
            connection.close()
            raise DataError(f"{folder}: not a release (no {pattern}); `lamcore crystal export` makes one")
        connection.from_parquet(f"{readable}/{pattern}").create_view(name)
    connection.execute("SET allowed_directories = [?, ?]", [f"{folder}/", f"{readable}/"])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def query(folder: Path, sql: str) -> pyarrow.Table:
    """What a query over a release finds.

    Args:
        folder: The release.
        sql: As DuckDB reads it: `SELECT formula, count(*) FROM crystals GROUP BY formula`.

    Raises:
        DataError: Not a release.
        ConfigError: Not a query that can be answered.
    """
    import duckdb

    connection = connect(folder)
    try:
        found = connection.sql(sql)
        if found is None:
            raise ConfigError(f"{folder}: this SQL asks for no rows; expected SELECT … FROM {' or '.join(TABLES)}")
        return found.to_arrow_table()
    except duckdb.Error as error:
        raise ConfigError(f"{folder}: {error}; the tables are {', '.join(TABLES)}") from error
    finally:
        connection.close()
