"""Claims about warming up and repeating, on a clock that is programmed."""

from __future__ import annotations

import itertools

import pytest
from lamcore_efficiency.settings import EfficiencySettings
from lamcore_efficiency.timing import is_steady, repeat, timed, warm_and_time, warm_up

from lamcore.errors import ConfigError


class Programmed:
    """A call whose durations are given; what is prepared and looked at takes time as well, which must not count."""

    def __init__(self, durations_s):
        self.durations_s = iter(durations_s)
        self.now_s = 0.0
        self.steps = []

    def clock(self):
        return self.now_s

    def prepare(self):
        self.steps.append("prepare")
        self.now_s += 1000.0

    def compute(self):
        self.steps.append("compute")
        self.now_s += next(self.durations_s)

    def finish(self):
        self.steps.append("finish")
        self.now_s += 1000.0


def test_only_the_computation_is_timed():
    call = Programmed([0.25])
    assert timed(call, call.clock) == 0.25
    assert call.steps == ["prepare", "compute", "finish"]


@pytest.mark.parametrize(
    ("first", "n_warm"),
    [
        ([9.0, 1.0, 1.0, 1.0], 4),  # loads something
        ([0.2, 5.0, 1.0, 1.0, 1.0], 5),  # profiles, then compiles
        ([1.0, 1.05, 0.98], 3),
    ],
)
def test_slow_first_calls_are_warmed_away(first, n_warm):
    call = Programmed(itertools.chain(first, itertools.repeat(1.0)))
    timing = warm_and_time(call, EfficiencySettings(repetitions=5, time_budget_s=100), call.clock)
    assert timing.steady
    assert timing.warm_up_s == pytest.approx(first[:n_warm])
    assert timing.times_s == pytest.approx([1.0] * 5)


def test_a_model_that_never_settles_is_timed_all_the_same_and_said_not_to_be_steady():
    call = Programmed(itertools.cycle([1.0, 2.0]))
    timing = warm_and_time(call, EfficiencySettings(max_warm_up=6, time_budget_s=1e6), call.clock)
    assert (len(timing.warm_up_s), timing.steady, len(timing.times_s)) == (6, False, 10)


def test_a_slow_model_is_warmed_once_and_timed_three_times():
    call = Programmed(itertools.repeat(60.0))
    timing = warm_and_time(call, EfficiencySettings(time_budget_s=8.0), call.clock)
    assert (timing.warm_up_s, timing.steady, timing.times_s) == ([60.0], False, [60.0] * 3)


def test_the_time_budget_ends_repetitions():
    call = Programmed(itertools.repeat(1.0))
    assert repeat(call, EfficiencySettings(repetitions=50, time_budget_s=7.5), call.clock) == [1.0] * 8
    assert len(warm_up(call, EfficiencySettings(steady_within=1e-9, time_budget_s=4.0), call.clock)[0]) == 2


def test_steady_means_three_in_a_row():
    assert not is_steady([1.0, 1.0], 0.1)
    assert is_steady([5.0, 1.0, 1.09, 1.05], 0.1)
    assert not is_steady([1.0, 1.0, 1.2], 0.1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"repetitions": 2}, "at least 3"),
        ({"time_budget_s": 0.0}, "time_budget_s is 0.0, expected more than 0"),
        ({"max_warm_up": 0}, "max_warm_up is 0"),
        ({"capacity_atoms": 0}, "capacity_atoms is 0"),
        ({"protocol": "lambench", "repetitions": 5}, "times each frame once"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        EfficiencySettings(**options)
