"""The quantities that parts of lamcore exchange: names, units, shapes and signs, each defined once.

Anything not listed here carries its unit in its name (`frequency_thz`, `pressure_gpa`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Exact SI values, SI Brochure (9th ed., 2019), doi:10.1088/1681-7575/ab0013 gives the adjustment behind them.
_PLANCK_J_S: Final = 6.62607015e-34
_BOLTZMANN_J_K: Final = 1.380649e-23
_ELEMENTARY_CHARGE_C: Final = 1.602176634e-19
_AVOGADRO_PER_MOL: Final = 6.02214076e23

GPA_PER_EV_ANG3: Final = _ELEMENTARY_CHARGE_C * 1e30 / 1e9
"""1 eV/Å³ in GPa (160.2177)."""
KELVIN_PER_THZ: Final = _PLANCK_J_S * 1e12 / _BOLTZMANN_J_K
"""The temperature whose k_B T is h × 1 THz (47.9924 K)."""
KJ_MOL_PER_EV: Final = _ELEMENTARY_CHARGE_C * _AVOGADRO_PER_MOL / 1e3
"""1 eV in kJ/mol (96.4853)."""
GAS_CONSTANT_J_MOL_K: Final = _BOLTZMANN_J_K * _AVOGADRO_PER_MOL
"""R (8.31446 J/mol/K)."""


@dataclass(frozen=True)
class Quantity:
    """What a name means wherever it is exchanged between parts of lamcore."""

    name: str
    unit: str
    shape: tuple[str | int, ...]
    meaning: str


QUANTITIES: Final = {
    quantity.name: quantity
    for quantity in (
        Quantity("energy", "eV", (), "potential energy of the structure"),
        Quantity("forces", "eV/Å", ("n_atoms", 3), "−∂E/∂r, or the model's direct prediction of it"),
        Quantity("stress", "eV/Å³", (6,), "(1/V) ∂E/∂ε, tension positive, Voigt xx yy zz yz xz xy"),
        Quantity("descriptors", "1", ("n_atoms", "n_features"), "the model's own description of each atom"),
        Quantity("cell", "Å", (3, 3), "lattice vectors as rows"),
        Quantity("positions", "Å", ("n_atoms", 3), "Cartesian coordinates"),
    )
}
