"""What is written to the database, with everything that hangs together in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ase.data import atomic_numbers
from sqlalchemy import Connection, Table, bindparam, insert, select, update

from lamcore_crystal.findings import Finding, first_error
from lamcore_crystal.rounds import sha256_of_json
from lamcore_crystal.store import schema, statistics
from lamcore_crystal.store.patterns import parse_formula

_CHANGING = (
    *("energy_above_hull", "formation_energy_per_atom", "score", "hull_id"),
    *("duplicate_in_submission", "duplicate_in_database", "novelty", "is_novel"),
)


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def add_event(
    connection: Connection, kind: str, details: Mapping[str, Any] | None = None, submission_id: int | None = None
) -> None:
    """Note what happened, in the log that only grows."""
    row = {"at": now(), "kind": kind, "submission_id": submission_id, "details": dict(details or {})}
    connection.execute(insert(schema.event).values(row))


def add_model(connection: Connection, name: str, identity: Mapping[str, Any]) -> int:
    """The id of a model of this identity, which is kept when it is new."""
    sha256 = sha256_of_json(identity)
    table = schema.model
    known = connection.execute(select(table.c.id).where(table.c.sha256 == sha256)).scalar_one_or_none()
    return known or _insert_one(connection, table, {"sha256": sha256, "name": name, "identity": dict(identity)})


def add_submission(
    connection: Connection,
    *,
    round_id: int,
    source: str,
    submitter: str,
    licence: str,
    split_blocks: bool,
    sha256: str,
    n_files: int,
) -> tuple[int, bool]:
    """A submission, before its files; the same files of the same source in one round are one submission.

    Returns:
        Its id, and whether it is new.
    """
    table = schema.submission
    same = select(table.c.id).where(table.c.round_id == round_id, table.c.source == source, table.c.sha256 == sha256)
    known = connection.execute(same).scalar_one_or_none()
    if known is not None:
        return int(known), False
    values = {
        **{"round_id": round_id, "source": source, "submitter": submitter, "licence": licence, "sha256": sha256},
        **{"split_blocks": split_blocks, "n_files": n_files, "status": "received", "received_at": now()},
    }
    submission_id = _insert_one(connection, table, values)
    add_event(connection, "received", {"n_files": n_files, "source": source}, submission_id)
    return submission_id, True


def add_structures(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Rows of `structure`; the codes of those refused are counted.

    Returns:
        Their ids, in order.
    """
    statistics.apply(connection, Counter(("code", row["code"]) for row in rows if row.get("code") is not None))
    return insert_many(connection, schema.structure, rows)


def finish_structure(connection: Connection, structure_id: int, status: str, findings: Sequence[Finding]) -> None:
    """What became of a structure in the relaxation: its status, and findings beside those that it has.

    Raises:
        LookupError: There is no such structure.
    """
    table = schema.structure
    query = select(table.c.code, table.c.findings).where(table.c.id == structure_id)
    before = connection.execute(query).one_or_none()
    if before is None:
        raise LookupError(f"no structure {structure_id} in the database")
    error = first_error(findings)
    code = error.code if error else before.code
    everything = [*before.findings, *(finding.as_json() for finding in findings)]
    values = {"status": status, "code": code, "findings": everything}
    connection.execute(update(table).where(table.c.id == structure_id).values(values))
    if code != before.code:
        statistics.apply(connection, Counter({("code", old): -1 for old in [before.code] if old} | {("code", code): 1}))


def add_crystals(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Crystals of the open database, with their elements and the counts.

    Args:
        connection: Of `Database.write`.
        rows: All columns of `crystal`; the elements are taken from `formula`.
    """
    if not rows:
        return
    delta: statistics.Delta = Counter()
    elements: list[dict[str, int]] = []
    for row in rows:
        amounts = parse_formula(row["formula"]).amounts
        elements.extend(
            {"z": atomic_numbers[symbol], "crystal_id": row["id"], "amount": n} for symbol, n in amounts.items()
        )
        delta.update(statistics.of_crystal(row, amounts))
    connection.execute(insert(schema.crystal), list(rows))
    elements.sort(key=lambda one: (one["z"], one["crystal_id"]))
    connection.execute(insert(schema.crystal_element), elements)
    statistics.apply(connection, delta)


def rescore(connection: Connection, changes: Sequence[Mapping[str, Any]]) -> None:
    """Other energies above another hull, matches or novelty for crystals that are there.

    The results against earlier hulls stay in `result`, where the history of a crystal is read.

    Args:
        connection: Of `Database.write`.
        changes: `id` and the columns to change, the same ones in each: of `energy_above_hull`,
            `formation_energy_per_atom`, `score`, `hull_id`, `duplicate_in_submission`, `duplicate_in_database`,
            `novelty`, `is_novel`.

    Raises:
        ValueError: Another column.
        LookupError: A crystal that is not there.
    """
    if not changes:
        return
    columns = sorted(set(changes[0]) - {"id"})
    for change in changes:
        if set(change) - {"id"} != set(columns) or not set(columns) <= set(_CHANGING):
            raise ValueError(
                f"a crystal cannot change {sorted(change)}; expected id and the same of {_CHANGING} in each"
            )
    table = schema.crystal
    delta: statistics.Delta = Counter()
    for chunk in chunks(changes, 500):
        query = select(table).where(table.c.id.in_([change["id"] for change in chunk]))
        before = {row["id"]: dict(row) for row in connection.execute(query).mappings()}
        for change in chunk:
            if change["id"] not in before:
                raise LookupError(f"no crystal {change['id']} in the database")
            row = before[change["id"]]
            delta.subtract(statistics.of_changing(row))
            delta.update(statistics.of_changing({**row, **change}))
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns}
    statement = update(table).where(table.c.id == bindparam("which")).values(values)
    parameters = [{"which": one["id"], **{f"new_{name}": one[name] for name in columns}} for one in changes]
    connection.execute(statement, parameters)
    statistics.apply(connection, delta)


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows of the same columns.

    Returns:
        Their ids, in order.
    """
    if not rows:
        return []
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return [int(one) for one in connection.execute(statement, list(rows)).scalars()]


def chunks(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """Pieces of a sequence, in order."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _insert_one(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    return int(connection.execute(insert(table).values(dict(values)).returning(table.c.id)).scalar_one())
