from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time

import pytest
from ase import Atoms
from ase.build import bulk
from challenges import MODEL, make_challenge, rows, tables, write_cifs
from lamcore_crystal.challenge import BusyError, Challenge, ChallengeError
from lamcore_crystal.datasets.demo import demo_crystals, write_demo
from lamcore_crystal.references import element_set
from lamcore_crystal.rounds import RoundSettings, SamplingRules
from lamcore_crystal.stages.close import close
from lamcore_crystal.stages.evaluate import evaluate, waiting
from lamcore_crystal.stages.init import init
from lamcore_crystal.stages.submit import submit
from lamcore_crystal.store.schema import crystal, event, hull, relaxation, result, round_, structure, submission
from lamcore_crystal.web.tokens import may_of
from lamcore_crystal.web.views.crystals import crystal_view
from sqlalchemy import func, select, update

from lamcore.errors import ConfigError, PluginError


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty") / "challenge"
    make_challenge(folder)
    return folder


@pytest.fixture
def folder(empty, tmp_path):
    """A challenge of its own for each test, made once."""
    shutil.copytree(empty, tmp_path / "challenge")
    return tmp_path / "challenge"


@pytest.fixture(scope="module")
def evaluated(empty, tmp_path_factory):
    """The demo's files, submitted and evaluated; tests only read it."""
    place = tmp_path_factory.mktemp("evaluated")
    shutil.copytree(empty, place / "challenge")
    write_demo(place / "files")
    with Challenge.open(place / "challenge") as challenge:
        submit(challenge, place / "files", source="demo")
        evaluate(challenge)
    return place / "challenge"


def alloy(a=2.9):
    return Atoms("NiAl", scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], cell=[a] * 3, pbc=True)


def enter(folder, files, source="generator", **options):
    with Challenge.open(folder) as challenge:
        return submit(challenge, files, source=source, **options)


def run(folder, *overrides):
    with Challenge.open(folder) as challenge:
        evaluate(challenge, overrides)


def test_every_structure_has_a_verdict_and_the_accepted_ones_are_in_the_database(evaluated):
    structures = rows(evaluated, structure, order=structure.c.id)
    assert len(structures) == 11
    assert {row["status"] for row in structures} == {"passed", "refused"}
    (refused,) = [row for row in structures if row["status"] == "refused"]
    assert refused["code"] == "E_OVERLAP"
    crystals = rows(evaluated, crystal, order=crystal.c.id)
    assert [row["id"] for row in crystals] == [row["id"] for row in structures if row["status"] == "passed"]
    assert {row["status"] for row in rows(evaluated, submission, order=submission.c.id)} == {"evaluated"}


def test_a_structure_below_the_hull_has_a_negative_distance_and_no_zero(evaluated):
    found = {row["name"]: row for row in rows(evaluated, crystal, order=crystal.c.id)}
    platinum = found["CuPt-L10.cif"]
    assert platinum["energy_above_hull"] < -0.1
    assert platinum["energy_above_hull"] == platinum["formation_energy_per_atom"] == platinum["score"]


def test_an_element_is_measured_from_itself_relaxed_by_the_same_model(evaluated):
    hexagonal = {row["name"]: row for row in rows(evaluated, crystal, order=crystal.c.id)}["Cu-hcp.cif"]
    assert abs(hexagonal["energy_above_hull"]) < 0.01
    assert hexagonal["space_group"] == 194


def test_a_supercell_in_the_same_submission_is_a_duplicate_and_is_kept(evaluated):
    found = {row["name"]: row for row in rows(evaluated, crystal, order=crystal.c.id)}
    assert found["Ni3Al-supercell.cif"]["duplicate_in_submission"] == found["Ni3Al-L12.cif"]["id"]
    assert found["Ni3Al-L12.cif"]["duplicate_in_submission"] is None
    assert len(found) == 10


