"""The suite through lamcore's command line, and its formula by hand."""

import json
import subprocess
import sys

import pytest


def suite(folder, *arguments):
    command = [sys.executable, "-m", "lamcore", "suite=metals", "model=emt", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    (file,) = folder.glob("runs/suite-metals-emt-*/suite.json")
    return json.loads(file.read_text()), result.stdout


def test_the_headline_is_the_mean_ratio_to_the_dummy(tmp_path):
    written, _ = suite(tmp_path)
    (score,) = written["scores"]
    metrics = json.loads((tmp_path / "runs" / written["runs"]["eos"] / "metrics.json").read_text())["metrics"]
    ratios = [
        one["value"] / one["dummy"]
        for one in metrics
        if one["name"] in ("mean_delta", "mae_volume", "mae_bulk_modulus")
    ]
    assert score["value"] == pytest.approx(sum(ratios) / 3)
    assert score["interval"][0] < score["value"] < score["interval"][1]
    assert not written["rehearsal"]


def test_fewer_cases_are_a_rehearsal_and_say_so(tmp_path):
    written, printed = suite(tmp_path, "suite.max_cases=3")
    assert written["rehearsal"]
    assert "REHEARSAL" in printed


def test_where_the_dummy_makes_no_error_there_is_no_headline(tmp_path):
    """On a single case, the mean of the labels is the label."""
    written, _ = suite(tmp_path, "suite.max_cases=1")
    (score,) = written["scores"]
    assert score["value"] is None
    assert {part["value"] for part in score["parts"]} == {None}
