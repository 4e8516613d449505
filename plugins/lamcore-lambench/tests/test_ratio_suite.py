"""lamcore's own rules: by hand, and against each weakness of the rules that they replace."""

import math
import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
from lamcore_lambench import build_lamcore_1, build_lamcore_demo
from lamcore_lambench.ratio_suite import RatioSuite

from lamcore.errors import ConfigError
from lamcore.standings import Standing, ahead, places

sys.path.insert(0, str(Path(__file__).parent))
from runs import LABELS, error_metric, make_run, plain_metric

DUMMY = mean(abs(label - mean(LABELS)) for label in LABELS)

FILE = """
headlines:
  M: {title: Errors, formula: by hand, clip: 1.0}
items:
  four: {title: Four, headline: M, domain: A, task: t4, dataset: d, metrics: {a: 1, b: 1, c: 1, d: 1}}
  one: {title: One, headline: M, domain: A, task: t1, dataset: d, metrics: {a: 1}}
  other: {title: Other, headline: M, domain: B, task: t2, dataset: d, metrics: {a: 3, b: 1}}
"""
GEOMETRIC = """
headlines:
  M: {title: Errors, formula: by hand, mean: geometric, floor: 0.001, clip: 1.0}
items:
  x: {title: X, headline: M, domain: A, task: t, dataset: dx, metrics: {a: 1}}
  y: {title: Y, headline: M, domain: A, task: t, dataset: dy, metrics: {a: 1}}
"""
APPLICABILITY = """
headlines:
  M_IS: {title: Instability, formula: mean, kind: mean, missing: 5.0}
  M_E: {title: Efficiency, formula: 100 / t, kind: inverse, scale: 100.0, unit: atoms/(100 µs), draws: metric}
items:
  nve: {title: Drift, headline: M_IS, domain: S, task: nve, dataset: nine, metrics: {instability: 1}}
  time: {title: Time, headline: M_E, domain: E, task: efficiency, dataset: ladder, metrics: {time: 1}}
"""


@pytest.fixture
def make_suite(tmp_path):
    def make(text=FILE, data=None):
        path = tmp_path / "suite.yaml"
        path.write_text(text)
        return RatioSuite.from_yaml(path, data)

    return make


def scaled(factor):
    """Errors that are a factor of the dummy's in the mean."""
    return [factor * DUMMY * sign for sign in (1, -1, 1, -1, 1, -1)]


def run_with(**factors):
    return make_run(*(error_metric(name, scaled(factor)) for name, factor in factors.items()))


def only(suite, runs):
    (score,) = suite.score(runs)
    return score


def test_metrics_then_tasks_then_domains_have_equal_weights_beside_those_that_are_stated(make_suite):
    runs = {"four": run_with(a=0.1, b=0.1, c=0.1, d=0.1), "one": run_with(a=0.5), "other": run_with(a=0.2, b=0.6)}
    score = only(make_suite(), runs)
    by_domain = {part.name: part.value for part in score.parts}
    assert by_domain["A"] == pytest.approx((0.1 + 0.5) / 2)
    assert by_domain["B"] == pytest.approx((3 * 0.2 + 0.6) / 4)
    assert score.value == pytest.approx((0.3 + 0.3) / 2)


def test_a_task_with_two_data_sets_weighs_as_much_as_a_task_with_one(make_suite):
    text = FILE.replace("task: t4", "task: t1") + (
        "  last: {title: Last, headline: M, domain: A, task: t9, dataset: d, metrics: {a: 1}}\n"
    )
    runs = {
        "four": run_with(a=0.2, b=0.2, c=0.2, d=0.2),
        "one": run_with(a=0.4),
        "last": run_with(a=0.9),
        "other": run_with(a=0.6, b=0.6),
    }
    assert only(make_suite(text), runs).value == pytest.approx(((0.3 + 0.9) / 2 + 0.6) / 2)


def test_baselines_are_those_that_the_task_computed_from_the_labels(make_suite):
    errors = [0.1, 0.2, -0.3, 0.4, 0.5, -0.6]
    score = only(make_suite(), {"one": make_run(error_metric("a", errors))})
    part = score.parts[0].parts[1].parts[0]
    assert part.value == pytest.approx(mean(map(abs, errors)) / DUMMY)


