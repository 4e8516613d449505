"""The same store in a real PostgreSQL server, which is started for these tests where one is installed."""

import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import test_search
from filled import fill
from lamcore_crystal.store import migration
from lamcore_crystal.store.content import add_content, content_of
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.errors import DatabaseBusyError, DatabaseExistsError, DatabaseMissingError
from lamcore_crystal.store.query import CrystalQuery
from lamcore_crystal.store.schema import crystal, metadata
from lamcore_crystal.store.search import search
from lamcore_crystal.store.statistics import recount, statistics
from lamcore_crystal.store.writing import add_event, rescore
from sqlalchemy import create_engine, inspect, select, update
from sqlalchemy.exc import DBAPIError

from lamcore.errors import ConfigError


def _tool(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda one: [len(one), one])
    return shutil.which(name) or (found[-1] if found else None)


@pytest.fixture(scope="module")
def server():
    """The address of a server with an empty cluster, on a socket in a folder of its own."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'lamcore-crystal[postgresql]'")
    initdb, pg_ctl = _tool("initdb"), _tool("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("no PostgreSQL server is installed (initdb and pg_ctl are looked for in PATH)")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # short: a socket's path has 107 characters at most
    as_user, user = [], pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        if "postgres" not in {one.pw_name for one in pwd.getpwall()} or shutil.which("runuser") is None:
            pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres to run it as")
        as_user, user = ["runuser", "-u", "postgres", "--"], "postgres"
        shutil.chown(folder, "postgres")

    def run(*command):
        subprocess.run([*as_user, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60)

    data = folder / "data"
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=40"
    try:
        run(initdb, "--pgdata", data, "--username", user, "--auth", "trust", "--encoding", "UTF8", "--no-sync")
        run(pg_ctl, "--pgdata", data, "--options", options, "--log", folder / "log", "--wait", "start")
        try:
            yield f"postgresql://{user}@/{{}}?host={folder}"
        finally:
            run(pg_ctl, "--pgdata", data, "--mode", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def make(server):
    """Make an empty database and give its address."""
    admin = create_engine(
        server.format("postgres").replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )

    def make(name):
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return server.format(name)

    yield make
    admin.dispose()


@pytest.fixture(scope="module")
def database(make):
    url = make("filled")
    Database.create(url).close()
    database = Database.open(url)
    fill(database, 120)
    with database.write() as connection:
        without = update(crystal).where(crystal.c.id % 7 == 0)
        connection.execute(without.values(energy_above_hull=None, formation_energy_per_atom=None))
    yield database
    database.close()


def test_searches_find_what_python_finds_in_the_same_order(database):
    n_with_hits = 0
    with database.read() as connection:
        rows = [dict(row) for row in connection.execute(select(crystal)).mappings()]
        for i, question in enumerate(list(test_search.combinations())[::2]):
            pages = test_search.all_pages(connection, CrystalQuery(**question), (15, 1000, 1000)[i % 3])
            found = [row["id"] for page in pages for row in page.rows]
            assert found == test_search.expected_ids(rows, question), question
            n_with_hits += bool(found)
    assert n_with_hits > 60


def test_text_is_a_value_and_never_sql(database):
    with database.read() as connection:
        for value in test_search.HOSTILE:
            assert not search(connection, CrystalQuery(source=value, prototype=value)).rows


def test_the_counts_are_those_of_a_recount(database):
    with database.write() as connection:
        recount(connection)  # some distances were removed behind its back
        first = (
            connection.execute(select(crystal.c.id).where(crystal.c.energy_above_hull.is_not(None))).scalars().first()
        )
        rescore(connection, [{"id": first, "energy_above_hull": 0.0, "score": 0.0}])
        assert statistics(connection) == recount(connection)


def test_bytes_come_back_as_they_came(database):
    with database.write() as connection:
        for data in (b"", bytes(range(256)), b"data_x\n" * 1000):
            assert content_of(connection, add_content(connection, data)) == data


def test_a_reader_cannot_write(database):
    with pytest.raises(DBAPIError, match="read-only"), database.read() as connection:
        add_event(connection, "never")


def test_a_lock_is_waited_for_and_then_named(database):
    impatient = Database.open(database.url.render_as_string(hide_password=False), busy_seconds=0.2)
    with database.write() as connection:
        connection.execute(update(crystal).values(licence="CC-BY-4.0"))
        with pytest.raises(DatabaseBusyError, match="again"), impatient.write() as other:
            other.execute(update(crystal).values(licence="none"))
    impatient.close()


def test_one_alone_evaluates_and_the_next_may_when_it_ends_or_dies(database):
    url = database.url.render_as_string(hide_password=False)
    other = Database.open(url)
    try:
        with database.alone() as first:
            assert first
            with other.alone() as second:
                assert not second
            with other.write() as connection:  # others may write meanwhile
                add_event(connection, "test")
        with other.alone() as third, database.alone() as fourth:
            assert third
            assert not fourth
        with pytest.raises(RuntimeError, match="ended"), other.alone():
            raise RuntimeError("ended")
        with database.alone() as after_a_failure:
            assert after_a_failure
        hold = "import sys, time; from lamcore_crystal.store.database import Database\n"
        hold += "with Database.open(sys.argv[1]).alone() as gained: print(gained, flush=True); time.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", hold, url], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "True\n"
            with database.alone() as meanwhile:
                assert not meanwhile
            process.kill()
        for _ in range(50):  # the server notices a little later
            with database.alone() as after_a_kill:
                if after_a_kill:
                    break
            time.sleep(0.1)
        assert after_a_kill
    finally:
        other.close()


def test_the_revisions_make_the_same_tables_as_the_schema(make):
    migrated = create_engine(make("migrated").replace("postgresql:", "postgresql+psycopg:"))
    created = create_engine(make("created").replace("postgresql:", "postgresql+psycopg:"))
    with migrated.begin() as connection:
        migration.upgrade(connection)
    with created.begin() as connection:
        metadata.create_all(connection)
        migration.stamp(connection)
    described = []
    for engine in (migrated, created):
        seen = inspect(engine)
        described.append(
            {
                name: (
                    [str(column) for column in seen.get_columns(name)],
                    sorted(str(one) for one in seen.get_indexes(name)),
                    sorted(str(one) for one in seen.get_foreign_keys(name)),
                    str(seen.get_pk_constraint(name)),
                )
                for name in seen.get_table_names()
            }
        )
        engine.dispose()
    assert described[0] == described[1]
    assert set(metadata.tables) < set(described[0])


def test_what_is_no_database_of_a_challenge_is_refused(make, server, database):
    with pytest.raises(DatabaseMissingError, match="no connection"):
        Database.open(server.format("nowhere"))
    with pytest.raises(DatabaseMissingError, match="not the database of a challenge"):
        Database.open(make("empty"))
    url = database.url.render_as_string(hide_password=False)
    with pytest.raises(DatabaseExistsError, match="has tables already"):
        Database.create(url)
    with pytest.raises(ConfigError, match="pg_dump"):
        database.copy_to(Path("never.db"))
