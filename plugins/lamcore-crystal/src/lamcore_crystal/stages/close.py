"""Close a round: what was accepted makes a new hull, everything is scored against it, and the next round begins."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from lamcore_crystal.challenge import ChallengeError
from lamcore_crystal.stages.hulls import NewEntry, entries_of, freeze, load
from lamcore_crystal.stages.round_options import changed
from lamcore_crystal.stages.scoring import score_against
from lamcore_crystal.stages.watching import Silent
from lamcore_crystal.store.schema import crystal, hull, model, round_, submission
from lamcore_crystal.store.writing import add_event, now

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.challenge import Challenge, OpenRound
    from lamcore_crystal.stages.watching import Watcher

_AT_ONCE = 1000
_ON_HULL = 1e-8


def close(challenge: Challenge, overrides: Sequence[str] = (), watcher: Watcher | None = None) -> None:
    """Close the open round; one that was interrupted goes on.

    The new hull has the entries of the old one and, of each formula, the lowest accepted crystal that lies on it or
    below it, whether that repeats another or not: the others cannot change it. All crystals are scored against the new
    hull; the results against the old one are kept.

    Args:
        challenge: Open.
        overrides: Fields of the next round that change, as `round.<field>=<value>`.
        watcher: Is told how it goes.

    Raises:
        BusyError: Another process evaluates this challenge.
        ChallengeError: A submission is not at its end.
        ConfigError: A field does not exist or a value does not fit.
    """
    watcher = watcher or Silent()
    with challenge.held():
        with challenge.database.read() as connection:
            open_round = challenge.open_round(connection)
            _refuse_unfinished(connection, open_round)
        settings = changed(open_round.settings, overrides)
        with challenge.database.write() as connection:
            hull_id = _closing_hull(connection, open_round)
            n_left = connection.execute(
                select(func.count()).select_from(crystal).where(crystal.c.hull_id != hull_id)
            ).scalar_one()
        watcher.began(f"scoring against hull {hull_id}", n_left)
        for n_scored in _score_all(challenge, open_round, hull_id):
            watcher.advanced(n_scored)
        with challenge.database.write() as connection:
            closed_at = now()
            connection.execute(update(round_).where(round_.c.id == open_round.id).values(closed_at=closed_at))
            number = open_round.number + 1
            connection.execute(
                round_.insert().values(
                    number=number,
                    name=f"round {number}",
                    opened_at=closed_at,
                    settings=settings.as_json(),
                    settings_sha256=settings.sha256(),
                    secret=secrets.token_hex(32),
                    model_id=open_round.model_id,
                    hull_id=hull_id,
                )
            )
            add_event(connection, "round", {"number": number, "closed": open_round.number, "hull_id": hull_id})


def _refuse_unfinished(connection: Connection, open_round: OpenRound) -> None:
    waiting = list(
        connection.execute(
            select(submission.c.id).where(
                submission.c.round_id == open_round.id, submission.c.status.not_in(("evaluated", "rejected"))
            )
        ).scalars()
    )
    if waiting:
        raise ChallengeError(
            f"round {open_round.number} cannot be closed: submissions {', '.join(map(str, waiting))} are not evaluated "
            "yet; run `lamcore crystal evaluate` first"
        )
    if open_round.hull_id is None:
        raise ChallengeError(f"round {open_round.number} has no hull yet; run `lamcore crystal evaluate` first")


def _closing_hull(connection: Connection, open_round: OpenRound) -> int:
    known = connection.execute(select(round_.c.closing_hull_id).where(round_.c.id == open_round.id)).scalar()
    if known is not None:
        return int(known)
    assert open_round.hull_id is not None
    grown = entries_of(connection, open_round.hull_id)
    origins = {one.origin for one in grown}
    rows = connection.execute(
        select(crystal.c.id, crystal.c.formula, crystal.c.chemical_system, crystal.c.energy_per_atom)
        .where(
            crystal.c.energy_above_hull <= _ON_HULL,
            crystal.c.model_id == open_round.model_id,
        )
        .order_by(crystal.c.energy_per_atom, crystal.c.id)
    )
    lowest: dict[str, Any] = {}
    for row in rows:
        lowest.setdefault(row.formula, row)
    grown += [
        NewEntry(row.formula, row.chemical_system, row.energy_per_atom, f"crystal:{row.id}")
        for row in sorted(lowest.values(), key=lambda one: int(one.id))
        if f"crystal:{row.id}" not in origins
    ]
    model_sha256 = connection.execute(select(model.c.sha256).where(model.c.id == open_round.model_id)).scalar_one()
    settings_sha256 = connection.execute(
        select(hull.c.settings_sha256).where(hull.c.id == open_round.hull_id)
    ).scalar_one()
    hull_id = freeze(
        connection,
        "round",
        f"after round {open_round.number}",
        grown,
        (open_round.model_id, model_sha256),
        settings_sha256,
        open_round.hull_id,
    )
    connection.execute(update(round_).where(round_.c.id == open_round.id).values(closing_hull_id=hull_id))
    return hull_id


def _score_all(challenge: Challenge, open_round: OpenRound, hull_id: int) -> Iterator[int]:
    """Score what is not yet scored against a hull; gives the number of each piece."""
    with challenge.database.read() as connection:
        frozen = load(connection, hull_id)
    last = 0
    while True:
        with challenge.database.write() as connection:
            rows: Sequence[Any] = (
                connection.execute(
                    select(
                        crystal.c.id,
                        crystal.c.formula,
                        crystal.c.energy_per_atom,
                        crystal.c.relaxation_id,
                    )
                    .where(crystal.c.hull_id != hull_id, crystal.c.id > last)
                    .order_by(crystal.c.id)
                    .limit(_AT_ONCE)
                )
                .mappings()
                .all()
            )
            if rows:
                score_against(connection, frozen, open_round.settings.score, rows)
        if not rows:
            return
        last = rows[-1]["id"]
        yield len(rows)
