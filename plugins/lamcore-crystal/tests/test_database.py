"""What a database survives: other versions, other processes, a full disk, and files that are none."""

import sqlite3
import subprocess
import sys
import textwrap
import threading

import pytest
from filled import fill
from lamcore_crystal.store import migration
from lamcore_crystal.store.content import add_content, content_of
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.errors import (
    DatabaseBusyError,
    DatabaseExistsError,
    DatabaseFullError,
    DatabaseMissingError,
    SchemaVersionError,
    StoreError,
)
from lamcore_crystal.store.schema import content, crystal, event, metadata, statistic
from lamcore_crystal.store.statistics import recount, statistics
from lamcore_crystal.store.writing import add_event, finish_structure, rescore
from sqlalchemy import create_engine, func, insert, inspect, select
from sqlalchemy.exc import OperationalError

from lamcore.errors import ConfigError

SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{before}"


def upgrade():
    op.add_column("event", sa.Column("weight", sa.Integer(), nullable=True))
    {then}
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "challenge.db"


@pytest.fixture
def database(path):
    database = Database.create(path)
    yield database
    database.close()


@pytest.fixture
def a_newer_version(tmp_path, monkeypatch):
    """Make the package know a revision more, which ends as it is told."""
    before = migration.head()

    def make(then="pass"):
        folder = tmp_path / "newer"
        folder.mkdir()
        (folder / "r9999.py").write_text(textwrap.dedent(SECOND).format(before=before, then=then))
        monkeypatch.setattr(migration, "_REVISIONS", (*migration._REVISIONS, folder))
        migration._scripts.cache_clear()

    yield make
    monkeypatch.undo()
    migration._scripts.cache_clear()


def n_events(database):
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(event)).scalar_one()


def tables_of(path):
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    connection.close()
    # The order of constraints says nothing.
    return {name: sorted(" ".join(sql.split()).removesuffix(" )").split(", CONSTRAINT ")) for name, sql in rows}


def test_the_revisions_make_the_same_tables_as_the_schema(tmp_path, database, path):
    other = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with other.begin() as connection:
        migration.upgrade(connection)
    other.dispose()
    assert tables_of(tmp_path / "migrated.db") == tables_of(path)
    assert len(tables_of(path)) > len(metadata.tables)


def test_an_older_database_is_brought_up_to_date_after_a_copy(database, path, a_newer_version):
    fill(database, 20)
    n = n_events(database)
    first = migration.head()
    database.close()
    a_newer_version()
    newer = Database.open(path)
    with newer.read() as connection:
        assert "weight" in {column["name"] for column in inspect(connection).get_columns("event")}
    assert n_events(newer) == n
    newer.close()
    [copy] = path.parent.glob("challenge.db.before-upgrade-of-*")
    assert "weight" not in str(tables_of(copy)["event"])
    assert first in copy.name
    with sqlite3.connect(copy) as old:
        assert old.execute("SELECT count(*) FROM event").fetchone() == (n,)
    old.close()


def test_a_migration_that_fails_changes_nothing(database, path, a_newer_version):
    before = tables_of(path)
    database.close()
    a_newer_version("raise RuntimeError('half-way')")
    with pytest.raises(RuntimeError, match="half-way"):
        Database.open(path)
    assert tables_of(path) == before


def test_a_database_of_a_newer_version_is_refused(database, path):
    database.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '7777'")
    connection.close()
    with pytest.raises(SchemaVersionError, match=r"7777.*upgrade lamcore-crystal"):
        Database.open(path)


