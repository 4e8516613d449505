"""Which radars a leaderboard has, by the domains of its headlines."""

import pytest
from lamcore_leaderboard.entries import Board, Row
from lamcore_leaderboard.plotting import Styles
from lamcore_leaderboard.views import radars

from lamcore.cards import SuiteCard
from lamcore.standings import Standing
from lamcore.suite import Headline, Score, Suite


class Fixed(Suite):
    items = ()

    def __init__(self, names):
        self.headlines = [Headline(name, name.title(), "1", "lower", "") for name in names]

    def score(self, runs):
        return ()


@pytest.fixture
def board(monkeypatch):
    """A board of one model from domain errors by headline."""

    def make(errors):
        monkeypatch.setattr("lamcore_leaderboard.views.domains_of", lambda board, headline: list(errors[headline.name]))
        scores = {
            name: Score(name, name, 0.5, parts=tuple(Score(k, k, v) for k, v in of.items()))
            for name, of in errors.items()
        }
        row = Row("measured", "m", "m", {}, {}, standing=Standing("m", {}, scores, False))
        return Board("s", "p 1", SuiteCard("s"), Fixed(errors), (), (row,), (), (), ())

    return make


def drawn(board):
    return [(chart.title, chart.figure["data"][0]["r"][:-1]) for chart in radars(board, Styles(board.rows))]


def test_a_headline_with_three_domains_has_a_radar_of_its_own(board):
    made = board({"ff": {"A": 0.1, "B": 0.2, "C": 0.5}, "pc": {"A": 0.3}})
    assert drawn(made) == [("Ff by domain", [0.9, 0.8, 0.5])]


def test_headlines_with_few_domains_share_a_radar(board):
    made = board({"ff": {"A": 0.1}, "pc": {"A": 0.5, "B": 0.25}})
    assert drawn(made) == [("All headlines by domain", [0.9, 0.5, 0.75])]
    assert radars(made, Styles(made.rows))[0].header == ["model", "error, A, ff", "error, A, pc", "error, B, pc"]


def test_two_domains_are_no_shape(board):
    assert drawn(board({"ff": {"A": 0.1}, "pc": {"B": 0.5}})) == []


def test_a_model_that_lacks_a_domain_is_not_drawn(board):
    assert drawn(board({"ff": {"A": 0.1, "B": None, "C": 0.5}})) == []
