"""Time per atom of a model: one structure at a time against batches, and the share spent on graphs.

    python benchmarks/model_batching.py [sevennet chgnet …]

Uses one thread unless OMP_NUM_THREADS says otherwise. Without names: every installed model that has a benchmark here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from statistics import median
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from ase import Atoms
from ase.build import bulk

from lamcore import Model

KNOWN = ("sevennet", "chgnet")


def small_cells() -> list[Atoms]:
    """32 rattled cells of 2 to 10 atoms."""
    seeds = [
        bulk("Si"),
        bulk("NaCl", "rocksalt", a=5.6),
        bulk("Cu", cubic=True),
        bulk("Mg") * (1, 1, 2),
        bulk("GaAs", "zincblende", a=5.7) * (3, 1, 1),
        bulk("Si", cubic=True),
        bulk("CaO", "rocksalt", a=4.8, cubic=True),
        bulk("Mg") * (1, 1, 5),
    ]
    return [rattled(seeds[i % len(seeds)], i) for i in range(32)]


def large_cells() -> list[Atoms]:
    """Eight rattled cells of 64 atoms."""
    seeds = [bulk("Si", cubic=True) * 2, bulk("NaCl", "rocksalt", a=5.6, cubic=True) * 2]
    return [rattled(seeds[i % 2], i) for i in range(8)]


def rattled(atoms: Atoms, seed: int) -> Atoms:
    atoms = atoms.copy()
    atoms.rattle(0.03, seed=seed)
    return atoms


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Median wall time after one warm-up."""
    work()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return median(times)


def graph_builder(name: str, model: Model) -> Callable[[list[Atoms]], object]:
    """What turns structures into the model's input, without the network."""
    if name == "sevennet":
        return lambda structures: model._input(model._graph(structures))
    from lamcore_chgnet.graph import join

    return lambda structures: join(model._graphs(structures))


def in_batches(model: Model, structures: list[Atoms], size: int) -> None:
    for start in range(0, len(structures), size):
        model.evaluate(structures[start : start + size])


def measure(name: str) -> None:
    (entry,) = entry_points(group="lamcore", name=name)
    (spec,) = entry.load().lamcore_models()
    start = perf_counter()
    model = spec.build(device="cpu")
    print(f"\n{name}: built in {perf_counter() - start:.1f} s, {model.dtype} on {model.device}")
    print(f"{'structures':28s}{'batch':>6s}{'ms/structure':>14s}{'ms/atom':>9s}{'speed-up':>9s}{'graphs':>8s}")
    graphs = graph_builder(name, model)
    for title, structures, sizes in (
        ("32 cells of 2 to 10 atoms", small_cells(), (1, 4, 8, 16, 32)),
        ("8 cells of 64 atoms", large_cells(), (1, 2, 4, 8)),
    ):
        n_atoms = int(np.sum([len(atoms) for atoms in structures]))
        alone = None
        for size in sizes:
            total = seconds(lambda structures=structures, size=size: in_batches(model, structures, size))
            alone = alone or total
            for_graphs = seconds(
                lambda structures=structures, size=size: [
                    graphs(structures[i : i + size]) for i in range(0, len(structures), size)
                ]
            )
            print(
                f"{title:28s}{size:6d}{1e3 * total / len(structures):14.2f}{1e3 * total / n_atoms:9.2f}"
                f"{alone / total:8.2f}×{for_graphs / total:8.1%}"
            )


if __name__ == "__main__":
    installed = {entry.name for entry in entry_points(group="lamcore")}
    for chosen in sys.argv[1:] or [name for name in KNOWN if name in installed]:
        measure(chosen)
