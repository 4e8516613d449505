"""Hulls of other methods, for parity with the hull of a model: from a table, or from pymatgen's computed entries."""

from __future__ import annotations

import csv
import gzip
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lamcore.errors import ConfigError
from lamcore_crystal.hull.hull import Hull
from lamcore_crystal.hull.values import HullEntry, MissingTerminalError
from lamcore_crystal.references.reading import ReferenceFileError

_WHOLE = 1e-6
_ENERGY_COLUMNS = ("formation_energy_per_atom", "e_form_per_atom")


@dataclass(frozen=True)
class ExternalHull:
    """A named hull of another method.

    Attributes:
        name: Unique in the challenge.
        entries: With formation energies and whole numbers of atoms.
        corrections: Those of its energies, for its hash.
    """

    name: str
    entries: Sequence[HullEntry]
    corrections: str


def named_external_hull(text: str, mp2020_corrections: bool = False) -> ExternalHull:
    """An external hull of one's own.

    Args:
        text: `name=path`, as on the command line.
        mp2020_corrections: As for `external_hull`.

    Raises:
        ConfigError: The text is not a name and a path.
        ReferenceFileError: What is at the path cannot be read, or a formula is not of whole numbers.
    """
    name, equals, path = text.partition("=")
    if not (equals and name.strip() and path.strip()):
        raise ConfigError(f"external hull {text!r}: expected name=path, such as mp=known/mp.csv.gz")
    try:
        entries = external_hull(Path(path.strip()).expanduser(), mp2020_corrections)
    except MissingTerminalError as error:
        raise ReferenceFileError(f"{path.strip()}: {error}") from error
    for one in entries:
        if any(abs(amount - round(amount)) > _WHOLE or round(amount) < 1 for amount in one.composition.values()):
            raise ReferenceFileError(f"{one.origin}: {dict(one.composition)}, expected whole numbers of atoms")
    whole = [replace(one, composition={key: round(n) for key, n in one.composition.items()}) for one in entries]
    return ExternalHull(name.strip(), whole, "MaterialsProject2020" if mp2020_corrections else "as given")


def external_hull(path: Path, mp2020_corrections: bool = False) -> list[HullEntry]:
    """Entries with formation energies; an element that the file leaves out gets one at zero in a table.

    Args:
        path: `.csv(.gz)` with `formula` and `formation_energy_per_atom` or `e_form_per_atom`, eV/atom; or `.json(.gz)`,
            a list or mapping of ComputedEntry objects of pymatgen, whose corrections are added.
        mp2020_corrections: Whether the corrections in a JSON file are replaced by those of MaterialsProject2020 (A.
            Wang et al., Sci. Rep. 11, 15496 (2021), doi:10.1038/s41598-021-94550-5).

    Raises:
        ReferenceFileError: The file cannot be read; the message says what and where.
        MissingTerminalError: Computed entries have an element, but none of it alone.
    """
    name = path.name.lower().removesuffix(".gz")
    if not path.is_file() or not name.endswith((".csv", ".json")):
        raise ReferenceFileError(
            f"{path}: expected a file .csv(.gz) with formation energies or .json(.gz) with entries"
        )
    try:
        text = (gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ReferenceFileError(f"{path}: cannot be read ({error})") from error
    if name.endswith(".json"):
        return _computed(text, path, mp2020_corrections)
    if mp2020_corrections:
        raise ReferenceFileError(f"{path}: a table of formation energies takes no corrections; give computed entries")
    return _table(text, path)


def _table(text: str, path: Path) -> list[HullEntry]:
    rows = csv.DictReader(text.splitlines())
    columns = rows.fieldnames or []
    energy = next((one for one in _ENERGY_COLUMNS if one in columns), None)
    if energy is None or "formula" not in columns:
        raise ReferenceFileError(f"{path}: columns are {columns}, expected formula and {' or '.join(_ENERGY_COLUMNS)}")
    entries = []
    for line, row in enumerate(rows, 2):
        try:
            entries.append(HullEntry(_amounts(row["formula"]), float(row[energy]), f"external:{path.name}/{line}"))
        except (TypeError, ValueError) as error:
            raise ReferenceFileError(f"{path}, line {line}: {row} ({error})") from error
    alone = {symbol for one in entries if len(one.composition) == 1 for symbol in one.composition}
    every = {symbol for one in entries for symbol in one.composition}
    return entries + [HullEntry({symbol: 1.0}, 0.0, f"external:element {symbol}") for symbol in sorted(every - alone)]


def _amounts(formula: str) -> dict[str, float]:
    from pymatgen.core.composition import Composition

    return {str(symbol): float(amount) for symbol, amount in Composition(formula).get_el_amt_dict().items()}


def _computed(text: str, path: Path, mp2020_corrections: bool) -> list[HullEntry]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ReferenceFileError(f"{path}: not JSON ({error})") from error
    rows = list(content.values()) if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise ReferenceFileError(f"{path}: holds a {type(rows).__name__}, expected a list or mapping of entries")
    entries = [_entry(row, f"{path}, entry {index}") for index, row in enumerate(rows)]
    if mp2020_corrections:
        from pymatgen.entries.compatibility import MaterialsProject2020Compatibility

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # missing oxidation states, for which the scheme has its own guesses
            entries = MaterialsProject2020Compatibility().process_entries(entries, clean=True)
    if not entries:
        raise ReferenceFileError(f"{path}: no entries are left, expected some that the corrections cover")
    totals = [
        HullEntry(entry.composition.get_el_amt_dict(), entry.energy_per_atom, f"external:{path.name}/{entry.entry_id}")
        for entry in entries
    ]
    formation = Hull(totals).formation_energy_per_atom(
        [one.composition for one in totals], [one.energy_per_atom for one in totals]
    )
    return [
        HullEntry(one.composition, float(energy), one.origin) for one, energy in zip(totals, formation, strict=True)
    ]


def _entry(row: Any, where: str) -> Any:
    """A ComputedEntry of the plain values alone: no class that the file names is looked up."""
    from pymatgen.entries.computed_entries import ComputedEntry

    if not isinstance(row, Mapping) or not isinstance(row.get("composition"), Mapping) or "energy" not in row:
        raise ReferenceFileError(f"{where}: expected an object with composition and energy, as of ComputedEntry")
    try:
        return ComputedEntry(
            {str(symbol): float(amount) for symbol, amount in row["composition"].items()},
            float(row["energy"]),
            correction=float(row.get("correction") or 0.0) or sum(_adjustment(one) for one in _adjustments(row)),
            parameters=row.get("parameters") or {},
            data=row.get("data") or {},
            entry_id=str(row.get("entry_id")),
        )
    except (TypeError, ValueError, KeyError) as error:
        raise ReferenceFileError(f"{where}: {type(error).__name__}: {error}") from error


def _adjustments(row: Mapping[str, Any]) -> list[Any]:
    return list(row.get("energy_adjustments") or [])


def _adjustment(one: Mapping[str, Any]) -> float:
    """Of a pymatgen EnergyAdjustment, eV."""
    if "value" in one:
        return float(one["value"])
    if "adj_per_atom" in one:
        return float(one["adj_per_atom"]) * float(one["n_atoms"])
    raise KeyError(f"an energy adjustment with {sorted(one)}, expected value, or adj_per_atom and n_atoms")
