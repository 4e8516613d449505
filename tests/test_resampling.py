"""The paired bootstrap, against closed forms and against scoring."""

import numpy as np
import pytest

from lamcore.resampling import N_DRAWS, draws, percentile_interval
from lamcore.task import Contributions


def contributions(totals, weights=None, ids=None, **changes):
    ids = tuple(f"case-{index}" for index in range(len(totals))) if ids is None else ids
    weights = (1.0,) * len(totals) if weights is None else tuple(weights)
    return Contributions(case_ids=ids, totals=tuple(totals), weights=weights, **changes)


def test_draws_spread_as_the_standard_error_of_the_mean():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=400)
    made = draws(contributions(values))
    assert made.shape == (N_DRAWS,)
    assert made.mean() == pytest.approx(values.mean(), abs=0.02)
    assert made.std() == pytest.approx(values.std() / np.sqrt(400), rel=0.1)


def test_draw_k_is_on_the_same_cases_whatever_the_values_and_the_order():
    first = np.arange(20.0)
    ids = tuple(f"case-{index}" for index in range(20))
    made = draws(contributions(first, ids=ids))
    np.testing.assert_allclose(draws(contributions(2 * first + 1, ids=ids)), 2 * made + 1, rtol=1e-12)
    backwards = contributions(first[::-1], ids=ids[::-1])
    np.testing.assert_allclose(draws(backwards), made, rtol=1e-12)


def test_other_cases_are_drawn_otherwise():
    values = np.arange(20.0)
    other = contributions(values, ids=tuple(f"other-{index}" for index in range(20)))
    assert not np.allclose(draws(contributions(values)), draws(other))


def test_whole_groups_are_drawn():
    """Two groups, each of cases that are alike: a draw holds both or twice the same."""
    values = [1.0] * 5 + [3.0] * 5
    made = draws(contributions(values, groups=("a",) * 5 + ("b",) * 5))
    assert set(np.round(made, 12)) == {1.0, 2.0, 3.0}
    assert np.mean(made == 2.0) == pytest.approx(0.5, abs=0.05)


def test_weights_enter_numerator_and_denominator():
    made = draws(contributions([2.0, 30.0], weights=[1.0, 10.0]))
    assert set(np.round(made, 12)) == {2.0, round(32 / 11, 12), 3.0}


def test_the_root_is_taken_of_each_draw():
    values = [1.0, 4.0, 9.0, 16.0]
    np.testing.assert_allclose(draws(contributions(values, root=True)) ** 2, draws(contributions(values)), rtol=1e-12)


def test_a_draw_of_nothing_that_counts_has_no_value_and_does_not_enter_the_interval():
    made = draws(contributions([0.0, 5.0], weights=[0.0, 1.0]))
    assert np.isnan(made).any()
    assert percentile_interval(made) == (5.0, 5.0)


@pytest.mark.parametrize("groups", [None, ("one", "one")])
def test_of_a_single_case_or_group_nothing_is_known_of_the_spread(groups):
    made_of = contributions([2.0], ids=("a",)) if groups is None else contributions([2.0, 3.0], groups=groups)
    assert percentile_interval(draws(made_of)) is None
    assert draws(made_of).shape == (N_DRAWS,)


def test_no_cases_at_all_have_no_draws():
    assert np.isnan(draws(contributions([]))).all()


def test_the_interval_is_the_middle_95_per_cent():
    assert percentile_interval(np.linspace(0, 1, 1001)) == pytest.approx((0.025, 0.975))


def test_nothing_has_no_interval():
    assert percentile_interval(np.full(N_DRAWS, np.nan)) is None


def test_many_cases_are_drawn_in_batches_to_the_same_effect(monkeypatch):
    import lamcore.resampling

    values = np.arange(50.0)
    whole = draws(contributions(values))
    monkeypatch.setattr(lamcore.resampling, "_BATCH_ELEMENTS", 500)
    np.testing.assert_array_equal(draws(contributions(values)), whole)
