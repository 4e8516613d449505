"""What can be searched for in the open database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

SortKey = Literal["id", "energy_above_hull", "formation_energy_per_atom"]


@dataclass(frozen=True)
class CrystalQuery:
    """Conditions that all hold; None or empty asks nothing.

    Attributes:
        elements: Chemical symbols that are all present.
        any_of: Of which at least one is present.
        exclude: None of which is present.
        only: All that may be present.
        chemical_system: Exactly these elements, in any order, joined by `-`.
        formula: Reduced, in any order of elements; `*` stands for any element (`*O2`) and makes the search one over the
            anonymous formula and the named elements.
        formula_anonymous: Such as `AB2`.
        space_group: International number.
        crystal_system: triclinic, monoclinic, orthorhombic, tetragonal, trigonal, hexagonal or cubic.
        wyckoff: Letters (`a b`), with elements (`a Na b Cl`), or either after a space group (`225: a b`).
        prototype: As `Symmetry.prototype`.
        source: Exactly this one.
        submission_id: Of this submission alone.
        min_hull: Smallest energy above hull, eV/atom.
        max_hull: Largest energy above hull, eV/atom.
        min_formation: Smallest formation energy, eV/atom.
        max_formation: Largest formation energy, eV/atom.
        min_sites: Fewest atoms in the cell.
        max_sites: Most atoms in the cell.
        n_elements: Number of elements.
        unique: Only structures that repeat no other, of their submission or of the database.
        novel: Only structures in no reference set.
        sort: Column of the order; ties go by id.
        descending: Whether the order is reversed.
    """

    elements: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    chemical_system: str | None = None
    formula: str | None = None
    formula_anonymous: str | None = None
    space_group: int | None = None
    crystal_system: str | None = None
    wyckoff: str | None = None
    prototype: str | None = None
    source: str | None = None
    submission_id: int | None = None
    min_hull: float | None = None
    max_hull: float | None = None
    min_formation: float | None = None
    max_formation: float | None = None
    min_sites: int | None = None
    max_sites: int | None = None
    n_elements: int | None = None
    unique: bool = False
    novel: bool = False
    sort: SortKey = "id"
    descending: bool = False


@dataclass(frozen=True)
class Page:
    """One page of a search.

    Attributes:
        rows: Columns of `crystal` by name, without `geometry`.
        next: Cursor of the next page; None at the end. Opaque to callers, and refused when damaged.
        total: How many there are, where that is known without walking the table; None otherwise.
    """

    rows: Sequence[Mapping[str, Any]]
    next: str | None
    total: int | None
