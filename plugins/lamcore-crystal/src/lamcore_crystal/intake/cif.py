"""The structures of a CIF, each with its findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.intake import blocks as cif_blocks
from lamcore_crystal.intake.agreement import disagreement
from lamcore_crystal.intake.blocks import RefusedError, Sites, refuse
from lamcore_crystal.intake.expand import coincident, unit_cell
from lamcore_crystal.intake.formula import compare_formula, parse_formula
from lamcore_crystal.intake.numbers import cif_number
from lamcore_crystal.intake.shown import shown, shown_name
from lamcore_crystal.intake.species import Species, of_label, of_type_symbol
from lamcore_crystal.intake.text import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcore_crystal.rounds import Limits

BLOCKS_FACTOR = 100
"""A file of many blocks may be this many times larger than a file of one."""
_IMAGES_FACTOR = 20
_VOLUME_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Parsed:
    """One structure of a file, or why there is none.

    Attributes:
        block: Its number among the structures of the file; 0 where the file could not be split.
        name: Of the data block, for display.
        geometry: None where a finding is an error.
        findings: Errors and warnings, in the order found.
    """

    block: int
    name: str
    geometry: Geometry | None
    findings: tuple[Finding, ...]


def parse(data: bytes, split_blocks: bool, limits: Limits) -> list[Parsed]:
    """Every structure of a file; always at least one, so that a file that cannot be read counts as one.

    Args:
        data: The bytes of the file.
        split_blocks: Each data block with atoms is a structure of its own; otherwise there must be one.
        limits: Of the round.
    """
    document = Document(data, split_blocks, limits)
    return [document.parse(block) for block in range(len(document))]


class Document:
    """A file taken apart into its structures, each parsed when it is asked for.

    Args:
        data: The bytes of the file.
        split_blocks: Each data block with atoms is a structure of its own; otherwise there must be one.
        limits: Of the round.
    """

    def __init__(self, data: bytes, split_blocks: bool, limits: Limits) -> None:
        self._limits = limits
        self._text = ""
        self._blocks: list[Any] = []
        self._warnings: list[Finding] = []
        self._refusal: Finding | None = None
        largest = limits.max_bytes * (BLOCKS_FACTOR if split_blocks else 1)
        if len(data) > largest:
            self._refusal = finding(
                "E_TOO_LARGE", f"the file has {len(data)} bytes, expected at most {largest}", size=len(data)
            )
            return
        text, findings = decode(data)
        if text is None:
            *self._warnings, self._refusal = findings
            return
        self._text, self._warnings = text, findings
        try:
            everything = cif_blocks.read_blocks(text)
        except RefusedError as error:
            self._refusal = error.refusal
            return
        self._is_alone = len(everything) == 1
        self._blocks = [block for block in everything if cif_blocks.has_atoms(block)] or everything[:1]
        if len(self._blocks) > 1 and not split_blocks:
            self._refusal = self._many_blocks()

    def __len__(self) -> int:
        """How many structures there are; 1 for a file that is refused as a whole."""
        return 1 if self._refusal else len(self._blocks)

    def parse(self, block: int) -> Parsed:
        """The structure of one block."""
        if self._refusal:
            name = shown_name(self._blocks[0].name) if self._blocks else ""
            return Parsed(0, name, None, (*self._warnings, self._refusal))
        findings = list(self._warnings)
        name = shown_name(self._blocks[block].name)
        try:
            geometry = self._geometry(self._blocks[block], findings)
        except RefusedError as error:
            return Parsed(block, name, None, (*findings, error.refusal))
        return Parsed(block, name, geometry, tuple(findings))

    def __iter__(self) -> Iterator[Parsed]:
        return (self.parse(block) for block in range(len(self)))

    def _many_blocks(self) -> Finding:
        """Several structures in a file of one: said so, unless splitting could not help since all are refused alike."""
        refusals = []
        for block in self._blocks[:10]:
            try:
                self._geometry(block, [])
            except RefusedError as error:
                refusals.append(error.refusal)
                continue
            break
        codes = {one.code for one in refusals}
        if len(refusals) == len(self._blocks) and len(codes) == 1:
            return refusals[0]
        names = ", ".join(shown(block.name, 30) for block in self._blocks[:3])
        message = f"{len(self._blocks)} data blocks hold atoms ({names}, …), expected one; or submit with split_blocks"
        return finding("E_MULTI_BLOCK", message, n_blocks=len(self._blocks))

    def _geometry(self, block: Any, findings: list[Finding]) -> Geometry:
        """The ordered crystal of a block; warnings are added to `findings`."""
        from ase.geometry import cellpar_to_cell

        parameters = cif_blocks.cell_parameters(block)
        cell = np.array(cellpar_to_cell(parameters), dtype=float)
        _check_cell(parameters, cell, self._limits)
        sites = cif_blocks.listed_sites(block)
        species = _species(sites, findings)
        sites, species = _without_empty(sites, species, findings)
        operations, is_magnetic = cif_blocks.operations(block, parameters)
        if is_magnetic:
            findings.append(finding("W_MAGNETIC", "the file is of a magnetic structure; its atoms alone are read"))
        n_images = len(species) * len(operations)
        if n_images > _IMAGES_FACTOR * self._limits.max_sites:
            raise _too_many(n_images, self._limits, f"{len(species)} sites and {len(operations)} operations give ")
        atoms, parents = unit_cell(cell, sites.fractional, operations)
        numbers = np.array([one.number for one in species], dtype=np.int64)[parents]
        _check_occupancies(atoms, numbers, sites.occupancies[parents], self._limits, findings)
        if len(numbers) > self._limits.max_sites:
            raise _too_many(len(numbers), self._limits)
        geometry = Geometry(cell, atoms, numbers)
        _check_stated(block, geometry, species, findings)
        text = self._text if self._is_alone else block.as_string()
        refusal = disagreement(text, geometry, self._limits.occupancy_window)
        if refusal:
            raise RefusedError(refusal)
        return geometry


def _check_cell(parameters: tuple[float, ...], cell: NDArray[np.float64], limits: Limits) -> None:
    """What the reduced cell could not mend: its shortest vector is no longer, and its volume the same."""
    shortest, volume = min(parameters[:3]), abs(float(np.linalg.det(cell)))
    if shortest < limits.min_length_ang:
        message = f"a lattice vector is {shortest:g} Å long, expected at least {limits.min_length_ang:g} Å"
        raise refuse("E_LATTICE", message, length_ang=shortest)
    if volume < limits.min_volume_ang3:
        message = f"the cell has a volume of {volume:.3g} Å³, expected at least {limits.min_volume_ang3:g} Å³"
        raise refuse("E_LATTICE", message, volume_ang3=volume)


def _too_many(n_atoms: int, limits: Limits, how: str = "the cell has ") -> RefusedError:
    message = f"{how}{n_atoms} atoms, expected at most {limits.max_sites}"
    return refuse("E_NATOMS", message, n_atoms=n_atoms, max_sites=limits.max_sites)


def _species(sites: Sites, findings: list[Finding]) -> list[Species]:
    texts = sites.labels if sites.symbols is None else sites.symbols
    read = of_label if sites.symbols is None else of_type_symbol
    species = [read(text) for text in texts]
    if mixed := sorted({shown(text, 40) for text, one in zip(texts, species, strict=True) if one.is_mixed}):
        raise refuse("E_DISORDER", f"several elements share a site: {', '.join(mixed[:5])}", symbols=mixed[:20])
    unknown = sorted({shown(text, 20) for text, one in zip(texts, species, strict=True) if not one.number})
    if unknown:
        raise refuse("E_SPECIES", f"no element is called {', '.join(unknown[:5])}", symbols=unknown[:20])
    if any(one.is_isotope for one in species):
        n = sum(one.is_isotope for one in species)
        findings.append(
            finding("W_ISOTOPE_TO_H", f"{n} sites of deuterium or tritium were read as hydrogen", n_sites=n)
        )
    return species


def _without_empty(sites: Sites, species: list[Species], findings: list[Finding]) -> tuple[Sites, list[Species]]:
    full = np.flatnonzero(sites.occupancies != 0)
    n_empty = len(species) - len(full)
    if not n_empty:
        return sites, species
    if not len(full):
        raise refuse("E_NO_ATOMS", f"all {n_empty} sites have the occupancy 0")
    findings.append(finding("W_OCC_ZERO_DROPPED", f"{n_empty} sites of occupancy 0 were left out", n_sites=n_empty))
    kept = Sites(
        tuple(sites.labels[site] for site in full),
        None if sites.symbols is None else tuple(sites.symbols[site] for site in full),
        sites.fractional[full],
        sites.occupancies[full],
    )
    return kept, [species[site] for site in full]


def _check_occupancies(
    atoms: NDArray[np.float64],
    numbers: NDArray[np.int64],
    occupancies: NDArray[np.float64],
    limits: Limits,
    findings: list[Finding],
) -> None:
    low, high = limits.occupancy_window
    if occupancies.min() < 0 or occupancies.max() > high:
        worst = float(occupancies.min() if occupancies.min() < 0 else occupancies.max())
        raise refuse("E_OCCUPANCY", f"an occupancy is {worst:g}, expected 0 to {high:g}", occupancy=worst)
    pairs = coincident(atoms)
    totals = occupancies.copy()
    np.add.at(totals, pairs[:, 0], occupancies[pairs[:, 1]])
    np.add.at(totals, pairs[:, 1], occupancies[pairs[:, 0]])
    is_full = occupancies >= low
    first, second = pairs.T
    plain = (numbers[first] == numbers[second]) & is_full[first] & is_full[second]
    sums = np.maximum(totals[first], totals[second])
    if (crowded := ~plain & (sums > high)).any():
        total = float(sums[crowded].max())
        message = f"the occupancies of one site add up to {total:g}, expected at most {high:g}"
        raise refuse("E_OCCUPANCY", message, sum=total)
    if not is_full.all():
        n, worst = int((~is_full).sum()), float(occupancies.min())
        message = f"{n} atoms of the cell have an occupancy below {low:g}, down to {worst:g}; expected 1"
        raise refuse("E_DISORDER", message, n_atoms=n, smallest=worst)
    if len(pairs):
        message = f"{len(pairs)} pairs of atoms of one element are on one site, expected none"
        raise refuse("E_OVERLAP", message, distance_ang=0.0, n_pairs=len(pairs))
    if (occupancies != 1).any():
        values = sorted(set(occupancies[occupancies != 1].tolist()))
        shown_values = ", ".join(f"{one:g}" for one in values[:5])
        findings.append(
            finding("W_OCC_SNAPPED", f"occupancies of {shown_values} were taken for 1", occupancies=values[:20])
        )


def _check_stated(block: Any, geometry: Geometry, species: list[Species], findings: list[Finding]) -> None:
    """What the file says of itself against its atoms: hydrogens, formula, volume."""
    counts = Counter(geometry.numbers.tolist())
    if 1 not in counts and any(one.lacks_hydrogens for one in species):
        raise refuse("E_STOICH", "sites stand for water or hydroxyl, but no hydrogen has a site", missing=["H"])
    formula = cif_blocks.stated(block, "_chemical_formula_sum")
    amounts = parse_formula(formula) if formula else None
    if amounts is not None:
        for one in compare_formula(amounts, counts):
            if one.severity == "error":
                raise RefusedError(one)
            findings.append(one)
    volume = cif_number(cif_blocks.stated(block, "_cell_volume") or "")
    if volume is not None and abs(volume - geometry.volume) > _VOLUME_SHARE * geometry.volume:
        message = f"the stated volume is {volume:g} Å³, that of the cell {geometry.volume:g} Å³"
        findings.append(finding("W_VOLUME", message, stated_ang3=volume, volume_ang3=geometry.volume))
