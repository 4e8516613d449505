"""What a crystal is ranked by: named with a version, so that a changed score is another score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol


@dataclass(frozen=True)
class ScoreInput:
    """What a score may look at.

    Attributes:
        composition: Atoms of each element, in any multiple.
        energy_per_atom: Of the relaxed crystal, eV/atom, of the challenge's model.
        formation_energy_per_atom: From the elements relaxed by the same model, eV/atom.
        energy_above_hull: Signed, above the frozen hull, eV/atom.
    """

    composition: Mapping[str, float]
    energy_per_atom: float
    formation_energy_per_atom: float
    energy_above_hull: float


class Score(Protocol):
    """A rule that turns a relaxed crystal into one number; the name of an instance ends in its version.

    Attributes:
        name: Such as `energy-above-hull-1`.
        unit: Of the number.
        direction: Whether lower or higher is better.
        summary: One sentence.
    """

    @property
    def name(self) -> str:
        """Such as `energy-above-hull-1`."""
        ...

    @property
    def unit(self) -> str:
        """Of the number."""
        ...

    @property
    def direction(self) -> Literal["lower", "higher"]:
        """Which is better."""
        ...

    @property
    def summary(self) -> str:
        """One sentence."""
        ...

    def __call__(self, crystal: ScoreInput) -> float | None:
        """The score; None where it is not defined for this crystal."""
        ...


@dataclass(frozen=True)
class FormationEnergy:
    """Formation energy from the elements relaxed by the same model."""

    name: ClassVar[str] = "formation-energy-1"
    unit: ClassVar[str] = "eV/atom"
    direction: ClassVar[Literal["lower", "higher"]] = "lower"
    summary: ClassVar[str] = "formation energy from the elements, all relaxed by one model"

    def __call__(self, crystal: ScoreInput) -> float | None:
        """In eV/atom."""
        return crystal.formation_energy_per_atom


@dataclass(frozen=True)
class EnergyAboveHull:
    """Signed energy above the frozen hull: what lies below it is told apart from what lies on it."""

    name: ClassVar[str] = "energy-above-hull-1"
    unit: ClassVar[str] = "eV/atom"
    direction: ClassVar[Literal["lower", "higher"]] = "lower"
    summary: ClassVar[str] = "signed energy above the frozen hull, negative below it"

    def __call__(self, crystal: ScoreInput) -> float | None:
        """In eV/atom."""
        return crystal.energy_above_hull


@dataclass(frozen=True)
class OpenLamHull:
    """The hull score of OpenLAM's second round (arXiv:2501.16358): all crystals below the hull score 0."""

    name: ClassVar[str] = "openlam-hull-1"
    unit: ClassVar[str] = "eV/atom"
    direction: ClassVar[Literal["lower", "higher"]] = "lower"
    summary: ClassVar[str] = "energy above the frozen hull, zero below it, as in OpenLAM; for comparison only"

    def __call__(self, crystal: ScoreInput) -> float | None:
        """In eV/atom, never negative."""
        return max(crystal.energy_above_hull, 0.0)


@dataclass(frozen=True)
class OpenLamFormation:
    """The formation energy of OpenLAM's first round (arXiv:2501.16358): from a table of DFT energies of the elements.

    It mixes energies of two methods, so that the model's error for the elements is in it; for comparison only. The
    table is not part of this package: an extension offers this score with a table of its own.

    Attributes:
        element_energies: eV/atom, rounded to four decimals as in OpenLAM.
    """

    element_energies: Mapping[str, float]
    name: ClassVar[str] = "openlam-formation-1"
    unit: ClassVar[str] = "eV/atom"
    direction: ClassVar[Literal["lower", "higher"]] = "lower"
    summary: ClassVar[str] = "formation energy from a table of DFT energies of the elements, as in OpenLAM"

    def __call__(self, crystal: ScoreInput) -> float | None:
        """In eV/atom; None where the table has no energy of an element."""
        if not set(crystal.composition) <= set(self.element_energies):
            return None
        n_atoms = sum(crystal.composition.values())
        elements = sum(
            amount * round(self.element_energies[symbol], 4) for symbol, amount in crystal.composition.items()
        )
        return crystal.energy_per_atom - elements / n_atoms


SCORES: tuple[Score, ...] = (EnergyAboveHull(), FormationEnergy(), OpenLamHull())
"""Those that come with the package."""
