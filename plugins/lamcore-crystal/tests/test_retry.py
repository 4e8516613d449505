from __future__ import annotations

import shutil

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from challenges import make_challenge, rows, write_cifs
from lamcore_crystal.challenge import Challenge
from lamcore_crystal.stages.evaluate import evaluate, waiting
from lamcore_crystal.stages.submit import submit
from lamcore_crystal.store.schema import crystal, event, relaxation, structure, submission
from lamcore_crystal.store.statistics import recount, statistics
from sqlalchemy import select

from lamcore.errors import EvaluationError


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty") / "challenge"
    make_challenge(folder)
    return folder


@pytest.fixture
def folder(empty, tmp_path):
    shutil.copytree(empty, tmp_path / "challenge")
    return tmp_path / "challenge"


@pytest.fixture
def broken(monkeypatch):
    """Makes relaxations of the given elements fail, as memory that is not there does; gives how to mend it."""
    from lamcore_crystal import task

    relax_crystal = task.relax_crystal

    def begin(symbols):
        def fail(atoms, model, rules):
            if set(symbols) & set(atoms.get_chemical_symbols()):
                raise EvaluationError("out of memory")
            return relax_crystal(atoms, model, rules)

        monkeypatch.setattr(task, "relax_crystal", fail)

    return begin


def enter(folder, tmp_path, files):
    with Challenge.open(folder) as challenge:
        submit(challenge, write_cifs(tmp_path / "files", files), source="generator")


def run(folder, **options):
    with Challenge.open(folder) as challenge:
        return evaluate(challenge, **options)


def test_a_relaxation_that_failed_for_the_machine_is_made_again_when_asked_for_and_counts_its_attempts(
    broken, folder, tmp_path
):
    hopeless = Atoms("Cu2", scaled_positions=[(0, 0, 0), (0, 0, 0.05)], cell=[3.0] * 3, pbc=True)
    enter(folder, tmp_path, {"cu.cif": bulk("Cu"), "ni.cif": bulk("Ni"), "overlap.cif": hopeless})
    broken(["Ni"])
    assert run(folder) == [1]
    states = {row["formula"]: row for row in rows(folder, structure, order=structure.c.id) if row["formula"]}
    assert (states["Ni"]["status"], states["Ni"]["code"]) == ("failed", "E_MODEL")
    assert run(folder) == []  # nothing is made again unasked
    assert run(folder, retry_failed=True) == [1]  # and it fails again
    broken([])
    assert run(folder, retry_failed=True) == [1]
    by_formula = {row["formula"]: row for row in rows(folder, structure, order=structure.c.id) if row["formula"]}
    nickel = by_formula["Ni"]
    assert (nickel["status"], nickel["code"]) == ("passed", None)
    assert "E_MODEL" not in [one["code"] for one in nickel["findings"]]
    assert [row["formula"] for row in rows(folder, crystal, order=crystal.c.id)] == ["Cu", "Ni"]
    attempts = {row["geometry_sha256"]: row["attempt"] for row in rows(folder, relaxation, order=relaxation.c.id)}
    assert attempts.pop(nickel["geometry_sha256"]) == 3
    assert set(attempts.values()) == {1}
    with Challenge.open(folder) as challenge, challenge.database.write() as connection:
        told = connection.execute(select(event.c.details).where(event.c.kind == "retry")).scalars().all()
        assert [one["relaxations"][0]["attempt"] for one in told] == [1, 2]
        assert all("out of memory" in one["relaxations"][0]["message"] for one in told)
        kept = statistics(connection)
        recount(connection)
        assert statistics(connection) == kept
        assert "E_MODEL" not in kept.codes


def test_a_submission_that_the_gate_rejected_for_the_machine_is_looked_at_again(broken, folder, tmp_path):
    enter(folder, tmp_path, {f"{a}.cif": bulk("Ni", a=a) for a in np.arange(3.4, 3.6, 0.05).round(3)})
    broken(["Ni"])
    run(folder)
    assert rows(folder, submission, order=submission.c.id)[0]["status"] == "rejected"
    broken([])
    run(folder, retry_failed=True)
    (row,) = rows(folder, submission, order=submission.c.id)
    assert row["status"] == "evaluated"
    assert row["gate"]["decision"] == "pass"
    assert len(rows(folder, crystal, order=crystal.c.id)) == 5


def test_a_retry_that_is_interrupted_goes_on_with_the_plain_command(broken, folder, tmp_path, monkeypatch):
    from lamcore_crystal.stages.evaluate import Evaluation

    enter(folder, tmp_path, {"ni.cif": bulk("Ni"), "cu.cif": bulk("Cu")})
    broken(["Ni"])
    run(folder)
    broken([])
    with monkeypatch.context() as patch:
        patch.setattr(Evaluation, "run", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(folder, retry_failed=True)
    with Challenge.open(folder) as challenge:
        assert waiting(challenge) == [1]
    run(folder)
    assert {row["status"] for row in rows(folder, structure, order=structure.c.id)} == {"passed"}
    assert {row["status"] for row in rows(folder, relaxation, order=relaxation.c.id)} == {"done"}


def _interrupted(self):
    raise KeyboardInterrupt
