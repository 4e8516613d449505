"""CHGNet for lamcore."""

from __future__ import annotations

from pathlib import Path

from lamcore import ModelSpec, hookimpl
from lamcore_chgnet.build import build_chgnet, chgnet_weights

LAMCORE_API = 1


@hookimpl
def lamcore_models() -> list[ModelSpec]:
    """Offer `model=chgnet`."""
    return [
        ModelSpec(
            name="chgnet",
            build=build_chgnet,
            card=Path(__file__).with_name("card.yaml"),
            weights=chgnet_weights,
        )
    ]
