"""Relaxing 32 small cells with a real model: together in batches against one after the other.

    python benchmarks/relax_together.py [--model sevennet] [--steps 40]

Reports model seconds per structure and step of both, their ratio, and the seconds beside the model.
Needs the plugin of the model.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics

import numpy as np
from ase import Atoms

from lamcore import relax
from lamcore.adapters import as_model
from lamcore.allocator import keep_freed_memory
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.builtin.dcdft import build_dcdft
from lamcore.registry import load_registry

N_CELLS, N_REPEATS = 32, 3


def small_cells() -> list[Atoms]:
    """Elemental crystals of 2 to 10 atoms, strained and rattled so that there is something to relax."""
    rng = np.random.default_rng(0)
    cells = []
    for case in build_dcdft().cases():
        atoms = case.atoms
        if 2 <= len(atoms) <= 10 and case.id not in ("Po", "Rn"):
            atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.02 * rng.normal(size=(3, 3))), scale_atoms=True)
            atoms.rattle(0.03, rng=rng)
            cells.append(atoms)
    return cells[:N_CELLS]


def relax_all(model, cells, steps, max_cases, max_atoms):
    """Counters of relaxing all cells, and the number of structures computed."""
    counters = Counters()
    hub = Hub(model, BatchLimits(max_atoms), counters, max_cases)
    jobs = [
        lambda model, atoms=atoms: relax(atoms, model, cell="frechet", fmax=1e-3, max_steps=steps) for atoms in cells
    ]
    for outcome in hub.run(Job(work) for work in jobs):
        if outcome.error is not None:
            raise outcome.error
    return counters


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="sevennet")
    parser.add_argument("--steps", type=int, default=25)
    arguments = parser.parse_args()
    keep_freed_memory()
    model = as_model(load_registry().get("model", arguments.model).spec.build(), arguments.model)
    cells = small_cells()
    relax_all(model, cells, 3, 256, None)  # warm up
    rows = []
    for _ in range(N_REPEATS):
        alone = relax_all(model, cells, arguments.steps, 1, 1)
        together = relax_all(model, cells, arguments.steps, 256, None)
        rows.append((alone, together))
    print(
        f"{len(cells)} cells of {min(map(len, cells))} to {max(map(len, cells))} atoms, {arguments.model}, "
        "ms a structure and step"
    )
    for name, index in (("one at a time", 0), ("together", 1)):
        model_ms = statistics.median(1e3 * row[index].model_seconds / row[index].structures for row in rows)
        other_ms = statistics.median(1e3 * row[index].other_seconds / row[index].structures for row in rows)
        last = rows[-1][index]
        print(
            f"{name:14} model {model_ms:8.2f}   other {other_ms:6.3f}   "
            f"{last.structures} structures in {last.batches} batches"
        )
    ratios = [
        (alone.model_seconds / alone.structures) / (together.model_seconds / together.structures)
        for alone, together in rows
    ]
    print(f"batching is {statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
