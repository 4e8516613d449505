"""Many crystals relaxed by the core's batching, each outcome written into the database as it comes."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
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
    from lamcore.workbench import Workbench
    from lamcore_crystal.rounds import RelaxationRules
    from lamcore_crystal.stages.watching import PhaseTime, Watcher
    from lamcore_crystal.store.database import Database

_SECONDS_BETWEEN_COMMITS = 1.0
_PATH_OPTIONS = ("optimizer", "fmax", "max_steps", "max_stress_gpa")


def select_model(overrides: Sequence[str]) -> Selection:
    """The model that overrides name, for the task `crystal`.

    Args:
        overrides: Model, executor, worker and batch, as on the command line.

    Raises:
        ConfigError: An override is not right.
    """
    from lamcore.config import compose, register_groups, select
    from lamcore.overrides import check_arguments
    from lamcore.registry import load_registry

    registry = load_registry()
    whole = ["task=crystal", *overrides]
    check_arguments(whole, registry)
    register_groups(registry)
    return select(compose(whole), registry)


def model_identity(selection: Selection) -> dict[str, Any]:
    """What the model's numbers depend on: name, options, plugin, weights with their SHA-256."""
    from lamcore.identity import identify

    identity = identify(selection, [])
    return {**identity["model"], "lamcore": identity["lamcore"]}


def relaxation_sha256(rules: RelaxationRules) -> str:
    """Of all that the path of a relaxation depends on beside the model."""
    return sha256_of_json({"cell": "frechet"} | _path_options(rules))


class Relaxer:
    """Relaxes crystals with one model, which is built once however often it is asked.

    Args:
        selection: From `select_model`.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self._bench: Workbench | None = None

    @property
    def elements(self) -> frozenset[str] | None:
        """The elements that the model covers; None for all."""
        return self._opened().scope.elements

    def relax_all(
        self,
        database: Database,
        model_id: int,
        rules: RelaxationRules,
        packed: Mapping[str, bytes],
        watcher: Watcher,
        spent: PhaseTime,
    ) -> None:
        """Relax what has no relaxation yet; outcomes are committed about once a second, so that a kill costs little.

        Args:
            database: Where outcomes go.
            model_id: Of the model.
            rules: How to relax.
            packed: Geometries by their SHA-256.
            watcher: Is told of each.
            spent: What is done is added to it.
        """
        settings_sha256 = relaxation_sha256(rules)
        with database.write() as connection:
            known, attempts = _relaxed(connection, packed, model_id, settings_sha256)
            environment = _note_environment(connection, self.selection)
        settings = {"relaxation": _path_options(rules)}
        todo = [
            Case(sha256, (Geometry.unpack(geometry).atoms(),), settings=settings)
            for sha256, geometry in packed.items()
            if sha256 not in known
        ]
        watcher.advanced(len(packed) - len(todo))
        waiting: list[dict[str, Any]] = []
        committed = time.monotonic()
        model_seconds = 0.0
        try:
            for records, facts, seconds in self._calculate(todo):
                model_seconds = seconds
                provenance = {**facts, "environment": environment}
                waiting += [
                    _row(one, model_id, settings_sha256, provenance, attempts.get(one.case_id, 0)) for one in records
                ]
                spent.n += len(records)
                watcher.advanced(len(records))
                if time.monotonic() - committed > _SECONDS_BETWEEN_COMMITS:
                    _commit(database, waiting, attempts)
                    committed = time.monotonic()
        finally:
            spent.model_seconds += model_seconds
            _commit(database, waiting, attempts)

    def close(self) -> None:
        """End the processes that hold the model, if any."""
        if self._bench is not None:
            self._bench.close()
            self._bench = None

    def __enter__(self) -> Relaxer:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _opened(self) -> Workbench:
        from lamcore.workbench import Workbench

        if self._bench is None:
            self._bench = Workbench(self.selection)
        return self._bench

    def _calculate(self, cases: Sequence[Case]) -> Iterator[tuple[Sequence[Record], Mapping[str, Any], float]]:
        """Records as they are ready, where the model computed them, and the seconds inside the model so far."""
        from lamcore.executors import execute

        if self.selection.executor.name != "inline":
            for progress in execute(self.selection, cases, {}):
                facts = {} if progress.facts is None else asdict(progress.facts)
                yield progress.records, facts, progress.counters.model_seconds
        elif cases:
            bench = self._opened()
            before = bench.counters.model_seconds
            for record in bench.calculate(cases, {}):
                yield [record], asdict(bench.facts), bench.counters.model_seconds - before


def _path_options(rules: RelaxationRules) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in _PATH_OPTIONS}


def _relaxed(
    connection: Connection, packed: Iterable[str], model_id: int, settings_sha256: str
) -> tuple[set[str], dict[str, int]]:
    """Geometries that are relaxed, and those that are to be relaxed again, with the attempts before."""
    from sqlalchemy import select

    from lamcore_crystal.store.batches import batches
    from lamcore_crystal.store.schema import relaxation

    known: set[str] = set()
    attempts: dict[str, int] = {}
    for some in batches(packed):
        for row in connection.execute(
            select(relaxation.c.geometry_sha256, relaxation.c.status, relaxation.c.attempt).where(
                relaxation.c.geometry_sha256.in_(some),
                relaxation.c.model_id == model_id,
                relaxation.c.settings_sha256 == settings_sha256,
            )
        ):
            if row.status == "again":
                attempts[row.geometry_sha256] = row.attempt
            else:
                known.add(row.geometry_sha256)
    return known, attempts


def _commit(database: Database, waiting: list[dict[str, Any]], replaced: Container[str]) -> None:
    from sqlalchemy import bindparam, delete

    from lamcore_crystal.store.schema import relaxation

    if waiting:
        keys = ("geometry_sha256", "model_id", "settings_sha256")
        again = [{f"its_{name}": row[name] for name in keys} for row in waiting if row["geometry_sha256"] in replaced]
        with database.write() as connection:
            if again:
                its = [relaxation.c[name] == bindparam(f"its_{name}") for name in keys]
                connection.execute(delete(relaxation).where(*its, relaxation.c.status == "again"), again)
            connection.execute(relaxation.insert(), waiting)
        waiting.clear()


def _row(
    record: Record, model_id: int, settings_sha256: str, provenance: Mapping[str, Any], n_before: int
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
        "attempt": record.attempt + n_before,
        "provenance": provenance,
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
