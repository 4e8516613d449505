"""Labels of the arrangement: bonded in how many directions, and empty where."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamcore_crystal.geometry import Geometry
from lamcore_crystal.rules import RuleContext


@dataclass(frozen=True)
class Dimensionality:
    """`dimensionality`: 3 for a framework, 2 for layers, 1 for chains, 0 for molecules; the largest component's.

    Bonds are those of CrystalNN (H. Pan et al., Inorg. Chem. 60, 1590 (2021), doi:10.1021/acs.inorgchem.0c02996).

    Source:
        P. M. Larsen et al., Phys. Rev. Materials 3, 034003 (2019), doi:10.1103/PhysRevMaterials.3.034003, as in
        pymatgen.
    """

    name: str = "dimensionality"

    def describe(self, geometry: Geometry, context: RuleContext) -> Mapping[str, Any]:
        """See `Label`."""
        from pymatgen.analysis.dimensionality import get_dimensionality_larsen
        from pymatgen.analysis.graphs import StructureGraph
        from pymatgen.analysis.local_env import CrystalNN

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pymatgen's, of elements without an oxidation state
            bonds = CrystalNN()  # type: ignore[no-untyped-call]  # pymatgen's
            graph = StructureGraph.from_local_env_strategy(geometry.structure(), bonds)
        return {"dimensionality": int(get_dimensionality_larsen(graph))}  # type: ignore[no-untyped-call]  # pymatgen's


@dataclass(frozen=True)
class Vacuum:
    """`vacuum_ang`: the widest slab between lattice planes without the centre of an atom, Å, over the three axes."""

    name: str = "vacuum"

    def describe(self, geometry: Geometry, context: RuleContext) -> Mapping[str, Any]:
        """See `Label`."""
        heights = 1 / np.linalg.norm(np.linalg.inv(geometry.cell), axis=0)
        ordered = np.sort(np.mod(geometry.fractional, 1.0), axis=0)
        gaps = np.diff(np.vstack([ordered, ordered[:1] + 1.0]), axis=0).max(axis=0)
        return {"vacuum_ang": round(float((gaps * heights).max()), 4)}
