"""What the report of a challenge says, from its database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lamcore_crystal.codes import CODES
from lamcore_crystal.figures.gates import Gate
from lamcore_crystal.leaderboard import leaderboard
from lamcore_crystal.store import schema
from lamcore_crystal.store.statistics import statistics

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.leaderboard import Leaderboard
    from lamcore_crystal.store.statistics import Statistics

MOST_GATES = 40
"""Submissions in the figure of gates, the newest ones."""


@dataclass(frozen=True)
class RoundFacts:
    """A round, and what it is scored with.

    Attributes:
        number: 1 for the first.
        name: For people.
        opened_at: UTC.
        closed_at: UTC; None while it is open.
        score: Name of the score, version included.
        settings_sha256: Of its rules.
        model: Name of the model that relaxes.
        model_sha256: Of its identity.
        model_identity: Options, plugin and version, weights.
        hull_sha256: Of the frozen hull; None until there is one.
        n_entries: Of that hull.
    """

    number: int
    name: str
    opened_at: str
    closed_at: str | None
    score: str
    settings_sha256: str
    model: str
    model_sha256: str
    model_identity: Mapping[str, Any]
    hull_sha256: str | None
    n_entries: int | None


@dataclass(frozen=True)
class PhaseFacts:
    """What a phase took, over all evaluations that ended it.

    Attributes:
        phase: Its name.
        n: Structures or files that went through.
        wall_seconds: On the clock.
        model_seconds: Inside the model; summed over workers, so that it can exceed the clock.
    """

    phase: str
    n: int
    wall_seconds: float
    model_seconds: float

    @property
    def share_outside_model(self) -> float | None:
        """Of the time on the clock; None where it is not known, since several workers ran at once."""
        if self.wall_seconds <= 0 or self.model_seconds > self.wall_seconds:
            return None
        return 1 - self.model_seconds / self.wall_seconds


@dataclass(frozen=True)
class CodeFacts:
    """How often a code stopped a structure, and what it means.

    Attributes:
        code: Such as `E_OVERLAP`.
        n: Structures that were refused or failed with it.
        meaning: What was found.
        advice: What the submitter does next.
    """

    code: str
    n: int
    meaning: str
    advice: str


@dataclass(frozen=True)
class Facts:
    """Everything of the report but its figures.

    Attributes:
        name: Of the challenge.
        licence: Of the database.
        rounds: The newest first.
        statistics: Counts over the open database.
        structures: Submitted structures by status.
        n_unread: Files that were not read yet.
        submissions: Submissions by status.
        codes: The most frequent first.
        leaderboard: Of submissions and sources.
        phases: In the order in which they first ended.
        gates: Of the newest submissions.
        n_gates_left_out: Older submissions that have been at the gate.
    """

    name: str
    licence: str
    rounds: Sequence[RoundFacts]
    statistics: Statistics
    structures: Mapping[str, int]
    n_unread: int
    submissions: Mapping[str, int]
    codes: Sequence[CodeFacts]
    leaderboard: Leaderboard
    phases: Sequence[PhaseFacts]
    gates: Sequence[Gate]
    n_gates_left_out: int

    @property
    def n_submitted(self) -> int:
        """Structures; a file that was not read yet counts as one."""
        return sum(self.structures.values()) + self.n_unread


def facts(connection: Connection) -> Facts:
    """Everything, from one state of the database."""
    challenge = connection.execute(select(schema.challenge)).one()
    counts = statistics(connection)
    gates, n_left_out = _gates(connection)
    unread = select(func.count()).select_from(schema.submitted_file).where(schema.submitted_file.c.is_read.is_(False))
    return Facts(
        name=challenge.name,
        licence=challenge.licence,
        rounds=_rounds(connection),
        statistics=counts,
        structures=_by_status(connection, schema.structure),
        n_unread=connection.execute(unread).scalar_one(),
        submissions=_by_status(connection, schema.submission),
        codes=_codes(counts.codes),
        leaderboard=leaderboard(connection),
        phases=_phases(connection),
        gates=gates,
        n_gates_left_out=n_left_out,
    )


def _rounds(connection: Connection) -> list[RoundFacts]:
    round_, model, hull = schema.round_, schema.model, schema.hull
    query = (
        select(
            *(round_.c[name] for name in ("number", "name", "opened_at", "closed_at", "settings_sha256")),
            round_.c.settings,
            model.c.name.label("model"),
            model.c.sha256.label("model_sha256"),
            model.c.identity.label("model_identity"),
            hull.c.sha256.label("hull_sha256"),
            hull.c.n_entries,
        )
        .join(model, model.c.id == round_.c.model_id)
        .outerjoin(hull, hull.c.id == round_.c.hull_id)
        .order_by(round_.c.number.desc())
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [RoundFacts(score=row.pop("settings")["score"], **row) for row in rows]


def _by_status(connection: Connection, table: Any) -> dict[str, int]:
    query = select(table.c.status, func.count()).group_by(table.c.status).order_by(table.c.status)
    return {status: n for status, n in connection.execute(query)}


def _codes(counts: Mapping[str, int]) -> list[CodeFacts]:
    found = []
    for name, n in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        code = CODES.get(name)
        if code is None:
            found.append(CodeFacts(name, n, "A code of an extension.", "Its message is with each structure."))
        else:
            found.append(CodeFacts(name, n, code.meaning, code.advice))
    return found


def _phases(connection: Connection) -> list[PhaseFacts]:
    query = select(schema.event.c.details).where(schema.event.c.kind == "phase").order_by(schema.event.c.id)
    sums: dict[str, PhaseFacts] = {}
    for details in connection.execute(query).scalars():
        name = details["phase"]
        before = sums.get(name, PhaseFacts(name, 0, 0.0, 0.0))
        sums[name] = PhaseFacts(
            name,
            before.n + details["n"],
            before.wall_seconds + details["wall_seconds"],
            before.model_seconds + details["model_seconds"],
        )
    return list(sums.values())


def _gates(connection: Connection) -> tuple[list[Gate], int]:
    submission = schema.submission
    query = select(submission.c.id, submission.c.source, submission.c.gate).order_by(submission.c.id.desc())
    # JSON's null and no value at all are both "not yet"; which one is stored depends on the database.
    rows = [row for row in connection.execute(query) if row.gate is not None]
    names = ("decision", "n_planned", "n_drawn", "n_passed", "low", "high", "confidence", "threshold")
    gates = [Gate(row.id, row.source, **{name: row.gate[name] for name in names}) for row in rows[:MOST_GATES]]
    return gates, len(rows) - len(gates)
