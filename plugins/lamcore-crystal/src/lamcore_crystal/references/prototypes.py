"""The structure types of the table of compounds: where the sites are, given lattice parameters and free coordinates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Site = tuple[float, float, float]


@dataclass(frozen=True)
class StructureType:
    """A structure type.

    Attributes:
        space_group: International number.
        lattice: `cubic`, `hexagonal` or `tetragonal`: how many lattice parameters there are.
        sites: From the free coordinates to one site for each symbol of the formula, in its order.
        setting: 2 for the second choice of origin.
    """

    space_group: int
    lattice: str
    sites: Callable[..., Sequence[Site]]
    setting: int = 1

    def cell(self, lengths: Sequence[float]) -> tuple[float, float, float, float, float, float]:
        """Of the conventional cell, Å and °, from a, or from a and c."""
        a, c = lengths[0], lengths[-1]
        return (a, a, c, 90.0, 90.0, 120.0 if self.lattice == "hexagonal" else 90.0)


_THIRD, _TWO = 1 / 3, 2 / 3

TYPES: Mapping[str, StructureType] = {
    "rock salt": StructureType(225, "cubic", lambda: [(0, 0, 0), (0.5, 0.5, 0.5)]),
    "caesium chloride": StructureType(221, "cubic", lambda: [(0, 0, 0), (0.5, 0.5, 0.5)]),
    "zinc blende": StructureType(216, "cubic", lambda: [(0, 0, 0), (0.25, 0.25, 0.25)]),
    "wurtzite": StructureType(186, "hexagonal", lambda u: [(_THIRD, _TWO, 0), (_THIRD, _TWO, u)]),
    "fluorite": StructureType(225, "cubic", lambda: [(0, 0, 0), (0.25, 0.25, 0.25)]),
    "antifluorite": StructureType(225, "cubic", lambda: [(0.25, 0.25, 0.25), (0, 0, 0)]),
    "rutile": StructureType(136, "tetragonal", lambda u: [(0, 0, 0), (u, u, 0)]),
    "corundum": StructureType(167, "hexagonal", lambda z, x: [(0, 0, z), (x, 0, 0.25)]),
    "calcite": StructureType(167, "hexagonal", lambda x: [(0, 0, 0), (0, 0, 0.25), (x, 0, 0.25)]),
    "low quartz": StructureType(154, "hexagonal", lambda u, x, y, z: [(u, 0, _TWO), (x, y, z)]),
    "perovskite": StructureType(221, "cubic", lambda: [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)]),
    "spinel": StructureType(227, "cubic", lambda u: [(0.125, 0.125, 0.125), (0.5, 0.5, 0.5), (u, u, u)], setting=2),
    "cadmium iodide": StructureType(164, "hexagonal", lambda z: [(0, 0, 0), (_THIRD, _TWO, z)]),
    "molybdenite": StructureType(194, "hexagonal", lambda z: [(_THIRD, _TWO, 0.25), (_THIRD, _TWO, z)]),
    "pyrite": StructureType(205, "cubic", lambda u: [(0, 0, 0), (u, u, u)]),
    "cuprite": StructureType(224, "cubic", lambda: [(0.25, 0.25, 0.25), (0, 0, 0)]),
    "aluminium diboride": StructureType(191, "hexagonal", lambda: [(0, 0, 0), (_THIRD, _TWO, 0.5)]),
    "Cu3Au": StructureType(221, "cubic", lambda: [(0, 0.5, 0.5), (0, 0, 0)]),
    "nickel arsenide": StructureType(194, "hexagonal", lambda: [(0, 0, 0), (_THIRD, _TWO, 0.25)]),
    "layered oxide": StructureType(166, "hexagonal", lambda z: [(0, 0, 0.5), (0, 0, 0), (0, 0, z)]),
}
