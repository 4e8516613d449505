"""A crystal as an OPTIMADE structure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ase.data import chemical_symbols
from sqlalchemy import Column

from lamcore_crystal.geometry import Geometry
from lamcore_crystal.store.schema import crystal
from lamcore_crystal.web.optimade.properties import PREFIX, PROPERTIES

TOP_LEVEL = frozenset({"id", "type", "relationships", "links", "meta"})


@dataclass(frozen=True)
class Entry:
    """A row of `crystal`, with its geometry unpacked when it is first needed.

    Attributes:
        row: Columns by name.
        models: Names of models by their ids.
    """

    row: Mapping[str, Any]
    models: Mapping[int, str]

    @cached_property
    def geometry(self) -> Geometry:
        """Relaxed."""
        return Geometry.unpack(self.row["geometry"])

    @cached_property
    def elements(self) -> list[str]:
        """Sorted."""
        return sorted(self.row["chemical_system"].split("-"))

    @cached_property
    def symbols(self) -> list[str]:
        """Of each atom."""
        return [chemical_symbols[z] for z in self.geometry.numbers]


def _column(name: str) -> Callable[[Entry], Any]:
    return lambda one: one.row[name]


# Property → columns that it needs, and its value.
_VALUES: dict[str, tuple[tuple[str, ...], Callable[[Entry], Any]]] = {
    "immutable_id": (("id",), lambda one: str(one.row["id"])),
    "last_modified": (("added_at",), lambda one: one.row["added_at"][:19] + "Z"),
    "elements": (("chemical_system",), lambda one: one.elements),
    "nelements": (("n_elements",), _column("n_elements")),
    "elements_ratios": (
        ("chemical_system", "geometry"),
        lambda one: [one.symbols.count(symbol) / len(one.symbols) for symbol in one.elements],
    ),
    "chemical_formula_descriptive": (("formula_pretty",), _column("formula_pretty")),
    "chemical_formula_reduced": (("formula",), _column("formula")),
    "chemical_formula_anonymous": (("formula_anonymous",), _column("formula_anonymous")),
    "dimension_types": ((), lambda _: [1, 1, 1]),
    "nperiodic_dimensions": ((), lambda _: 3),
    "lattice_vectors": (("geometry",), lambda one: one.geometry.cell.tolist()),
    "cartesian_site_positions": (("geometry",), lambda one: (one.geometry.fractional @ one.geometry.cell).tolist()),
    "nsites": (("n_sites",), _column("n_sites")),
    "species_at_sites": (("geometry",), lambda one: one.symbols),
    "species": (
        ("chemical_system",),
        lambda one: [{"name": symbol, "chemical_symbols": [symbol], "concentration": [1.0]} for symbol in one.elements],
    ),
    "space_group_it_number": (("space_group",), _column("space_group")),
    "structure_features": ((), lambda _: []),
    f"_{PREFIX}_model": (("model_id",), lambda one: one.models.get(one.row["model_id"])),
    f"_{PREFIX}_submission": (("submission_id",), _column("submission_id")),
    f"_{PREFIX}_density": (("density_g_cm3",), _column("density_g_cm3")),
    f"_{PREFIX}_is_unique": (
        ("duplicate_in_submission", "duplicate_in_database"),
        lambda one: one.row["duplicate_in_submission"] is None and one.row["duplicate_in_database"] is None,
    ),
} | {
    f"_{PREFIX}_{name}": ((name,), _column(name))
    for name in (
        *("energy_above_hull", "formation_energy_per_atom", "energy_per_atom", "score", "hull_id", "wyckoff"),
        *("wyckoff_letters", "prototype", "space_group_symbol", "crystal_system", "pearson", "chemical_system"),
        *("volume_per_atom", "source", "licence", "is_novel"),
    )
}
DEFAULT_FIELDS = tuple(name for name, one in PROPERTIES.items() if not one.is_absent and name not in TOP_LEVEL)


def columns_for(fields: Collection[str]) -> list[Column[Any]]:
    """Columns of `crystal` that an entry with these properties is made of."""
    names = {"id"} | {column for name in fields if name in _VALUES for column in _VALUES[name][0]}
    return [column for column in crystal.columns if column.name in names]


def resource(entry: Entry, fields: Collection[str]) -> dict[str, Any]:
    """The JSON:API resource of a crystal; a property that no structure has is null."""
    attributes = {name: _VALUES[name][1](entry) if name in _VALUES else None for name in fields}
    return {"id": str(entry.row["id"]), "type": "structures", "attributes": attributes}
