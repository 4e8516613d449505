"""The Morse potential as a lamcore model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamcore import ModelSpec, hookimpl

if TYPE_CHECKING:
    from ase.calculators.morse import MorsePotential


@hookimpl
def lamcore_models() -> Sequence[ModelSpec]:
    """Offer `model=morse`."""
    return [ModelSpec("morse", build_morse, Path(__file__).with_name("card.yaml"), packages=("ase",))]


def build_morse(epsilon_ev: float = 0.3429, r0_ang: float = 2.866, rho0: float = 3.8922) -> MorsePotential:
    """Build ASE's Morse potential; copper unless told otherwise.

    Args:
        epsilon_ev: Depth of the well, eV.
        r0_ang: Distance of the minimum, Å.
        rho0: Steepness of the well, dimensionless.
    """
    from ase.calculators.morse import MorsePotential

    return MorsePotential(epsilon=epsilon_ev, r0=r0_ang, rho0=rho0)
