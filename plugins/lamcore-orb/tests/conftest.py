"""Small seeded models, made by the package's builders and loaded as any checkpoint, and structures of every kind."""

import warnings

import pytest
import torch
from lamcore_orb.build import build_orb

from lamcore.testing.fixtures import crystals, mix, molecules, slab, without_edges  # noqa: F401

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
