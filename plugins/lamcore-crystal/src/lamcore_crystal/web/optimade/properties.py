"""The properties of an OPTIMADE structure: what each is, and which column answers filters on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, Text, and_, cast, func, select

from lamcore_crystal.store.schema import crystal, model

PREFIX = "lam"
Kind = Literal["string", "integer", "float", "boolean", "timestamp", "list", "dictionary"]

# Prefixes of https://providers.optimade.org: a property of theirs is unknown here, and that is no surprise.
_KNOWN = """
aflow aiida alexandria ccdc ccpnc cmr cod csd exmpl httk jarvis matcloud matterverse mcloud mcloudarchive mp mpdd mpds
mpod necro nmd nomad odbx omdb oqmd optimade pcod psdi pubchem tcod twodmatpedia
"""
KNOWN_PREFIXES = frozenset(_KNOWN.split())


@dataclass(frozen=True)
class Property:
    """One property.

    Attributes:
        name: As in filters and responses.
        kind: OPTIMADE's data type.
        description: For `/info/structures`.
        column: What filters compare; None where there is nothing in the tables to compare.
        constant: The value that every structure has, where it is the same for all.
        members: Of a list: `elements`, `constant`, or None where the members cannot be searched for.
        length: Of a list: the column, or the number, that `LENGTH` compares.
        unit: In OPTIMADE's notation.
        is_sortable: Whether there is an index in its order.
        is_absent: Whether it is a property of the standard that no structure has here.
    """

    name: str
    kind: Kind
    description: str
    column: ColumnElement[Any] | None = None
    constant: Any = None
    members: Literal["elements", "constant"] | None = None
    length: ColumnElement[Any] | int | None = None
    unit: str | None = None
    is_sortable: bool = False
    is_absent: bool = False


_ABSENT: tuple[tuple[str, Kind], ...] = (
    ("assemblies", "list"),
    ("chemical_formula_hill", "string"),
    ("space_group_symmetry_operations_xyz", "list"),
    ("space_group_symbol_hall", "string"),
    ("space_group_symbol_hermann_mauguin", "string"),
    ("space_group_symbol_hermann_mauguin_extended", "string"),
)


def _table() -> dict[str, Property]:
    c = crystal.c
    model_name = select(model.c.name).where(model.c.id == c.model_id).scalar_subquery()
    is_unique = and_(c.duplicate_in_submission.is_(None), c.duplicate_in_database.is_(None))
    ev = "eV/atom"
    standard = [
        Property("id", "string", "Identifier, as in the native API.", cast(c.id, Text), is_sortable=True),
        Property("type", "string", "Always `structures`.", constant="structures"),
        Property("immutable_id", "string", "The same as `id`, which is never given twice.", cast(c.id, Text)),
        # To the second, as in responses.
        Property("last_modified", "timestamp", "When the crystal was accepted.", func.substr(c.added_at, 1, 19)),
        Property("elements", "list", "Chemical symbols, sorted.", members="elements", length=c.n_elements),
        Property("nelements", "integer", "Number of elements.", c.n_elements),
        Property("elements_ratios", "list", "Share of each element, in the order of `elements`.", length=c.n_elements),
        Property("chemical_formula_descriptive", "string", "Formula as people write it.", c.formula_pretty),
        Property(
            "chemical_formula_reduced",
            "string",
            "Reduced formula, elements in alphabetical order.",
            c.formula,
            is_sortable=True,
        ),
        Property("chemical_formula_anonymous", "string", "Anonymous formula.", c.formula_anonymous, is_sortable=True),
        Property(
            "dimension_types",
            "list",
            "Periodic in three directions.",
            constant=[1, 1, 1],
            members="constant",
            length=3,
        ),
        Property("nperiodic_dimensions", "integer", "Periodic directions.", constant=3),
        Property("lattice_vectors", "list", "Lattice vectors of the relaxed cell.", length=3, unit="Å"),
        Property("cartesian_site_positions", "list", "Relaxed positions.", length=c.n_sites, unit="Å"),
        Property("nsites", "integer", "Atoms in the cell.", c.n_sites),
        Property("species_at_sites", "list", "Name of the species at each site.", length=c.n_sites),
        Property("species", "list", "One species for each element.", length=c.n_elements),
        Property("space_group_it_number", "integer", "International number of the space group.", c.space_group),
        Property("structure_features", "list", "Always empty.", constant=[], members="constant", length=0),
        *(Property(name, kind, "Not given here.", is_absent=True) for name, kind in _ABSENT),
    ]
    own = [
        Property(
            "energy_above_hull",
            "float",
            "Signed distance to the hull `_lam_hull_id`; negative below it.",
            c.energy_above_hull,
            unit=ev,
            is_sortable=True,
        ),
        Property(
            "formation_energy_per_atom",
            "float",
            "Formation energy, with elements of the same model.",
            c.formation_energy_per_atom,
            unit=ev,
            is_sortable=True,
        ),
        Property("energy_per_atom", "float", "Potential energy of the model.", c.energy_per_atom, unit=ev),
        Property("score", "float", "Score of the round that the crystal came in.", c.score),
        Property("hull_id", "integer", "Hull that the distance is measured from.", c.hull_id),
        Property("model", "string", "Name of the model that relaxed the crystal.", model_name),
        Property("wyckoff", "string", "Space group and occupied orbits, canonical.", c.wyckoff, is_sortable=True),
        Property("wyckoff_letters", "string", "Letters of the occupied orbits.", c.wyckoff_letters, is_sortable=True),
        Property("prototype", "string", "The same without the elements.", c.prototype, is_sortable=True),
        Property("space_group_symbol", "string", "Short Hermann–Mauguin symbol.", c.space_group_symbol),
        Property("crystal_system", "string", "Crystal system.", c.crystal_system),
        Property("pearson", "string", "Pearson symbol.", c.pearson),
        Property("chemical_system", "string", "Elements joined by `-`.", c.chemical_system, is_sortable=True),
        Property("volume_per_atom", "float", "Relaxed volume per atom.", c.volume_per_atom, unit="Å^3"),
        Property("density", "float", "Relaxed mass density.", c.density_g_cm3, unit="g/cm^3"),
        Property("source", "string", "Generator or database that it came from.", c.source, is_sortable=True),
        Property("submission", "integer", "Submission that it came with.", c.submission_id),
        Property("licence", "string", "Licence of the submission.", c.licence),
        Property("is_unique", "boolean", "Whether it repeats no other crystal here.", is_unique),
        Property("is_novel", "boolean", "Whether it is in no reference set.", c.is_novel),
    ]
    prefixed = [replace(one, name=f"_{PREFIX}_{one.name}") for one in own]
    return {one.name: one for one in [*standard, *prefixed]}


PROPERTIES = _table()
