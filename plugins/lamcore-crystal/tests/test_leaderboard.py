"""The leaderboard against the same counts made of every row in Python, and SciPy's Wilson interval."""

import statistics
import threading
from dataclasses import asdict

import pytest
from filled import fill
from lamcore_crystal.leaderboard import leaderboard
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.schema import crystal, structure, submission, submitted_file
from lamcore_crystal.web import leaders
from lamcore_crystal.web.site import Site
from scipy.stats import binomtest
from sqlalchemy import func, select, update


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = Database.create(tmp_path_factory.mktemp("leaderboard") / "challenge.db")
    fill(database, 150)
    with database.write() as connection:
        ids = connection.execute(select(crystal.c.id).order_by(crystal.c.id)).scalars().all()
        # One that repeats another of its submission, and some of no known distance.
        connection.execute(update(crystal).where(crystal.c.id == ids[3]).values(duplicate_in_submission=ids[2]))
        connection.execute(update(crystal).where(crystal.c.id == ids[5]).values(energy_above_hull=None, score=None))
        # Two that are on the hull but for what a relaxation leaves, and a little more than that.
        connection.execute(update(crystal).where(crystal.c.id == ids[6]).values(energy_above_hull=9e-5, is_novel=True))
        connection.execute(update(crystal).where(crystal.c.id == ids[7]).values(energy_above_hull=2e-4, is_novel=True))
    yield database
    database.close()


@pytest.fixture(scope="module")
def rows(database):
    with database.read() as connection:
        return [dict(row) for row in connection.execute(select(crystal)).mappings()]


@pytest.fixture(scope="module")
def board(database):
    with database.read() as connection:
        return leaderboard(connection)


def n_submitted(database, submission_ids):
    with database.read() as connection:
        structures = select(func.count()).select_from(structure).where(structure.c.submission_id.in_(submission_ids))
        waiting = (
            select(func.count())
            .select_from(submitted_file)
            .where(submitted_file.c.submission_id.in_(submission_ids), ~submitted_file.c.is_read)
        )
        return connection.execute(structures).scalar_one() + connection.execute(waiting).scalar_one()


def expected(mine, is_unique):
    def new(row, most):
        distance = row["energy_above_hull"]
        return is_unique(row) and row["is_novel"] and distance is not None and distance <= most

    return {
        "valid": len(mine),
        "unique": sum(map(is_unique, mine)),
        "novel": sum(row["is_novel"] for row in mine),
        "stable": sum(row["energy_above_hull"] is not None and row["energy_above_hull"] <= 1e-4 for row in mine),
        "sun": sum(new(row, 1e-4) for row in mine),
        "metasun": sum(new(row, 0.1) for row in mine),
    }


def check(row, wanted, distances):
    assert {name: getattr(row, name).n for name in wanted} == wanted
    for name, n in wanted.items():
        share = getattr(row, name)
        interval = binomtest(n, row.n_submitted).proportion_ci(0.95, method="wilson")
        assert (share.low, share.high) == pytest.approx((interval.low, interval.high))
        assert share.share == pytest.approx(n / row.n_submitted)
    assert row.median_energy_above_hull == (pytest.approx(statistics.median(distances)) if distances else None)
    assert row.min_energy_above_hull == (min(distances) if distances else None)


def known(mine):
    return [row["energy_above_hull"] for row in mine if row["energy_above_hull"] is not None]


def test_a_submission_is_counted_as_by_hand(database, rows, board):
    assert len(board.submissions) == 5
    for row in board.submissions:
        mine = [one for one in rows if one["submission_id"] == row.submission_id]
        assert row.n_submitted == n_submitted(database, [row.submission_id])
        check(row, expected(mine, lambda one: one["duplicate_in_submission"] is None), known(mine))
    assert sum(row.valid.n > 0 for row in board.submissions) == 2
    assert sum(row.sun.n < row.metasun.n for row in board.submissions) == 2


def test_a_source_repeats_nothing_of_its_own_earlier_submissions(database, rows, board):
    source_of = {row["id"]: row["source"] for row in rows}

    def is_unique(one):
        return one["duplicate_in_submission"] is None and source_of.get(one["duplicate_in_database"]) != one["source"]

    for row in board.sources:
        with database.read() as connection:
            query = select(submission.c.id).where(submission.c.source == row.name)
            ids = connection.execute(query).scalars().all()
        mine = [one for one in rows if one["source"] == row.name]
        assert row.n_submissions == len(ids)
        assert row.n_submitted == n_submitted(database, ids)
        check(row, expected(mine, is_unique), known(mine))
    repeated = [one for one in rows if not is_unique(one)]
    assert len(repeated) > 1


def test_files_that_nobody_could_read_stay_in_the_denominator(board):
    rejected = next(row for row in board.submissions if row.status == "rejected")
    assert rejected.n_submitted == 3
    assert rejected.valid.n == 0
    assert rejected.valid.high > 0.5
    waiting = next(row for row in board.submissions if row.status == "received")
    assert waiting.n_submitted > 0


def test_the_best_come_first(board):
    for table in (board.submissions, board.sources):
        shares = [row.sun.share for row in table]
        assert shares == sorted(shares, reverse=True)
        assert shares[0] > shares[-1]


def test_the_served_leaderboard_is_kept_and_made_once_for_all_who_ask(database, board, monkeypatch):
    class Challenge:
        pass

    challenge = Challenge()
    challenge.database = database
    made, begin = [], threading.Event()

    def slow(connection):
        made.append(1)
        begin.wait(5)
        return board

    monkeypatch.setattr(leaders, "leaderboard", slow)
    served = leaders.Leaders(Site(challenge, None))
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(served.answer())) for _ in range(5)]
    for thread in threads:
        thread.start()
    begin.set()
    for thread in threads:
        thread.join()
    assert answers == [asdict(board)] * 5
    assert len(made) == 1
    served._good_until = 0.0
    assert served.answer() == asdict(board)
    assert len(made) == 2


def test_those_who_ask_while_a_new_leaderboard_is_made_get_the_last(database, board, monkeypatch):
    class Challenge:
        pass

    challenge = Challenge()
    challenge.database = database
    served = leaders.Leaders(Site(challenge, None))
    first = served.answer()
    served._good_until = 0.0
    with served._making:  # as while another thread makes one
        assert served.answer() is first