def test_an_item_that_was_not_run_counts_as_the_dummys_and_says_so(make_suite):
    score = only(make_suite(), {"one": run_with(a=0.2)})
    assert score.value == pytest.approx(((1 + 0.2) / 2 + 1) / 2)
    assert "four" in score.note
    assert "other" in score.note
    assert "counts as the dummy's" in score.parts[0].parts[0].note


def test_to_lack_a_metric_never_pays(make_suite):
    """LAMBench skips it: of 0.2 and 0.8 it would make 0.2."""
    whole = only(make_suite(), {"other": run_with(a=0.2, b=0.8)})
    part = only(make_suite(), {"other": run_with(a=0.2)})
    assert part.value > whole.value
    assert part.parts[1].value == pytest.approx((3 * 0.2 + 1) / 4)
    assert "no such metric" in part.parts[1].parts[0].parts[1].note


def test_a_metric_without_a_value_counts_as_the_dummys(make_suite):
    score = only(make_suite(), {"one": make_run(plain_metric("a", None, dummy=2.0))})
    metric = score.parts[0].parts[1].parts[0]
    assert (metric.value, metric.note) == (1.0, "has no value; counts as the dummy's")


def test_a_model_about_as_bad_as_the_dummy_is_clipped_in_every_draw_too(make_suite):
    score = only(make_suite(), {"one": run_with(a=0.98)})
    low, high = score.parts[0].parts[1].interval
    assert low < 0.98
    assert high == 1.0


def test_a_mean_without_a_value_for_what_is_missing_has_none_where_an_item_is_missing(make_suite):
    """The mean over the others would be better for leaving out the slowest."""
    text = APPLICABILITY + (
        "  large: {title: Large, headline: M_E, domain: E, task: efficiency, dataset: l, metrics: {time: 1}}\n"
    )
    time = make_run(plain_metric("time", 40.0, "µs/atom"))
    _, part = make_suite(text).score({"time": time})
    assert (part.value, part.interval, part.note) == (None, None, "not run: large")
    _, whole = make_suite(text).score({"time": time, "large": make_run(plain_metric("time", 60.0, "µs/atom"))})
    assert whole.value == pytest.approx(2.0)


def test_the_formula_of_a_headline_says_the_weights_and_what_is_missing_counts(make_suite):
    (errors,) = make_suite().headlines
    assert errors.formula.startswith("by hand. ")
    assert "A missing metric or run counts 1, as the dummy's" in errors.formula
    assert "Other: a 3, b 1" in errors.formula
    instability, efficiency = make_suite(APPLICABILITY).headlines
    assert "A missing metric or run counts 5" in instability.formula
    assert "Where a metric or run is missing there is no value" in efficiency.formula


def test_to_leave_an_item_out_never_pays_even_where_the_model_is_worse_than_the_dummy(make_suite):
    bad, good = run_with(a=30.0), run_with(a=0.1, b=0.1, c=0.1, d=0.1)
    with_it = only(make_suite(), {"four": good, "one": bad}).value
    without = only(make_suite(), {"four": good}).value
    assert with_it <= without
    assert with_it == pytest.approx(without)


def test_what_one_model_lacks_changes_nothing_for_another(make_suite):
    """LAMBench drops a domain for every model where one model has nothing in it."""
    suite = make_suite()
    alone = only(suite, {"one": run_with(a=0.2), "other": run_with(a=0.4, b=0.4)}).value
    only(suite, {"one": run_with(a=0.9)})
    assert only(suite, {"one": run_with(a=0.2), "other": run_with(a=0.4, b=0.4)}).value == alone


def test_a_model_without_stress_is_scored_and_stops_nobody(make_suite):
    """LAMBench multiplies None by 0.1 there."""
    score = only(make_suite(), {"four": run_with(a=0.1, b=0.1, c=0.1)})
    assert score.parts[0].parts[0].value == pytest.approx((0.1 + 0.1 + 0.1 + 1) / 4)


