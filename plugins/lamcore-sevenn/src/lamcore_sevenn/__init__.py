"""SevenNet models for lamcore."""

from __future__ import annotations

from pathlib import Path

from lamcore import ModelSpec, hookimpl
from lamcore_sevenn.build import build_sevennet, sevennet_weights

LAMCORE_API = 1


@hookimpl
def lamcore_models() -> list[ModelSpec]:
    """Offer `model=sevennet`."""
    return [
        ModelSpec(
            name="sevennet",
            build=build_sevennet,
            card=Path(__file__).with_name("card.yaml"),
            weights=sevennet_weights,
            packages=("e3nn", "torch_geometric"),
        )
    ]