def test_everything_has_its_provenance(evaluated):
    with Challenge.open(evaluated) as challenge, challenge.database.read() as connection:
        phases = [
            row["phase"] for row in connection.execute(select(event.c.details).where(event.c.kind == "phase")).scalars()
        ]
        one = connection.execute(select(relaxation).limit(1)).one()
        assert set(phases) == {"references", "check", "sample", "relax", "score"}
        assert one.provenance["device"] == "cpu"
        assert len(one.provenance["environment"]) == 64
        results = connection.execute(select(result)).all()
        assert {row.score_name for row in results} == {"energy-above-hull-1"}
        for row in results:
            parts = crystal_view(connection, row.structure_id)["decomposition"]
            assert sum(part["amount"] for part in parts) == pytest.approx(1)
            assert all(part["origin"] == f"reference:elements/{part['formula']}" for part in parts)


def test_what_a_crystal_falls_apart_into_is_told_by_the_entries_of_its_hull(evaluated):
    with Challenge.open(evaluated) as challenge, challenge.database.read() as connection:
        (number,) = connection.execute(select(crystal.c.id).where(crystal.c.name == "CuPt-L10.cif")).scalars()
        parts = crystal_view(connection, number)["decomposition"]
    assert {(part["formula"], part["origin"]) for part in parts} == {
        ("Cu", "reference:elements/Cu"),
        ("Pt", "reference:elements/Pt"),
    }
    assert [part["amount"] for part in parts] == pytest.approx([0.5, 0.5])


def test_what_is_refused_costs_the_model_nothing(evaluated):
    refused = [row for row in rows(evaluated, structure, order=structure.c.id) if row["status"] == "refused"]
    relaxed = {row["geometry_sha256"] for row in rows(evaluated, relaxation, order=relaxation.c.id)}
    assert refused
    assert not relaxed & {row["geometry_sha256"] for row in refused}


def test_the_same_files_submitted_again_are_the_same_submission(folder, tmp_path):
    files = write_cifs(tmp_path / "files", {"a.cif": alloy()})
    first, again = enter(folder, files), enter(folder, files)
    assert (again.submission_id, again.is_new) == (first.submission_id, False)
    assert enter(folder, files, source="another").is_new


def test_files_that_share_a_formula_a_stem_or_a_name_are_all_kept(folder, tmp_path):
    files = write_cifs(
        tmp_path / "files",
        {
            "a.b.cif": bulk("Cu"),
            "a.c.cif": bulk("Cu", "hcp", a=2.56, c=4.18),
            "one/same.cif": alloy(),
            "two/same.cif": bulk("Ni"),
        },
    )
    enter(folder, files)
    run(folder)
    crystals = rows(folder, crystal, order=crystal.c.id)
    assert [row["name"] for row in crystals] == ["a.b.cif", "a.c.cif", "one/same.cif", "two/same.cif"]
    assert [row["space_group"] for row in crystals] == [225, 194, 221, 225]


def test_scores_do_not_depend_on_the_order_of_submissions(empty, tmp_path):
    parts = {name: write_cifs(tmp_path / name, {f"{name}.cif": atoms}) for name, atoms in _some()}
    found = []
    for order in (list(parts), list(reversed(parts))):
        folder = tmp_path / "-".join(order)
        shutil.copytree(empty, folder)
        for name in order:
            enter(folder, parts[name])
            run(folder)
        found.append({row["name"]: row["energy_above_hull"] for row in rows(folder, crystal, order=crystal.c.id)})
    assert found[0].keys() == found[1].keys()
    assert all(found[0][name] == pytest.approx(found[1][name], abs=1e-9) for name in found[0])


def _some():
    yield "nial", alloy()
    yield "ni3al", _l12()


def _l12():
    sites = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    return Atoms("AlNi3", scaled_positions=sites, cell=[3.57] * 3, pbc=True)


def test_an_element_without_a_reference_fails_its_own_structures_and_no_others(tmp_path):
    from lamcore_crystal.references import NewSet

    everything = element_set()
    without = [one for one in everything.members if not one[0].startswith("Al")]
    few = NewSet("elements", without, "", "", in_hull=True, for_novelty=True)
    folder = tmp_path / "challenge"
    init(folder, MODEL, sets=[few]).close()
    enter(folder, write_cifs(tmp_path / "files", {"a.cif": bulk("Al"), "b.cif": bulk("Cu"), "c.cif": alloy()}))
    run(folder)
    codes = {row["formula"]: row["code"] for row in rows(folder, structure, order=structure.c.id)}
    assert codes == {"Al": "E_NO_REFERENCE", "AlNi": "E_NO_REFERENCE", "Cu": None}


