"""The elements must be ones that the model knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.rules import RuleContext


@dataclass(frozen=True)
class Elements:
    """E_ELEMENT_UNSUPPORTED for an element that the model does not know."""

    name: str = "elements"

    def validate(self, geometry: Geometry, context: RuleContext) -> Sequence[Finding]:
        """See `Rule`."""
        from ase.data import chemical_symbols

        if context.supported is None:
            return []
        there = {chemical_symbols[number] for number in geometry.numbers.tolist()}
        unknown = sorted(there - context.supported)
        if not unknown:
            return []
        message = f"the model does not know {', '.join(unknown)}; it knows {len(context.supported)} elements"
        return [finding("E_ELEMENT_UNSUPPORTED", message, elements=unknown)]
