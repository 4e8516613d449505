"""The morse model for lamcore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamcore import ModelSpec, hookimpl

if TYPE_CHECKING:
    from lamcore_morse.model import MorseModel

LAMCORE_API = 1


@hookimpl
def lamcore_models() -> Sequence[ModelSpec]:
    """Offer `model=morse`."""
    return [ModelSpec("morse", build_morse, Path(__file__).with_name("card.yaml"), packages=("ase",))]


def build_morse(depth_ev: float = 0.3429, bond_ang: float = 2.866, steepness: float = 3.8922) -> MorseModel:
    """Build the model; the defaults are copper's.

    Args:
        depth_ev: Depth of the well, eV.
        bond_ang: Distance of the minimum, Å.
        steepness: Of the well, times the distance of the minimum; dimensionless.
    """
    from lamcore_morse.model import MorseModel

    return MorseModel(depth_ev, bond_ang, steepness)
