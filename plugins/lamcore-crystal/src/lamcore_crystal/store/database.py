"""Opening a challenge's database, in SQLite or PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from lamcore.errors import ConfigError
from lamcore_crystal.store import migration
from lamcore_crystal.store.errors import DatabaseExistsError, DatabaseMissingError, translated
from lamcore_crystal.store.schema import challenge, metadata

BUSY_SECONDS = 30.0
_WRITE = "lamcore_write"
_EVALUATION = 0x1A3C0  # any number, the same for all


class Database:
    """One challenge's database.

    Any number of readers and one writer at a time; a reader sees the state of when it began. Safe to share between
    threads, not between processes: each opens its own.

    Attributes:
        url: Where it is.
        shown: The same for people, without a password.
    """

    def __init__(self, url: URL, busy_seconds: float) -> None:
        self.url = url
        self.shown = str(sqlite_path(url) or url.render_as_string(hide_password=True))
        self._busy_seconds = busy_seconds
        self._engine = _engine(url, busy_seconds)
        self._reading = self._engine.execution_options(postgresql_readonly=True)
        self._writing = self._engine.execution_options(**{_WRITE: True})

    @classmethod
    def create(cls, url: str | Path, busy_seconds: float = BUSY_SECONDS, *, begun: bool = False) -> Database:
        """A new database with empty tables.

        Args:
            url: A path, `sqlite:///path`, or `postgresql://user@host/name` of an empty database.
            busy_seconds: How long to wait for another process that writes, s.
            begun: Whether an SQLite file may be there, without tables, as a kill leaves it.

        Raises:
            DatabaseExistsError: There is something already.
            DatabaseMissingError: The folder, or the server, is not there.
        """
        location = parse_url(url)
        if (path := sqlite_path(location)) is not None:
            if path.exists() and not begun:
                raise DatabaseExistsError(f"{path} exists already; open it, or choose another name")
            if not path.parent.is_dir():
                raise DatabaseMissingError(f"{path}: its folder does not exist; make {path.parent} first")
        with _closed_on_failure(cls(location, busy_seconds)) as database:
            with database.write() as connection:
                if inspect(connection).get_table_names():
                    raise DatabaseExistsError(f"{database.shown} has tables already; name an empty database")
                metadata.create_all(connection)
                migration.stamp(connection)
            return database

    @classmethod
    def open(cls, url: str | Path, busy_seconds: float = BUSY_SECONDS) -> Database:
        """A database that was created before; tables of an older version are brought up to date, after a backup copy.

        Args:
            url: As for `create`.
            busy_seconds: As for `create`.

        Raises:
            DatabaseMissingError: There is none, or it is not a challenge's.
            SchemaVersionError: It was made by a newer version.
        """
        location = parse_url(url)
        path = sqlite_path(location)
        if path is not None and not path.is_file():
            raise DatabaseMissingError(f"{path}: there is no database; `lamcore crystal init` makes one")
        with _closed_on_failure(cls(location, busy_seconds)) as database:
            found = database._revision()
            if found != migration.head():
                if path is not None:
                    database.copy_to(migration.backup_path(path, found))
                with database.write() as connection:
                    migration.upgrade(connection)
            return database

    def read(self) -> AbstractContextManager[Connection]:
        """A connection that sees one state of the database and cannot change it."""
        return self._transaction(self._reading)

    def write(self) -> AbstractContextManager[Connection]:
        """A connection whose changes are kept together when the block ends, and not at all when it raises."""
        return self._transaction(self._writing)

    def checkpoint(self) -> None:
        """Bring what SQLite keeps in its write-ahead log into the file itself."""
        if sqlite_path(self.url) is not None:
            with translated(self.shown, self._busy_seconds), self._engine.connect() as connection:
                _sqlite_of(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # in no transaction

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._engine.dispose()

    def copy_to(self, path: Path) -> Path:
        """A consistent copy of an SQLite database, also while others write.

        Raises:
            ConfigError: A PostgreSQL database, which is copied by `pg_dump`.
            DatabaseExistsError: There is a file already.
        """
        source = sqlite_path(self.url)
        if source is None:
            raise ConfigError(f"{self.shown}: PostgreSQL is copied by its own tool, `pg_dump`")
        if path.exists():
            raise DatabaseExistsError(f"{path} exists already; a copy never replaces a file")
        with (
            self.read() as connection,
            translated(str(path), self._busy_seconds),
            closing(sqlite3.connect(path)) as target,
        ):
            _sqlite_of(connection).backup(target)
        return path

    def _revision(self) -> str:
        with self.read() as connection:
            found = migration.revision_of(connection)
            if found is None or not inspect(connection).has_table(challenge.name):
                raise DatabaseMissingError(
                    f"{self.shown} is not the database of a challenge: its tables are "
                    f"{inspect(connection).get_table_names()}; `lamcore crystal init` makes one"
                )
        migration.refuse_newer(found, self.shown)
        return found

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Keep the only evaluation of this database, on whichever machine the others are.

        Gives whether it could be had. An SQLite file has no server to keep it, and leaves that to a lock beside it.
        """
        if sqlite_path(self.url) is not None:
            yield True
            return
        with translated(str(self.shown), self._busy_seconds), self._engine.connect() as connection:
            gained = bool(connection.execute(select(func.pg_try_advisory_lock(_EVALUATION))).scalar_one())
            connection.commit()
            try:
                yield gained
            finally:
                if gained:
                    connection.execute(select(func.pg_advisory_unlock(_EVALUATION)))
                    connection.commit()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        with translated(self.shown, self._busy_seconds), engine.begin() as connection:
            yield connection