def test_failing_a_hard_case_never_pays_and_a_success_rate_in_any_unit_cannot_switch_that_off(make_suite):
    """Six cases with errors up to 90 % of the dummy's: each one that fails makes the score worse."""
    per_case = [0.9 * abs(label - mean(LABELS)) for label in LABELS]
    scores = []
    for n_failed in range(len(LABELS) + 1):
        errors = [*per_case[n_failed:]]
        metric = error_metric("a", [None] * n_failed + errors)
        percent = plain_metric("success_rate", 100.0 * (1 - n_failed / 6), direction="higher")
        scores.append(only(make_suite(), {"one": make_run(metric, percent)}).value)
    assert scores == sorted(scores)
    assert scores[-1] == pytest.approx(1.0)
    assert max(scores) <= 1.0 + 1e-12
    assert scores[0] < scores[1]


def test_failed_cases_are_named_where_they_count(make_suite):
    score = only(make_suite(), {"one": make_run(error_metric("a", [None, *scaled(0.1)[1:]]))})
    assert "1 of 6 cases failed" in score.parts[0].parts[1].parts[0].note


def test_a_metric_worse_than_the_dummys_counts_1_and_says_so(make_suite):
    part = only(make_suite(), {"one": run_with(a=7.0)}).parts[0].parts[1].parts[0]
    assert part.value == 1.0
    assert "worse than the dummy, counts 1" in part.note
    unclipped = only(make_suite(FILE.replace("clip: 1.0", "clip: null")), {"one": run_with(a=7.0)})
    assert unclipped.parts[0].parts[1].value == pytest.approx(7.0)


def test_one_error_of_exactly_zero_does_not_make_a_geometric_mean_zero(make_suite):
    score = only(make_suite(GEOMETRIC), {"x": run_with(a=0.0), "y": run_with(a=0.9)})
    assert score.value == pytest.approx(math.sqrt(0.001 * 0.9))
    assert score.interval is not None
    assert all(math.isfinite(end) for end in score.interval)


def test_a_geometric_mean_without_a_floor_is_refused(make_suite):
    with pytest.raises(ConfigError, match=r"floor.*one error of exactly 0 makes the whole mean 0"):
        make_suite(GEOMETRIC.replace("floor: 0.001, ", ""))


def test_no_number_is_ever_nan_whatever_is_missing(make_suite):
    odd = [
        plain_metric("a", None, dummy=1.0),
        plain_metric("a", 0.5, dummy=None),
        plain_metric("a", 0.5, dummy=0.0),
        plain_metric("a", 0.5, dummy=1.0, direction="higher"),
        error_metric("a", [None] * 6),
        error_metric("a", [0.5, *[None] * 5], labels=[2.0] * 6),
    ]

    def numbers(score):
        yield score.value
        yield from score.interval or ()
        for part in score.parts:
            yield from numbers(part)

    for metric in odd:
        for text in (FILE, GEOMETRIC):
            score = only(make_suite(text), {"one" if text is FILE else "x": make_run(metric)})
            assert all(number is None or math.isfinite(number) for number in numbers(score)), metric


def test_a_metric_is_left_out_for_every_model_where_the_dummy_makes_no_error(make_suite):
    """On a single case the mean of the labels is the label."""
    single = make_run(error_metric("a", [0.5], labels=[2.0]), error_metric("b", [0.1, 0.2], labels=[1.0, 2.0]))
    score = only(make_suite(), {"other": single})
    first, second = score.parts[1].parts[0].parts
    assert (first.value, "makes no error on these cases" in first.note) == (None, True)
    assert score.parts[1].value == second.value


def test_the_interval_is_that_of_the_ratio_on_resampled_cases(make_suite):
    """Where every error is half of the dummy's on the same case, the ratio is a half in every draw."""
    halves = [0.5 * abs(label - mean(LABELS)) for label in LABELS]
    score = only(
        make_suite(GEOMETRIC), {"x": make_run(error_metric("a", halves)), "y": make_run(error_metric("a", halves))}
    )
    assert score.interval == pytest.approx((0.5, 0.5))
    spread = only(make_suite(GEOMETRIC), {"x": run_with(a=0.5), "y": run_with(a=0.5)})
    low, high = spread.interval
    assert low < 0.45 < 0.55 < high


def test_models_are_compared_on_the_same_draws_so_that_a_small_but_sure_difference_counts(make_suite):
    """Intervals overlap by far, the difference has one sign on every case."""
    errors = [0.1, 0.02, 0.3, 0.07, 0.4, 0.2]
    better = only(make_suite(), {"one": make_run(error_metric("a", errors))})
    worse = only(make_suite(), {"one": make_run(error_metric("a", [1.05 * error for error in errors]))})
    assert better.interval[1] > worse.interval[0]
    assert ahead(better, worse) == 1
    assert ahead(worse, better) == -1


