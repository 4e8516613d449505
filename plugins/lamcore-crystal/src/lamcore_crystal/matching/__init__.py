"""Which crystals are the same: duplicates, uniqueness and novelty."""

from __future__ import annotations

from lamcore_crystal.matching.candidate import Candidate
from lamcore_crystal.matching.finder import DuplicateFinder, Lookup, Matches, by_formula
from lamcore_crystal.matching.same import Matcher, first_match, same

__all__ = [
    "Candidate",
    "DuplicateFinder",
    "Lookup",
    "Matcher",
    "Matches",
    "by_formula",
    "first_match",
    "same",
]
