"""Whole runs from the command line."""

import json
import os
import subprocess
import sys

import pytest

from lamcore.data_files import sha256


def lamcore(folder, *arguments):
    """Run lamcore with this plugin's model; the metrics by name, and the folder of the run."""
    command = [sys.executable, "-m", "lamcore", *arguments, "model=deepmd", "model.device=cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = folder.glob("runs/*")
    return json.loads((run / "metrics.json").read_text(encoding="utf-8")), run


@pytest.mark.parametrize("file", ["model.ckpt-200.pt", "frozen.pth"])
def test_an_eos_run_knows_its_weights_and_gives_lattices_like_those_of_the_training_data(tmp_path, trained, file):
    metrics, run = lamcore(tmp_path, "task=eos", f"model.checkpoint={trained / file}", "dataset.elements=[Cu,Al]")
    by_name = {metric["name"]: metric for metric in metrics["metrics"]}
    assert by_name["success_rate"]["value"] == 1
    # EMT itself is 0.7 Å³/atom away from the all-electron volumes on average.
    assert by_name["mae_volume"]["value"] < 1.5
    provenance = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["identity"]["model"]["weights"] == [{"file": file, "sha256": sha256(trained / file)}]
    assert {"deepmd-kit", "torch", "vesin"} <= set(provenance["versions"])


def test_a_phonon_run_is_done(tmp_path, make_checkpoint):
    checkpoint = make_checkpoint("dpa1", types=["Rb", "F", "Al", "As"])
    metrics, _ = lamcore(tmp_path, "task=phonon", f"model.checkpoint={checkpoint}", "dataset.max_cases=2")
    by_name = {metric["name"]: metric for metric in metrics["metrics"]}
    assert by_name["success_rate"]["value"] == 1
