"""The web's queries in a real PostgreSQL server, against the same in SQLite."""

import pytest
import test_postgresql
from filled import fill
from lamcore_crystal.leaderboard import leaderboard
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.schema import crystal
from lamcore_crystal.web.errors import TooSlowError
from lamcore_crystal.web.optimade.filters import to_sql
from lamcore_crystal.web.optimade.listing import Order, find, narrowed
from lamcore_crystal.web.site import Site
from lamcore_crystal.web.tokens import make_token, may_of, revoke_tokens
from lamcore_crystal.web.views import crystals, hulls, overview, submissions
from sqlalchemy import select, text, update
from test_optimade_filters import CASES

server = test_postgresql.server
make = test_postgresql.make


def filled(url):
    database = Database.create(url)
    fill(database, 120)
    with database.write() as connection:
        without = update(crystal).where(crystal.c.id % 7 == 0)
        connection.execute(without.values(energy_above_hull=None, formation_energy_per_atom=None))
    return database


@pytest.fixture(scope="module")
def postgresql(make):
    database = filled(make("web"))
    yield database
    database.close()


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    database = filled(tmp_path_factory.mktemp("web") / "challenge.db")
    yield database
    database.close()


def test_filters_find_the_same(postgresql, sqlite):
    for filter_, _ in CASES:
        found = []
        for database in (postgresql, sqlite):
            with database.read() as connection:
                query = select(crystal.c.id).where(narrowed(connection, to_sql(filter_)))
                found.append(sorted(connection.execute(query).scalars()))
        assert found[0] == found[1], filter_


@pytest.mark.parametrize("sort", ["id", "-id", "_lam_energy_above_hull", "-_lam_energy_above_hull"])
def test_pages_are_the_same(postgresql, sqlite, sort):
    seen = []
    for database in (postgresql, sqlite):
        ids, above, more = [], None, True
        while more:
            with database.read() as connection:
                page = find(connection, [crystal.c.id], None, Order.parse(sort), 7, above)
            ids += [row.id for row in page.rows]
            above, more = page.next_above, page.next_above is not None
        seen.append(ids)
    assert seen[0] == seen[1]
    assert len(seen[0]) > 50


def test_views_are_the_same_but_for_times(postgresql, sqlite):
    def views(database):
        with database.read() as connection:
            first = connection.execute(select(crystal.c.id).order_by(crystal.c.id)).scalars().first()
            return [
                overview.statistics_view(connection),
                overview.challenge_view(connection)["counts"],
                submissions.structures_view(connection, 1, None, 500, None),
                [submissions.submission_view(connection, one)["progress"] for one in (1, 2, 3, 4, 5)],
                submissions.submissions_view(connection, 3, None)["next"],
                crystals.crystal_view(connection, first)["decomposition"],
                hulls.hull_view(connection, 1)["elements"],
                hulls.diagram_view(connection, 1, ["O", "Ti"]),
            ]

    assert views(postgresql) == views(sqlite)


def test_the_leaderboard_is_the_same(postgresql, sqlite):
    boards = []
    for database in (postgresql, sqlite):
        with database.read() as connection:
            boards.append(leaderboard(connection))
    for one, other in zip(
        boards[0].submissions + boards[0].sources, boards[1].submissions + boards[1].sources, strict=True
    ):
        assert (one.name, one.submission_id, one.valid, one.sun) == (
            other.name,
            other.submission_id,
            other.valid,
            other.sun,
        )
        assert one.median_energy_above_hull == pytest.approx(other.median_energy_above_hull)


def test_a_slow_query_is_stopped(postgresql):
    class Challenge:
        database = postgresql

    site = Site(Challenge(), None, query_seconds=0.2)
    with pytest.raises(TooSlowError), site.read() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    with site.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_tokens_work(postgresql):
    with postgresql.write() as connection:
        given = make_token(connection, "somebody", "submit")
        assert may_of(connection, given) == "submit"
        assert revoke_tokens(connection, "somebody") == 1
        assert may_of(connection, given) is None
