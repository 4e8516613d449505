"""Claims about the fit t = L + N·τ."""

from __future__ import annotations

import numpy as np
import pytest
from lamcore_efficiency.cost_model import fit_cost_model

SIZES = (2, 8, 64, 216, 1000)


def test_recovers_what_the_times_were_made_from():
    tau = {"a": 2e-5, "b": 7e-5}
    names = [name for name in tau for _ in SIZES]
    times = [3e-3 + tau[name] * size for name in tau for size in SIZES]
    fit = fit_cost_model(SIZES * 2, times, names)
    assert fit.overhead_s == pytest.approx(3e-3, rel=1e-10)
    assert fit.seconds_per_atom == pytest.approx(tau, rel=1e-10)
    assert fit.mean_seconds_per_atom == pytest.approx(4.5e-5, rel=1e-10)
    assert fit.worst_relative_residual < 1e-10
    np.testing.assert_allclose(fit.seconds("b", [10, 100]), [3.7e-3, 1e-2])


def test_small_sizes_weigh_like_large_ones():
    # An unweighted fit would follow the largest size alone, and give this overhead no weight.
    times = [1e-3 + 1e-3 * size for size in SIZES]
    times[-1] *= 1.1
    fit = fit_cost_model(SIZES, times, ["a"] * 5)
    assert fit.overhead_s == pytest.approx(1e-3, rel=0.1)


def test_intervals_hold_the_truth_in_nineteen_of_twenty_fits():
    generator = np.random.default_rng(3)
    sizes = np.array(SIZES * 2, dtype=float)
    truth = 2e-3 + 1e-5 * sizes
    n_fits, overhead, slope = 400, 0, 0
    for _ in range(n_fits):
        fit = fit_cost_model(sizes, truth * generator.normal(1, 0.05, size=len(sizes)), ["a"] * len(sizes))
        overhead += fit.overhead_interval_s[0] <= 2e-3 <= fit.overhead_interval_s[1]
        slope += fit.mean_interval_s[0] <= 1e-5 <= fit.mean_interval_s[1]
    assert overhead / n_fits == pytest.approx(0.95, abs=0.035)
    assert slope / n_fits == pytest.approx(0.95, abs=0.035)


def test_overhead_is_never_negative_and_intervals_hold_the_values():
    fit = fit_cost_model(SIZES, [1e-6 * size**1.2 for size in SIZES], ["a"] * 5)
    assert fit.overhead_s == 0.0
    assert fit.overhead_interval_s[0] == 0.0
    assert fit.mean_interval_s[0] <= fit.mean_seconds_per_atom <= fit.mean_interval_s[1]
    assert fit.worst_relative_residual > 0.1


def test_two_sizes_give_no_interval_and_one_gives_no_fit():
    fit = fit_cost_model((10, 100), (2e-3, 11e-3), ("a", "a"))
    assert (fit.overhead_interval_s, fit.mean_interval_s) == (None, None)
    assert fit.overhead_s == pytest.approx(1e-3)
    with pytest.raises(ValueError, match="two sizes"):
        fit_cost_model((10, 20), (1.0, 2.0), ("a", "b"))
    with pytest.raises(ValueError, match="positive"):
        fit_cost_model((10, 20), (0.0, 2.0), ("a", "a"))
