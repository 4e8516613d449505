"""DeePMD-kit models for lamcore."""

from __future__ import annotations

from pathlib import Path

from lamcore import ModelSpec, hookimpl
from lamcore_deepmd.build import build_deepmd, deepmd_weights

LAMCORE_API = 1


@hookimpl
def lamcore_models() -> list[ModelSpec]:
    """Offer `model=deepmd`."""
    return [
        ModelSpec(
            name="deepmd",
            build=build_deepmd,
            card=Path(__file__).with_name("card.yaml"),
            weights=deepmd_weights,
            packages=("vesin-torch",),
        )
    ]