def test_too_few_that_pass_end_a_submission_at_the_gate(folder, tmp_path):
    hopeless = Atoms("Cu2", scaled_positions=[(0, 0, 0), (0, 0, 0.05)], cell=[3.0] * 3, pbc=True)
    files = write_cifs(
        tmp_path / "files", {f"{i}.cif": hopeless for i in range(7)} | {"nothing.cif": "", "good.cif": bulk("Cu")}
    )
    enter(folder, files)
    run(folder)
    (row,) = rows(folder, submission, order=submission.c.id)
    assert row["status"] == "rejected"
    assert row["gate"]["decision"] == "fail"
    assert row["gate"]["n_planned"] == 9
    assert not rows(folder, crystal, order=crystal.c.id)


def test_the_sample_cannot_be_told_without_the_secret_and_can_be_repeated_with_it(empty, tmp_path):
    files = write_cifs(tmp_path / "files", {f"{i}.cif": bulk("Cu", a=3.5 + 0.01 * i) for i in range(7)})
    drawn = []
    for name in ("first", "again"):
        shutil.copytree(empty, tmp_path / name)
        enter(tmp_path / name, files)
        run(tmp_path / name)
        drawn.append([row["sample_position"] for row in rows(tmp_path / name, structure, order=structure.c.id)])
    make_challenge(tmp_path / "other")
    enter(tmp_path / "other", files)
    run(tmp_path / "other")
    other = [row["sample_position"] for row in rows(tmp_path / "other", structure, order=structure.c.id)]
    assert drawn[0] == drawn[1] != other
    assert sorted(other) == list(range(7))


def test_an_evaluation_that_is_killed_again_and_again_ends_with_the_table_of_an_undisturbed_one(empty, tmp_path):
    files = write_cifs(
        tmp_path / "files",
        {f"{name}-{i}.cif": geometry.atoms() * (1, 1, 1 + i) for name, geometry in demo_crystals() for i in range(2)},
    )
    for name in ("killed", "undisturbed"):
        shutil.copytree(empty, tmp_path / name)
        enter(tmp_path / name, files)
    run(tmp_path / "undisturbed")
    killed = tmp_path / "killed"
    kills = 0
    for table, least in ((structure, 1), (relaxation, len(rows(killed, relaxation, order=relaxation.c.id)) + 5)):
        kills += _kill_when(killed, table, least)
    run(killed)
    assert kills == 2
    assert not waiting_in(killed)
    compare(tables(killed), tables(tmp_path / "undisturbed"))


