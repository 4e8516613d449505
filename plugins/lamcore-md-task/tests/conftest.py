from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from lamcore import Case, Model, Prediction
from lamcore.aggregate import score_cases
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.records import Failure, Record


class Springs(Model):
    """Every atom on a spring to where it belongs; what is asked for at chosen calls can be spoilt.

    The energy it tells may rise by a rate that its forces know nothing of, in eV/atom a call. Calls are counted for
    each formula, so that they are the steps of its trajectory however structures are batched.
    """

    def __init__(self, homes, stiffness=5.0, rise=0.0, spoil=None):
        self.homes, self.stiffness, self.rise, self.spoil = homes, stiffness, rise, spoil or (lambda *_: None)
        self.calls, self.first_seen = Counter(), {}

    def evaluate(self, structures):
        return [self._predict(atoms) for atoms in structures]

    def _predict(self, atoms):
        formula = atoms.get_chemical_formula()
        self.first_seen.setdefault(formula, atoms.copy())
        away = atoms.positions - self.homes[formula]
        call = self.calls[formula]
        self.calls[formula] += 1
        energy = 0.5 * self.stiffness * np.sum(away**2) + self.rise * call * len(atoms)
        prediction = Prediction(energy, -self.stiffness * away)
        return self.spoil(call, atoms, prediction) or prediction


@pytest.fixture(scope="session")
def springs():
    return Springs


@pytest.fixture
def trimers():
    """Three cases of three atoms that nothing but their elements tells apart."""
    positions = [(0, 0, 0), (2.2, 0, 0), (0.9, 1.9, 0.4)]
    return [
        Case(symbol, (Atoms(f"{symbol}3", positions),), settings={"system": symbol}) for symbol in ("Ar", "Cu", "Au")
    ]


@pytest.fixture
def homes(trimers):
    return {case.structures[0].get_chemical_formula(): case.structures[0].get_positions() for case in trimers}


@pytest.fixture(scope="session")
def run_task():
    """Calculate and score cases as a run does; returns scored cases and records by id."""

    def run(task, cases, model, max_cases=256):
        jobs = [Job(lambda asked, case=case: task.calculate(case, asked)) for case in cases]
        records = {}
        for outcome in Hub(model, BatchLimits(None), Counters(), max_cases).run(jobs):
            name = cases[outcome.index].id
            if outcome.error is None:
                records[name] = Record.done(name, outcome.output, outcome.seconds)
            else:
                records[name] = Record.failed(name, Failure.of(outcome.error), outcome.seconds)
        return score_cases(task, cases, records), records

    return run


@pytest.fixture(scope="session")
def reference_data():
    """The folder of reference data, which does not travel with the repository."""
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("LAMCORE_REFERENCE_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set LAMCORE_REFERENCE_DATA")
    return folder
