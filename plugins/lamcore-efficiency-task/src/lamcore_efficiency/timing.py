"""Timing calls that have been warmed up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lamcore_efficiency.settings import MIN_REPETITIONS, EfficiencySettings

Clock = Callable[[], float]

_STEADY_OVER = 3


@dataclass(frozen=True)
class Timing:
    """The times of one call.

    Attributes:
        warm_up_s: Times of the evaluations before those that count, s.
        steady: Whether the last three of them agreed; False also where there was no time for three.
        times_s: Times that count, s.
    """

    warm_up_s: list[float]
    steady: bool
    times_s: list[float]


def synchronise() -> None:
    """Wait until CUDA has done what it was given, where torch has used it in this process."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


class Call(Protocol):
    """Something that is timed again and again."""

    def prepare(self) -> None:
        """What comes before and is not timed."""

    def compute(self) -> None:
        """What is timed."""

    def finish(self) -> None:
        """What comes after and is not timed; raises where the result is no good."""


def timed(call: Call, clock: Clock = time.perf_counter) -> float:
    """How long a call computes, s; what runs on a CUDA device is waited for before and after."""
    call.prepare()
    synchronise()
    started = clock()
    call.compute()
    synchronise()
    seconds = clock() - started
    call.finish()
    return seconds


def is_steady(times_s: list[float], within: float) -> bool:
    """Whether the last three times lie within a fraction of the shortest of them."""
    last = times_s[-_STEADY_OVER:]
    return len(last) == _STEADY_OVER and max(last) - min(last) <= within * min(last)


def warm_up(call: Call, settings: EfficiencySettings, clock: Clock) -> tuple[list[float], bool]:
    """Call until the times are steady, or the number of calls or half of the time budget is used up; at least once.

    Returns:
        The times, s, and whether they became steady.
    """
    times: list[float] = []
    while True:
        times.append(timed(call, clock))
        if is_steady(times, settings.steady_within):
            return times, True
        if len(times) >= settings.max_warm_up or sum(times) >= settings.time_budget_s / 2:
            return times, False


def repeat(call: Call, settings: EfficiencySettings, clock: Clock) -> list[float]:
    """Times of as many calls as the settings ask for, fewer where they use up the time budget, but at least three."""
    times: list[float] = []
    while len(times) < MIN_REPETITIONS or (len(times) < settings.repetitions and sum(times) < settings.time_budget_s):
        times.append(timed(call, clock))
    return times


def warm_and_time(call: Call, settings: EfficiencySettings, clock: Clock) -> Timing:
    """Warm up, then time."""
    warm, steady = warm_up(call, settings, clock)
    return Timing(warm, steady, repeat(call, settings, clock))
