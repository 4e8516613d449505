"""Models made by DeePMD-kit itself: one trained and frozen by its command line, others small and random."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from lamcore_deepmd.build import build_deepmd
from lamcore_deepmd.loading import deepmd_on

TYPES = ["Cu", "Al", "H", "O", "Ar"]
FITTING = {"neuron": [12, 12], "seed": 2, "precision": "float64"}
DESCRIPTORS = {
    "se_e2_a": {
        "type": "se_e2_a",
        "sel": [40] * len(TYPES),
        "rcut": 4.5,
        "rcut_smth": 2.0,
        "neuron": [4, 8],
        "axis_neuron": 4,
        "precision": "float64",
        "seed": 1,
    },
    "dpa1": {
        "type": "dpa1",
        "sel": 100,
        "rcut": 4.5,
        "rcut_smth": 2.0,
        "neuron": [4, 8],
        "axis_neuron": 4,
        "attn": 8,
        "attn_layer": 1,
        "tebd_dim": 4,
        "precision": "float64",
        "seed": 1,
    },
    "dpa3": {
        "type": "dpa3",
        "precision": "float64",
        "seed": 1,
        "repflow": {
            "n_dim": 8,
            "e_dim": 6,
            "a_dim": 4,
            "nlayers": 2,
            "e_rcut": 4.5,
            "e_rcut_smth": 2.0,
            "e_sel": 100,
            "a_rcut": 3.5,
            "a_rcut_smth": 2.0,
            "a_sel": 60,
            "axis_neuron": 4,
        },
    },
    "dpa4": {
        "type": "dpa4",
        "precision": "float64",
        "seed": 1,
        "sel": 100,
        "rcut": 4.5,
        "channels": 8,
        "n_blocks": 1,
        "lmax": 1,
    },
}


ROUGHNESS = {"se_e2_a": (0.4, 0.02), "dpa1": (0.4, 0.05), "dpa3": (0.4, 1.0), "dpa4": (0.05, 1.0)}
"""Standard deviation of what is added to the initial weights, and factor of the scale of the descriptor."""


def strained(atoms, seed):
    """A rattled and sheared copy, so that no two components of a tensor are equal."""
    atoms = atoms.copy()
    atoms.rattle(0.08, seed=seed)
    shear = np.array([[1.01, 0.02, 0.03], [0.0, 0.98, 0.01], [0.0, 0.0, 1.015]])
    atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    return atoms


@pytest.fixture(scope="session", autouse=True)
def _deepmd():
    """Imported as the builder does it: DeePMD-kit's first import warns and changes the process."""
    with deepmd_on("cpu"):
        import deepmd.pt.infer.deep_eval  # noqa: F401


def dp(folder, *arguments):
    """Run DeePMD-kit's command line."""
    command = [sys.executable, "-m", "deepmd", "--pt", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DEVICE": "cpu"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


def write_training_data(folder, base, n_frames=8):
    """Frames of one crystal with EMT's energies, forces and virials, as DeePMD-kit stores them."""
    random = np.random.default_rng(7)
    data = {"coord": [], "box": [], "energy": [], "force": [], "virial": []}
    for seed in range(n_frames):
        atoms = base.copy()
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + random.uniform(-0.04, 0.04, (3, 3))), scale_atoms=True)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        data["coord"].append(atoms.positions.ravel())
        data["box"].append(atoms.cell.array.ravel())
        data["energy"].append(atoms.get_potential_energy())
        data["force"].append(atoms.get_forces().ravel())
        data["virial"].append(-atoms.get_stress(voigt=False).ravel() * atoms.get_volume())
    (folder / "set.000").mkdir(parents=True)
    for name, values in data.items():
        np.save(folder / "set.000" / f"{name}.npy", np.array(values))
    (folder / "type.raw").write_text("\n".join(str(TYPES.index(symbol)) for symbol in base.symbols))
    (folder / "type_map.raw").write_text("\n".join(TYPES))


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with `model.ckpt-200.pt` and `frozen.pth`: 200 steps of training on EMT's copper and aluminium."""
    folder = tmp_path_factory.mktemp("trained")
    write_training_data(folder / "cu", bulk("Cu", "fcc", a=3.6, cubic=True))
    write_training_data(folder / "al", bulk("Al", "fcc", a=4.0, cubic=True))
    plan = {
        "model": {"type_map": TYPES, "descriptor": DESCRIPTORS["se_e2_a"], "fitting_net": FITTING},
        "learning_rate": {"type": "exp", "start_lr": 0.01, "stop_lr": 0.001, "decay_steps": 5},
        "loss": {
            "type": "ener",
            "start_pref_e": 1,
            "limit_pref_e": 1,
            "start_pref_f": 10,
            "limit_pref_f": 10,
            "start_pref_v": 1,
            "limit_pref_v": 1,
        },
        "training": {
            "training_data": {"systems": ["cu", "al"], "batch_size": 4},
            "numb_steps": 200,
            "seed": 1,
            "disp_freq": 200,
            "save_freq": 200,
        },
    }
    (folder / "input.json").write_text(json.dumps(plan))
    dp(folder, "train", "input.json", "--skip-neighbor-stat")
    dp(folder, "freeze", "-o", "frozen.pth")
    return folder


