"""Claims about batching: it changes neither the metrics nor the path of a relaxation."""

from __future__ import annotations

from dataclasses import dataclass

import lamcore_phonon
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from lamcore import AseModel, Case, Metric, ScoredCase
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job

FACE_CENTRED = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
LABELS = {
    "max_frequency_k": 350.0,
    "entropy_j_per_mol_k": 40.0,
    "heat_capacity_j_per_mol_k": 24.0,
    "free_energy_kj_per_mol": -5.0,
    "min_frequency_thz": 0.0,
}


@dataclass
class Run:
    metrics: list[Metric]
    outputs: list[dict]
    counters: Counters

    def all_of(self, key):
        return [output[key] for output in self.outputs]


def phonon_run(model, cases, max_cases, max_atoms):
    """Cases on one model: `max_cases` at the same time, in batches of `max_atoms` or of one structure."""
    task = lamcore_phonon.build_task()
    counters = Counters()
    hub = Hub(model, BatchLimits(max_atoms), counters, max_cases)
    outcomes = list(hub.run(Job(lambda model, case=case: task.calculate(case, model)) for case in cases))
    assert [str(outcome.error) for outcome in outcomes if outcome.error] == []
    outputs = [outcome.output for outcome in sorted(outcomes, key=lambda outcome: outcome.index)]
    scored = [ScoredCase(case, task.score(case, output)) for case, output in zip(cases, outputs, strict=True)]
    return Run(task.summarize(scored), outputs, counters)


def metal_cases():
    """Cubic metals off their lattice constants, and alloys of low symmetry that relax for dozens of steps."""
    cubic = [
        (symbol, bulk(symbol, cubic=True, a=a), FACE_CENTRED) for symbol, a in [("Cu", 3.7), ("Ag", 4.0), ("Al", 4.1)]
    ]
    alloys = []
    for seed, symbols in enumerate((["Cu", "Au", "Ag", "Pd"], ["Ni", "Ni", "Pt", "Cu"], ["Al", "Cu", "Al", "Ag"])):
        atoms = bulk("Cu", cubic=True, a=3.8)
        atoms.symbols = symbols
        atoms.rattle(0.08, seed=seed)
        alloys.append(("".join(symbols), atoms, np.eye(3).tolist()))
    return [
        Case(name, (atoms,), LABELS, {"supercell_matrix": np.eye(3, dtype=int).tolist(), "primitive_matrix": matrix})
        for name, atoms, matrix in cubic + alloys
    ]


def test_batched_and_serial_runs_have_the_same_metrics_and_steps():
    cases = metal_cases()
    serial = phonon_run(AseModel(EMT()), cases, max_cases=1, max_atoms=1)
    batched = phonon_run(AseModel(EMT()), cases, max_cases=len(cases), max_atoms=None)
    assert serial.counters.batches == serial.counters.structures == batched.counters.structures
    assert batched.counters.batches < serial.counters.batches
    for one, other in zip(serial.metrics, batched.metrics, strict=True):
        assert one.name == other.name
        assert other.value == pytest.approx(one.value, rel=1e-6), one.name
    steps = np.array([serial.all_of("relaxation_steps"), batched.all_of("relaxation_steps")])
    assert len(set(steps[0])) > len(cases) / 2
    assert np.mean(steps[0] == steps[1]) >= 0.95


def test_batched_and_serial_sevennet_agree_within_its_single_precision():
    """Rounding of the forces, 1e-5 eV/Å, over a displacement of 0.01 Å: 0.1 % of a force constant of 1 eV/Å²."""
    sevenn = pytest.importorskip("lamcore_sevenn", reason="lamcore-sevenn is not installed")
    model = sevenn.build.build_sevennet(device="cpu")
    cases = [
        Case(
            name,
            (bulk(name, "rocksalt", a=a, cubic=True),),
            LABELS,
            {"supercell_matrix": np.eye(3, dtype=int).tolist(), "primitive_matrix": FACE_CENTRED},
        )
        for name, a in [("MgO", 4.26), ("LiF", 4.06)]
    ]
    serial = phonon_run(model, cases, max_cases=1, max_atoms=1)
    batched = phonon_run(model, cases, max_cases=2, max_atoms=10_000)
    assert batched.counters.batches < serial.counters.batches
    steps = np.array([serial.all_of("relaxation_steps"), batched.all_of("relaxation_steps")])
    np.testing.assert_allclose(steps[0], steps[1], atol=2)
    for key, relative in (
        ("max_frequency_mesh_thz", 1e-3),
        ("entropy_j_per_mol_k", 1e-3),
        ("heat_capacity_j_per_mol_k", 1e-3),
        ("relaxed_energy_ev", 1e-6),
    ):
        np.testing.assert_allclose(batched.all_of(key), serial.all_of(key), rtol=relative)
