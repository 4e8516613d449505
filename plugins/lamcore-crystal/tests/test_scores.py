import pytest
from lamcore_crystal.extensions import score
from lamcore_crystal.scores import SCORES, OpenLamFormation, ScoreInput

BELOW = ScoreInput({"Li": 2.0, "O": 1.0}, -4.5, -2.1, -0.3)
ABOVE = ScoreInput({"Li": 2.0, "O": 1.0}, -3.9, 0.2, 0.4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("energy-above-hull-1", (-0.3, 0.4)), ("formation-energy-1", (-2.1, 0.2)), ("openlam-hull-1", (0.0, 0.4))],
)
def test_scores_are_found_by_name_and_only_the_one_of_openlam_clips(name, expected):
    assert (score(name)(BELOW), score(name)(ABOVE)) == expected


def test_a_score_carries_its_version_its_unit_and_which_way_is_better():
    assert [one.name.rsplit("-", 1)[1] for one in SCORES] == ["1"] * len(SCORES)
    assert {(one.unit, one.direction) for one in SCORES} == {("eV/atom", "lower")}
    assert all(one.summary for one in SCORES)


def test_the_formation_energy_of_openlam_takes_the_table_to_four_decimals():
    named = OpenLamFormation({"Li": -1.90894, "O": -4.94790})
    assert named(BELOW) == pytest.approx(-4.5 - (2 * -1.9089 + -4.9479) / 3, abs=1e-12)
    assert named(ScoreInput({"Po": 1.0}, -3.0, 0.0, 0.0)) is None
