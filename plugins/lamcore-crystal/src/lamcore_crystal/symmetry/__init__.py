"""Symmetry, formulae and identity of a crystal."""

from __future__ import annotations

from lamcore_crystal.symmetry.describing import describe, find_symmetry
from lamcore_crystal.symmetry.identity import identity_sha256
from lamcore_crystal.symmetry.wyckoff import Orbit, canonical_letters, canonical_occupation, letters_of

__all__ = [
    "Orbit",
    "canonical_letters",
    "canonical_occupation",
    "describe",
    "find_symmetry",
    "identity_sha256",
    "letters_of",
]
