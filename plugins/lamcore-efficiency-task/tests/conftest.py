from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from lamcore_efficiency.settings import EfficiencySettings
from lamcore_efficiency.task import EfficiencyTask

from lamcore import Model, Prediction


class ProgrammedModel(Model):
    """Its evaluations take overhead + atoms × per_atom on its own clock, and more at first; memory ends at a limit.

    Attributes:
        asked: Atoms of each structure of each request.
    """

    device = "programmed"  # neither a CPU, whose memory would be measured, nor CUDA

    def __init__(self, overhead_s=2e-3, per_atom_s=5e-5, limit_atoms=None, first_calls_s=(), graph_share=None):
        self.overhead_s, self.per_atom_s, self.limit_atoms = overhead_s, per_atom_s, limit_atoms
        self.extra_s = list(first_calls_s)
        self.graph_share = graph_share
        self.now_s = 0.0
        self.n_releases = 0
        self.asked: list[list[int]] = []
        self.positions: list[np.ndarray] = []
        if graph_share is not None:
            self._graph_seconds = 0.0

    def clock(self):
        return self.now_s

    def cost_s(self, n_atoms):
        return self.overhead_s + self.per_atom_s * n_atoms

    def evaluate(self, structures):
        n_atoms = sum(len(atoms) for atoms in structures)
        self.asked.append([len(atoms) for atoms in structures])
        self.positions.append(structures[0].positions.copy())
        if self.limit_atoms is not None and n_atoms > self.limit_atoms:
            raise MemoryError("OOM: Too many atoms!")
        seconds = self.cost_s(n_atoms) + (self.extra_s.pop(0) if self.extra_s else 0.0)
        self.now_s += seconds
        if self.graph_share is not None:
            self._graph_seconds += self.graph_share * seconds
        return [Prediction(0.0, np.zeros((len(atoms), 3)), np.zeros(6)) for atoms in structures]

    def peak_memory(self, structures):
        return None

    def release_memory(self):
        self.n_releases += 1


@pytest.fixture(scope="session")
def programmed():
    return ProgrammedModel


@pytest.fixture(scope="session")
def task_for():
    """A task that reads the clock of a programmed model."""

    def build(model, **options):
        brief = {} if options.get("protocol") == "lambench" else {"repetitions": 3, "time_budget_s": 1e6}
        return EfficiencyTask(EfficiencySettings(**(brief | options)), clock=model.clock)

    return build


@pytest.fixture
def silicon():
    return bulk("Si", a=5.431, cubic=True)


@pytest.fixture(scope="session")
def reference_data():
    """The folder of reference data, which does not travel with the repository."""
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("LAMCORE_REFERENCE_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set LAMCORE_REFERENCE_DATA")
    return folder
