"""Checks of a structure before anything is computed of it.

A rule is any object with a `name` and `validate(geometry, context)`. It changes nothing and looks at nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lamcore_crystal.findings import Finding
    from lamcore_crystal.geometry import Geometry
    from lamcore_crystal.rounds import Limits


@dataclass(frozen=True)
class RuleContext:
    """What a rule or a label may compare a structure with.

    Attributes:
        limits: Of the round.
        supported: Symbols of the elements that the model knows; None where it takes all.
    """

    limits: Limits
    supported: frozenset[str] | None = None


class Rule(Protocol):
    """One check."""

    @property
    def name(self) -> str:
        """As listed in the settings of a round."""

    def validate(self, geometry: Geometry, context: RuleContext) -> Sequence[Finding]:
        """What is wrong with the structure; errors refuse it. Nothing where nothing is."""
