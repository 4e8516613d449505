"""Volume and mass per atom must be ones that crystals have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.rules import RuleContext

# 1 u/Å³ in g/cm³: the atomic mass constant, CODATA 2018, doi:10.1103/RevModPhys.93.025010.
_G_CM3_PER_U_ANG3 = 1.66053906660


@dataclass(frozen=True)
class VolumePerAtom:
    """E_VOLUME_PER_ATOM outside the limits, W_SPARSE where few crystals have as much."""

    name: str = "volume"

    def validate(self, geometry: Geometry, context: RuleContext) -> Sequence[Finding]:
        """See `Rule`."""
        low, high = context.limits.volume_per_atom_ang3
        volume = geometry.volume / len(geometry)
        if not low <= volume <= high:
            message = f"the volume is {volume:.4g} Å³ an atom, expected {low:g} to {high:g} Å³"
            return [finding("E_VOLUME_PER_ATOM", message, volume_per_atom_ang3=volume)]
        sparse = context.limits.sparse_above_ang3
        if volume > sparse:
            message = f"the volume is {volume:.4g} Å³ an atom, most crystals have less than {sparse:g} Å³"
            return [finding("W_SPARSE", message, volume_per_atom_ang3=volume)]
        return []


@dataclass(frozen=True)
class Density:
    """E_DENSITY above the limit; osmium has 22.6 g/cm³."""

    name: str = "density"

    def validate(self, geometry: Geometry, context: RuleContext) -> Sequence[Finding]:
        """See `Rule`."""
        from ase.data import atomic_masses

        mass = float(np.asarray(atomic_masses)[geometry.numbers].sum())
        density = mass * _G_CM3_PER_U_ANG3 / geometry.volume
        highest = context.limits.max_density_g_cm3
        if density <= highest:
            return []
        message = f"the density is {density:.4g} g/cm³, expected at most {highest:g} g/cm³"
        return [finding("E_DENSITY", message, density_g_cm3=density)]
