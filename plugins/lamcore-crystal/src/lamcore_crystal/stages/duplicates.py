"""What the relaxed crystals of a submission repeat: one another, the database, the reference sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lamcore_crystal.geometry import Geometry
from lamcore_crystal.matching.candidate import Candidate
from lamcore_crystal.matching.finder import DuplicateFinder, Matches
from lamcore_crystal.store.schema import crystal, reference, reference_set

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

    from lamcore_crystal.rounds import MatchingRules
    from lamcore_crystal.store.database import Database

_FORMULAS_KEPT = 2000


class Finder:
    """Finds what the crystals of one submission repeat, in the order of their ids, also after an interruption.

    The database stands for crystals of submissions before this one, so that none is a duplicate of a later one.

    Args:
        database: Of the challenge.
        submission_id: Whose crystals are looked for.
        rules: When two are the same.
    """

    def __init__(self, database: Database, submission_id: int, rules: MatchingRules) -> None:
        def of_formula(read: Callable[[Connection, str], Iterator[Candidate[Any]]]) -> Callable[[str], Iterable[Any]]:
            @lru_cache(_FORMULAS_KEPT)
            def look(formula: str) -> Sequence[Candidate[Any]]:
                with database.read() as connection:
                    return list(read(connection, formula))

            return look

        with database.read() as connection:
            sets = connection.execute(
                select(reference_set.c.id, reference_set.c.name)
                .where(reference_set.c.for_novelty)
                .order_by(reference_set.c.id)
            ).all()
            self._finder: DuplicateFinder[int] = DuplicateFinder(
                rules,
                of_formula(partial(_earlier, submission_id)),
                {name: of_formula(partial(_members, set_id)) for set_id, name in sets},
            )
            self._finder.remember(_first_of_their_kind(connection, submission_id))

    def find(self, new: Iterable[Candidate[int]]) -> list[Matches[int]]:
        """What each crystal repeats, in the order given."""
        return self._finder.find(new)


def _earlier(submission_id: int, connection: Connection, formula: str) -> Iterator[Candidate[int]]:
    return _crystals(
        connection, _columns().where(crystal.c.formula == formula, crystal.c.submission_id < submission_id)
    )


def _first_of_their_kind(connection: Connection, submission_id: int) -> Iterator[Candidate[int]]:
    return _crystals(
        connection,
        _columns().where(crystal.c.submission_id == submission_id, crystal.c.duplicate_in_submission.is_(None)),
    )


def _columns() -> Select[Any]:
    return select(
        crystal.c.id,
        crystal.c.geometry,
        crystal.c.formula,
        crystal.c.key_loose,
        crystal.c.key_tight,
        crystal.c.energy_per_atom,
        crystal.c.volume_per_atom,
    )


def _crystals(connection: Connection, query: Select[Any]) -> Iterator[Candidate[int]]:
    for row in connection.execute(query.order_by(crystal.c.id)):
        yield Candidate(
            row.id,
            Geometry.unpack(row.geometry),
            row.formula,
            row.key_loose,
            row.key_tight,
            row.energy_per_atom,
            row.volume_per_atom,
        )


def _members(set_id: int, connection: Connection, formula: str) -> Iterator[Candidate[str]]:
    """Members of a reference set; they are compared without an energy, since not every set is relaxed."""
    rows = connection.execute(
        select(reference).where(reference.c.set_id == set_id, reference.c.formula == formula).order_by(reference.c.id)
    )
    for row in rows:
        geometry = Geometry.unpack(row.geometry)
        yield Candidate(row.name, geometry, formula, row.key_loose, row.key_tight, None, row.volume_per_atom)
