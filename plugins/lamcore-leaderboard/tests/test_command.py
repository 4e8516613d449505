"""The command: what it accepts, what it refuses, and what it says."""

import csv
import json

import pytest


def test_it_says_what_it_shows_and_where(leaderboard, write_model, capsys):
    write_model("good", scale=5)
    status, site = leaderboard()
    said = capsys.readouterr().out
    assert status == 0
    assert "made-1: 1 model measured, 2 as published" in said
    assert f"site: {site / 'index.html'}" in said


@pytest.mark.parametrize("file", ["provenance.json", "metrics.json", "contributions.json", "config.yaml"])
def test_a_run_without_its_papers_is_refused_with_the_reason(leaderboard, write_model, write_run, capsys, file):
    write_model("good", scale=5)
    folder = write_run("surfaces", "undocumented")
    (folder / file).unlink()
    status, site = leaderboard()
    said = capsys.readouterr().out
    assert status == 3
    assert f"refused: {folder}: not a finished run with provenance" in said
    assert str(folder) in (site / "methods.html").read_text()
    rows = json.loads((site / "data/leaderboard.json").read_text())["rows"]
    assert "undocumented" not in [row["model"] for row in rows]


def test_a_run_that_no_session_computed_is_refused(leaderboard, write_model, write_run, capsys):
    write_model("good", scale=5)
    folder = write_run("surfaces", "typed-by-hand")
    provenance = json.loads((folder / "provenance.json").read_text())
    (folder / "provenance.json").write_text(json.dumps({**provenance, "sessions": []}))
    assert leaderboard()[0] == 3
    assert "lacks sessions (which machine and versions computed it)" in capsys.readouterr().out


def test_an_unfinished_run_is_refused(leaderboard, write_model, write_run, capsys):
    write_model("good", scale=5)
    folder = write_run("surfaces", "half", failed=(3,))
    summary = json.loads((folder / "metrics.json").read_text())
    summary["cases"][3]["failure"] = "not computed yet"
    (folder / "metrics.json").write_text(json.dumps(summary))
    assert leaderboard()[0] == 3
    assert "1 of 12 cases are not computed yet" in capsys.readouterr().out


def test_mixed_protocols_make_no_leaderboard(leaderboard, write_run, capsys):
    write_run("surfaces", "a", content="aaaaaa")
    write_run("surfaces", "b", content="bbbbbb")
    status, site = leaderboard()
    said = capsys.readouterr().err
    assert status == 1
    assert "suite item 'surfaces': its runs are on different data and cannot share a column" in said
    assert not site.exists()


def test_a_run_of_another_protocol_is_left_out_and_counted(leaderboard, write_model, write_run, capsys):
    write_model("good", scale=5)
    write_run("surfaces", "other", task_options={"protocol": "lambench"})
    assert leaderboard()[0] == 0
    said = capsys.readouterr().out
    assert "1 model measured" in said
    assert "1 run left out: not of the suite" in said


def test_an_unknown_suite_is_an_error_that_names_the_right_one(leaderboard, write_model, capsys):
    write_model("good", scale=5)
    assert leaderboard("--suite", "made-2")[0] == 2
    assert "did you mean 'made-1'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("publishd=false", "did you mean 'suite.published'?"),
        ("published", "expected option=value"),
        ("published=7", "suite.published: got 7, expected bool"),
        ("max_cases=3", "unknown option 'suite.max_cases'"),
        ("published=[", "not a value"),
    ],
)
def test_a_wrong_option_of_the_suite_is_an_error(leaderboard, write_model, capsys, option, message):
    write_model("good", scale=5)
    assert leaderboard("--suite-option", option)[0] == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_runs_is_an_error_with_the_next_step(leaderboard, runs, capsys):
    assert leaderboard("--suite-option", "published=false")[0] == 2
    said = capsys.readouterr().err
    assert f"nothing to show, no finished run in {runs}" in said
    assert "python -m lamcore suite=made-1 model=<model>" in said


def test_a_folder_that_does_not_exist_is_an_error(leaderboard, runs, capsys):
    runs.rmdir()
    assert leaderboard()[0] == 1
    assert "no such folder" in capsys.readouterr().err


def test_a_folder_with_other_files_is_never_replaced(leaderboard, write_model, tmp_path, capsys):
    write_model("good", scale=5)
    thesis = tmp_path / "site" / "thesis.tex"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    assert leaderboard()[0] == 2
    assert "holds files that are not a leaderboard's" in capsys.readouterr().err
    assert thesis.read_text() == "years of work"


def test_an_earlier_site_is_replaced_as_a_whole(leaderboard, write_model, write_run, runs):
    write_model("good", scale=5)
    write_run("surfaces", "gone")
    _, site = leaderboard()
    assert (site / "models/gone.html").exists()
    for folder in runs.glob("surfaces-gone*"):
        for file in folder.iterdir():
            file.unlink()
    leaderboard()
    assert not (site / "models/gone.html").exists()
    assert [path.name for path in site.parent.iterdir() if "new" in path.name] == []


def test_the_same_runs_give_the_same_site(leaderboard, write_model):
    write_model("good", scale=5, throughput=3.0)
    _, site = leaderboard()
    first = {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    leaderboard()
    assert first == {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def test_the_tables_have_units_in_their_headers_and_every_row(leaderboard, write_model):
    write_model("good", scale=5, throughput=3.0)
    _, site = leaderboard()
    with (site / "data/standings.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    assert {"M_ACC [1]", "M_ACC [1] 95 % low", "M_EFF [atom/µs], AMD EPYC"} <= set(header)
    assert all(len(line) == len(header) for line in lines)
    assert [line[0] for line in lines] == ["good", "Paper-1", "Paper-2", "dummy"]
    with (site / "data/metrics.csv").open(newline="") as file:
        metrics = list(csv.DictReader(file))
    assert {line["unit"] for line in metrics if line["metric"] == "mae"} == {"K"}
    assert len(metrics) == 2 + 3 + 2 + 1


CERTIFICATE = {
    "kind": "model",
    "name": "good",
    "plugin": "lamcore-good 1.0",
    "options": {"checkpoint": "small", "device": "auto"},
    "weights_sha256": {"w.pth": "ab" * 32},
    "device": "cpu",
    "dtype": "float64",
    "checked_at": "2026-04-01T00:00:00+00:00",
    "counts": {"pass": 20, "fail": 0, "not applicable": 2},
    "passed": True,
    "claims": [],
}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, True),
        ({"weights_sha256": {"w.pth": "cd" * 32}}, False),
        ({"options": {"checkpoint": "large"}}, False),
        ({"name": "other"}, False),
    ],
)
def test_a_certificate_is_shown_for_the_weights_and_options_that_it_is_about(
    leaderboard, write_model, tmp_path, change, shown
):
    write_model("good", scale=5, weights="ab" * 32, model_options={"checkpoint": "small"})
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / "good.json").write_text(json.dumps({**CERTIFICATE, **change}))
    (folder / "notes.json").write_text("[]")
    _, site = leaderboard("--certificates", str(folder))
    page = (site / "models/good-small.html").read_text()
    assert ("20 claims hold" in page) == shown
    assert ("None was given" in page) != shown


def test_a_certificate_that_cannot_be_read_is_an_error(leaderboard, write_model, tmp_path, capsys):
    write_model("good", scale=5)
    (tmp_path / "bad.json").write_text("{")
    assert leaderboard("--certificates", str(tmp_path))[0] == 2
    assert "cannot be read as JSON" in capsys.readouterr().err
