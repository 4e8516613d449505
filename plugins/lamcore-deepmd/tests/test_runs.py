"""Whole runs from the command line, on models of every sort."""

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from lamcore.data_files import sha256


def lamcore(folder, *arguments):
    command = [sys.executable, "-m", "lamcore", *arguments, "model=deepmd", "model.device=cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (results,) = folder.glob("runs/*/results.json")
    return results.parent


@pytest.mark.parametrize("file", ["model.ckpt-20.pt", "frozen.pth"])
def test_an_eos_run_is_done_for_the_trained_elements_and_knows_its_weights(tmp_path, trained, file):
    run = lamcore(tmp_path, "task=eos", f"model.checkpoint={trained / file}", "dataset.max_cases=7")
    print(sorted(p.name for p in run.iterdir()))
    provenance = (run / "provenance.json").read_text()
    assert sha256(trained / file) in provenance
    assert "deepmd-kit" in json.loads(provenance).__str__()
