"""What the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from lamcore import Case, ScoredCase

REFERENCE_DATA = Path(
    os.environ.get("LAMCORE_REFERENCE_DATA", Path(__file__).resolve().parents[3].parent / "shared" / "data")
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Decompressed files go where no other test looks."""
    monkeypatch.setenv("LAMCORE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def reference_data():
    """A function from the name of a folder of reference data to its path; skips where there is none."""

    def folder(name: str) -> Path:
        path = REFERENCE_DATA / name
        if not path.is_dir():
            pytest.skip(f"no reference data at {path}; LAMCORE_REFERENCE_DATA says where they are")
        return path

    return folder


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def make_case(rng):
    """A function from a formula to a case with random labels."""

    def make(case_id, formula, *, periodic=False, energy=None, forces=True, stress=False, **settings):
        atoms = Atoms(formula)
        atoms.positions = 2.0 * np.arange(len(atoms))[:, None] + rng.normal(scale=0.1, size=(len(atoms), 3))
        if periodic:
            atoms.set_cell([[9.0, 0.3, 0.0], [0.0, 8.0, 0.5], [0.2, 0.0, 7.0]])
            atoms.pbc = True
        if forces:
            atoms.set_array("reference_forces", rng.normal(size=(len(atoms), 3)))
        if stress:
            atoms.info["reference_stress"] = rng.normal(scale=0.01, size=6).tolist()
        label = float(rng.normal() - 5 * len(atoms)) if energy is None else energy
        return Case(case_id, (atoms,), {"energy": label}, settings)

    return make


@pytest.fixture
def predict(rng):
    """A function from a task and a case to the case scored, with noise of a standard deviation on its labels."""

    def scored(task, case, noise=0.1, **replaced):
        output = task.perfect_output(case)
        output = {name: np.asarray(value) + noise * rng.normal(size=np.shape(value)) for name, value in output.items()}
        output = {**output, "energy": float(output["energy"]), **replaced}
        return ScoredCase(case, task.score(case, output))

    return scored
