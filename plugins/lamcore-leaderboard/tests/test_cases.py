"""Single cases of an item, against the scores that they were made from."""

import pytest
from lamcore_leaderboard.case_figures import parity_chart, spread_chart
from lamcore_leaderboard.cases import failure_matrix, metric_views
from lamcore_leaderboard.entries import Item, Row
from lamcore_leaderboard.plotting import Styles

from lamcore import Case, ScoredCase
from lamcore.results import read_run
from lamcore.scoring import mean_absolute_error, root_mean_square_error
from lamcore.suite import SuiteItem

LABELS = {"a": 1.0, "b": 5.0, "c": 9.0}


def scored(errors):
    return [
        ScoredCase(Case(name, (), {"x": LABELS[name]}), None, failure="why")
        if error is None
        else ScoredCase(Case(name, (), {"x": LABELS[name]}), {"e": error})
        for name, error in errors.items()
    ]


@pytest.fixture
def item(write_run):
    """Two models: `good` with errors −0.5, 1, 2 and `bad`, which failed on b."""
    members = []
    for model, errors, failed in (("good", (-0.5, 1.0, 2.0), ()), ("bad", (3.0, None, -4.0), ("b",))):
        cases = scored(dict(zip("abc", errors, strict=True)))
        how = {"error": "e", "label": "x", "unit": "K"}
        metrics = [
            mean_absolute_error(cases, name="mae", **how),
            root_mean_square_error(cases, name="rmse", **how),
        ]
        run = read_run(write_run("surfaces", model, metrics=metrics, n=3))
        object.__setattr__(run, "failures", dict.fromkeys(failed, "why"))
        members.append((Row("measured", model, model, {}, {}), run))
    return Item(SuiteItem("surfaces", "Surfaces", "", "surfaces", "d"), "surfaces", None, members)


def test_values_of_cases_are_in_the_unit_of_the_metric(item):
    for view in metric_views(item):
        good, bad = view.cases
        assert good.values == pytest.approx({"a": 0.5, "b": 1.0, "c": 2.0})
        assert bad.values == pytest.approx({"a": 3.0, "c": 4.0})
        assert (bad.failed, view.unit) == ({"b"}, "K")


def test_predictions_are_labels_plus_errors(item):
    good, bad = metric_views(item)[0].cases
    assert good.pairs == {"a": (1.0, 0.5), "b": (5.0, 6.0), "c": (9.0, 11.0)}
    assert bad.pairs == {"a": (1.0, 4.0), "c": (9.0, 5.0)}


def test_the_parity_chart_draws_each_prediction_at_its_label(item):
    view = metric_views(item)[0]
    chart = parity_chart(view, Styles([row for row, _ in item.runs]))
    _, good, bad = chart.figure["data"]
    assert sorted(zip(good["text"], good["x"], good["y"], strict=True)) == [
        ("a", 1.0, 0.5),
        ("b", 5.0, 6.0),
        ("c", 9.0, 11.0),
    ]
    assert len(bad["x"]) == 2
    assert chart.rows[0] == ["good", "3", "0.8333", "c (2.000)"]


def test_the_spread_chart_tells_failed_cases_in_its_table(item):
    chart = spread_chart(metric_views(item)[0], Styles([row for row, _ in item.runs]))
    assert chart.rows[1] == ["bad", "2", "1", "3.000", "3.500", "4.000"]
    assert [trace["name"] for trace in chart.figure["data"]] == ["good", "bad", "dummy"]


def test_worst_cases_are_by_the_mean_over_models_and_name_failures(item):
    worst = metric_views(item)[0].worst
    assert [one.case_id for one in worst] == ["c", "a", "b"]
    assert worst[2].values == {"good": "1.000", "bad": "failed"}


def test_the_matrix_holds_the_cases_that_failed_for_some_model(item):
    matrix = failure_matrix(item)
    assert list(matrix.cases) == ["b"]
    assert matrix.reasons == {"b": {"bad": "why"}}


def test_metrics_of_different_hardware_are_apart(write_run, speed):
    members = [
        (Row("measured", name, name, {}, {}), read_run(write_run("speed", name, metrics=[speed(2.0, context)])))
        for name, context in (("a", "cpu"), ("b", "gpu"))
    ]
    views = metric_views(Item(SuiteItem("speed", "Speed", "", "speed", "d"), "speed", None, members))
    assert [(view.context, len(view.models)) for view in views] == [("cpu", 1), ("gpu", 1)]


def test_a_run_that_failed_as_a_whole_has_no_column_of_its_own(write_run, speed):
    whole, failed = speed(2.0, "cpu"), speed(None, "")
    members = [
        (Row("measured", name, name, {}, {}), read_run(write_run("speed", name, metrics=[metric])))
        for name, metric in (("a", whole), ("b", failed))
    ]
    views = metric_views(Item(SuiteItem("speed", "Speed", "", "speed", "d"), "speed", None, members))
    assert [view.context for view in views] == ["cpu"]