def parse_url(url: str | Path) -> URL:
    """The address of a database; a path is an SQLite file.

    Raises:
        ConfigError: Neither SQLite nor PostgreSQL, or no address.
    """
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(url))
    try:
        location = make_url(url)
    except ArgumentError as error:
        raise ConfigError(f"{url!r} is not the address of a database; such as postgresql://user@host/name") from error
    backend = location.get_backend_name()
    if backend == "sqlite":
        if location.database in (None, "", ":memory:"):
            raise ConfigError(f"{url!r}: a challenge needs a file, such as sqlite:///challenge.db")
        return location
    if backend in ("postgresql", "postgres"):
        return location.set(drivername="postgresql+psycopg")
    raise ConfigError(f"{url!r}: databases are SQLite (a path) or PostgreSQL (postgresql://…), not {backend}")


def sqlite_path(url: URL) -> Path | None:
    """The file of an SQLite database; None for a server."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


@contextmanager
def _closed_on_failure(database: Database) -> Iterator[Database]:
    try:
        yield database
    except BaseException:
        database.close()
        raise


def _engine(url: URL, busy_seconds: float) -> Engine:
    if url.get_backend_name() != "sqlite":
        lock_timeout = f"-c lock_timeout={int(1000 * busy_seconds)} -c timezone=UTC"
        try:
            return create_engine(url, pool_pre_ping=True, connect_args={"options": lock_timeout})
        except ModuleNotFoundError as error:
            raise ConfigError("PostgreSQL needs psycopg: pip install 'lamcore-crystal[postgresql]'") from error
    engine = create_engine(url, connect_args={"timeout": busy_seconds})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    # The driver's own transactions begin too late to give a consistent view; `_begin_sqlite` begins them.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA mmap_size = 2147418112")  # pages are read in place, not copied


def _sqlite_of(connection: Connection) -> sqlite3.Connection:
    held = connection.connection.driver_connection
    if not isinstance(held, sqlite3.Connection):
        raise TypeError(f"expected a connection to SQLite, not {type(held).__name__}")
    return held


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    # A writer takes its lock at the start: one that began as a reader could not wait for another writer.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
