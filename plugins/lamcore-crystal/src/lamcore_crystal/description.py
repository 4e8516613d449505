"""What is told of a structure without any model: its composition, its symmetry and its keys."""

from __future__ import annotations

from dataclasses import dataclass

CRYSTAL_SYSTEMS = {
    "triclinic": (1, 2),
    "monoclinic": (3, 15),
    "orthorhombic": (16, 74),
    "tetragonal": (75, 142),
    "trigonal": (143, 167),
    "hexagonal": (168, 194),
    "cubic": (195, 230),
}
"""The first and the last space group of each."""


def crystal_system(space_group: int) -> str:
    """The name of the crystal system of a space group, by its international number.

    Raises:
        ValueError: Not between 1 and 230.
    """
    for name, (first, last) in CRYSTAL_SYSTEMS.items():
        if first <= space_group <= last:
            return name
    raise ValueError(f"space group {space_group}, expected a number from 1 to 230")


@dataclass(frozen=True)
class Symmetry:
    """The space group at one tolerance.

    Attributes:
        symprec: The tolerance, Å.
        space_group: International number; 1 where none was found.
        symbol: Hermann–Mauguin symbol, short.
        pearson: Pearson symbol, such as `cF8`.
        wyckoff: Letters of the occupied orbits with their elements, canonical over the choices of origin and axes, such
            as `225: a Na b Cl`.
        wyckoff_letters: The sorted letters alone, such as `a b`.
        key: Equal for structures of one reduced formula, space group and canonical occupation; a prefilter.
        prototype: The same with elements made anonymous (A, B, … by rising count, then by letters).
    """

    symprec: float
    space_group: int
    symbol: str
    pearson: str
    wyckoff: str
    wyckoff_letters: str
    key: str
    prototype: str


@dataclass(frozen=True)
class Description:
    """Composition, symmetry and identity.

    Attributes:
        formula: Reduced, elements alphabetical, as OPTIMADE's `chemical_formula_reduced`: `ClNa`.
        formula_pretty: Reduced, by electronegativity, as people write it: `NaCl`.
        formula_anonymous: As OPTIMADE's: `AB`.
        chemical_system: Elements in alphabetical order: `Cl-Na`.
        elements: In alphabetical order.
        n_sites: Atoms in the cell.
        volume_per_atom: Å³.
        density_g_cm3: g/cm³.
        loose: Symmetry at the tolerance that is shown.
        tight: Symmetry at the smaller one.
        identity_sha256: Equal for resubmissions of the same crystal: Niggli cell and sites, rounded to 1e-4.
    """

    formula: str
    formula_pretty: str
    formula_anonymous: str
    chemical_system: str
    elements: tuple[str, ...]
    n_sites: int
    volume_per_atom: float
    density_g_cm3: float
    loose: Symmetry
    tight: Symmetry
    identity_sha256: str
