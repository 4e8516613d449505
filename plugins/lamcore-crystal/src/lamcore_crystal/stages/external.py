"""Hulls of other methods: frozen when a challenge begins, and asked beside the round's own, for parity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lamcore_crystal.hull.values import MissingTerminalError
from lamcore_crystal.rounds import sha256_of_json
from lamcore_crystal.stages.hulls import FrozenHull, NewEntry, composition, freeze, load
from lamcore_crystal.store.schema import hull
from lamcore_crystal.symmetry.formulas import reduced_counts, written

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.hull.values import HullDistance
    from lamcore_crystal.references import ExternalHull


def add_external(connection: Connection, new: ExternalHull, elements: frozenset[str] | None) -> str:
    """Freeze an external hull; entries with elements that the model does not cover are left out.

    Returns:
        What to tell of it.

    Raises:
        ConfigError: No entry is left.
    """
    from lamcore.errors import ConfigError

    entries = []
    for one in new.entries:
        if elements is None or set(one.composition) <= elements:
            amounts = reduced_counts({symbol: int(amount) for symbol, amount in one.composition.items()})
            entries.append(NewEntry(written(amounts.items()), "-".join(amounts), one.energy_per_atom, one.origin))
    if not entries:
        raise ConfigError(f"external hull {new.name!r}: the model covers none of its {len(new.entries)} entries")
    freeze(connection, "external", new.name, entries, None, sha256_of_json({"corrections": new.corrections}))
    return f"external hull {new.name}: {len(entries)} of {len(new.entries)} entries, by the model's elements"


def external_hulls(connection: Connection) -> list[FrozenHull]:
    """All of the challenge, in the order of their ids."""
    ids = connection.execute(select(hull.c.id).where(hull.c.kind == "external").order_by(hull.c.id)).scalars()
    return [load(connection, hull_id) for hull_id in ids]


def distance_from(
    external: FrozenHull, amounts: Mapping[str, float], formation_energy_per_atom: float
) -> HullDistance | None:
    """Of the model's own formation energy, eV/atom; None where the hull lacks an element alone."""
    try:
        return external.hull.distances([amounts], [formation_energy_per_atom])[0]
    except MissingTerminalError:
        return None


def external_results(
    rows: Sequence[dict[str, Any]], formulas: Sequence[str], external: Sequence[FrozenHull]
) -> list[dict[str, Any]]:
    """Rows of `result` against external hulls, beside those against the round's; scores belong to the round's alone.

    Args:
        rows: Of `result`, against the round's hull.
        formulas: Of the same crystals.
        external: From `external_hulls`.
    """
    found = []
    for row, formula in zip(rows, formulas, strict=True):
        for one in external:
            distance = distance_from(one, composition(formula), row["formation_energy_per_atom"])
            if distance is not None:
                changed = {
                    "hull_id": one.id,
                    "score": None,
                    "energy_above_hull": distance.energy_above_hull,
                    "decomposition": one.decomposition(distance.decomposition),
                }
                found.append({**row, **changed})
    return found
