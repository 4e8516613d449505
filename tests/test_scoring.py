"""Metrics against closed forms, and what a failed case may do to them."""

import math

import numpy as np
import pytest
from scipy import stats

from lamcore import Case, ScoredCase
from lamcore.scoring import (
    bootstrap_interval,
    mean_absolute_error,
    mean_score,
    pooled_mean,
    proportion,
    root_mean_square_error,
    success_rate,
)


def case(number, label, error):
    """A case; `error` None for a failed one."""
    reference = {} if label is None else {"x_k": label}
    if error is None:
        return ScoredCase(Case(str(number), (), reference), None, failure="no")
    return ScoredCase(Case(str(number), (), reference), {"error_k": error})


def run(labels, errors):
    return [case(number, *pair) for number, pair in enumerate(zip(labels, errors, strict=True))]


def mae(scored, **options):
    return mean_absolute_error(scored, name="mae_x", error="error_k", label="x_k", unit="K", **options)


def rmse(scored, **options):
    return root_mean_square_error(scored, name="rmse_x", error="error_k", label="x_k", unit="K", **options)


def test_mean_absolute_error_by_hand():
    metric = mae(run([1.0, 2.0, 6.0], [0.5, -1.0, 3.0]))
    assert metric.value == pytest.approx(1.5)
    assert metric.dummy == pytest.approx((2 + 1 + 3) / 3)
    assert (metric.name, metric.unit, metric.direction, metric.n, metric.n_failed) == ("mae_x", "K", "lower", 3, 0)
    assert metric.note == "failed cases count at the dummy's error"


def test_root_mean_square_error_by_hand():
    metric = rmse(run([1.0, 2.0, 6.0], [0.5, -1.0, None]))
    assert metric.value == pytest.approx(math.sqrt((0.25 + 1 + 9) / 3))
    assert metric.dummy == pytest.approx(math.sqrt((4 + 1 + 9) / 3))
    low, high = metric.interval
    assert low < metric.value < high


@pytest.mark.parametrize("error", [None, math.nan, math.inf])
def test_a_failed_case_counts_at_the_error_of_the_dummy(error):
    metric = mae(run([1.0, 2.0, 6.0], [0.5, -1.0, error]))
    assert metric.value == pytest.approx((0.5 + 1 + 3) / 3)
    assert (metric.n, metric.n_failed) == (3, 1)


def test_a_score_that_is_missing_is_a_failed_one():
    scored = run([1.0, 2.0, 6.0], [0.5, -1.0, 3.0])
    scored[2] = ScoredCase(scored[2].case, {})
    assert mae(scored) == mae(run([1.0, 2.0, 6.0], [0.5, -1.0, None]))


def test_when_every_case_fails_the_metric_is_the_dummy():
    metric = mae(run([1.0, 2.0, 6.0], [None] * 3))
    assert metric.value == metric.dummy == pytest.approx(2)
    assert metric.n_failed == 3


def test_excluded_leaves_failed_cases_out_of_the_mean_and_says_so():
    metric = mae(run([1.0, 2.0, 6.0], [0.5, -1.0, None]), failures="excluded")
    assert metric.value == pytest.approx(0.75)
    assert (metric.n, metric.n_failed) == (3, 1)
    assert metric.note == "mean over the 2 cases that did not fail"
    assert mae(run([1.0], [None]), failures="excluded").value is None


def test_an_unknown_way_to_count_failures_is_refused():
    with pytest.raises(ValueError, match="expected 'dummy' or 'excluded'"):
        mae([], failures="ignore")


@pytest.mark.parametrize("missing", [None, math.nan])
def test_cases_without_the_label_do_not_count(missing):
    with_missing = [*run([1.0, 2.0], [0.5, 0.1]), case(2, missing, 100.0), case(3, missing, None)]
    assert mae(with_missing) == mae(with_missing[:2])


def test_without_any_label_there_is_no_value():
    metric = mae(run([None], [1.0]))
    assert (metric.value, metric.dummy, metric.interval, metric.n) == (None, None, None, 0)


def test_one_case_has_no_interval():
    assert mae(run([1.0], [0.5])).interval is None


