"""Duplicates within a submission, against the database and against reference sets, for many crystals at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lamcore_crystal.matching.candidate import Candidate
from lamcore_crystal.matching.same import Matcher
from lamcore_crystal.rounds import MatchingRules

Id = TypeVar("Id", bound=Hashable)

# Gives the candidates of one reduced formula.
Lookup = Callable[[str], Iterable[Candidate[Any]]]


@dataclass(frozen=True)
class Matches(Generic[Id]):
    """Where else a crystal is found.

    Attributes:
        id: Of the crystal.
        in_submission: Of the earlier one in its submission that it repeats; None where it is the first of its kind.
        in_database: Of the one that the database held before.
        novelty: For each reference set the name of the same crystal there, or None.
    """

    id: Id
    in_submission: Id | None
    in_database: Any
    novelty: Mapping[str, Any]

    @property
    def is_unique(self) -> bool:
        """The first of its kind in its submission."""
        return self.in_submission is None

    @property
    def is_novel(self) -> bool:
        """In no reference set."""
        return all(found is None for found in self.novelty.values())


class DuplicateFinder(Generic[Id]):
    """Finds duplicates of the crystals of one submission, in the order in which they are given.

    A crystal is compared with those before it that repeat none themselves, so that the outcome depends on the order
    alone: it is the same whether all are given at once, in batches, or with `remember` after a restart.

    Args:
        rules: When two are the same.
        database: Looks up the crystals of a formula that were accepted from other submissions.
        references: Looks up the members of each named reference set.
        matcher: Kept across submissions, to reduce no crystal twice.
    """

    def __init__(
        self,
        rules: MatchingRules,
        database: Lookup = lambda formula: (),
        references: Mapping[str, Lookup] | None = None,
        matcher: Matcher | None = None,
    ) -> None:
        if matcher is not None and matcher.rules != rules:
            raise ValueError(f"the matcher has the rules {matcher.rules}, expected {rules}")
        self._matcher = Matcher(rules) if matcher is None else matcher
        self._database = database
        self._references = references or {}
        self._first_of_their_kind: dict[str, list[Candidate[Id]]] = {}

    @property
    def n_compared(self) -> int:
        """Pairs that the matcher itself had to compare so far."""
        return self._matcher.n_compared

    def remember(self, earlier: Iterable[Candidate[Id]]) -> None:
        """Take crystals of this submission that are known to repeat none before them, in their order."""
        for candidate in earlier:
            self._first_of_their_kind.setdefault(candidate.formula, []).append(candidate)

    def find(self, new: Iterable[Candidate[Id]]) -> list[Matches[Id]]:
        """Where each crystal is found besides, in the order given."""
        return [self._find_one(candidate) for candidate in new]

    def _find_one(self, new: Candidate[Id]) -> Matches[Id]:
        earlier = self._first_of_their_kind.setdefault(new.formula, [])
        repeated = self._matcher.first_match(new, earlier)
        if repeated is None:
            earlier.append(new)
        return Matches(
            new.id,
            repeated,
            self._matcher.first_match(new, self._database(new.formula)),
            {name: self._matcher.first_match(new, look(new.formula)) for name, look in self._references.items()},
        )


def by_formula(candidates: Iterable[Candidate[Any]]) -> Lookup:
    """A lookup in candidates that are all in memory."""
    buckets: dict[str, list[Candidate[Any]]] = {}
    for candidate in candidates:
        buckets.setdefault(candidate.formula, []).append(candidate)
    return lambda formula: buckets.get(formula, ())
