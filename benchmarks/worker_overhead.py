"""What it costs to have a model in a process of its own: milliseconds a batch beyond the model.

    python benchmarks/worker_overhead.py

The model answers zeros at once, so that what is timed is the way there and back. The aim is 1 ms for 1,000 atoms.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from ase import Atoms

from lamcore.worker.client import WorkerModel, WorkerSettings

REPETITIONS = 300
PLUGIN = """
from pathlib import Path
from lamcore import ModelSpec, hookimpl

def build():
    import numpy as np
    from lamcore import Model, Prediction

    class Zeros(Model):
        def evaluate(self, structures):
            return [Prediction(0.0, np.zeros((len(atoms), 3)), np.zeros(6)) for atoms in structures]

    return Zeros()

@hookimpl
def lamcore_models():
    return [ModelSpec("zeros", build, Path("card.yaml"))]
"""


def install(site: Path) -> None:
    """The plugin with the model that answers zeros."""
    (site / "zeros_plugin.py").write_text(PLUGIN)
    info = site / "zeros_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zeros-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[lamcore]\nzeros = zeros_plugin\n")


def batch(n_structures: int, n_atoms: int) -> list[Atoms]:
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 30, (n_structures, n_atoms, 3))
    return [Atoms(numbers=[18] * n_atoms, positions=xyz, cell=np.eye(3) * 30, pbc=True) for xyz in positions]


def main():
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        worker = WorkerModel(
            WorkerSettings("zeros", {}, environment={"PYTHONPATH": folder, "LAMCORE_PLUGINS": "zeros"})
        )
        print(f"{'batch':>18}  there and back, ms (median of {REPETITIONS}, and the middle half)")
        for n_structures, n_atoms in ((1, 2), (1, 1000), (4, 250), (16, 63), (125, 8)):
            structures = batch(n_structures, n_atoms)
            times = []
            for _ in range(REPETITIONS):
                started = time.perf_counter()
                worker.evaluate(structures)
                times.append(1e3 * (time.perf_counter() - started))
            low, median, high = statistics.quantiles(times, n=4)
            print(f"{f'{n_structures} × {n_atoms} atoms':>18}  {median:.3f}  ({low:.3f} to {high:.3f})")
        worker.close()


if __name__ == "__main__":
    main()
