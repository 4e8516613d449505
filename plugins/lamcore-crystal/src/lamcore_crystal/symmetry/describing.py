"""What is told of a crystal without any model."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lamcore_crystal.description import Description, Symmetry
from lamcore_crystal.findings import Finding
from lamcore_crystal.symmetry.formulas import anonymous_formula_of, formula_of, reduced_counts
from lamcore_crystal.symmetry.identity import identity_sha256
from lamcore_crystal.symmetry.wyckoff import (
    Orbit,
    canonical_occupation,
    occupation_text,
    pretty,
    prototype_of,
    symmetry_key,
)

if TYPE_CHECKING:
    from lamcore_crystal.geometry import Geometry
    from lamcore_crystal.rounds import MatchingRules


def _is_news(record: logging.LogRecord) -> bool:
    """Keep moyo from telling, of each supercell, that it omits operations which are not asked for here."""
    return not record.getMessage().startswith("Omitted ")


logging.getLogger("moyo").addFilter(_is_news)

# 1 g/cm³ in atomic mass units per Å³ (CODATA 2018).
_DALTON_PER_ANG3_IN_G_CM3 = 1.66053906660


def describe(geometry: Geometry, matching: MatchingRules) -> tuple[Description, list[Finding]]:
    """Composition, symmetry at both tolerances and identity of a crystal.

    Args:
        geometry: One that the geometric rules let pass: finite, with a volume, no two atoms on one place.
        matching: Says the tolerances.

    Returns:
        The description, and a warning `W_SYMMETRY` for each tolerance at which no symmetry could be found; there the
        crystal is taken for P1.

    Raises:
        ValueError: The geometry has no volume.
    """
    from ase.data import atomic_masses, chemical_symbols

    symbols = [chemical_symbols[number] for number in geometry.numbers.tolist()]
    counts = reduced_counts(Counter(symbols))
    found = [find_symmetry(geometry, symprec) for symprec in matching.symprec]
    volume = geometry.volume
    description = Description(
        formula=formula_of(counts),
        formula_pretty=pretty(counts),
        formula_anonymous=anonymous_formula_of(counts),
        chemical_system="-".join(counts),
        elements=tuple(counts),
        n_sites=len(geometry),
        volume_per_atom=volume / len(geometry),
        density_g_cm3=float(np.sum(atomic_masses[geometry.numbers])) / volume * _DALTON_PER_ANG3_IN_G_CM3,
        loose=found[0][0],
        tight=found[1][0],
        identity_sha256=identity_sha256(geometry),
    )
    return description, [finding for _, finding in found if finding is not None]


def find_symmetry(geometry: Geometry, symprec: float) -> tuple[Symmetry, Finding | None]:
    """The space group at one tolerance in Å; P1 and a warning where moyo finds none."""
    import moyopy
    from ase.data import chemical_symbols

    symbols = [chemical_symbols[number] for number in geometry.numbers.tolist()]
    counts = reduced_counts(Counter(symbols))
    cell = moyopy.Cell(geometry.cell.tolist(), geometry.fractional.tolist(), geometry.numbers.tolist())
    try:
        dataset = moyopy.MoyoDataset(cell, symprec=symprec, rotate_basis=False)
    except ValueError as error:
        message = f"no symmetry was found within {symprec:g} Å ({error}); the crystal is taken for P1 at this tolerance"
        lone = tuple(Orbit("a", symbol) for symbol in symbols)
        finding = Finding("W_SYMMETRY", "warning", message, {"symprec_ang": symprec})
        return _symmetry(symprec, 1, f"aP{len(symbols)}", lone, counts), finding
    letters = dataset.wyckoffs
    orbits = tuple(Orbit(letters[k], symbols[k]) for k in sorted(set(dataset.orbits)))
    return _symmetry(symprec, dataset.number, dataset.pearson_symbol, orbits, counts), None


def _symmetry(
    symprec: float, number: int, pearson: str, orbits: tuple[Orbit, ...], counts: Mapping[str, int]
) -> Symmetry:
    import moyopy

    occupation = canonical_occupation(number, tuple(sorted(orbits)))
    return Symmetry(
        symprec=symprec,
        space_group=number,
        symbol=moyopy.SpaceGroupType(number).hm_short.replace(" ", ""),
        pearson=pearson,
        wyckoff=occupation_text(number, occupation),
        wyckoff_letters=" ".join(one.letter for one in occupation),
        key=symmetry_key(number, occupation, formula_of(counts)),
        prototype=prototype_of(number, occupation, counts),
    )
