"""Claims about the slope of the energy and its uncertainty."""

from __future__ import annotations

import numpy as np
import pytest
from lamcore_md.drift import block_length, energy_drift, widening
from scipy import signal, stats

INJECTED_EV_PER_ATOM_PS = 0.03125


def correlated(rng, n, memory, size):
    """An AR(1) process whose neighbours are correlated by `memory`, with standard deviation `size`."""
    white = rng.standard_normal(n + 500) * size * np.sqrt(1 - memory**2)
    return signal.lfilter([1.0], [1.0, -memory], white)[500:]


def test_an_injected_drift_is_reported_as_it_is():
    times_ps = np.arange(0, 10.0, 0.01)
    drift = energy_drift(times_ps, -3.7 + INJECTED_EV_PER_ATOM_PS * times_ps)
    assert drift.slope == pytest.approx(INJECTED_EV_PER_ATOM_PS, abs=1e-14)
    assert drift.interval == pytest.approx((INJECTED_EV_PER_ATOM_PS, INJECTED_EV_PER_ATOM_PS), abs=1e-12)
    assert drift.at_start == pytest.approx(-3.7, abs=1e-12)
    assert drift.noise == pytest.approx(0, abs=1e-12)


def test_slope_and_noise_are_those_of_scipys_line():
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(2, 10, 81))
    energies = 1e4 + 0.2 * times + rng.normal(0, 0.5, 81)
    line = stats.linregress(times, energies)
    drift = energy_drift(times, energies)
    assert drift.slope == pytest.approx(line.slope, rel=1e-10)
    assert drift.at_start == pytest.approx(line.intercept, rel=1e-12)
    residuals = energies - line.intercept - line.slope * times
    assert drift.noise == pytest.approx(np.sqrt(np.sum(residuals**2) / 79), rel=1e-8)


def test_the_interval_of_independent_residuals_is_that_of_the_textbook():
    times = np.linspace(0, 8, 800)
    energies = np.random.default_rng(0).normal(0, 1, 800)
    low, high = energy_drift(times, energies).interval
    textbook = 2 * 1.96 * stats.linregress(times, energies).stderr
    assert high - low == pytest.approx(textbook, rel=0.15)


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_the_interval_holds_the_true_slope_as_often_as_it_says(memory):
    rng = np.random.default_rng(5)
    times = np.linspace(0, 8, 400)
    held, held_by_textbook, n = 0, 0, 150
    for _ in range(n):
        energies = 0.02 * times + correlated(rng, 400, memory, 0.01)
        low, high = energy_drift(times, energies).interval
        held += low <= 0.02 <= high
        line = stats.linregress(times, energies)
        held_by_textbook += abs(line.slope - 0.02) <= 1.96 * line.stderr
    assert held / n > 0.87
    if memory:
        assert held_by_textbook / n < 0.6


def test_blocks_grow_with_the_memory_of_the_residuals_and_leave_four_to_draw():
    rng = np.random.default_rng(8)
    independent, lasting, endless = (block_length(correlated(rng, 1000, memory, 1)) for memory in (0, 0.9, 0.9999))
    assert independent == 10  # ∛1000
    assert lasting == pytest.approx(2 * (1 + 0.9) / (1 - 0.9), rel=0.5)
    assert endless == 250
    assert block_length(np.zeros(27)) == 3
    assert block_length(np.array([1.0, -2.0, 1.0])) == 1


def test_few_independent_samples_widen_the_interval():
    rng = np.random.default_rng(8)
    independent, lasting, endless = (widening(correlated(rng, 1000, memory, 1)) for memory in (0, 0.97, 0.9999))
    assert independent == pytest.approx(1, abs=0.01)
    assert 1.1 < lasting < 1.5  # some fifteen independent ones: √(15/13) of the line, 2.16/1.96 of Student
    assert endless > 1.5


def test_the_same_energies_have_the_same_interval():
    times, energies = np.linspace(0, 1, 50), np.random.default_rng(1).normal(size=50)
    assert energy_drift(times, energies) == energy_drift(times, energies)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_energies_that_are_not_finite_have_no_drift(value):
    energies = np.linspace(0, 1, 10)
    energies[4] = value
    with pytest.raises(ValueError, match="1 of 10 samples are not finite"):
        energy_drift(np.arange(10.0), energies)


def test_two_points_are_no_drift():
    with pytest.raises(ValueError, match="three samples or more, got 2"):
        energy_drift(np.arange(2.0), np.zeros(2))
