"""A file of weights as a network of orb-models, its layers' sizes read from the weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from orb_models.forcefield.atomic_system import SystemConfig
from orb_models.forcefield.pretrained import (
    orb_v2_architecture,
    orb_v3_conservative_architecture,
    orb_v3_direct_architecture,
)

from lamcore.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from lamcore_orb.checkpoints import Checkpoint

CUTOFF_ANG = 6.0
"""Of every Orb model; its networks have it built in."""

_OLD_HEADS = {"heads.forces.": "node_head.", "heads.energy.": "graph_head.", "heads.stress.": "stress_head."}
"""What files of the time of orb-v2 call the heads."""


def load_network(path: Path, named: Checkpoint, checkpoint: str) -> Any:
    """Build the network that a checkpoint describes and give it the weights of a file, on the CPU.

    Args:
        path: A state dict, as orb-models saves it; it is read without executing code.
        named: What the weights do not say.
        checkpoint: As the user wrote it, for messages.

    Raises:
        ConfigError: The file is no checkpoint, or not one of this architecture.
    """
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        network = build_network(weights, named)
        network.load_state_dict(weights, strict=True)
    except (RuntimeError, UnpicklingError, EOFError, KeyError, TypeError, AttributeError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"checkpoint {checkpoint!r}: {path} is not a checkpoint of the architecture {named.family}: "
            f"{type(error).__name__}: {reason}"
        ) from error
    # orb-models leaves a head that is not in the file at random values and says nothing.
    if missing := _heads_without_weights(network, weights):
        raise ConfigError(
            f"checkpoint {checkpoint!r}: {path} has no weights for {', '.join(missing)}, "
            f"which the architecture {named.family} predicts"
        )
    return network


def build_network(weights: Mapping[str, Tensor], named: Checkpoint) -> Any:
    """A network with layers of the same sizes as the weights.

    Raises:
        KeyError: Weights that every such network has are missing.
    """
    common = {
        "num_message_passing_steps": 1
        + max((int(k) for k in _captured(r"\.gnn_stacks\.(\d+)\.", weights)), default=-1),
        "device": "cpu",
        "system_config": SystemConfig(radius=CUTOFF_ANG, max_num_neighbors=named.max_neighbours),
    }
    if named.family == "orb-v2":
        return orb_v2_architecture(**common)
    builder = orb_v3_conservative_architecture if named.family == "orb-v3-conservative" else orb_v3_direct_architecture
    base, head = "model._encoder._node_fn.mlp", "heads.energy.mlp"
    return builder(
        latent_dim=weights[f"{base}.NN-0.weight"].shape[1],
        base_mlp_hidden_dim=weights[f"{base}.NN-0.weight"].shape[0],
        base_mlp_depth=_depth(base, weights),
        head_mlp_hidden_dim=weights[f"{head}.NN-0.weight"].shape[0],
        head_mlp_depth=_depth(head, weights),
        has_charge_spin_cond=named.trained_on == "molecules",
        has_stress=named.trained_on == "crystals",
        **common,
    )


def _depth(mlp: str, weights: Mapping[str, Tensor]) -> int:
    """Hidden layers: one fewer than matrices."""
    return len(_captured(rf"^{re.escape(mlp)}\.NN-(\d+)\.weight$", weights)) - 1


def _captured(pattern: str, weights: Mapping[str, Tensor]) -> set[str]:
    return {match.group(1) for name in weights if (match := re.search(pattern, name))}


def _heads_without_weights(network: Any, weights: Mapping[str, Tensor]) -> list[str]:
    """Heads that give energy, forces or stress and whose layers are not all in the file."""
    missing = set()
    for head in network.heads.keys() - {"confidence"}:
        prefix = f"heads.{head}."
        for layer in network.heads[head].mlp.state_dict(prefix="mlp."):
            if f"{prefix}{layer}" not in weights and f"{_OLD_HEADS.get(prefix, prefix)}{layer}" not in weights:
                missing.add(head)
    return sorted(missing)
