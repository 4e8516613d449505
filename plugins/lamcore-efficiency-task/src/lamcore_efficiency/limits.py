"""Measurements on a model: the rate of growing batches, and the largest structure that fits in memory."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore_efficiency.measure import Evaluation, beyond_memory, out_of_memory
from lamcore_efficiency.settings import EfficiencySettings
from lamcore_efficiency.supercells import compact_repeats, growing_steps, largest_that_passes, n_copies
from lamcore_efficiency.timing import Clock, timed, warm_and_time

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore import Model

_MAX_COPIES = 4096
_WORTHWHILE_GAIN = 1.05
_PATIENCE = 2
_CAPACITY_ON_CPU, _CAPACITY_ELSEWHERE = 1000, 200_000
_CAPACITY_FROM_ATOMS = 100
_GROWTH = 8.0


def time_batches(
    cell: Atoms, model: Model, settings: EfficiencySettings, clock: Clock = time.perf_counter
) -> dict[str, Any]:
    """Times of batches of 1, 2, 4, … copies of a cell, until more copies no longer give more atoms a second.

    Returns:
        `batch_sizes`, `times_s` of each, and why it `stopped`: `saturated`, `memory`, `time` or `cap`.
    """
    brief = replace(settings, repetitions=5, time_budget_s=settings.time_budget_s / 4, max_warm_up=4)
    sizes: list[int] = []
    times: list[list[float]] = []
    best, without_gain, spent_s, copies, stopped = 0.0, 0, 0.0, 1, "cap"
    while copies <= _MAX_COPIES:
        if beyond_memory(cell, (copies, 1, 1), model, as_batch=True):
            stopped = "memory"
            break
        try:
            timing = warm_and_time(Evaluation(model, [cell] * copies), brief, clock)
        except Exception as error:
            out_of_memory(error, model)
            stopped = "memory"
            break
        sizes.append(copies)
        times.append(timing.times_s)
        rate = copies * len(cell) / float(np.median(timing.times_s))
        without_gain = 0 if rate > _WORTHWHILE_GAIN * best else without_gain + 1
        best = max(best, rate)
        spent_s += sum(timing.warm_up_s) + sum(timing.times_s)
        if without_gain >= _PATIENCE:
            stopped = "saturated"
            break
        if spent_s > 2 * settings.time_budget_s:
            stopped = "time"
            break
        copies *= 2
    return {"n_atoms": len(cell), "batch_sizes": sizes, "times_s": times, "stopped": stopped}


def find_capacity(
    cell: Atoms, model: Model, settings: EfficiencySettings, clock: Clock = time.perf_counter
) -> dict[str, Any]:
    """The largest compact supercell that does not run out of memory, up to a cap.

    Returns:
        `fits_atoms` (0 where not even the cell fits), what `bound` the search (`memory`, `time` or `cap`), and the
        probes.
    """
    cap = settings.capacity_atoms or (_CAPACITY_ON_CPU if model.device == "cpu" else _CAPACITY_ELSEWHERE)
    ladder = compact_repeats(n_copies(len(cell), cap))
    sizes = [len(cell) * math.prod(repeats) for repeats in ladder]
    probes: list[dict[str, Any]] = []

    def fits(index: int) -> bool:
        why_not = beyond_memory(cell, ladder[index], model)
        seconds = None
        if not why_not:
            try:
                seconds = timed(Evaluation(model, [cell.repeat(ladder[index])]), clock)
            except Exception as error:
                why_not = out_of_memory(error, model)
        probes.append({"n_atoms": sizes[index], "fits": not why_not, "seconds": seconds, "why_not": why_not})
        return not why_not

    first = next((index for index, size in enumerate(sizes) if size >= _CAPACITY_FROM_ATOMS), len(sizes) - 1)
    largest, bound = -1, "cap"
    for index in (first + step for step in growing_steps(sizes[first:], _GROWTH)):
        if largest >= 0 and _seconds_of(probes, sizes[index]) > 4 * settings.time_budget_s:
            bound = "time"
            break
        if not fits(index):
            below = largest
            largest += largest_that_passes(partial(lambda start, more: fits(start + more), below), index - below - 1)
            bound = "memory"
            break
        largest = index
    return {
        "n_atoms": len(cell),
        "fits_atoms": sizes[largest] if largest >= 0 else 0,
        "bound": bound,
        "cap_atoms": cap,
        "probes": probes,
    }


def _seconds_of(probes: Sequence[dict[str, Any]], n_atoms: int) -> float:
    """What a larger structure is going to take, from the last one that fitted."""
    last = next(probe for probe in reversed(probes) if probe["fits"])
    return float(last["seconds"]) * n_atoms / int(last["n_atoms"])
