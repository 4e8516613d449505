"""Nine structures in molecular dynamics: all together in one batch, against one after the other.

    python benchmarks/nve.py [--model sevennet] [--steps 20] [--repeats 3]

Both are the task `nve` on its dataset `nine-systems` with the same model object, through the core's batching. The two
ways take turns, so that what else the machine does falls on both. Final positions must agree.
Needs lamcore-md-task and the model's plugin.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time

import numpy as np
from lamcore_md import build_task
from lamcore_md.datasets.nine_systems import NineSystems

from lamcore import Case, Model, Task
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.testing import choose


def run(
    task: Task, cases: list[Case], model: Model, limits: BatchLimits, max_cases: int
) -> tuple[float, Counters, dict[str, np.ndarray]]:
    """Seconds, what they were spent on, and where the atoms ended, by case id."""
    counters = Counters()
    jobs = [Job(lambda asked, case=case: task.calculate(case, asked)) for case in cases]
    ends = {}
    started = time.perf_counter()
    for outcome in Hub(model, limits, counters, max_cases).run(jobs):
        if outcome.error is not None:
            raise outcome.error
        ends[cases[outcome.index].id] = outcome.output["last_positions_ang"]
    return time.perf_counter() - started, counters, ends


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sevennet")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm", type=int, default=20, help="steps before anything is timed")
    parser.add_argument("--max-atoms", type=int, help="in one batch; found by timing unless given")
    parser.add_argument("--repeats", type=int, default=3, help="of each way, in turn")
    options = parser.parse_args()
    model = choose("model", options.model, device=options.device).build()
    cases = list(NineSystems().cases())
    warm, task = (build_task(n_steps=n, discard=0.0, reversal_steps=0) for n in (options.warm, options.steps))
    # Batch sizes are found by timing; they are kept from the warm-up, which is where a long run spends its time.
    ways = [(BatchLimits(1), 1), (BatchLimits(options.max_atoms), 256)]
    for limits, max_cases in ways:
        run(warm, cases, model, limits, max_cases)
    rounds = []
    for _ in range(options.repeats):
        rounds.append([run(task, cases, model, *way) for way in ways])
        for name, end in rounds[-1][0][2].items():
            np.testing.assert_allclose(rounds[-1][1][2][name], end, atol=1e-3)
    alone, together = (statistics.median(one[way][0] for one in rounds) for way in (0, 1))
    steps = options.steps * len(cases)
    print(
        f"{options.model} on {options.device}, nine structures, {options.steps} steps each, median of {options.repeats}"
    )
    for name, seconds, way in (("one after the other", alone, 0), ("together", together, 1)):
        counters = rounds[0][way][1]
        share = counters.model_seconds / (counters.model_seconds + counters.other_seconds)
        print(f"{name:20}{seconds:9.2f} s{steps / seconds:9.1f} steps/s{counters.batches:6} batches, {share:.1%} model")
    print(f"ratio {alone / together:.2f}")


if __name__ == "__main__":
    main()
