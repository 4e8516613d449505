"""Lead, mercury and cadmium in crystal challenges: a rule that refuses them, and a score that leaves them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from lamcore_crystal.extensions import hookimpl
from lamcore_crystal.findings import Finding

if TYPE_CHECKING:
    from lamcore_crystal.geometry import Geometry
    from lamcore_crystal.labels import Label
    from lamcore_crystal.rules import Rule, RuleContext
    from lamcore_crystal.scores import Score, ScoreInput

# Directive 2011/65/EU, Annex II.
RESTRICTED: Mapping[int, str] = {48: "Cd", 80: "Hg", 82: "Pb"}
_LAST_STABLE = 82
_UNSTABLE = {43, 61}


@dataclass(frozen=True)
class Benign:
    """E_RESTRICTED for cadmium, mercury and lead."""

    name: str = "benign"

    def validate(self, geometry: Geometry, context: RuleContext) -> Sequence[Finding]:
        """See `lamcore_crystal.rules.Rule`."""
        there = [RESTRICTED[number] for number in sorted({int(one) for one in geometry.numbers} & set(RESTRICTED))]
        if not there:
            return []
        message = f"the crystal holds {', '.join(there)}, expected none of {', '.join(RESTRICTED.values())}"
        return [Finding("E_RESTRICTED", "error", message, {"elements": there})]


@dataclass(frozen=True)
class StableIsotopes:
    """`has_stable_isotopes`: whether every element has one; none does beyond lead."""

    name: str = "stable-isotopes"

    def describe(self, geometry: Geometry, context: RuleContext) -> Mapping[str, bool]:
        """See `lamcore_crystal.labels.Label`."""
        numbers = {int(one) for one in geometry.numbers}
        return {"has_stable_isotopes": max(numbers) <= _LAST_STABLE and not numbers & _UNSTABLE}


@dataclass(frozen=True)
class BenignHull:
    """Signed energy above the frozen hull, of crystals without cadmium, mercury and lead."""

    name: ClassVar[str] = "benign-hull-1"
    unit: ClassVar[str] = "eV/atom"
    direction: ClassVar[Literal["lower", "higher"]] = "lower"
    summary: ClassVar[str] = "signed energy above the frozen hull; none for a crystal of Cd, Hg or Pb"

    def __call__(self, crystal: ScoreInput) -> float | None:
        """In eV/atom."""
        return None if set(crystal.composition) & set(RESTRICTED.values()) else crystal.energy_above_hull


@hookimpl
def crystal_rules() -> Sequence[Rule]:
    """Offer `benign` for `round.rules`."""
    return [Benign()]


@hookimpl
def crystal_labels() -> Sequence[Label]:
    """Offer `stable-isotopes` for `round.labels`."""
    return [StableIsotopes()]


@hookimpl
def crystal_scores() -> Sequence[Score]:
    """Offer `benign-hull-1` for `round.score`."""
    return [BenignHull()]
