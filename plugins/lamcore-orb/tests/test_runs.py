"""Whole runs on the command line, with a small model that was shortly trained."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from ase.build import bulk
from ase.calculators.emt import EMT
from lamcore_orb.checkpoints import NAMED
from lamcore_orb.model import OrbModel

from lamcore.data_files import sha256

ARCHITECTURE = "orb-v3-conservative-inf-omat"
METALS = [("Al", 4.05), ("Ni", 3.52), ("Cu", 3.61)]


@pytest.fixture(scope="module")
def trained(new_network, tmp_path_factory):
    """Energies of three metals over volume, learnt from effective-medium theory, so that each has an equilibrium."""
    structures = [bulk(element, a=a * scale) for element, a in METALS for scale in np.linspace(0.9, 1.12, 9)]
    labels = torch.tensor([EMT().get_potential_energy(atoms) for atoms in structures])
    network = new_network("conservative")
    model = OrbModel(network, NAMED[ARCHITECTURE], device="cpu", dtype="float32", tf32=False)
    batch = model._batch(model._graph(structures), structures)
    network.requires_grad_(True)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for _ in range(200):
        features = network.model(batch)["node_features"]
        energies = model._energies(batch, features) + network.pair_repulsion_fn(batch)["energy"]
        loss = ((energies - labels) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    file = tmp_path_factory.mktemp("trained") / "metals.ckpt"
    torch.save(network.state_dict(), file)
    return file


def lamcore(trained, runs, *arguments):
    command = [sys.executable, "-m", "lamcore", "model=orb", f"model.checkpoint={trained}", "model.device=cpu"]
    command += [f"model.architecture={ARCHITECTURE}", f"runs={runs}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = runs.iterdir()
    return folder


@pytest.mark.parametrize("task", ["eos", "phonon"])
def test_a_task_runs_from_the_command_line_with_the_weights_in_its_provenance(trained, tmp_path, task):
    if task == "phonon":
        pytest.importorskip("lamcore_phonon")
    folder = lamcore(trained, tmp_path / "runs", f"task={task}", "dataset.max_cases=3")
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["identity"]["model"]["weights"] == [{"file": "metals.ckpt", "sha256": sha256(trained)}]
    assert provenance["sessions"][0]["versions"]["orb-models"].startswith("0.5")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["n_cases"], metrics["n_failed"]) == (3, 0)
    assert all(np.isfinite(metric["value"]) for metric in metrics["metrics"])
    assert (folder / "report.html").is_file()
