"""What charts show, against what they were made from."""

import numpy as np
import pytest
from lamcore_leaderboard.cases import MOST_DRAWN, drawn
from lamcore_leaderboard.entries import Row
from lamcore_leaderboard.figures import Bar, bar_chart, radar_chart
from lamcore_leaderboard.labels import label_positions
from lamcore_leaderboard.names import Slugs
from lamcore_leaderboard.plotting import Styles, label, scale
from lamcore_leaderboard.tradeoff import Point, pareto_front, tradeoff_chart


def row(name, kind="measured"):
    return Row(kind, name, name, {}, {})


def point(name, x, y, context=""):
    return Point(row(name), x, y, None, None, context)


def names(points):
    return [one.row.name for one in points]


def test_the_front_holds_what_no_other_beats_in_both():
    points = [point("a", 1, 1), point("b", 2, 0.5), point("c", 2, 2), point("d", 3, 0.5), point("e", 4, 0.1)]
    assert names(pareto_front(points, "lower", "lower")) == ["a", "b", "e"]
    assert names(pareto_front(points, "higher", "lower")) == ["e"]
    assert names(pareto_front(points, "higher", "higher")) == ["c", "d", "e"]


def test_equal_points_are_both_on_the_front():
    assert names(pareto_front([point("a", 1, 1), point("b", 1, 1)], "lower", "lower")) == ["a", "b"]


def test_fronts_join_models_on_the_same_hardware_only():
    points = [
        point("a", 1, 0.1, "cpu"),
        point("b", 2, 0.2, "cpu"),
        point("c", 50, 0.1, "gpu"),
        point("d", 90, 0.3, "gpu"),
    ]
    chart = tradeoff_chart(
        "k", "c", ("speed", "1", "higher"), ("error", "1", "lower"), points, Styles([p.row for p in points])
    )
    lines = [trace for trace in chart.figure["data"] if trace["mode"] == "lines"]
    assert {trace["name"]: trace["x"] for trace in lines} == {
        "Pareto front: cpu": [1, 2],
        "Pareto front: gpu": [50, 90],
    }
    assert [line[-1] for line in chart.rows] == ["yes"] * 4


def test_the_radar_is_one_minus_the_error_and_stays_inside():
    rows = [row("a"), row("b")]
    chart = radar_chart(
        "k", "t", ["x", "y", "z"], [(rows[0], [0.2, 0.32, 0.0]), (rows[1], [1.7, 1.0, 0.5])], Styles(rows)
    )
    first, second = chart.figure["data"]
    assert first["r"] == [0.8, 1 - 0.32, 1.0, 0.8]
    assert first["theta"] == ["x", "y", "z", "x"]
    assert second["r"] == [0.0, 0.0, 0.5, 0.0]
    assert chart.rows[1] == ["b", "1.700", "1.000", "0.5000"]


def test_bars_carry_their_intervals_and_tell_published_from_measured():
    bars = [Bar(row("a"), 1.0, (0.5, 2.0)), Bar(row("p", "published"), 1.5, None), Bar(row("b"), 3.0, None)]
    chart = bar_chart("k", "t", "error", "K", "lower", bars, dummy=2.5)
    measured, published = chart.figure["data"]
    assert (measured["x"], published["x"]) == ([1.0, 3.0], [1.5])
    assert measured["error_x"]["array"] == [1.0, None]
    assert measured["error_x"]["arrayminus"] == [0.5, None]
    assert published["marker"]["pattern"]["shape"] == "/"
    assert chart.figure["layout"]["shapes"][0]["x0"] == 2.5
    assert chart.rows[-1][:2] == ["dummy", "2.500"]
    assert ["p (as published)", "1.500", "–"] in [list(line) for line in chart.rows]


def test_models_keep_apart_without_colour():
    rows = [row(f"m{number}") for number in range(24)]
    styles = Styles(rows)
    seen = {(styles(one).colour, styles(one).symbol) for one in rows}
    assert len(seen) == 24
    assert len({styles(one).symbol for one in rows[:8]}) == 8


def test_names_that_plotly_would_read_as_markup_are_shown_as_they_are():
    assert label(row("<b>%{x}")) == "&lt;b>% {x}"
    assert len(label(row("m" * 80))) <= 26


def test_labels_that_find_no_room_are_left_to_the_legend():
    rng = np.random.default_rng(0)
    points = [tuple(pair) for pair in rng.uniform(size=(40, 2))]
    positions = label_positions(points, ["a-model-name"] * 40, False, False)
    assert None in positions
    assert any(position is not None for position in positions)
    assert label_positions([(0, 0), (1, 1)], ["a", "b"], False, False) == ["top center", "top center"]
    assert label_positions([(0.5, 0.5)] * 6, ["name"] * 6, False, False).count(None) == 2


def test_many_cases_are_thinned_from_the_lowest_to_the_highest():
    values = {f"case-{number}": float(number) for number in range(10_000)}
    kept = drawn(values)
    assert len(kept) == MOST_DRAWN
    assert (min(kept.values()), max(kept.values())) == (0.0, 9999.0)
    assert np.median(list(kept.values())) == pytest.approx(np.median(list(values.values())), rel=1e-3)
    assert drawn({"a": 1.0}) == {"a": 1.0}


def test_slugs_are_unique_and_safe():
    slugs = Slugs()
    made = [slugs(text) for text in ("7net-l3i5", "7net l3i5", "Größe/../x", "…", "a" * 200)]
    assert made[:4] == ["7net-l3i5", "7net-l3i5-2", "groe-x", "x"]
    assert len(made[4]) == 60


def test_ticks_of_a_short_logarithmic_axis_are_written_in_full():
    axis = scale([0.3, 9.0])
    assert axis["type"] == "log"
    assert {"0.5", "1", "2", "5"} <= set(axis["ticktext"])
    assert dict(zip(axis["ticktext"], axis["tickvals"], strict=True))["0.5"] == 0.5
    assert scale([1.0, 3.0])["rangemode"] == "normal"
    assert scale([-1.0, 300.0])["rangemode"] == "normal"
    assert scale([1e-3, 1e3]) == {"type": "log", "dtick": 1}
