"""A lamcore model as an ASE calculator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ase.calculators.calculator import Calculator, all_changes

from lamcore.errors import MissingPropertyError

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore.model import Model


class ModelCalculator(Calculator):
    """An ASE calculator that asks a model, one structure at a time."""

    def __init__(self, model: Model) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._model = model
        self.implemented_properties = sorted({*model.properties, "free_energy"} - {"descriptors"})

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Ask the model; called by ASE when something changed.

        Raises:
            MissingPropertyError: Stress was asked for and the model gives none for this structure.
        """
        super().calculate(atoms, list(properties), list(system_changes))  # type: ignore[no-untyped-call]
        assert self.atoms is not None  # set by the call above
        (prediction,) = self._model.evaluate([self.atoms.copy()])
        results: dict[str, Any] = {
            "energy": prediction.energy,
            "free_energy": prediction.energy,
            "forces": prediction.forces,
        }
        if prediction.stress is not None:
            results["stress"] = prediction.stress
        elif "stress" in properties:
            raise MissingPropertyError(f"no stress for a structure with pbc {self.atoms.pbc.tolist()}")
        self.results = results