def save_random_model(path: Path, model_params, roughness):
    """A model made by DeePMD-kit's own functions, with weights large enough to give forces of 0.1 eV/Å and more."""
    import torch
    from deepmd.pt.model.model import get_model
    from deepmd.pt.train.wrapper import ModelWrapper

    kept = json.loads(json.dumps(model_params))
    if "model_dict" in model_params:
        model = {name: get_model(json.loads(json.dumps(p))) for name, p in model_params["model_dict"].items()}
    else:
        model = get_model(model_params)
    wrapper = ModelWrapper(model, model_params=kept)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weights in wrapper.parameters():
            weights += roughness[0] * torch.randn(weights.shape, generator=generator, dtype=weights.dtype)
        for name, buffer in wrapper.named_buffers():
            if name.endswith(("stddev", "dstd")):
                buffer *= roughness[1]
    torch.save({"model": wrapper.state_dict()}, path)
    return path


def parameters(descriptor, fitting=None, types=None, **changes):
    """DeePMD-kit's description of a model."""
    described = {
        "type_map": types or TYPES,
        "descriptor": {**DESCRIPTORS[descriptor], **changes},
        "fitting_net": {**FITTING, **(fitting or {})},
    }
    return {**described, "type": "dpa4"} if descriptor == "dpa4" else described


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory):
    """Saves a random model with an architecture of this name and returns the file."""
    folder = tmp_path_factory.mktemp("random")

    def make(descriptor, fitting=None, types=None, **changes):
        name = "-".join([descriptor, *(types or ()), *map(str, (fitting or {}).values()), *map(str, changes.values())])
        path = folder / f"{name}.pt"
        described = parameters(descriptor, fitting, types, **changes)
        return path if path.is_file() else save_random_model(path, described, ROUGHNESS[descriptor])

    return make


@pytest.fixture(scope="session")
def two_heads(tmp_path_factory):
    """A multi-task checkpoint with heads Metals (alias alloys) and Molecules."""
    described = parameters("dpa1")
    heads = {
        "Metals": {**described, "model_branch_alias": ["alloys"]},
        "Molecules": {**described, "fitting_net": {**FITTING, "seed": 9}},
    }
    return save_random_model(tmp_path_factory.mktemp("heads") / "two.pt", {"model_dict": heads}, ROUGHNESS["dpa1"])


@pytest.fixture(scope="session")
def model(trained):
    return build_deepmd(checkpoint=str(trained / "model.ckpt-200.pt"), device="cpu")


@pytest.fixture(scope="session", params=["se_e2_a", "dpa1", "dpa3", "dpa4"])
def precise(request, make_checkpoint):
    """A random model of each architecture in double precision, in which derivatives can be checked to many digits."""
    return build_deepmd(checkpoint=str(make_checkpoint(request.param)), device="cpu")


@pytest.fixture
def crystals():
    return [
        strained(bulk("Cu", cubic=True), 1),
        strained(bulk("Al"), 2),
        strained(bulk("CuAl", "rocksalt", a=5.0), 3),
        strained(bulk("Al", cubic=True), 4),
    ]


@pytest.fixture
def molecules():
    water = molecule("H2O")
    water.rattle(0.05, seed=5)
    hydroxyl_first = water[[1, 0, 2]]
    return [water, hydroxyl_first, molecule("H2O2")]


@pytest.fixture
def mix(crystals, molecules):
    """Crystals and molecules of several sizes, compositions and orders of atoms, and a lone atom."""
    return [
        crystals[0],
        molecules[0],
        *crystals[1:],
        crystals[0][[2, 0, 3, 1]],
        crystals[0].repeat((1, 1, 2)),
        molecules[1],
        Atoms("Ar"),
        molecules[2],
    ]
