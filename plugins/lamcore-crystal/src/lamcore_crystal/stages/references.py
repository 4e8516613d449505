"""The reference crystals of a challenge: taken in, relaxed by its model, and frozen as a hull."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamcore.errors import ConfigError
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.rounds import sha256_of_json
from lamcore_crystal.stages.watching import timed
from lamcore_crystal.store.writing import add_event

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore.config import Selection
    from lamcore_crystal.challenge import Challenge, OpenRound
    from lamcore_crystal.compute import Relaxer
    from lamcore_crystal.references import NewSet
    from lamcore_crystal.rounds import MatchingRules
    from lamcore_crystal.stages.watching import Watcher
    from lamcore_crystal.store.database import Database

_MORE_STEPS = 4


def add_set(connection: Connection, new: NewSet, matching: MatchingRules, elements: frozenset[str] | None) -> int:
    """Write a set down; members with elements that the model does not cover are left out.

    Returns:
        How many members it has.
    """
    from lamcore_crystal.store.batches import batches
    from lamcore_crystal.store.schema import reference, reference_set
    from lamcore_crystal.symmetry import describe

    rows: list[dict[str, Any]] = []
    for name, geometry in new.members:
        description, _ = describe(geometry, matching)
        if elements is not None and not set(description.elements) <= elements:
            continue
        rows.append(
            {
                "name": name,
                "formula": description.formula,
                "geometry": geometry.pack(),
                "geometry_sha256": geometry.sha256(),
                "key_loose": description.loose.key,
                "key_tight": description.tight.key,
                "volume_per_atom": description.volume_per_atom,
            }
        )
    _refuse_repeated(new.name, [row["name"] for row in rows])
    set_id: int = connection.execute(
        reference_set.insert()
        .values(
            name=new.name,
            licence=new.licence,
            citation=new.citation,
            in_hull=new.in_hull,
            for_novelty=new.for_novelty,
            sha256=sha256_of_json([[row["name"], row["geometry_sha256"]] for row in rows]),
        )
        .returning(reference_set.c.id)
    ).scalar_one()
    for some in batches([{**row, "set_id": set_id} for row in rows]):
        connection.execute(reference.insert(), some)
    return len(rows)


def _refuse_repeated(name: str, members: Iterable[str]) -> None:
    seen: set[str] = set()
    for member in members:
        if member in seen:
            raise ConfigError(f"reference set {name!r}: two members are called {member!r}; names must be unique")
        seen.add(member)


def check_model(database: Database, open_round: OpenRound, selection: Selection) -> None:
    """Refuse a model that is not the round's: its energies would be compared with those of another.

    Raises:
        ConfigError: Its options, version or weights differ.
    """
    from sqlalchemy import select

    from lamcore_crystal.compute import model_identity
    from lamcore_crystal.store.schema import model

    with database.read() as connection:
        known = connection.execute(select(model.c.identity).where(model.c.id == open_round.model_id)).scalar_one()
    found = model_identity(selection)
    if sha256_of_json(found) != sha256_of_json(known):
        different = [
            f"{name} was {known.get(name)!r}, is {found.get(name)!r}"
            for name in sorted({*known, *found})
            if known.get(name) != found.get(name)
        ]
        raise ConfigError(
            f"the model is not that of round {open_round.number} ({'; '.join(different)}); install what the round was "
            "opened with, or begin another challenge"
        )


def freeze_references(challenge: Challenge, relaxer: Relaxer, watcher: Watcher) -> int:
    """Relax the references that belong in the hull, and freeze it as the open round's.

    They get more steps than submitted structures, since a missing element costs all its compounds. A reference that
    cannot be relaxed all the same is left out of the hull and named in the log.

    Returns:
        The hull's id.
    """
    from sqlalchemy import select, update

    from lamcore_crystal.compute import relaxation_sha256
    from lamcore_crystal.relaxing import what_is_wrong
    from lamcore_crystal.stages.hulls import NewEntry, freeze
    from lamcore_crystal.stages.relaxations import relaxations_of
    from lamcore_crystal.store.schema import model, reference, reference_set, round_

    database = challenge.database
    with database.read() as connection:
        open_round = challenge.open_round(connection)
        rows = (
            connection.execute(
                select(reference, reference_set.c.name.label("set_name"))
                .join(reference_set)
                .where(reference_set.c.in_hull)
                .order_by(reference.c.id)
            )
            .mappings()
            .all()
        )
        model_sha256 = connection.execute(select(model.c.sha256).where(model.c.id == open_round.model_id)).scalar_one()
    given = open_round.settings.relaxation
    rules = replace(given, max_steps=_MORE_STEPS * given.max_steps)
    packed = {row["geometry_sha256"]: row["geometry"] for row in rows}
    with timed("references") as spent:
        watcher.began("relaxing references", len(packed))
        relaxer.relax_all(database, open_round.model_id, rules, packed, watcher, spent)
    with database.write() as connection:
        ends = relaxations_of(connection, packed, open_round.model_id, rules)
        entries = []
        for row in rows:
            end, origin = ends[row["geometry_sha256"]], f"reference:{row['set_name']}/{row['name']}"
            wrong = end["message"] if end["status"] == "failed" else _problem(what_is_wrong(_outcome(end), rules))
            if wrong is not None:
                add_event(connection, "reference left out", {"origin": origin, "why": wrong})
                watcher.said(f"{origin} is left out of the hull: {wrong}")
                continue
            system = "-".join(sorted(_elements(row["formula"])))
            geometry = Geometry.unpack(end["geometry"])
            entries.append(NewEntry(row["formula"], system, end["energy"] / len(geometry), origin))
        hull_id = freeze(
            connection,
            "references",
            f"references of round {open_round.number}",
            entries,
            (open_round.model_id, model_sha256),
            relaxation_sha256(rules),
        )
        connection.execute(update(round_).where(round_.c.id == open_round.id).values(hull_id=hull_id))
        add_event(connection, "phase", spent.as_json())
    return hull_id


def _outcome(row: Any) -> dict[str, Any]:
    return {
        "residual_ev_ang": row["residual"],
        "n_steps": row["n_steps"],
        "max_stress_gpa": row["max_stress_gpa"],
        "volume_ratio": row["volume_ratio"],
    }


def _problem(finding: Any) -> str | None:
    return None if finding is None else str(finding.message)


def _elements(formula: str) -> list[str]:
    from lamcore_crystal.stages.hulls import composition

    return list(composition(formula))
