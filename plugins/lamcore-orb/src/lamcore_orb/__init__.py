"""Orb models for lamcore."""

from __future__ import annotations

from pathlib import Path

from lamcore import ModelSpec, hookimpl
from lamcore_orb.build import build_orb, orb_weights

LAMCORE_API = 1


@hookimpl
def lamcore_models() -> list[ModelSpec]:
    """Offer `model=orb`."""
    return [
        ModelSpec(
            name="orb",
            build=build_orb,
            card=Path(__file__).with_name("card.yaml"),
            weights=orb_weights,
            packages=("dm-tree",),
        )
    ]
