"""Units of energies in files."""

from __future__ import annotations

from typing import Literal

from lamcore_torsion.physics import KCAL_MOL_PER_EV, KCAL_MOL_PER_HARTREE

EnergyUnit = Literal["kcal/mol", "kJ/mol", "eV", "Hartree"]
_KCAL_PER_MOL: dict[str, float] = {
    "kcal/mol": 1.0,
    "kJ/mol": 1 / 4.184,
    "eV": KCAL_MOL_PER_EV,
    "Hartree": KCAL_MOL_PER_HARTREE,
}


def kcal_per_mol(energy: float, unit: EnergyUnit) -> float:
    """An energy in kcal/mol."""
    return energy * _KCAL_PER_MOL[unit]
