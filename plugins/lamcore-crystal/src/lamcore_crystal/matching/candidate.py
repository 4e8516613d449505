"""What has to be known of a crystal to look for the same one elsewhere."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from lamcore_crystal.description import Description
from lamcore_crystal.geometry import Geometry

Id = TypeVar("Id", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Candidate(Generic[Id]):
    """A crystal with what tells quickly whether it may be another one.

    Attributes:
        id: Of the caller: a structure's number, or the name in a reference set.
        geometry: The crystal.
        formula: Reduced, elements alphabetical; two of different formulae are never compared.
        key_loose: Symmetry key at the larger tolerance.
        key_tight: At the smaller one.
        energy_per_atom: eV/atom by the challenge's model; None for sets that it did not relax.
        volume_per_atom: Å³.
    """

    id: Id
    geometry: Geometry
    formula: str
    key_loose: str
    key_tight: str
    energy_per_atom: float | None
    volume_per_atom: float

    @classmethod
    def of(
        cls, id_: Id, geometry: Geometry, description: Description, energy_per_atom: float | None = None
    ) -> Candidate[Id]:
        """The candidate of a crystal that was described."""
        return cls(
            id_,
            geometry,
            description.formula,
            description.loose.key,
            description.tight.key,
            energy_per_atom,
            description.volume_per_atom,
        )

    @cached_property
    def sha256(self) -> str:
        """Of the geometry's exact numbers."""
        return self.geometry.sha256()
