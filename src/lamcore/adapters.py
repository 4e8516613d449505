"""Any ASE calculator as a lamcore model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from ase.calculators.calculator import BaseCalculator
from ase.stress import full_3x3_to_voigt_6_stress

from lamcore.errors import ConfigError
from lamcore.model import Model, Prediction, Scope

if TYPE_CHECKING:
    from ase import Atoms


class AseModel(Model):
    """Any ASE calculator that gives energies and forces as a model; structures are computed one by one.

    Raises:
        ConfigError: The calculator gives no energies or no forces.
    """

    def __init__(
        self,
        calculator: BaseCalculator,
        scope: Scope | None = None,
        device: str = "cpu",
        dtype: str = "float64",
    ) -> None:
        self._calculator = calculator
        self.scope = scope if scope is not None else Scope()
        if missing := {"energy", "forces"} - set(calculator.implemented_properties):
            raise ConfigError(
                f"ASE calculator {type(calculator).__name__} gives no {' and no '.join(sorted(missing))}; "
                "a model needs both energies and forces"
            )
        self.properties = frozenset(("energy", "forces", "stress")) & set(calculator.implemented_properties)
        self.device = device
        self.dtype = dtype

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure, in the same order."""
        try:
            return [self._evaluate_one(atoms) for atoms in structures]
        except BaseException:
            self._calculator.results = {}  # else what it left half done counts when the structure is asked for again
            raise

    def _evaluate_one(self, structure: Atoms) -> Prediction:
        atoms = structure.copy()
        atoms.calc = self._calculator
        forces = np.array(atoms.get_forces(apply_constraint=False), dtype=np.float64)
        # Most calculators have it all by now; asking each for each would compare the structure every time.
        results = self._calculator.results
        energy = results["energy"] if "energy" in results else atoms.get_potential_energy()
        stress = None
        if "stress" in self.properties and bool(atoms.pbc.all()):
            stress = results["stress"] if "stress" in results else atoms.get_stress(apply_constraint=False)
            stress = np.array(stress, dtype=np.float64)
            if stress.shape == (3, 3):
                stress = full_3x3_to_voigt_6_stress(stress)
        return Prediction(float(energy), forces, stress)


def as_model(built: object, name: str) -> Model:
    """What a builder returned, as a model.

    Args:
        built: A model or an ASE calculator.
        name: The model's name, for the message.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(built, Model):
        return built
    if isinstance(built, BaseCalculator):
        return AseModel(built)
    raise TypeError(
        f"model {name!r}: its builder returned a {type(built).__name__}, expected a lamcore.Model or an ASE calculator"
    )
