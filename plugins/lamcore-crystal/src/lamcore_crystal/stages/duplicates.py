"""What a relaxed crystal repeats: of its submission, of the database, of the reference sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lamcore_crystal.geometry import Geometry
from lamcore_crystal.matching.same import Candidate, first_match
from lamcore_crystal.store.schema import crystal, reference, reference_set

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.rounds import MatchingRules


@dataclass(frozen=True)
class Repeats:
    """What a crystal is the same as.

    Attributes:
        in_submission: Id of the first crystal of the same submission that it repeats; None where none.
        in_database: The same among crystals of earlier submissions.
        novelty: Name of the same crystal in each reference set; None where it is not there.
    """

    in_submission: int | None
    in_database: int | None
    novelty: dict[str, str | None]


class Finder:
    """Compares crystals with those before them, in the order of their ids.

    What is compared with is read once for each formula, so give crystals of one formula near each other or all at once.

    Args:
        connection: To read with.
        rules: When two are the same.
    """

    def __init__(self, connection: Connection, rules: MatchingRules) -> None:
        self._connection = connection
        self._rules = rules
        self._known: dict[str, dict[int, list[Candidate]]] = {}
        self._sets: dict[str, dict[str, list[Candidate]]] = {}
        self._names: dict[int, str] = {}
        self._set_names = list(
            connection.execute(
                select(reference_set.c.name).where(reference_set.c.for_novelty).order_by(reference_set.c.id)
            ).scalars()
        )

    def repeats(self, new: Candidate, submission_id: int) -> Repeats:
        """What a crystal repeats; it is known from then on."""
        known = self._crystals(new.formula)
        earlier = [one for other, some in sorted(known.items()) if other < submission_id for one in some]
        mine = known.setdefault(submission_id, [])
        found = Repeats(
            first_match(new, [one for one in mine if one.id < new.id], self._rules),
            first_match(new, earlier, self._rules),
            self._novelty(new),
        )
        mine.append(new)
        return found

    def _novelty(self, new: Candidate) -> dict[str, str | None]:
        sets = self._references(new.formula)
        found: dict[str, str | None] = {}
        for name in self._set_names:
            match = first_match(new, sets.get(name, []), self._rules)
            found[name] = None if match is None else self._names[match]
        return found

    def _crystals(self, formula: str) -> dict[int, list[Candidate]]:
        if formula not in self._known:
            self._known[formula] = {}
            rows = self._connection.execute(
                select(
                    crystal.c.id,
                    crystal.c.submission_id,
                    crystal.c.geometry,
                    crystal.c.key_loose,
                    crystal.c.key_tight,
                    crystal.c.energy_per_atom,
                    crystal.c.volume_per_atom,
                )
                .where(crystal.c.formula == formula)
                .order_by(crystal.c.id)
            )
            for row in rows:
                self._known[formula].setdefault(row.submission_id, []).append(
                    Candidate(
                        row.id,
                        Geometry.unpack(row.geometry),
                        formula,
                        row.key_loose,
                        row.key_tight,
                        row.energy_per_atom,
                        row.volume_per_atom,
                    )
                )
        return self._known[formula]

    def _references(self, formula: str) -> dict[str, list[Candidate]]:
        if formula not in self._sets:
            found: dict[str, list[Candidate]] = {}
            rows = self._connection.execute(
                select(reference, reference_set.c.name.label("set_name"))
                .join(reference_set)
                .where(reference_set.c.for_novelty, reference.c.formula == formula)
                .order_by(reference.c.id)
            )
            for row in rows:
                self._names[row.id] = row.name
                found.setdefault(row.set_name, []).append(
                    Candidate(
                        row.id,
                        Geometry.unpack(row.geometry),
                        formula,
                        row.key_loose,
                        row.key_tight,
                        None,
                        row.volume_per_atom,
                    )
                )
            self._sets[formula] = found
        return self._sets[formula]
