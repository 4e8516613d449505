"""Which crystals are the same: duplicates, uniqueness and novelty."""

from __future__ import annotations

from lamcore_crystal.matching.candidate import Candidate
from lamcore_crystal.matching.finder import DuplicateFinder, Lookup, Matches, by_formula
from lamcore_crystal.matching.novelty import NoveltyCounts, Outcome, count_novelty
from lamcore_crystal.matching.same import Matcher, first_match, same

__all__ = [
    "Candidate",
    "DuplicateFinder",
    "Lookup",
    "Matcher",
    "Matches",
    "NoveltyCounts",
    "Outcome",
    "by_formula",
    "count_novelty",
    "first_match",
    "same",
]
