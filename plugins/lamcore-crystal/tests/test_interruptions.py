"""Commands that are killed, stopped, or run out of disk: the same command goes on, and nothing is lost."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time

import pytest
from ase.build import bulk
from challenges import make_challenge, rows, tables, write_cifs
from lamcore_crystal.challenge import Challenge
from lamcore_crystal.references import element_set
from lamcore_crystal.stages.close import close
from lamcore_crystal.stages.evaluate import evaluate
from lamcore_crystal.stages.submit import submit
from lamcore_crystal.store.schema import crystal, hull_entry, reference, relaxation
from sqlalchemy import func, select

from lamcore.errors import ConfigError

LIMITED = """
import resource, sys
from lamcore.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def submitted(tmp_path_factory):
    """A challenge with a submission that waits, which tests copy."""
    place = tmp_path_factory.mktemp("submitted")
    make_challenge(place / "challenge")
    named = {f"{symbol}-{n}.cif": bulk(symbol) * (1, 1, n) for symbol in ("Cu", "Ni", "Al") for n in (1, 2)}
    with Challenge.open(place / "challenge") as challenge:
        submit(challenge, write_cifs(place / "files", named), source="generator")
    return place / "challenge"


@pytest.fixture
def folder(submitted, tmp_path):
    shutil.copytree(submitted, tmp_path / "challenge")
    return tmp_path / "challenge"


@pytest.fixture(scope="module")
def evaluated(submitted, tmp_path_factory):
    """The same, evaluated; tests only read it or copy it."""
    folder = tmp_path_factory.mktemp("evaluated") / "challenge"
    shutil.copytree(submitted, folder)
    with Challenge.open(folder) as challenge:
        evaluate(challenge)
    return folder


def command(*arguments):
    return [sys.executable, "-m", "lamcore", "crystal", *map(str, arguments)]


class KilledError(BaseException):
    """Stands for a process that ends at once: nothing of lamcore catches it."""


def killed(*_, **__):
    raise KilledError


@pytest.mark.parametrize(
    "where",
    [
        "lamcore_crystal.store.database.Database.create",
        "lamcore_crystal.store.migration.stamp",
        "lamcore_crystal.stages.init._enter",
        "lamcore_crystal.stages.references.add_set",
        "lamcore_crystal.stages.references.freeze_references",
        "lamcore_crystal.stages.hulls.freeze",
    ],
)
def test_a_beginning_that_ends_anywhere_is_taken_up_by_the_same_command(submitted, tmp_path, monkeypatch, where):
    folder = tmp_path / "challenge"
    with monkeypatch.context() as patch:
        patch.setattr(where, killed)
        with pytest.raises(KilledError):
            make_challenge(folder)
    make_challenge(folder)
    for table, order in ((reference, reference.c.id), (hull_entry, hull_entry.c.position)):
        assert rows(folder, table, order=order) == rows(submitted, table, order=order)


def test_a_beginning_that_was_interrupted_is_not_taken_up_with_other_reference_sets(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("lamcore_crystal.stages.references.freeze_references", killed)
        with pytest.raises(KilledError):
            make_challenge(tmp_path / "challenge")
    from lamcore_crystal.stages.init import init

    with pytest.raises(ConfigError, match="other reference sets"):
        init(tmp_path / "challenge", ["model=emt"], sets=[])


def test_two_reference_sets_of_one_name_are_refused_before_anything_is_made(tmp_path):
    from lamcore_crystal.stages.init import init

    with pytest.raises(ConfigError, match="two reference sets are called 'elements'"):
        init(tmp_path / "challenge", ["model=emt"], sets=[element_set(), element_set()])
    assert not (tmp_path / "challenge").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_told_to_stop_says_how_to_go_on_and_leaves_no_process(folder, number):
    with subprocess.Popen(
        command("evaluate", folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        with Challenge.open(folder) as challenge:
            _wait_for_a_relaxation(challenge, process)
        process.send_signal(number)
        said = process.communicate(timeout=30)[0]
    # Python ends by SIGINT itself where the signal came amid `exec`; a shell says 130 of both.
    assert process.returncode in (130, -signal.SIGINT), said
    assert "the same command goes on from there" in " ".join(said.split())
    assert "Traceback" not in said


def _wait_for_a_relaxation(challenge, process):
    before = None
    while process.poll() is None:
        with challenge.database.read() as connection:
            n = connection.execute(select(func.count()).select_from(relaxation)).scalar_one()
        before = n if before is None else before
        if n > before:
            return
        time.sleep(0.01)


def test_a_full_disk_during_an_evaluation_says_what_to_do_and_the_same_command_goes_on(folder):
    with Challenge.open(folder) as challenge:
        challenge.database.checkpoint()
    limited = [sys.executable, "-c", LIMITED, "40000", "crystal", "evaluate", str(folder)]
    full = subprocess.run(limited, capture_output=True, text=True, timeout=120, check=False)
    said = " ".join((full.stdout + full.stderr).split())
    assert full.returncode == 1, said
    assert "give the same command again" in said
    assert "Traceback" not in said
    with Challenge.open(folder) as challenge:
        assert evaluate(challenge) == [1]
    assert len(rows(folder, crystal, order=crystal.c.id)) == 6


def test_a_round_whose_closing_ends_halfway_is_closed_by_the_same_command(evaluated, tmp_path, monkeypatch):
    from lamcore_crystal.stages import close as closing

    folder, other = tmp_path / "challenge", tmp_path / "other"
    for one in (folder, other):
        shutil.copytree(evaluated, one)
    for name in ("score_against", "add_event"):
        with monkeypatch.context() as patch, Challenge.open(folder) as challenge:
            patch.setattr(closing, name, killed)
            with pytest.raises(KilledError):
                close(challenge)
    for one in (folder, other):
        with Challenge.open(one) as challenge:
            close(challenge)
    assert tables(folder) == tables(other)


@pytest.mark.parametrize("overrides", [["executor=processes", "executor.workers=2"], ["worker=process"]])
def test_other_processes_come_to_the_same(folder, evaluated, overrides):
    with Challenge.open(folder) as challenge:
        evaluate(challenge, overrides)
    found = [
        {row["name"]: row["energy_above_hull"] for row in rows(one, crystal, order=crystal.c.id)}
        for one in (folder, evaluated)
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    assert len(found[0]) == 6
