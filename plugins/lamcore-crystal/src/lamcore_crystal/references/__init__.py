"""Known crystals: what a hull is made of, and what a structure is compared with to tell whether it is new."""

from __future__ import annotations

from lamcore_crystal.references.compounds import compounds
from lamcore_crystal.references.crystals import NewSet, ReferenceCrystal
from lamcore_crystal.references.elements import elements
from lamcore_crystal.references.external import ExternalHull, external_hull, named_external_hull
from lamcore_crystal.references.reading import ReferenceFileError, read_reference_set
from lamcore_crystal.references.sets import compound_set, element_set, user_set

__all__ = [
    "ExternalHull",
    "NewSet",
    "ReferenceCrystal",
    "ReferenceFileError",
    "compound_set",
    "compounds",
    "element_set",
    "elements",
    "external_hull",
    "named_external_hull",
    "read_reference_set",
    "user_set",
]