def _kill_when(folder, table, least):
    """Start an evaluation and kill it, with no warning, once a table has so many rows; gives whether it was alive."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lamcore", "crystal", "evaluate", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with Challenge.open(folder) as challenge:
        while process.poll() is None:
            with challenge.database.read() as connection:
                if connection.execute(select(func.count()).select_from(table)).scalar_one() >= least:
                    break
            time.sleep(0.005)
        process.kill()
        return process.wait() == -signal.SIGKILL


def waiting_in(folder):
    with Challenge.open(folder) as challenge:
        return waiting(challenge)


def compare(one, other):
    """The same rows; numbers to what the batches of a model leave of them."""
    assert one.keys() == other.keys()
    for name in one:
        assert len(one[name]) == len(other[name])
        for mine, its in zip(one[name], other[name], strict=True):
            assert mine.keys() == its.keys()
            for column, value in mine.items():
                if isinstance(value, float):
                    assert value == pytest.approx(its[column], abs=1e-6), (name, column)
                elif column not in ("geometry", "wyckoff", "findings", "identity_sha256", "decomposition"):
                    assert value == its[column], (name, column)


def test_two_evaluations_at_once_are_refused_and_nothing_is_lost(folder, tmp_path):
    enter(folder, write_cifs(tmp_path / "files", {"a.cif": alloy()}))
    with Challenge.open(folder) as challenge, challenge.held(), pytest.raises(BusyError, match="another process"):
        run(folder)
    run(folder)
    assert len(rows(folder, crystal, order=crystal.c.id)) == 1


def test_closing_a_round_makes_a_hull_of_what_was_accepted_and_keeps_the_old_scores(evaluated, tmp_path):
    folder = tmp_path / "challenge"
    shutil.copytree(evaluated, folder)
    before = {row["id"]: row for row in rows(folder, crystal, order=crystal.c.id)}
    with Challenge.open(folder) as challenge:
        close(challenge, ["round.sampling.threshold=0.5"])
    after = {row["id"]: row for row in rows(folder, crystal, order=crystal.c.id)}
    assert all(row["energy_above_hull"] >= 0 for row in after.values())
    assert any(row["energy_above_hull"] < 0 for row in before.values())
    assert {row["hull_id"] for row in after.values()} != {row["hull_id"] for row in before.values()}
    old = {row["structure_id"]: row for row in rows(folder, result, order=result.c.structure_id) if row["hull_id"] == 1}
    assert all(old[one]["energy_above_hull"] == row["energy_above_hull"] for one, row in before.items())
    first, second = rows(folder, round_, order=round_.c.number)
    assert first["closed_at"] is not None
    assert second["hull_id"] == first["closing_hull_id"] == 2
    assert second["settings"]["sampling"]["threshold"] == 0.5
    parents = [row["parent_id"] for row in rows(folder, hull, order=hull.c.id)]
    assert parents == [None, 1]


def test_what_repeats_another_and_lies_lower_makes_the_new_hull(evaluated, tmp_path):
    folder = tmp_path / "challenge"
    shutil.copytree(evaluated, folder)
    with Challenge.open(folder) as challenge:
        with challenge.database.write() as connection:
            repeating = crystal.c.name == "Ni3Al-supercell.cif"
            lower = {"energy_above_hull": -0.005, "energy_per_atom": crystal.c.energy_per_atom - 1.0}
            connection.execute(update(crystal).where(repeating).values(lower))
        close(challenge)
    found = {row["name"]: row for row in rows(folder, crystal, order=crystal.c.id)}
    assert found["Ni3Al-supercell.cif"]["duplicate_in_submission"] == found["Ni3Al-L12.cif"]["id"]
    assert found["Ni3Al-supercell.cif"]["energy_above_hull"] == 0
    assert found["Ni3Al-L12.cif"]["energy_above_hull"] > 0.9


def test_the_next_round_finds_what_the_database_has(evaluated, tmp_path):
    folder = tmp_path / "challenge"
    shutil.copytree(evaluated, folder)
    with Challenge.open(folder) as challenge:
        close(challenge)
    enter(folder, write_cifs(tmp_path / "files", {"again.cif": _l12() * (1, 2, 1)}))
    run(folder)
    found = {row["name"]: row for row in rows(folder, crystal, order=crystal.c.id)}
    again, known = found["again.cif"], found["Ni3Al-L12.cif"]
    assert again["duplicate_in_database"] == known["id"]
    assert again["energy_above_hull"] == pytest.approx(known["energy_above_hull"], abs=1e-3)


def test_a_round_with_a_submission_that_waits_cannot_be_closed(folder, tmp_path):
    enter(folder, write_cifs(tmp_path / "files", {"a.cif": alloy()}))
    with Challenge.open(folder) as challenge, pytest.raises(ChallengeError, match="submissions 1 are not evaluated"):
        close(challenge)


def test_a_crystal_of_another_kind_than_the_known_ones_is_novel(evaluated):
    found = {row["name"]: row for row in rows(evaluated, crystal, order=crystal.c.id)}
    assert found["NiAl-B2.cif"]["is_novel"]
    assert found["Cu-hcp.cif"]["is_novel"]
    assert found["Cu-hcp.cif"]["novelty"] == {"elements": None}


def test_an_element_that_is_in_a_reference_set_is_named_there(folder, tmp_path):
    enter(folder, write_cifs(tmp_path / "files", {"copper.cif": bulk("Cu", cubic=True)}))
    run(folder)
    (row,) = rows(folder, crystal, order=crystal.c.id)
    assert not row["is_novel"]
    assert row["novelty"]["elements"].startswith("Cu")


def test_an_interrupted_beginning_is_taken_up_by_the_same_command_alone(tmp_path, monkeypatch):
    from lamcore_crystal.stages import references

    with monkeypatch.context() as patch:
        patch.setattr(references, "freeze_references", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_challenge(tmp_path / "challenge")
    other = RoundSettings(sampling=SamplingRules(size=3))
    with pytest.raises(ConfigError, match="other rules"):
        make_challenge(tmp_path / "challenge", settings=other)
    make_challenge(tmp_path / "challenge")
    with pytest.raises(ConfigError, match="is a challenge already"):
        make_challenge(tmp_path / "challenge")


def _interrupted(*_):
    raise KeyboardInterrupt


def test_another_model_is_refused_for_a_round_that_has_one(folder, tmp_path):
    enter(folder, write_cifs(tmp_path / "files", {"a.cif": alloy()}))
    with pytest.raises(ConfigError, match="the model is not that of round 1"):
        run(folder, "model=lj")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [(["model=emt", "task=phonon"], "a challenge takes"), (["model=emtt"], "emt")],
)
def test_a_challenge_takes_a_model_and_nothing_that_is_not_its_own(tmp_path, overrides, message):
    with pytest.raises(ConfigError, match=message):
        init(tmp_path / "challenge", overrides, sets=[element_set()])
    assert not (tmp_path / "challenge").exists()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"source": ""}, "source is empty"),
        ({"source": "x" * 300}, "300 characters"),
        ({"source": "a\x1b[31mb"}, "not printed"),
        ({"source": "a", "licence": " "}, "licence is empty"),
    ],
)
def test_texts_that_cannot_be_shown_are_refused(folder, tmp_path, texts, message):
    files = write_cifs(tmp_path / "files", {"a.cif": alloy()})
    with Challenge.open(folder) as challenge, pytest.raises(ConfigError, match=message):
        submit(challenge, files, **texts)
    assert not rows(folder, submission, order=submission.c.id)


def test_a_folder_may_have_any_name(tmp_path):
    folder = tmp_path / "a?b #1 %20"
    Challenge.create(folder).close()
    assert sorted(one.name for one in folder.iterdir()) == ["challenge.db", "challenge.yaml"]
    assert [one.name for one in tmp_path.iterdir()] == [folder.name]
    Challenge.open(folder).close()


def test_what_is_not_a_challenge_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match="lamcore crystal init"):
        Challenge.open(tmp_path)
    (tmp_path / "challenge.yaml").write_text("data: base\n")
    with pytest.raises(ConfigError, match="holds no `database`"):
        Challenge.open(tmp_path)


def test_the_model_is_the_one_named(evaluated):
    with Challenge.open(evaluated) as challenge, challenge.database.read() as connection:
        assert challenge.model_overrides(connection) == list(MODEL)


@pytest.mark.parametrize(("value", "message"), [(float("nan"), "gave nan"), ("low", "gave 'low'"), (None, "raised")])
def test_a_score_at_fault_is_named_and_the_same_command_goes_on_once_it_is_mended(
    folder, tmp_path, monkeypatch, value, message
):
    def at_fault(_):
        if value is None:
            raise ZeroDivisionError("no atoms")
        return value

    enter(folder, write_cifs(tmp_path / "files", {"a.cif": alloy()}))
    with monkeypatch.context() as patch:
        patch.setattr("lamcore_crystal.stages.scoring.score_named", lambda name: at_fault)
        with pytest.raises(PluginError, match=f"score 'energy-above-hull-1' {message}"):
            run(folder)
    assert not rows(folder, crystal, order=crystal.c.id)
    run(folder)
    assert len(rows(folder, crystal, order=crystal.c.id)) == 1


def test_a_token_that_was_shown_is_in_force_also_when_its_reader_leaves_after_the_first_line(folder):
    shown = subprocess.run(
        f"{sys.executable} -m lamcore crystal token {folder} --add alice | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    with Challenge.open(folder) as challenge, challenge.database.read() as connection:
        assert may_of(connection, shown) == "submit"
