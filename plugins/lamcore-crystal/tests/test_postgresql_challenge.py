"""A challenge whose database is a real PostgreSQL server, from its beginning to the close of a round."""

import shutil

import pytest
import test_postgresql
from ase import Atoms
from ase.build import bulk
from challenges import make_challenge, rows, write_cifs
from lamcore_crystal.challenge import BusyError, Challenge
from lamcore_crystal.references import named_external_hull
from lamcore_crystal.stages.close import close
from lamcore_crystal.stages.evaluate import evaluate
from lamcore_crystal.stages.submit import submit
from lamcore_crystal.store.query import CrystalQuery
from lamcore_crystal.store.schema import crystal, hull, relaxation, result
from lamcore_crystal.store.search import search

from lamcore.errors import EvaluationError

server = test_postgresql.server
make = test_postgresql.make


def test_a_challenge_in_a_server_goes_through_all_stages(make, tmp_path, monkeypatch):
    from lamcore_crystal import task

    (tmp_path / "dft.csv").write_text("formula,formation_energy_per_atom\nCuPt,-0.6\n")
    monkeypatch.setenv("CHALLENGE_DATABASE", make("stages"))
    folder, elsewhere = tmp_path / "challenge", tmp_path / "elsewhere"
    make_challenge(
        folder,
        database_url="${oc.env:CHALLENGE_DATABASE}",
        external=[named_external_hull(f"PBE={tmp_path / 'dft.csv'}")],
    )
    assert "postgresql" not in (folder / "challenge.yaml").read_text()
    alloy = Atoms("CuPt", scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], cell=[2.75, 2.75, 3.6], pbc=True)
    files = write_cifs(tmp_path / "files", {"cupt.cif": alloy, "twice.cif": alloy * (2, 1, 1), "cu.cif": bulk("Cu")})
    with Challenge.open(folder) as challenge:
        assert submit(challenge, files, source="generator").is_new
        # Another machine has a folder of its own: the server alone tells the two evaluations of one another.
        shutil.copytree(folder, elsewhere)
        with Challenge.open(elsewhere) as other, other.held(), pytest.raises(BusyError, match="another process"):
            evaluate(challenge)
        with monkeypatch.context() as patch:
            patch.setattr(task, "relax_crystal", _fails)
            evaluate(challenge)
        assert {row["status"] for row in rows(folder, relaxation, order=relaxation.c.id)} == {"done", "failed"}
        assert evaluate(challenge, retry_failed=True) == [1]
        before = {row["name"]: row for row in rows(folder, crystal, order=crystal.c.id)}
        assert before["twice.cif"]["duplicate_in_submission"] == before["cupt.cif"]["id"]
        with challenge.database.read() as connection:
            page = search(connection, CrystalQuery(elements=("Pt",)), 10, None)
            assert sorted(row["name"] for row in page.rows) == ["cupt.cif", "twice.cif"]
        close(challenge)
    after = {row["name"]: row for row in rows(folder, crystal, order=crystal.c.id)}
    assert before["cupt.cif"]["energy_above_hull"] < 0
    assert all(row["energy_above_hull"] >= 0 for row in after.values())
    kinds = {row["id"]: row["kind"] for row in rows(folder, hull, order=hull.c.id)}
    against = [kinds[row["hull_id"]] for row in rows(folder, result, order=result.c.structure_id)]
    assert sorted(against) == ["external"] * 3 + ["references"] * 3 + ["round"] * 3


def _fails(*_):
    raise EvaluationError("out of memory")
