"""The sampling phase: a subset that nobody can foresee and anybody can repeat, and whether enough of it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from lamcore_crystal.sampling import draw, gate
from lamcore_crystal.store.schema import structure, submission
from lamcore_crystal.store.writing import add_event, now

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.challenge import OpenRound
    from lamcore_crystal.rounds import SamplingRules
    from lamcore_crystal.sampling import GateResult


def draw_sample(connection: Connection, open_round: OpenRound, submission_id: int) -> None:
    """Draw the sample of a checked submission; files that could not be read are drawn like all others."""
    rows = connection.execute(
        select(structure.c.id, structure.c.formula)
        .where(structure.c.submission_id == submission_id)
        .order_by(structure.c.id)
    ).all()
    identity = connection.execute(select(submission.c.sha256).where(submission.c.id == submission_id)).scalar_one()
    drawn = draw(
        [row.id for row in rows],
        [row.formula for row in rows],
        open_round.secret,
        identity,
        open_round.settings.sampling.size,
    )
    for position, structure_id in enumerate(drawn):
        connection.execute(update(structure).where(structure.c.id == structure_id).values(sample_position=position))
    connection.execute(update(submission).where(submission.c.id == submission_id).values(status="checked"))
    add_event(connection, "drawn", {"n": len(drawn), "of": len(rows)}, submission_id)


def sample(connection: Connection, submission_id: int) -> list[dict[str, Any]]:
    """The structures of the sample, in the order drawn."""
    rows = connection.execute(
        select(structure.c.id, structure.c.status, structure.c.geometry_sha256, structure.c.geometry)
        .where(structure.c.submission_id == submission_id, structure.c.sample_position.is_not(None))
        .order_by(structure.c.sample_position)
    ).mappings()
    return [dict(row) for row in rows]


def decide(connection: Connection, submission_id: int, result: GateResult) -> None:
    """Write the gate's decision down, interval included."""
    passed = result.decision == "pass"
    connection.execute(
        update(submission)
        .where(submission.c.id == submission_id)
        .values(
            status="sampled" if passed else "rejected",
            gate=result.as_json(),
            finished_at=None if passed else now(),
        )
    )
    add_event(connection, "gate", result.as_json(), submission_id)


def first_decision(outcomes: list[bool], n_planned: int, rules: SamplingRules) -> GateResult:
    """The decision that the sample comes to when it is looked at one structure after the other.

    It does not depend on how many outcomes were computed beyond the one that decides.

    Args:
        outcomes: Whether each passed, in the order drawn, as far as they are known.
        n_planned: Size of the whole sample.
        rules: Of the round.
    """
    result = gate([], n_planned, rules)
    for end in range(len(outcomes) + 1):
        result = gate(outcomes[:end], n_planned, rules)
        if result.decision != "undecided":
            break
    return result
