"""No two atoms, periodic images included, may be closer than atoms ever are."""

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
class Overlap:
    """E_OVERLAP below max(0.7 Å, 0.55 × the sum of the covalent radii), as the limits say.

    An atom and its own image are a pair like any other. Of 3,200 structures of four databases none is refused: their
    smallest distance is 0.87 Å, their smallest share of the covalent sum 0.604.

    Source:
        Radii: B. Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j, as in `ase.data`.
    """

    name: str = "overlap"

    def validate(self, geometry: Geometry, context: RuleContext) -> Sequence[Finding]:
        """See `Rule`."""
        from ase.data import chemical_symbols, covalent_radii
        from ase.geometry import minkowski_reduce
        from ase.neighborlist import primitive_neighbor_list

        limits = context.limits
        shortest = niggli_parameters(geometry.cell)[0]
        if shortest < limits.min_distance_ang:
            # Told before neighbours are counted: in a needle there are millions.
            message = (
                f"each atom is {shortest:.3g} Å from its own image, expected at least {limits.min_distance_ang:g} Å"
            )
            return [finding("E_OVERLAP", message, distance_ang=shortest)]
        cell, _ = minkowski_reduce(geometry.cell)
        radii = np.asarray(covalent_radii)[geometry.numbers]
        # The sum of two of these reaches every pair that could be too close.
        reach = np.maximum(limits.min_distance_ang / 2, limits.min_covalent_share * radii)
        first, second, distances = primitive_neighbor_list(
            "ijd", (True, True, True), cell, geometry.fractional @ geometry.cell, reach, self_interaction=False
        )
        smallest = np.maximum(limits.min_distance_ang, limits.min_covalent_share * (radii[first] + radii[second]))
        too_close = np.flatnonzero(distances < smallest)
        if not len(too_close):
            return []
        worst = too_close[np.argmin(distances[too_close] / smallest[too_close])]
        i, j = int(first[worst]), int(second[worst])
        pair = f"{chemical_symbols[geometry.numbers[i]]}–{chemical_symbols[geometry.numbers[j]]}"
        who = f"atom {i} and its own image" if i == j else f"atoms {i} and {j}"
        distance, expected = float(distances[worst]), float(smallest[worst])
        message = f"{who} ({pair}) are {distance:.3g} Å apart, expected at least {expected:.3g} Å"
        return [
            finding(
                "E_OVERLAP",
                message,
                distance_ang=distance,
                smallest_ang=expected,
                atoms=[i, j],
                n_pairs=len(too_close) // 2,
            )
        ]
