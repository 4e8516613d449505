"""A known crystal, and a named set of such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lamcore_crystal.geometry import Geometry


@dataclass(frozen=True)
class ReferenceCrystal:
    """A known crystal, to be relaxed by the model before its energy counts.

    Attributes:
        name: Unique in its set; of an element its symbol, with the structure after `-` where there are several.
        geometry: As published.
        source: Where the geometry is from.
    """

    name: str
    geometry: Geometry
    source: str


@dataclass(frozen=True)
class NewSet:
    """A named set of known crystals.

    Attributes:
        name: Unique in the challenge.
        members: Names and geometries.
        licence: Of the set.
        citation: Of the set.
        in_hull: Whether its relaxed members are entries of the hull.
        for_novelty: Whether a structure that is in it is not novel.
    """

    name: str
    members: Sequence[tuple[str, Geometry]]
    licence: str
    citation: str
    in_hull: bool
    for_novelty: bool