def test_no_place_is_claimed_within_the_interval_of_the_difference(make_suite):
    errors = [0.1, 0.02, 0.3, 0.07, 0.4, 0.2]
    shuffled = [error + change for error, change in zip(errors, (0.07, 0.1, -0.1, 0.03, -0.07, -0.04), strict=True)]
    suite = make_suite()

    def standing(name, errors):
        runs = {"one": make_run(error_metric("a", errors))}
        return Standing(name, runs, {"M": only(suite, runs)}, False)

    rows = [standing("first", errors), standing("second", shuffled), standing("last", [3 * error for error in errors])]
    assert rows[0].scores["M"].value != rows[1].scores["M"].value
    assert places(rows, "M") == {"first": (1, 2), "second": (1, 2), "last": (3, 3)}


def test_one_case_gives_no_interval_and_no_place(make_suite):
    suite = make_suite(FILE.replace("clip: 1.0", "clip: null"))

    def score(error):
        metric = replace(error_metric("a", [error], labels=[2.0]), dummy=1.0)
        return only(suite, {"one": make_run(metric)})

    good, bad = score(0.1), score(0.9)
    assert good.interval is None
    assert good.value < bad.value
    assert ahead(good, bad) == 0


def test_the_dummy_scores_exactly_one(make_suite):
    runs = {"one": run_with(a=0.2), "four": run_with(a=0.1, b=2.0, c=0.3, d=0.4), "other": run_with(a=0.5, b=0.1)}
    score = only(make_suite(), {key: run.as_dummy() for key, run in runs.items()})
    assert score.value == pytest.approx(1.0)
    assert score.interval == pytest.approx((1.0, 1.0))


def test_instability_is_the_mean_over_systems_and_efficiency_100_over_the_time(make_suite):
    nve = make_run(error_metric("instability", [0.0, 0.0, 5.0, 1.0, 0.0, 0.0], unit="1"))
    time = make_run(plain_metric("time", 40.0, "µs/atom", context="a processor"))
    instability, efficiency = make_suite(APPLICABILITY).score({"nve": nve, "time": time})
    assert instability.value == pytest.approx(1.0)
    assert instability.interval[0] < 1 < instability.interval[1]
    assert (efficiency.value, efficiency.unit, efficiency.direction) == (2.5, "atoms/(100 µs)", "higher")


def test_what_was_not_run_is_the_worst_in_a_mean_and_has_no_value_as_a_speed(make_suite):
    text = (
        APPLICABILITY
        + "  more: {title: More, headline: M_IS, domain: S, task: nve, dataset: x, metrics: {instability: 1}}\n"
    )
    nve = make_run(plain_metric("instability", 1.0))
    instability, efficiency = make_suite(text).score({"nve": nve})
    assert instability.value == pytest.approx((1 + 5) / 2)
    assert (efficiency.value, efficiency.note) == (None, "none of its runs is there")


def test_a_time_that_is_missing_is_no_speed(make_suite):
    time = make_run(plain_metric("time", None, "µs/atom", note="does not fit", context="a processor"))
    _, efficiency = make_suite(APPLICABILITY).score({"time": time})
    assert efficiency.value is None
    metric = efficiency.parts[0].parts[0]
    assert (metric.value, metric.unit, metric.note) == (None, "µs/atom", "does not fit")