def test_what_is_no_database_of_a_challenge_is_refused(tmp_path, path, database):
    with pytest.raises(DatabaseExistsError, match="exists already"):
        Database.create(path)
    with pytest.raises(DatabaseMissingError, match="init"):
        Database.open(tmp_path / "none.db")
    with pytest.raises(DatabaseMissingError, match="folder does not exist"):
        Database.create(tmp_path / "none" / "challenge.db")
    (tmp_path / "text.db").write_text("not a database " * 100)
    with pytest.raises(DatabaseMissingError, match="no SQLite database"):
        Database.open(tmp_path / "text.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(DatabaseMissingError, match="not the database of a challenge"):
        Database.open(tmp_path / "empty.db")
    for url in ("mysql://host/name", "sqlite://", "nonsense://", "://"):
        with pytest.raises(ConfigError):
            Database.open(url)


def test_a_reader_cannot_write_and_sees_one_state(database):
    with database.read() as reading:
        assert reading.execute(select(func.count()).select_from(event)).scalar_one() == 0
        with database.write() as writing:
            add_event(writing, "test")
        assert reading.execute(select(func.count()).select_from(event)).scalar_one() == 0
        with pytest.raises(OperationalError, match="readonly"):
            add_event(reading, "test")
    assert n_events(database) == 1


def test_a_block_that_raises_leaves_nothing(database):
    def half():
        with database.write() as connection:
            add_event(connection, "test")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert n_events(database) == 0


def test_another_writer_is_waited_for_and_then_named(path, database):
    impatient = Database.open(path, busy_seconds=0.2)
    with database.write(), pytest.raises(DatabaseBusyError, match=r"more than 0\.2 s.*again"):
        _add(impatient, 1)
    impatient.close()
    threads = [threading.Thread(target=_add_ten, args=(path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert n_events(database) == 40


def _add_ten(path):
    own = Database.open(path)
    _add(own, 10)
    own.close()


def _add(database, n):
    for _ in range(n):
        with database.write() as connection:
            add_event(connection, "counted")


def test_a_full_disk_is_said_and_nothing_is_lost(database):
    fill(database, 20)
    with database.read() as connection:
        before = statistics(connection)
        n_pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def write_more_than_fits():
        with database.write() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {n_pages + 4}")
            add_content(connection, bytes(range(256)) * 4)
            connection.execute(insert(content).values(sha256="0" * 64, size=1, codec="raw", data=bytes(1_000_000)))

    with pytest.raises(DatabaseFullError, match=r"no space is left.*free space"):
        write_more_than_fits()
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert statistics(connection) == before == recount(connection)
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        assert content_of(connection, add_content(connection, b"again")) == b"again"


WRITE_AGAINST_A_LIMIT = """
import resource, signal, sys
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.errors import DatabaseFullError
from lamcore_crystal.store.schema import content

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
database = Database.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    with database.write() as connection:
        connection.execute(content.insert().values(sha256="0" * 64, size=1, codec="raw", data=bytes(1_000_000)))
except DatabaseFullError as error:
    print(error)
"""


def test_a_file_that_may_not_grow_is_said_too(database, path):
    command = [sys.executable, "-c", WRITE_AGAINST_A_LIMIT, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "again" in said
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(content)).scalar_one() == 0


def test_bytes_come_back_as_they_came_and_damage_is_noticed(database):
    many = [b"", b"data_x\n" * 1000, bytes(range(256)), "ünï\0".encode("utf-16")]
    with database.write() as connection:
        keys = [add_content(connection, data) for data in (*many, *many)]
        assert [content_of(connection, key) for key in keys] == [*many, *many]
        assert connection.execute(select(func.count()).select_from(content)).scalar_one() == len(many)
        with pytest.raises(LookupError, match="no file"):
            content_of(connection, "' OR 1=1")
        connection.execute(content.update().where(content.c.sha256 == keys[2]).values(data=b"other"))
        with pytest.raises(StoreError, match="damaged"):
            content_of(connection, keys[2])


def test_the_counts_that_are_kept_are_those_of_a_recount_after_every_change(database):
    fill(database, 80)
    with database.write() as connection:
        ids = connection.execute(select(crystal.c.id).order_by(crystal.c.id)).scalars().all()
        rescore(connection, [{"id": ids[0], "energy_above_hull": None, "score": None}])
        rescore(connection, [{"id": one, "energy_above_hull": 0.0, "score": 0.0} for one in ids[1:20]])
        on_hull = statistics(connection).stable
        for left_over, n in ((9e-5, on_hull), (2e-4, on_hull - 1)):  # what a relaxation leaves, and more
            rescore(connection, [{"id": ids[2], "energy_above_hull": left_over}])
            assert statistics(connection).stable == n
        rescore(connection, [{"id": ids[2], "energy_above_hull": 0.0}])
        rescore(connection, [{"id": ids[3], "is_novel": False, "novelty": {"known": "x"}}])
        rescore(connection, [{"id": ids[4], "duplicate_in_submission": ids[3]}])
        finish_structure(connection, ids[5], "failed", [])
        kept = statistics(connection)
        assert kept == recount(connection)
        assert kept.stable >= 19
        assert sum(kept.hull_distance_counts) == kept.total - 1 == len(ids) - 1


def test_a_change_of_what_never_changes_is_refused(database):
    fill(database, 20)
    with database.write() as connection:
        with pytest.raises(ValueError, match="cannot change"):
            rescore(connection, [{"id": 1, "formula": "Au"}])
        with pytest.raises(LookupError, match="no crystal 123456"):
            rescore(connection, [{"id": 123456, "score": 1.0}])
        with pytest.raises(LookupError, match="no structure 123456"):
            finish_structure(connection, 123456, "failed", [])


def test_two_structures_of_one_formula_and_one_file_name_are_both_kept(database):
    fill(database, 80)
    with database.read() as connection:
        same = select(crystal.c.name, func.count()).group_by(crystal.c.name).having(func.count() > 1)
        formulas = select(crystal.c.formula, func.count()).group_by(crystal.c.formula).having(func.count() > 1)
        assert connection.execute(same).all()
        assert connection.execute(formulas).all()
        total = select(statistic.c.n).where(statistic.c.name == "total")
        n_rows = connection.execute(select(func.count()).select_from(crystal)).scalar_one()
        assert connection.execute(total).scalar_one() == n_rows