def test_the_order_of_cases_changes_nothing():
    generator = np.random.default_rng(3)
    labels, errors = generator.normal(size=40), list(generator.normal(size=40))
    errors[5] = errors[17] = None
    scored = run(labels, errors)
    for _ in range(5):
        shuffled = [scored[index] for index in generator.permutation(40)]
        assert mae(shuffled) == mae(scored)
        assert rmse(shuffled) == rmse(scored)


def test_failing_where_the_model_beats_the_dummy_never_improves_a_metric():
    generator = np.random.default_rng(5)
    for metric in (mae, rmse):
        for _ in range(30):
            labels = generator.normal(size=8)
            dummy = np.abs(labels - labels.mean())
            errors = list(generator.uniform(-1, 1, size=8) * dummy)
            for index in generator.permutation(8):
                before = metric(run(labels, errors)).value
                errors[index] = None
                assert metric(run(labels, errors)).value >= before - 1e-14
            assert metric(run(labels, errors)).value == pytest.approx(metric(run(labels, errors)).dummy)


def test_mean_score_counts_failed_cases_at_the_dummy_of_each():
    scored = run([1.0, 2.0, 3.0], [4.0, None, 7.0])
    options = {"name": "s", "score": "error_k", "unit": "meV"}
    metric = mean_score(scored, dummy={"0": 10.0, "1": 20.0}, **options)
    assert (metric.value, metric.dummy, metric.n, metric.n_failed) == (12.0, 15.0, 2, 1)
    assert mean_score(scored, dummy={"0": 0.0, "1": -1.0, "2": 0.0}, direction="higher", **options).value == 10 / 3


def test_the_interval_of_a_mean_agrees_with_student_on_normal_data():
    values = np.random.default_rng(11).normal(10, 2, size=200)
    low, high = bootstrap_interval(values)
    expected = stats.t.interval(0.95, 199, loc=values.mean(), scale=stats.sem(values))
    assert (low, high) == pytest.approx(expected, abs=0.03)


def test_the_interval_covers_the_mean_of_skewed_errors_about_as_often_as_it_says():
    generator = np.random.default_rng(13)
    n_covered = 0
    for _ in range(150):
        low, high = bootstrap_interval(generator.exponential(size=30))
        n_covered += low <= 1 <= high
    # 95 % nominal; at n = 30 BCa covers about 92 % of an exponential; the bounds are 3.5 standard deviations wide.
    assert 0.84 <= n_covered / 150 <= 0.99


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([1.0], None),
        ([2.0, 2.0, 2.0], (2.0, 2.0)),
        ([0.0, 0.0], (0.0, 0.0)),
        ([1.0, 1.0 + 1e-15], (1.0, 1.0 + 1e-15)),
        ([0.0, 1.0], (0.0, 1.0)),
    ],
)
def test_the_interval_of_degenerate_data(values, expected):
    assert bootstrap_interval(values) == expected


@pytest.mark.parametrize("values", [[0, 1e300], [1e-300, 2e-300], [0] * 500 + [1], [5] * 4 + [5.001], [1e-320, 0]])
def test_the_interval_of_extreme_data_is_finite_and_holds_the_mean(values):
    low, high = bootstrap_interval(values)
    assert min(values) <= low <= math.fsum(value / len(values) for value in values) <= high <= max(values)


def test_a_proportion_has_wilsons_interval():
    scored = run([1.0] * 10, [1.0] * 6 + [None] * 4)
    metric = success_rate(scored)
    z, p, n = 1.959963984540054, 0.6, 10
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert metric.value == 0.6
    assert metric.interval == pytest.approx((centre - half, centre + half))
    assert (metric.n, metric.n_failed, metric.unit, metric.direction) == (10, 4, "1", "higher")


def test_cases_that_cannot_be_judged_are_outside_a_proportion():
    scored = run([1.0, -1.0, None, 1.0, None], [0.5, 0.5, 0.5, None, None])

    def sign_is_right(scored):
        label = scored.case.reference.get("x_k")
        return None if label is None else scored.scores is not None and label + scored.scores["error_k"] > 0

    metric = proportion(scored, name="p", success=sign_is_right, note="n", dummy=0.5, direction="lower")
    assert (metric.value, metric.n, metric.n_failed) == (1 / 3, 3, 1)
    assert (metric.note, metric.dummy, metric.direction) == ("n", 0.5, "lower")


