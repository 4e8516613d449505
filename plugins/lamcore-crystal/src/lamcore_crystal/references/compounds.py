"""Well-known compounds with published lattice parameters: a hull that is not only the elements.

A small set that makes a first hull sensible. Who wants a hull of all that is known gives a set of their own.
"""

from __future__ import annotations

from lamcore_crystal.geometry import Geometry
from lamcore_crystal.references.crystals import ReferenceCrystal
from lamcore_crystal.references.elements import crystal_of
from lamcore_crystal.references.prototypes import TYPES

_WYCKOFF = "R. W. G. Wyckoff, Crystal Structures, 2nd ed., Wiley 1963–1965"
_LEVIEN = "L. Levien et al., Am. Mineral. 65, 920 (1980)"
_STRELTSOV = "V. A. Streltsov et al., Acta Cryst. B 49, 147 (1993), doi:10.1107/S0108768192004701"
_ORMAN = "H. J. Orman and P. J. Wiseman, Acta Cryst. C 40, 12 (1984)"
_NAGAMATSU = "J. Nagamatsu et al., Nature 410, 63 (2001), doi:10.1038/35065039"

# structure type: formula, lattice parameters in Å, free coordinates
_TABLE: dict[str, list[tuple[str, tuple[float, ...], tuple[float, ...]]]] = {
    "rock salt": [
        (formula, (length,), ())
        for formula, length in (
            ("Li F", 4.0173),
            ("Li H", 4.0834),
            ("Li Cl", 5.1295),
            ("Na F", 4.620),
            ("Na Cl", 5.6406),
            ("Na I", 6.4728),
            ("K Cl", 6.2929),
            ("K Br", 6.6000),
            ("Ag Cl", 5.547),
            ("Mg O", 4.2112),
            ("Ca O", 4.8105),
            ("Sr O", 5.1602),
            ("Ba O", 5.523),
            ("Mn O", 4.4448),
            ("Co O", 4.2667),
            ("Ni O", 4.1684),
            ("Pb S", 5.9362),
            ("Ti C", 4.3186),
            ("Ti N", 4.235),
        )
    ],
    "caesium chloride": [("Cs Cl", (4.123,), ()), ("Cs Br", (4.286,), ()), ("Ni Al", (2.881,), ())],
    "zinc blende": [
        ("Zn S", (5.4093,), ()),
        ("Cd Te", (6.480,), ()),
        ("Ga As", (5.6537,), ()),
        ("Ga P", (5.4505,), ()),
        ("Al P", (5.451,), ()),
        ("In P", (5.8687,), ()),
        ("Si C", (4.348,), ()),
        ("Cu Cl", (5.4057,), ()),
    ],
    "wurtzite": [
        ("Zn O", (3.2495, 5.2069), (0.345,)),
        ("Al N", (3.111, 4.978), (0.385,)),
        ("Ga N", (3.180, 5.166), (0.375,)),
        ("Be O", (2.698, 4.380), (0.378,)),
    ],
    "fluorite": [("Ca F", (5.4630,), ()), ("Sr F", (5.7996,), ()), ("Ba F", (6.2001,), ()), ("Th O", (5.5997,), ())],
    "antifluorite": [("Li O", (4.619,), ()), ("Li S", (5.708,), ()), ("K O", (6.436,), ()), ("Be C", (4.33,), ())],
    "rutile": [
        ("Ti O", (4.5937, 2.9581), (0.3053,)),
        ("Sn O", (4.7373, 3.1864), (0.307,)),
        ("Ge O", (4.395, 2.859), (0.307,)),
        ("Zn F", (4.7034, 3.1335), (0.303,)),
    ],
    "corundum": [
        ("Al O", (4.7589, 12.991), (0.352, 0.306)),
        ("Fe O", (5.035, 13.72), (0.355, 0.300)),
        ("Cr O", (4.954, 13.584), (0.3475, 0.306)),
    ],
    "calcite": [("Ca C O", (4.9899, 17.064), (0.257,))],
    "perovskite": [("Sr Ti O", (3.9051,), ()), ("K Mg F", (3.973,), ())],
    "spinel": [("Mg Al O", (8.080,), (0.2624,))],
    "cadmium iodide": [("Cd I", (4.24, 6.84), (0.25,))],
    "molybdenite": [("Mo S", (3.1604, 12.295), (0.621,))],
    "pyrite": [("Fe S", (5.4067, 5.4067), (0.386,))],
    "cuprite": [("Cu O", (4.2696,), ())],
    "Cu3Au": [("Cu Au", (3.748,), ())],
    "nickel arsenide": [("Ni As", (3.602, 5.009), ())],
}
_OTHERS = (
    ("low quartz", "Si O", (4.916, 5.4054), (0.4697, 0.4135, 0.2669, 0.7858), _LEVIEN),
    ("layered oxide", "Li Co O", (2.8166, 14.052), (0.2605,), _ORMAN),
    ("aluminium diboride", "Mg B", (3.086, 3.524), (), _NAGAMATSU),
)


def compounds() -> list[ReferenceCrystal]:
    """The compounds, sorted by name: formula, then structure type, such as `LiF-rock-salt`."""
    rows = [(kind, *row, _WYCKOFF) for kind, some in _TABLE.items() for row in some]
    found = [_crystal(*row) for row in (*rows, *_OTHERS)]
    return sorted([*found, _triphylite()], key=lambda one: one.name)


def _crystal(
    kind: str, symbols: str, lengths: tuple[float, ...], free: tuple[float, ...], source: str
) -> ReferenceCrystal:
    structure_type = TYPES[kind]
    atoms = crystal_of(
        symbols.split(),
        structure_type.sites(*free),
        structure_type.space_group,
        structure_type.setting,
        structure_type.cell(lengths),
    )
    formula = atoms.symbols.formula.reduce()[0].format("hill")
    return ReferenceCrystal(f"{formula}-{kind.replace(' ', '-')}", Geometry.of(atoms), source)


def _triphylite() -> ReferenceCrystal:
    sites = {
        "Li": [(0.0, 0.0, 0.0)],
        "Fe": [(0.2822, 0.25, 0.9747)],
        "P": [(0.0948, 0.25, 0.4182)],
        "O": [(0.0968, 0.25, 0.7428), (0.4571, 0.25, 0.2060), (0.1656, 0.0465, 0.2848)],
    }
    symbols = [symbol for symbol, some in sites.items() for _ in some]
    atoms = crystal_of(
        symbols, [site for some in sites.values() for site in some], 62, 1, (10.332, 6.010, 4.692, 90, 90, 90)
    )
    return ReferenceCrystal("FeLiO4P-olivine", Geometry.of(atoms), _STRELTSOV)
