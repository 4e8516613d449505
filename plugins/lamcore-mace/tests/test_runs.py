"""Whole runs through the command line, with a small network that was trained on aluminium."""

import json
import os
import subprocess
import sys
import warnings
from importlib.metadata import version

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from lamcore.data_files import sha256

EMT_LATTICE_CONSTANT_ANG = 3.994
"""Where the energy of fcc Al has its minimum in ASE's effective-medium theory."""


@pytest.fixture(scope="module")
def trained(save_network, tmp_path_factory):
    """A network for all elements that has learnt the energies of fcc Al at 13 volumes from effective-medium theory."""
    path = tmp_path_factory.mktemp("trained") / "al.model"
    save_network(path, num_elements=94, atomic_numbers=list(range(1, 95)), atomic_energies=np.zeros((1, 94)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from mace import data, tools
        from mace.tools import torch_geometric, torch_tools

        network = torch.load(path, weights_only=False)
        cells = [bulk("Al", a=EMT_LATTICE_CONSTANT_ANG * scale) for scale in np.linspace(0.95, 1.05, 13)]
        for atoms in cells:
            atoms.calc = EMT()
        labels = torch.tensor([atoms.get_potential_energy() for atoms in cells], dtype=torch.float64)
        table = tools.AtomicNumberTable(list(range(1, 95)))
        with torch_tools.default_dtype(torch.float64):
            graphs = [
                data.AtomicData.from_config(data.config_from_atoms(atoms), z_table=table, cutoff=5.0) for atoms in cells
            ]
        batch = torch_geometric.Batch.from_data_list(graphs).to_dict()
        optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
        decay = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.96)
        for _ in range(120):
            optimizer.zero_grad()
            loss = (network(dict(batch), compute_force=False)["energy"] - labels).square().mean()
            loss.backward()
            optimizer.step()
            decay.step()
        torch.save(network, path)
    return path


def run(folder, *arguments):
    """Run `python -m lamcore` and return the folder of the run."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "LAMCORE_STRICT_PLUGINS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "lamcore", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = (folder / "runs").iterdir()
    return result


def test_an_equation_of_state_comes_out_as_it_was_learnt(trained, tmp_path):
    folder = run(tmp_path, "task=eos", "model=mace", f"model.checkpoint={trained}", "dataset.max_cases=1")
    (record,) = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    assert record["case_id"] == "Al"
    volumes, energies = (
        record["output"][name]["__array__"] for name in ("volumes_ang3_per_atom", "energies_ev_per_atom")
    )
    curvature, slope, _ = np.polyfit(volumes, energies, 2)
    assert -slope / (2 * curvature) == pytest.approx(EMT_LATTICE_CONSTANT_ANG**3 / 4, rel=0.02)
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["identity"]["model"]["weights"] == [{"file": "al.model", "sha256": sha256(trained)}]
    assert provenance["sessions"][0]["versions"]["mace-torch"] == version("mace-torch")


def test_phonons_run_from_end_to_end(trained, tmp_path):
    pytest.importorskip("lamcore_phonon")
    folder = run(tmp_path, "task=phonon", "model=mace", f"model.checkpoint={trained}", "dataset.max_cases=1")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert "mae_max_frequency" in json.dumps(metrics)
    (record,) = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    assert record["status"] == "done"


def test_the_command_line_names_a_licence_without_commercial_use_before_it_downloads(tmp_path):
    # A proxy that is not there: nothing leaves this machine.
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    command = [
        sys.executable,
        "-m",
        "lamcore",
        "model=mace",
        "model.checkpoint=mace-off23-small",
        "dataset.max_cases=1",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    warned = done.stderr.index("no commercial use")
    assert warned < done.stderr.index("could not be downloaded")
    assert f"put it at {tmp_path}/mace/MACE-OFF23_small.model" in done.stderr
