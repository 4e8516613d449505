"""One reference crystal or more of each element up to plutonium but astatine, francium and radium.

Energies never come from here: every crystal is relaxed by the model that is put to the test. Most cells are those of
the Δ-project in ASE (71 elements, relaxed with PBE). Where that project took a simple structure in place of the stable
one, of sulphur and of manganese, the stable one stands beside it, and the lower of the two counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lamcore_crystal.geometry import Geometry
from lamcore_crystal.references.crystals import ReferenceCrystal

if TYPE_CHECKING:
    from ase import Atoms

DELTA = "Δ-project, doi:10.1126/science.aad3000, cells as in ase.collections.dcdft"
ASE_DATA = "C. Kittel, Introduction to Solid State Physics, as in ase.data.reference_states"
_SPEDDING = "F. H. Spedding et al., Acta Cryst. 9, 559 (1956), doi:10.1107/S0365110X5600156X"
_DHCP = ((0, 0, 0), (1 / 3, 2 / 3, 0.25))

_OF_ASE_DATA = ("Ce", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Ac", "Th")

# name, sites, space group, setting, cell (Å, °), source
_PUBLISHED: Sequence[tuple[str, Sequence[tuple[float, float, float]], int, int, Sequence[float], str]] = (
    ("La", _DHCP, 194, 1, (3.770, 3.770, 12.159, 90, 90, 120), _SPEDDING),
    ("Pr", _DHCP, 194, 1, (3.673, 3.673, 11.835, 90, 90, 120), _SPEDDING),
    ("Nd", _DHCP, 194, 1, (3.658, 3.658, 11.799, 90, 90, 120), _SPEDDING),
    (
        "Pm",
        _DHCP,
        194,
        1,
        (3.65, 3.65, 11.65, 90, 90, 120),
        "P. G. Pallmer and T. D. Chikalla, J. Less-Common Met. 24, 233 (1971)",
    ),
    (
        "Sm",
        ((0, 0, 0), (0, 0, 0.222)),
        166,
        1,
        (3.621, 3.621, 26.25, 90, 90, 120),
        "A. H. Daane et al., Acta Cryst. 7, 532 (1954)",
    ),
    ("Pa", ((0, 0, 0),), 139, 1, (3.925, 3.925, 3.238, 90, 90, 90), "W. H. Zachariasen, Acta Cryst. 5, 19 (1952)"),
    (
        "U",
        ((0, 0.1025, 0.25),),
        63,
        1,
        (2.854, 5.869, 4.955, 90, 90, 90),
        "C. S. Barrett et al., Phys. Rev. 129, 625 (1963)",
    ),
    (
        "Np",
        ((0.036, 0.25, 0.208), (0.319, 0.25, 0.842)),
        62,
        1,
        (6.663, 4.723, 4.887, 90, 90, 90),
        "W. H. Zachariasen, Acta Cryst. 5, 660 (1952)",
    ),
    (
        "Pu",
        tuple(
            (x, 0.25, z)
            for x, z in (
                (0.344, 0.162),
                (0.767, 0.168),
                (0.128, 0.340),
                (0.657, 0.457),
                (0.025, 0.618),
                (0.473, 0.653),
                (0.328, 0.926),
                (0.869, 0.894),
            )
        ),
        11,
        1,
        (6.183, 4.822, 10.963, 90, 101.79, 90),
        "W. H. Zachariasen and F. H. Ellinger, Acta Cryst. 16, 777 (1963)",
    ),
    (
        "S-orthorhombic",
        (
            (0.14415, 0.04732, 0.0486),
            (0.29277, 0.2269, 0.25406),
            (0.21598, 0.28022, 0.32618),
            (0.21405, 0.15761, 0.37947),
        ),
        70,
        2,
        (10.4646, 12.8660, 24.4860, 90, 90, 90),
        "S. J. Rettig and J. Trotter, Acta Cryst. C 43, 2260 (1987)",
    ),
    (
        "Mn-alpha",
        ((0, 0, 0), (0.317, 0.317, 0.317), (0.357, 0.357, 0.034), (0.089, 0.089, 0.282)),
        217,
        1,
        (8.9125, 8.9125, 8.9125, 90, 90, 90),
        "J. A. Oberteuffer and J. A. Ibers, Acta Cryst. B 26, 1499 (1970)",
    ),
)


def elements() -> list[ReferenceCrystal]:
    """The reference crystals, sorted by name."""
    return sorted(_all(), key=lambda one: one.name)


def _all() -> Iterator[ReferenceCrystal]:
    from ase.build import bulk
    from ase.collections import dcdft

    for symbol in dcdft.names:
        yield ReferenceCrystal(symbol, _geometry(dcdft[symbol]), DELTA)
    for symbol in _OF_ASE_DATA:
        yield ReferenceCrystal(symbol, _geometry(bulk(symbol)), ASE_DATA)
    for name, sites, group, setting, cell, source in _PUBLISHED:
        symbol = name.split("-")[0]
        yield ReferenceCrystal(name, _geometry(crystal_of([symbol] * len(sites), sites, group, setting, cell)), source)


def crystal_of(symbols: Sequence[str], sites: Any, space_group: int, setting: int, cell: Sequence[float]) -> Atoms:
    """The primitive cell of a published crystal.

    Args:
        symbols: Of the distinct sites.
        sites: Their fractional coordinates.
        space_group: International number.
        setting: 2 for the second choice of origin, else 1.
        cell: Of the conventional cell: Å, Å, Å, °, °, °.
    """
    from ase.spacegroup import crystal

    return crystal(
        symbols, sites, spacegroup=space_group, setting=setting, cellpar=list(cell), primitive_cell=True, symprec=1e-4
    )


def _geometry(atoms: Atoms) -> Geometry:
    return Geometry.of(atoms)
