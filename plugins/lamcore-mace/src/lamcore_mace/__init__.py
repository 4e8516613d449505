"""MACE models for lamcore."""

from __future__ import annotations

from lamcore import ModelSpec, hookimpl
from lamcore_mace.build import build_mace, mace_weights
from lamcore_mace.checkpoints import CARD

LAMCORE_API = 1


@hookimpl
def lamcore_models() -> list[ModelSpec]:
    """Offer `model=mace`."""
    return [
        ModelSpec(
            name="mace",
            build=build_mace,
            card=CARD,
            weights=mace_weights,
            packages=("e3nn", "torch-dftd"),
        )
    ]
