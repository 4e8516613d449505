"""Many crystals relaxed by the core's batching, each outcome written into the database as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore import Case
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.relaxing import failure_finding
from lamcore_crystal.rounds import sha256_of_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore.config import Selection
    from lamcore.records import Record
    from lamcore_crystal.rounds import RelaxationRules
    from lamcore_crystal.stages.watching import PhaseTime, Watcher
    from lamcore_crystal.store.database import Database

_SECONDS_BETWEEN_COMMITS = 1.0
_PATH_OPTIONS = ("optimizer", "fmax", "max_steps", "max_stress_gpa")


def select_model(overrides: Sequence[str], rules: RelaxationRules) -> Selection:
    """The model that overrides name, with the task `crystal` set to a round's relaxation.

    Args:
        overrides: Model, executor, worker and batch, as on the command line.
        rules: How to relax.

    Raises:
        ConfigError: An override is not right.
    """
    from lamcore.config import compose, register_groups, select
    from lamcore.overrides import check_arguments
    from lamcore.registry import load_registry

    registry = load_registry()
    mine = ["task=crystal", *(f"task.{name}={getattr(rules, name)}" for name in _PATH_OPTIONS)]
    check_arguments([*mine, *overrides], registry)
    register_groups(registry)
    return select(compose([*mine, *overrides]), registry)


def model_identity(selection: Selection) -> dict[str, Any]:
    """What the model's numbers depend on: name, options, plugin, weights with their SHA-256."""
    from lamcore.identity import identify

    identity = identify(selection, [])
    return {**identity["model"], "lamcore": identity["lamcore"]}


def relaxation_sha256(rules: RelaxationRules) -> str:
    """Of all that the path of a relaxation depends on beside the model."""
    return sha256_of_json({"cell": "frechet"} | {name: getattr(rules, name) for name in _PATH_OPTIONS})


def supported_elements(selection: Selection) -> frozenset[str] | None:
    """The elements that the model covers; None for all."""
    from lamcore.workbench import build_model

    model = build_model(selection)
    try:
        return model.scope.elements
    finally:
        model.close()


def relax_all(
    database: Database,
    selection: Selection,
    model_id: int,
    settings_sha256: str,
    packed: Mapping[str, bytes],
    watcher: Watcher,
    spent: PhaseTime,
) -> None:
    """Relax what has no relaxation yet; outcomes are committed about once a second, so that a kill costs little.

    Args:
        database: Where outcomes go.
        selection: The model, and how cases are run.
        model_id: Of the model.
        settings_sha256: From `relaxation_sha256`.
        packed: Geometries by their SHA-256.
        watcher: Is told of each.
        spent: What is done is added to it.
    """
    from lamcore.executors import execute

    with database.write() as connection:
        known = _relaxed(connection, packed, model_id, settings_sha256)
        environment_sha256 = _note_environment(connection, selection)
    todo = [
        Case(sha256, (Geometry.unpack(geometry).atoms(),)) for sha256, geometry in packed.items() if sha256 not in known
    ]
    watcher.advanced(len(packed) - len(todo))
    waiting: list[dict[str, Any]] = []
    committed = time.monotonic()
    model_seconds = 0.0
    try:
        for progress in execute(selection, todo, {}):
            facts = asdict(progress.facts) if progress.facts is not None else {}
            facts["environment"] = environment_sha256
            for record in progress.records:
                waiting.append(_row(record, packed, model_id, settings_sha256, facts))
            spent.n += len(progress.records)
            watcher.advanced(len(progress.records))
            model_seconds = progress.counters.model_seconds
            if time.monotonic() - committed > _SECONDS_BETWEEN_COMMITS:
                _commit(database, waiting)
                committed = time.monotonic()
    finally:
        spent.model_seconds += model_seconds
        _commit(database, waiting)


def _relaxed(connection: Connection, packed: Iterable[str], model_id: int, settings_sha256: str) -> set[str]:
    from sqlalchemy import select

    from lamcore_crystal.store.batches import batches
    from lamcore_crystal.store.schema import relaxation

    found: set[str] = set()
    for some in batches(packed):
        found |= set(
            connection.execute(
                select(relaxation.c.geometry_sha256).where(
                    relaxation.c.geometry_sha256.in_(some),
                    relaxation.c.model_id == model_id,
                    relaxation.c.settings_sha256 == settings_sha256,
                )
            ).scalars()
        )
    return found


def _commit(database: Database, waiting: list[dict[str, Any]]) -> None:
    from lamcore_crystal.store.schema import relaxation

    if waiting:
        with database.write() as connection:
            connection.execute(relaxation.insert(), waiting)
        waiting.clear()


def _row(
    record: Record, packed: Mapping[str, bytes], model_id: int, settings_sha256: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(
        (
            "code",
            "message",
            "geometry",
            "energy",
            "n_steps",
            "max_force",
            "residual",
            "max_stress_gpa",
            "volume_ratio",
        )
    )
    row |= {
        "geometry_sha256": record.case_id,
        "model_id": model_id,
        "settings_sha256": settings_sha256,
        "status": record.status,
        "seconds": record.seconds,
        "attempt": record.attempt,
        "provenance": facts,
        "finished_at": record.finished_at,
    }
    if record.output is None:
        assert record.failure is not None
        finding = failure_finding(record.failure.kind, record.failure.message)
        return row | {"code": finding.code, "message": finding.message}
    output = record.output
    end = Geometry(
        np.asarray(output["cell_ang"]), np.asarray(output["fractional"]), np.asarray(output["numbers"], dtype=np.int64)
    )
    return row | {
        "geometry": end.pack(),
        "energy": output["energy_ev"],
        "n_steps": output["n_steps"],
        "max_force": output["max_force_ev_ang"],
        "residual": output["residual_ev_ang"],
        "max_stress_gpa": output["max_stress_gpa"],
        "volume_ratio": output["volume_ratio"],
    }


def _note_environment(connection: Connection, selection: Selection) -> str:
    """Write down the versions in use, once for each set of them; gives their SHA-256."""
    from sqlalchemy import select

    from lamcore.provenance import new_session
    from lamcore_crystal.store.schema import environment

    session = new_session(selection)
    content = {name: session[name] for name in ("versions", "python", "machine")}
    sha256 = sha256_of_json(content)
    known = connection.execute(select(environment.c.sha256).where(environment.c.sha256 == sha256)).first()
    if known is None:
        connection.execute(environment.insert().values(sha256=sha256, content=content))
    return sha256
