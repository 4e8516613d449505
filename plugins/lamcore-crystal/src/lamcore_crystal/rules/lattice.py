"""The cell must be of a crystal: neither collapsed nor a box around something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.rules import RuleContext
from lamcore_crystal.rules.reduced import niggli_parameters


@dataclass(frozen=True)
class Lattice:
    """E_LATTICE for a volume or, after Niggli reduction, a length outside the limits. Angles are not judged.

    A short vector that the given ones hide is E_OVERLAP: an atom meets its own image.
    """

    name: str = "lattice"

    def validate(self, geometry: Geometry, context: RuleContext) -> Sequence[Finding]:
        """See `Rule`."""
        limits = context.limits
        if not (np.isfinite(geometry.cell).all() and np.isfinite(geometry.fractional).all()):
            return [finding("E_LATTICE", "the cell or a coordinate is not finite")]
        volume = geometry.volume
        if volume < limits.min_volume_ang3:
            message = f"the cell has a volume of {volume:.3g} Å³, expected at least {limits.min_volume_ang3:g} Å³"
            return [finding("E_LATTICE", message, volume_ang3=volume)]
        lengths = niggli_parameters(geometry.cell)[:3]
        low, high = limits.min_length_ang, limits.max_length_ang
        if lengths[0] < low:
            given = float(np.linalg.norm(geometry.cell, axis=1).min())
            if given < low:
                message = f"a lattice vector is {given:.3g} Å long, expected at least {low:g} Å"
                return [finding("E_LATTICE", message, length_ang=given)]
            message = f"the cell is a needle: each atom is {lengths[0]:.3g} Å from its own image, expected {low:g} Å"
            return [finding("E_OVERLAP", message, distance_ang=lengths[0])]
        longest = max(lengths)
        if longest > high:
            message = f"a vector of the reduced cell is {longest:.4g} Å long, expected at most {high:g} Å"
            return [finding("E_LATTICE", message, reduced_lengths_ang=[round(length, 4) for length in lengths])]
        return []
