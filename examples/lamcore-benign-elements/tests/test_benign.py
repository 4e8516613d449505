"""The extension as a challenge uses it."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ase import Atoms
from ase.build import bulk
from lamcore_crystal.extensions import extensions, score
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.intake.checking import check_geometry
from lamcore_crystal.rounds import RoundSettings
from lamcore_crystal.scores import ScoreInput

ROUND = RoundSettings(rules=("overlap", "benign"), labels=("stable-isotopes",), score="benign-hull-1")


def checked(atoms):
    return check_geometry(Geometry.of(atoms), ROUND)


def test_it_is_installed_and_nothing_was_skipped():
    assert not extensions().skipped
    for kind, name in (("rule", "benign"), ("label", "stable-isotopes"), ("score", "benign-hull-1")):
        assert extensions().offers[kind][name][1].startswith("benign-elements (lamcore-benign-elements ")


def test_lead_is_refused_with_its_code_and_copper_is_not():
    (refusal,) = checked(bulk("Pb")).findings
    assert (refusal.code, refusal.data) == ("E_RESTRICTED", {"elements": ["Pb"]})
    assert checked(bulk("Cu")).findings == ()


@pytest.mark.parametrize(("symbol", "expected"), [("Cu", True), ("Tc", False), ("Bi", False), ("U", False)])
def test_the_label_describes_and_refuses_nothing(symbol, expected):
    found = checked(Atoms(symbol, cell=[3.2] * 3, pbc=True))
    assert found.labels == {"has_stable_isotopes": expected}
    assert found.findings == ()


def test_the_score_is_the_distance_to_the_hull_or_none():
    distance = score("benign-hull-1")
    assert distance(ScoreInput({"Cu": 1, "O": 1}, -4.0, -0.8, -0.01)) == -0.01
    assert distance(ScoreInput({"Pb": 1, "O": 1}, -4.0, -0.8, -0.01)) is None


def test_the_round_of_the_readme_is_one():
    readme = Path(__file__).parents[1] / "README.md"
    (command,) = [
        line.strip() for line in readme.read_text().splitlines() if line.startswith("    lamcore crystal init")
    ]
    _, *arguments = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", "lamcore", *arguments, "--rules"], capture_output=True, text=True, check=True
    )
    assert "score: benign-hull-1" in done.stdout
    assert "- benign" in done.stdout
