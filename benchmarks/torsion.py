"""All conformers of several fragments in batches against one structure at a time, with the same model.

    python benchmarks/torsion.py [--model sevennet] [--fragments 4] [--repeats 5] [--path torsionnet500.extxyz.gz]

Both ways run the torsion task through lamcore's batching; the serial way has batches of one structure, as an ASE
calculator in a loop has. They take turns on the same built model, after two rounds of each in which the size of batches
is found. The ratio is that of the medians. CPU seconds tell more than wall seconds on a machine that others use too.
Needs lamcore-torsion-task and the model's plugin.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from itertools import islice
from pathlib import Path

import numpy as np
from lamcore_torsion import build_small_torsions, build_task, build_torsions

from lamcore.adapters import as_model
from lamcore.allocator import keep_freed_memory
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.registry import load_registry

N_WARM_UP = 2


def energies_of(model, task, cases, max_cases, limits) -> np.ndarray:
    """The energies of all conformers, eV, by the torsion task."""
    hub = Hub(model, limits, Counters(), max_cases)
    found = {}
    for outcome in hub.run(Job(lambda asked, case=case: task.calculate(case, asked)) for case in cases):
        if outcome.error is not None:
            raise outcome.error
        found[outcome.index] = outcome.output["energies_ev"]
    return np.concatenate([found[i] for i in range(len(cases))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sevennet")
    parser.add_argument("--fragments", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--path", type=Path)
    arguments = parser.parse_args()
    keep_freed_memory()
    dataset = build_small_torsions() if arguments.path is None else build_torsions(arguments.path)
    cases = list(islice(dataset.cases(), arguments.fragments))
    task = build_task()
    model = as_model(load_registry().get("model", arguments.model).spec.build(), arguments.model)
    ways = {"in batches": (256, BatchLimits()), "serial": (1, BatchLimits(1))}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    energies = {}
    for _ in range(N_WARM_UP + arguments.repeats):
        for name, (max_cases, limits) in ways.items():
            start_wall, start_cpu = time.perf_counter(), time.process_time()
            energies[name] = energies_of(model, task, cases, max_cases, limits)
            wall[name].append(time.perf_counter() - start_wall)
            cpu[name].append(time.process_time() - start_cpu)
    n_conformers = sum(len(case.structures) for case in cases)
    n_atoms = sum(len(atoms) for case in cases for atoms in case.structures)
    print(f"{len(cases)} fragments, {n_conformers} conformers, {n_atoms} atoms, {arguments.model}, {model.device}")
    for clock, seconds in (("wall", wall), ("CPU", cpu)):
        medians = {name: float(np.median(values[N_WARM_UP:])) for name, values in seconds.items()}
        for name, values in seconds.items():
            kept = values[N_WARM_UP:]
            print(
                f"{name:10s} {clock:4s} {1e3 * medians[name] / n_conformers:8.2f} ms a conformer "
                f"(from {1e3 * min(kept) / n_conformers:.2f} to {1e3 * max(kept) / n_conformers:.2f})"
            )
        print(f"serial / in batches, {clock}: {medians['serial'] / medians['in batches']:.2f}")
    print(f"largest difference of an energy: {np.abs(energies['in batches'] - energies['serial']).max():.2e} eV")


if __name__ == "__main__":
    main()
