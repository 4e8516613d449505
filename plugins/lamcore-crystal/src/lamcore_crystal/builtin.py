"""The rules, labels and scores that come with lamcore-crystal, through the same hooks as anyone's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lamcore_crystal.extensions import hookimpl
from lamcore_crystal.labels.chemistry import Concentration, Metal, Smact
from lamcore_crystal.labels.shape import Dimensionality, Vacuum
from lamcore_crystal.rules.density import Density, VolumePerAtom
from lamcore_crystal.rules.elements import Elements
from lamcore_crystal.rules.lattice import Lattice
from lamcore_crystal.rules.overlap import Overlap
from lamcore_crystal.scores import SCORES

if TYPE_CHECKING:
    from lamcore_crystal.labels import Label
    from lamcore_crystal.rules import Rule
    from lamcore_crystal.scores import Score

DEFAULT_RULES = ("elements", "lattice", "overlap", "volume", "density")
"""Cheap first, and none before what it needs to be true."""
DEFAULT_LABELS = ("metal", "hhi", "smact", "vacuum")
"""All but `dimensionality`, which takes 30 to 1000 ms a structure where the others take less than 5 ms together."""


@hookimpl
def crystal_rules() -> Sequence[Rule]:
    """In the order of a default round: cheap first, and none that needs what a later one makes sure of."""
    return [Elements(), Lattice(), Overlap(), VolumePerAtom(), Density()]


@hookimpl
def crystal_labels() -> Sequence[Label]:
    """Composition, then arrangement."""
    return [Metal(), Concentration(), Smact(), Vacuum(), Dimensionality()]


@hookimpl
def crystal_scores() -> Sequence[Score]:
    """The signed energy above the hull first, which is the default."""
    return SCORES