def test_speeds_are_compared_beyond_the_noise_of_the_timing_and_on_the_same_hardware_only(make_suite):
    def speed(time, half_width, hardware, run_id):
        interval = (time - half_width, time + half_width)
        metric = replace(plain_metric("time", time, "µs/atom", context=hardware), interval=interval)
        return make_suite(APPLICABILITY).score({"time": make_run(metric, run_id=run_id)})[1]

    fast, slow = speed(40.0, 1.0, "A", "1"), speed(50.0, 1.0, "A", "2")
    assert ahead(fast, slow) == 1
    assert fast.interval == pytest.approx((100 / 41, 100 / 39), rel=0.01)
    assert ahead(fast, speed(40.5, 1.0, "A", "3")) == 0
    assert ahead(speed(10.0, 1.0, "B", "4"), slow) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("kind", "headlines: {M: {title: x, formula: y, kind: median}}"),
            r"kind: got 'median', expected one of ratio",
        ),
        (("mean", "headlines: {M: {title: x, formula: y, mean: modal}}"), r"mean: got 'modal', expected one of arith"),
    ],
)
def test_a_headline_of_an_unknown_kind_is_refused(make_suite, change, message):
    _, headlines = change
    items = FILE[FILE.index("items:") :]
    with pytest.raises(ConfigError, match=message):
        make_suite(headlines + "\n" + items)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("headline: M, domain: B", "headline: N, domain: B", r"items.other.headline: got 'N', expected one of M"),
        ("metrics: {a: 3, b: 1}", "metrics: {a: 0}", r"items.other.metrics: got .*expected weights above 0"),
        ("metrics: {a: 3, b: 1}", "metrics: {a: much}", r"not a valid SuiteFile"),
        ("metrics: {a: 3, b: 1}", "metrcs: {a: 3}", r"metrcs"),
        ("headlines:", "- 1\nheadlines:", r"cannot be read as YAML"),
        ("title: Other,", "title: Other, max_cases: 0,", r"items.other.max_cases: got 0, expected a number above 0"),
        ("items:", "extends: nowhere.yaml\nitems:", r"nowhere.yaml: cannot be read"),
        ("items:", "extends: suite.yaml\nitems:", r"extends itself"),
        ("  M: {", "  N: {title: Empty, formula: none}\n  M: {", r"headlines.N: no item counts in it"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_what_and_where(make_suite, old, new, message):
    assert old in FILE
    with pytest.raises(ConfigError, match=message) as error:
        make_suite(FILE.replace(old, new))
    assert "suite.yaml" in str(error.value) or "nowhere.yaml" in str(error.value)


def test_items_with_files_are_part_of_the_suite_where_a_folder_is_given_and_say_what_is_absent(make_suite, tmp_path):
    text = FILE + (
        "  own: {title: Own, headline: M, domain: B, task: t2, dataset: frames, files: {path: own.xyz}, "
        "metrics: {a: 1}, obtain: from its authors}\n"
    )
    assert "own" not in [item.key for item in make_suite(text).items]
    folder = tmp_path / "data"
    folder.mkdir()
    absent = make_suite(text, folder).items[-1]
    assert "own.xyz does not exist" in absent.missing
    assert absent.obtain == "from its authors"
    (folder / "own.xyz").write_text("0\n\n")
    present = make_suite(text, folder).items[-1]
    assert (present.missing, present.dataset_options) == ("", {"path": folder / "own.xyz"})


def test_a_folder_of_data_that_does_not_exist_is_refused(make_suite, tmp_path):
    with pytest.raises(ConfigError, match=r"suite.data: .*nowhere is not a folder"):
        make_suite(FILE, tmp_path / "nowhere")


def test_the_suites_in_the_package_can_be_read_and_share_their_rules():
    full, demo = build_lamcore_1(), build_lamcore_demo()
    assert [headline.name for headline in full.headlines] == ["M_FF", "M_PC", "M_IS", "M_E"]
    assert full.headlines[:3] == demo.headlines[:3]
    assert [item.key for item in full.items] == [item.key for item in demo.items]
    assert all(item.max_cases is None for item in full.items)
    assert {item.key for item in demo.items if item.max_cases is None and not item.dataset_options} == set()
    assert len({item.key for item in full.items}) == len(full.items)


def test_what_a_file_says_of_an_item_replaces_what_the_file_that_it_extends_says(make_suite, tmp_path):
    make_suite()
    (tmp_path / "suite.yaml").rename(tmp_path / "base.yaml")
    suite = make_suite("extends: base.yaml\nitems:\n  other: {metrics: {b: 1}, max_cases: 2}\n")
    assert [(item.key, item.max_cases) for item in suite.items] == [("four", None), ("one", None), ("other", 2)]
    score = only(suite, {"other": run_with(a=0.2, b=0.6)})
    assert score.parts[1].value == pytest.approx(0.6)


def test_numbers_of_draws_are_plain_arrays_of_the_same_length(make_suite):
    score = only(make_suite(), {"one": run_with(a=0.2)})
    assert isinstance(score.draws, np.ndarray)
    assert score.draws.shape == (1000,)
