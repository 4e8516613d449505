"""What a release says of each crystal, and in which units; the data card is made of the same table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow

    from lamcore_crystal.geometry import Geometry


@dataclass(frozen=True)
class ReleaseColumn:
    """One column of a released table.

    Attributes:
        name: As in the file.
        kind: `int`, `float`, `bool`, `text`, `json`, `floats`, `ints`.
        unit: `1` where it has none; empty for what is no quantity.
        meaning: For people.
    """

    name: str
    kind: str
    unit: str
    meaning: str


_DESCRIPTION = (
    ReleaseColumn("id", "int", "", "The crystal's number in the database."),
    ReleaseColumn("submission_id", "int", "", "The submission that it came in."),
    ReleaseColumn("source", "text", "", "The generator or database that it comes from."),
    ReleaseColumn("name", "text", "", "Name of the submitted file, and of the block in it."),
    ReleaseColumn("licence", "text", "", "Under which this crystal is given."),
    ReleaseColumn("formula", "text", "", "Reduced, elements alphabetical."),
    ReleaseColumn("formula_pretty", "text", "", "Reduced, as people write it."),
    ReleaseColumn("formula_anonymous", "text", "", "Reduced, letters for elements by falling amount."),
    ReleaseColumn("chemical_system", "text", "", "Elements, alphabetical, joined by a hyphen."),
    ReleaseColumn("n_elements", "int", "1", "Number of elements."),
    ReleaseColumn("n_sites", "int", "1", "Atoms in the cell."),
    ReleaseColumn("volume_per_atom", "float", "Å³", "Volume of the relaxed cell by its atoms."),
    ReleaseColumn("density_g_cm3", "float", "g/cm³", "Mass density after relaxation."),
    ReleaseColumn("space_group", "int", "1", "International number."),
    ReleaseColumn("space_group_symbol", "text", "", "Hermann–Mauguin symbol, short."),
    ReleaseColumn("crystal_system", "text", "", "One of the seven."),
    ReleaseColumn("pearson", "text", "", "Pearson symbol."),
    ReleaseColumn("wyckoff", "text", "", "Space group, then letters of the occupied orbits with their elements."),
    ReleaseColumn("wyckoff_letters", "text", "", "The letters alone."),
    ReleaseColumn("prototype", "text", "", "The same with elements made anonymous."),
    ReleaseColumn("key_loose", "text", "", "Symmetry key at the larger tolerance."),
    ReleaseColumn("key_tight", "text", "", "Symmetry key at the smaller tolerance."),
    ReleaseColumn("identity_sha256", "text", "", "Equal for resubmissions of the same crystal."),
)
_ENERGIES = (
    ReleaseColumn("energy_per_atom", "float", "eV/atom", "Potential energy of the relaxed cell by its atoms."),
    ReleaseColumn("formation_energy_per_atom", "float", "eV/atom", "Against elements relaxed by the same model."),
    ReleaseColumn("energy_above_hull", "float", "eV/atom", "Signed distance to the hull; negative is below it."),
    ReleaseColumn("score", "float", "", "By the score that `results` names beside this hull."),
    ReleaseColumn("duplicate_in_submission", "int", "", "The structure of the submission that it repeats, or null."),
    ReleaseColumn("duplicate_in_database", "int", "", "The earlier crystal that it repeats, or null."),
    ReleaseColumn("is_novel", "bool", "", "Whether it is in no reference set."),
    ReleaseColumn("novelty", "json", "", "The same crystal in each reference set, or null."),
    ReleaseColumn("labels", "json", "", "Descriptions that refuse nothing."),
    ReleaseColumn("warnings", "json", "", "What the checks remarked."),
    ReleaseColumn("cell", "floats", "Å", "Relaxed lattice vectors as rows, row by row: 9 numbers."),
    ReleaseColumn("fractional", "floats", "1", "Relaxed fractional coordinates, atom by atom: 3 × n_sites numbers."),
    ReleaseColumn("numbers", "ints", "1", "Atomic numbers, n_sites of them."),
)
_PROVENANCE = (
    ReleaseColumn("submitted_cell", "floats", "Å", "Lattice vectors as submitted."),
    ReleaseColumn("submitted_fractional", "floats", "1", "Fractional coordinates as submitted."),
    ReleaseColumn("submitted_numbers", "ints", "1", "Atomic numbers as submitted."),
    ReleaseColumn("content_sha256", "text", "", "SHA-256 of the raw bytes of the submitted file."),
    ReleaseColumn("model_name", "text", "", "The model that relaxed it."),
    ReleaseColumn("model_sha256", "text", "", "SHA-256 of the model's identity, weights included."),
    ReleaseColumn("relaxation_settings_sha256", "text", "", "SHA-256 of the settings of the relaxation."),
    ReleaseColumn("relaxation_steps", "int", "1", "Steps of the relaxation."),
    ReleaseColumn("relaxation_residual", "float", "eV/Å", "Longest row of the generalised forces at the end."),
    ReleaseColumn("relaxation_max_stress_gpa", "float", "GPa", "Largest component of the stress at the end."),
    ReleaseColumn("relaxation_provenance", "json", "", "Device, number type, SHA-256 of an environment of the card."),
    ReleaseColumn("relaxed_at", "text", "", "When it was relaxed, UTC."),
    ReleaseColumn("hull_sha256", "text", "", "SHA-256 of the hull that the distances are to."),
    ReleaseColumn("added_at", "text", "", "When it came into the database, UTC."),
)
CRYSTALS = (*_DESCRIPTION, *_ENERGIES, *_PROVENANCE)
STRUCTURES = (
    ReleaseColumn("id", "int", "", "The structure's number; a crystal of this id was accepted."),
    ReleaseColumn("submission_id", "int", "", "The submission that it came in."),
    ReleaseColumn("source", "text", "", "The generator or database that it comes from."),
    ReleaseColumn("file", "text", "", "Name of the submitted file."),
    ReleaseColumn("block", "int", "", "Block of the file."),
    ReleaseColumn("status", "text", "", "refused, checked, passed or failed."),
    ReleaseColumn("code", "text", "", "Why it was refused or failed; null otherwise."),
    ReleaseColumn("content_sha256", "text", "", "SHA-256 of the raw bytes; null where they were not kept."),
)
RESULTS = (
    ReleaseColumn("structure_id", "int", "", "The crystal's number."),
    ReleaseColumn("hull_sha256", "text", "", "The hull; of the newest one `crystals` says the same."),
    ReleaseColumn("score_name", "text", "", "Of the score, version included."),
    ReleaseColumn("score", "float", "", "By that score; null where it is not defined."),
    ReleaseColumn("formation_energy_per_atom", "float", "eV/atom", "Against elements relaxed by the same model."),
    ReleaseColumn("energy_above_hull", "float", "eV/atom", "Signed distance to that hull; negative is below it."),
    ReleaseColumn(
        "decomposition",
        "json",
        "",
        "What the hull is made of there: formula, share of the atoms, position.",
    ),
)
HULL_ENTRIES = (
    ReleaseColumn("hull_sha256", "text", "", "The hull."),
    ReleaseColumn("hull_name", "text", "", "Its name."),
    ReleaseColumn("position", "int", "", "Of the entry in the hull."),
    ReleaseColumn("formula", "text", "", "Reduced, elements alphabetical."),
    ReleaseColumn("chemical_system", "text", "", "Elements, alphabetical, joined by a hyphen."),
    ReleaseColumn("energy_per_atom", "float", "eV/atom", "Potential energy; formation energy in an external hull."),
    ReleaseColumn("origin", "text", "", "A reference or a crystal."),
    ReleaseColumn("is_stable", "bool", "", "Whether it is a vertex of the hull."),
)


def arrow_schema(columns: tuple[ReleaseColumn, ...]) -> pyarrow.Schema:
    """Types of the columns, with unit and meaning as metadata of each."""
    import pyarrow as pa

    types = {
        **{"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "text": pa.string(), "json": pa.string()},
        **{"floats": pa.list_(pa.float64()), "ints": pa.list_(pa.int16())},
    }
    return pa.schema(
        [pa.field(one.name, types[one.kind], metadata={"unit": one.unit, "meaning": one.meaning}) for one in columns]
    )


def arrow_table(columns: tuple[ReleaseColumn, ...], rows: list[Mapping[str, Any]]) -> pyarrow.Table:
    """Rows as a table of that schema; JSON values become text."""
    import pyarrow as pa

    values = {
        one.name: [
            json.dumps(row[one.name], sort_keys=True, ensure_ascii=False) if one.kind == "json" else row[one.name]
            for row in rows
        ]
        for one in columns
    }
    return pa.table(values, schema=arrow_schema(columns))


def geometry_columns(geometry: Geometry, prefix: str = "") -> dict[str, Any]:
    """A geometry as flat lists."""
    return {
        f"{prefix}cell": geometry.cell.ravel(),
        f"{prefix}fractional": geometry.fractional.ravel(),
        f"{prefix}numbers": geometry.numbers,
    }