def test_the_proportion_of_nothing_has_no_value():
    metric = proportion([], name="p", success=lambda _: True)
    assert (metric.value, metric.interval, metric.n) == (None, None, 0)


def test_a_metric_of_errors_keeps_labels_and_signed_errors_of_its_cases():
    made_of = mae(run([1.0, None, 6.0, 2.0], [0.5, 1.0, None, -3.0])).contributions
    assert made_of.case_ids == ("0", "2", "3")
    assert made_of.labels == (1.0, 6.0, 2.0)
    assert made_of.errors == (0.5, None, -3.0)
    excluded = mae(run([1.0, 6.0], [0.5, None]), failures="excluded").contributions
    assert (excluded.labels, excluded.errors) == ((1.0,), (0.5,))


def pooled(parts, dummy, **options):
    """A pooled mean over cases with these sums and numbers; None for a failed case."""
    scored = [
        ScoredCase(Case(str(number), ()), None, failure="no")
        if part is None
        else ScoredCase(Case(str(number), ()), {"sum": part[0], "number": part[1]})
        for number, part in enumerate(parts)
    ]
    return pooled_mean(
        scored,
        name="pooled",
        total="sum",
        weight="number",
        unit="eV/Å",
        dummy={str(number): one for number, one in enumerate(dummy)},
        **options,
    )


def test_a_pooled_mean_weighs_cases_by_their_parts():
    metric = pooled([(1.0, 10), (9.0, 30)], [(20.0, 10), (20.0, 30)])
    assert metric.value == pytest.approx(10 / 40)
    assert metric.dummy == pytest.approx(40 / 40)
    rooted = pooled([(1.0, 10), (9.0, 30)], [(20.0, 10), (20.0, 30)], root=True)
    assert rooted.value == pytest.approx(math.sqrt(10 / 40))


def test_a_failed_case_enters_a_pooled_mean_with_all_its_parts_at_the_dummy():
    metric = pooled([(1.0, 10), None], [(20.0, 10), (50.0, 30)])
    assert metric.value == pytest.approx((1 + 50) / 40)
    assert (metric.n, metric.n_failed) == (2, 1)
    excluded = pooled([(1.0, 10), None], [(20.0, 10), (50.0, 30)], failures="excluded")
    assert excluded.value == pytest.approx(1 / 10)
    assert excluded.dummy == pytest.approx(70 / 40)


def test_the_interval_of_a_pooled_mean_agrees_with_the_spread_of_ratios():
    rng = np.random.default_rng(0)
    numbers = rng.integers(3, 30, size=400)
    sums = np.array([rng.exponential(1.0, size=n).sum() for n in numbers])
    low, high = pooled(list(zip(sums, numbers, strict=True)), list(zip(sums, numbers, strict=True))).interval
    standard_error = 1 / math.sqrt(numbers.sum())  # of the mean of so many independent exponentials
    assert (high - low) / 2 == pytest.approx(1.96 * standard_error, rel=0.15)


def test_cases_that_depend_on_one_another_are_resampled_together():
    rng = np.random.default_rng(0)
    of_trajectory = rng.normal(0, 1, size=10)
    errors = np.repeat(of_trajectory, 20) + rng.normal(0, 0.01, size=200)
    scored = run(list(range(200)), list(errors))
    groups = {str(number): f"trajectory-{number // 20}" for number in range(200)}
    low, high = mae(scored).interval
    low_grouped, high_grouped = mae(scored, groups=groups).interval
    low_of_ten, high_of_ten = bootstrap_interval(np.abs(errors).reshape(10, 20).mean(axis=1))
    assert (low_grouped, high_grouped) == pytest.approx((low_of_ten, high_of_ten))
    assert high_grouped - low_grouped > 2 * (high - low)


def test_contributions_make_the_metric():
    metric = rmse(run([1.0, 2.0, 6.0], [0.5, -1.0, None]))
    made_of = metric.contributions
    assert made_of.case_ids == ("0", "1", "2")
    assert math.sqrt(sum(made_of.totals) / sum(made_of.weights)) == pytest.approx(metric.value)
    assert math.sqrt(sum(made_of.dummy_totals) / sum(made_of.dummy_weights)) == pytest.approx(metric.dummy)
