"""Claims about whole runs from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

LADDER = ("dataset.max_atoms=100", "task.time_budget_s=0.05", "task.repetitions=3", "task.capacity_atoms=100")


@pytest.fixture
def lamcore(tmp_path):
    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "lamcore", "task=efficiency", f"runs={tmp_path}/runs", *arguments],
            env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    return run


def folders(tmp_path):
    return sorted((tmp_path / "runs").iterdir())


def test_a_run_goes_on_on_the_same_machine_and_is_another_one_with_other_threads(lamcore, tmp_path):
    first = lamcore("model=lj", *LADDER)
    assert first.returncode == 0, first.stderr
    (folder,) = folders(tmp_path)
    n_records = len((folder / "records.jsonl").read_text().splitlines())
    assert lamcore("model=lj", *LADDER).returncode == 0
    assert folders(tmp_path) == [folder]  # the same machine goes on with the same run
    assert len((folder / "records.jsonl").read_text().splitlines()) == n_records
    assert lamcore("model=lj", *LADDER, OMP_NUM_THREADS="2").returncode == 0
    assert len(folders(tmp_path)) == 2
    machines = [json.loads((one / "provenance.json").read_text())["identity"]["machine"] for one in folders(tmp_path)]
    assert sorted(machine["threads"] for machine in machines) == ["1", "2"]


def test_the_model_is_measured_where_it_is(lamcore, tmp_path):
    done = lamcore("model=lj", "worker=process", *LADDER)
    assert done.returncode == 0, done.stderr
    (folder,) = folders(tmp_path)
    metrics = {one["name"]: one for one in json.loads((folder / "metrics.json").read_text())["metrics"]}
    assert metrics["latency_ms"]["value"] > 0
    assert metrics["latency_ms"]["context"].endswith("in a worker process")


def test_cases_side_by_side_are_refused(lamcore):
    refused = lamcore("model=lj", "executor=processes", "executor.workers=2", *LADDER)
    assert refused.returncode != 0
    assert "would disturb one another; use executor=inline" in " ".join(refused.stderr.split())


def test_frames_with_the_protocol_of_lambench(lamcore, tmp_path):
    rattled = [bulk("Cu", cubic=True) for _ in range(10)]
    for seed, atoms in enumerate(rattled):
        atoms.rattle(0.05, seed=seed)
    (tmp_path / "set").mkdir()
    write(tmp_path / "set" / "copper.traj", rattled)
    write(tmp_path / "set" / "large.traj", [bulk("Cu", cubic=True).repeat(3)])
    options = ("dataset=efficiency-frames", f"dataset.path={tmp_path}/set", "dataset.max_atoms=60")
    done = lamcore("model=emt", "task.protocol=lambench", *options)
    assert done.returncode == 0, done.stderr
    (folder,) = folders(tmp_path)
    summary = json.loads((folder / "metrics.json").read_text())
    assert summary["n_failed"] == 0
    scores = {case["id"]: case["scores"] for case in summary["cases"]}
    assert scores["copper.traj#0"]["time_per_atom_us"] is None
    assert {scores[f"copper.traj#{i}"]["n_atoms"] for i in range(10)} == {60}
    assert scores["large.traj#0"]["n_atoms"] == 108
    times = [scores[f"copper.traj#{i}"]["time_per_atom_us"] for i in range(1, 10)]
    average = {one["name"]: one["value"] for one in summary["metrics"]}["time_per_atom_us"]
    assert average == pytest.approx((np.mean(times) + scores["large.traj#0"]["time_per_atom_us"]) / 2)
    assert "Hardware" in (folder / "report.html").read_text()


def test_wrong_input_is_answered_with_what_was_expected(lamcore):
    refused = lamcore("model=lj", "dataset.materials=[Xx]")
    assert refused.returncode != 0
    assert "'Xx' is unknown, expected some of Si, NaCl, Cu, H2O" in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr
