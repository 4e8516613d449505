"""Descriptions of a structure that refuse nothing: filters of a leaderboard, not rules of admission.

SMACT, for one, fails 9 to 15 % of known compounds. A label is any object with a `name` and
`describe(geometry, context)`; one that cannot be told for a structure raises `LabelAbsentError` with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lamcore_crystal.geometry import Geometry
    from lamcore_crystal.rules import RuleContext


class LabelAbsentError(ValueError):
    """The label cannot be told: its package is missing, or the table has no value."""


class Label(Protocol):
    """One description, of one or several values."""

    @property
    def name(self) -> str:
        """As listed in the settings of a round."""

    def describe(self, geometry: Geometry, context: RuleContext) -> Mapping[str, Any]:
        """JSON values by name, units in the names.

        Raises:
            LabelAbsentError: There is no value for this structure, or not here.
        """
