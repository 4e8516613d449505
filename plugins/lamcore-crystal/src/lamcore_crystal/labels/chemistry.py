"""Labels of the composition alone."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamcore_crystal.geometry import Geometry
from lamcore_crystal.labels import LabelAbsentError
from lamcore_crystal.rules import RuleContext


@dataclass(frozen=True)
class Smact:
    """`smact_valid`: charges can balance and electronegativities agree; elements and alloys pass.

    Source:
        D. W. Davies et al., J. Open Source Softw. 4, 1361 (2019), doi:10.21105/joss.01361.
    """

    name: str = "smact"

    def describe(self, geometry: Geometry, context: RuleContext) -> Mapping[str, Any]:
        """See `Label`."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of packages that smact imports and this label does not use
                from smact.screening import smact_validity
        except ImportError as error:
            raise LabelAbsentError(f"smact is not installed ({error}): pip install 'lamcore-crystal[smact]'") from error
        return {"smact_valid": bool(smact_validity(_formula(geometry)))}


@dataclass(frozen=True)
class Metal:
    """`is_element`, and `is_alloy` where all of two or more elements are metals."""

    name: str = "metal"

    def describe(self, geometry: Geometry, context: RuleContext) -> Mapping[str, Any]:
        """See `Label`."""
        from pymatgen.core.periodic_table import Element

        elements = [Element.from_Z(number) for number in sorted(set(geometry.numbers.tolist()))]
        return {
            "is_element": len(elements) == 1,
            "is_alloy": len(elements) > 1 and all(element.is_metal for element in elements),
        }


@dataclass(frozen=True)
class Concentration:
    """`hhi_production` and `hhi_reserve`: how few countries produce the elements, and hold them; 0 to 10,000.

    Source:
        M. W. Gaultois et al., Chem. Mater. 25, 2911 (2013), doi:10.1021/cm400893e, as in pymatgen.
    """

    name: str = "hhi"

    def describe(self, geometry: Geometry, context: RuleContext) -> Mapping[str, Any]:
        """See `Label`."""
        from pymatgen.analysis.hhi import HHIModel

        production, reserve = HHIModel().get_hhi(_formula(geometry))  # type: ignore[no-untyped-call]  # pymatgen's
        if production is None or reserve is None:
            raise LabelAbsentError(f"the table has no value for an element of {_formula(geometry)}")
        return {"hhi_production": float(production), "hhi_reserve": float(reserve)}


def _formula(geometry: Geometry) -> str:
    """Every atom of the cell, reduced: SMACT's cost grows with the amounts."""
    from math import gcd

    from ase.data import chemical_symbols

    counts = Counter(geometry.numbers.tolist())
    units = gcd(*counts.values())
    return "".join(f"{chemical_symbols[number]}{n // units}" for number, n in sorted(counts.items()))
