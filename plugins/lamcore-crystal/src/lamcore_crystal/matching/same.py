"""Whether two crystals are the same: a cheap filter that says which to compare, and the matcher that decides."""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from lamcore_crystal.matching.candidate import Candidate
from lamcore_crystal.rounds import MatchingRules

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

Id = TypeVar("Id", bound=Hashable)
Other = TypeVar("Other", bound=Hashable)
_KEPT_REDUCED = 20_000


class Matcher:
    """pymatgen's StructureMatcher, with primitive reduced cells that are made once for each crystal.

    Source: S. P. Ong et al., Comput. Mater. Sci. 68, 314 (2013), doi:10.1016/j.commatsci.2012.10.028.
    """

    def __init__(self, rules: MatchingRules) -> None:
        from pymatgen.analysis.structure_matcher import StructureMatcher

        self.rules = rules
        self.n_compared = 0
        self._matcher = StructureMatcher(
            ltol=rules.ltol, stol=rules.stol, angle_tol=rules.angle_tol_deg, primitive_cell=True, scale=True
        )
        self._reduced: OrderedDict[str, Structure] = OrderedDict()

    def same(self, one: Candidate[Any], other: Candidate[Any]) -> bool:
        """Whether both are one crystal, up to scale, within the tolerances; the order of the two does not matter."""
        if one.formula != other.formula:
            return False
        if one.sha256 == other.sha256:
            return True
        first, second = sorted((one, other), key=lambda candidate: candidate.sha256)
        a, b = self._reduce(first), self._reduce(second)
        if len(a) != len(b):
            return False
        self.n_compared += 1
        return bool(self._matcher.fit(a, b, skip_structure_reduction=True))

    def may_match(self, one: Candidate[Any], other: Candidate[Any]) -> bool:
        """Whether a comparison is worth its time.

        It is for crystals of one formula that share a symmetry key at any two tolerances, or whose volumes, and
        energies where both are known, are within the windows.
        """
        if one.formula != other.formula:
            return False
        if {one.key_loose, one.key_tight} & {other.key_loose, other.key_tight}:
            return True
        if _apart(one.volume_per_atom, other.volume_per_atom) > self.rules.volume_window:
            return False
        if one.energy_per_atom is None or other.energy_per_atom is None:
            return True
        return abs(one.energy_per_atom - other.energy_per_atom) < self.rules.energy_window

    def first_match(self, new: Candidate[Any], candidates: Iterable[Candidate[Other]]) -> Other | None:
        """The id of the first candidate that is the same crystal, the likeliest first; None when none is.

        At most `max_candidates` are compared: those with one key at the larger tolerance, then at the smaller, then
        by the differences of energy and volume, then in the order given.
        """
        worth = [
            (self._unlikeness(new, candidate), place, candidate)
            for place, candidate in enumerate(candidates)
            if self.may_match(new, candidate)
        ]
        likely = heapq.nsmallest(self.rules.max_candidates, worth, key=lambda one: one[:2])
        return next((candidate.id for _, _, candidate in likely if self.same(new, candidate)), None)

    def _unlikeness(self, new: Candidate[Any], other: Candidate[Any]) -> tuple[bool, bool, float]:
        volume = _apart(new.volume_per_atom, other.volume_per_atom) / self.rules.volume_window
        energy = 0.0
        if new.energy_per_atom is not None and other.energy_per_atom is not None:
            energy = abs(new.energy_per_atom - other.energy_per_atom) / self.rules.energy_window
        return new.key_loose != other.key_loose, new.key_tight != other.key_tight, energy + volume

    def _reduce(self, candidate: Candidate[Any]) -> Structure:
        known = self._reduced.get(candidate.sha256)
        if known is None:
            known = self._reduced[candidate.sha256] = reduced_structure(candidate)
            if len(self._reduced) > _KEPT_REDUCED:
                self._reduced.popitem(last=False)
        else:
            self._reduced.move_to_end(candidate.sha256)
        return known


def reduced_structure(candidate: Candidate[Any]) -> Structure:
    """The primitive cell, Niggli reduced; LLL reduced where pymatgen finds no Niggli cell."""
    structure = candidate.geometry.structure()
    try:
        reduced = structure.get_reduced_structure(reduction_algo="niggli")
    except ValueError:
        reduced = structure.get_reduced_structure(reduction_algo="LLL")
    # The matcher takes atoms of one element to be neighbours in the list.
    return reduced.get_primitive_structure().get_sorted_structure()


def same(one: Candidate[Any], other: Candidate[Any], rules: MatchingRules) -> bool:
    """Whether both are one crystal; see `Matcher.same`."""
    return _matcher(rules).same(one, other)


def first_match(new: Candidate[Any], candidates: Iterable[Candidate[Other]], rules: MatchingRules) -> Other | None:
    """The id of the first candidate that is the same crystal; see `Matcher.first_match`."""
    return _matcher(rules).first_match(new, candidates)


@lru_cache(maxsize=4)
def _matcher(rules: MatchingRules) -> Matcher:
    return Matcher(rules)


def _apart(a: float, b: float) -> float:
    """Relative difference of two volumes, the same for either order."""
    return abs(math.log(a / b))
