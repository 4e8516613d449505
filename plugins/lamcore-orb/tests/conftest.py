"""Small seeded models, made by the package's builders and loaded as any checkpoint, and structures of every kind."""

import warnings

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from lamcore_orb.build import build_orb

with warnings.catch_warnings():
    # The first import of orb-models warns of TorchScript; the builder keeps that to itself.
    warnings.simplefilter("ignore", DeprecationWarning)
    from orb_models.forcefield import pretrained

SMALL = {
    "latent_dim": 32,
    "base_mlp_hidden_dim": 48,
    "head_mlp_hidden_dim": 24,
    "num_message_passing_steps": 2,
    "device": "cpu",
}
ARCHITECTURES = {
    "conservative": "orb-v3-conservative-inf-omat",
    "conservative-20": "orb-v3-conservative-20-mpa",
    "direct": "orb-v3-direct-inf-omat",
    "molecules": "orb-v3-conservative-omol",
    "direct-molecules": "orb-v3-direct-omol",
    "v2": "orb-v2",
}


def network_of(kind):
    """A seeded network of the package; the last layers of its heads are enlarged so that predictions differ visibly."""
    torch.manual_seed(7)
    if kind == "v2":
        network = pretrained.orb_v2_architecture(num_message_passing_steps=1, device="cpu")
    else:
        builder = (
            pretrained.orb_v3_direct_architecture if "direct" in kind else pretrained.orb_v3_conservative_architecture
        )
        molecular = "molecules" in kind
        network = builder(**SMALL, has_charge_spin_cond=molecular, has_stress=not molecular)
    with torch.no_grad():
        for head in network.heads.values():
            head.mlp[-2].weight *= 5
    return network


@pytest.fixture(scope="session")
def new_network():
    """Makes a kind of network, the same each time."""
    return network_of


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """The file of each kind of model."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for kind in ARCHITECTURES:
        torch.save(network_of(kind).state_dict(), folder / f"{kind}.ckpt")
    return {kind: folder / f"{kind}.ckpt" for kind in ARCHITECTURES}


@pytest.fixture(scope="session")
def built(files):
    """Builds a kind of model, once for each dtype."""
    made = {}

    def build(kind, dtype="float64"):
        if (kind, dtype) not in made:
            made[kind, dtype] = build_orb(
                checkpoint=str(files[kind]), architecture=ARCHITECTURES[kind], device="cpu", dtype=dtype
            )
        return made[kind, dtype]

    return build


@pytest.fixture
def precise(built):
    """A conservative model in double precision, in which derivatives can be checked to many digits."""
    return built("conservative")


@pytest.fixture
def model(built):
    return built("conservative", "float32")


def strained(atoms, seed):
    """A rattled and sheared copy, so that no two components of a tensor are equal."""
    atoms = atoms.copy()
    atoms.rattle(0.06, seed=seed)
    shear = np.array([[1.01, 0.02, 0.03], [0.0, 0.98, 0.01], [0.0, 0.0, 1.015]])
    atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    return atoms


@pytest.fixture
def crystals():
    return [
        strained(bulk("Si"), 1),
        strained(bulk("NaCl", "rocksalt", a=5.6), 2),
        strained(bulk("Cu", cubic=True), 3),
        strained(bulk("W"), 4),
    ]


@pytest.fixture
def molecules():
    water = molecule("H2O")
    water.rattle(0.05, seed=5)
    return [water, molecule("CH3CH2OH")]


@pytest.fixture
def slab():
    slab = fcc111("Cu", (1, 1, 3), vacuum=8.0)
    slab.pbc = (True, True, False)
    slab.rattle(0.05, seed=6)
    return slab


@pytest.fixture
def without_edges():
    return [Atoms("Ar"), Atoms("Ne", cell=[20, 20, 20], pbc=True), Atoms("HeAr", positions=[[0, 0, 0], [0, 0, 9.0]])]


@pytest.fixture
def mix(crystals, molecules, slab, without_edges):
    """Crystals, molecules, a slab and structures without neighbours, in no order."""
    return [
        crystals[0],
        molecules[0],
        without_edges[0],
        slab,
        *crystals[1:],
        without_edges[1],
        molecules[1],
        without_edges[2],
    ]
