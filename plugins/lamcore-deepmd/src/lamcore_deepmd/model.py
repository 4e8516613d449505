"""A DeePMD-kit model as a batched lamcore model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ase.data import chemical_symbols
from ase.stress import full_3x3_to_voigt_6_stress

from lamcore import Model, Prediction, Scope
from lamcore.errors import ConfigError, MissingPropertyError, UnsupportedStructureError
from lamcore_deepmd.frames import Frames, alike, frames

if TYPE_CHECKING:
    from ase import Atoms
    from deepmd.infer import DeepPot
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ChargeState:
    """Total charge (e) and spin multiplicity (1 for a singlet) of structures that do not say; None where unknown.

    A structure says so in `atoms.info["charge"]` and `atoms.info["spin"]`.
    """

    charge: int | None
    multiplicity: int | None

    def of(self, atoms: Atoms) -> tuple[int, int]:
        """Charge and multiplicity of a structure.

        Raises:
            UnsupportedStructureError: The multiplicity is not known, or one of the two is no whole number.
        """
        charge = atoms.info.get("charge", 0 if self.charge is None else self.charge)
        multiplicity = atoms.info.get("spin", self.multiplicity)
        where = atoms.get_chemical_formula()
        if multiplicity is None:
            raise UnsupportedStructureError(
                f"{where}: the model needs a spin multiplicity; put it in atoms.info['spin'] or set the option spin"
            )
        # DeePMD-kit looks the two up in tables; a fraction would be cut off without a word.
        for name, value in (("charge", charge), ("spin", multiplicity)):
            if float(value) != round(float(value)):
                raise UnsupportedStructureError(f"{where}: {name} is {value}, expected a whole number")
        return round(float(charge)), round(float(multiplicity))


class DeepmdModel(Model):
    """Deep Potential: energies as sums over atoms; forces and virial are their derivatives.

    Structures are periodic in all directions or in none, as DeePMD-kit has it.

    Args:
        potential: A loaded model of the PyTorch backend that gives energies, without an automatic batch size.
        fparam: Values of the model's frame parameters, for all structures, or None where it has none or a default.
        charge_state: For a model with embedded charge and spin; else None.
        elements: Those that the model covers.
        device: Where DeePMD-kit computes in this process.
        dtype: The precision of its networks.

    Source:
        J. Zeng et al., J. Chem. Theory Comput. 21, 4375 (2025), doi:10.1021/acs.jctc.5c00340.
    """

    properties = frozenset(("energy", "forces", "stress", "descriptors"))

    def __init__(
        self,
        potential: DeepPot,
        fparam: Sequence[float] | None,
        charge_state: ChargeState | None,
        elements: frozenset[str],
        device: str,
        dtype: str,
    ) -> None:
        self._potential = potential
        self._fparam = None if fparam is None else np.array(fparam, dtype=np.float64)
        self._charge_state = charge_state
        self._type_of = {symbol: index for index, symbol in enumerate(potential.get_type_map())}
        self.scope = Scope(
            elements=elements, boundaries=frozenset(("none", "full")), charged=self._charge_state is not None
        )
        self.cutoff_ang: float = float(potential.get_rcut())
        self.device = device
        self.dtype = dtype

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure, those of nearly one size in one pass of the network.

        Raises:
            UnsupportedStructureError: A structure lies outside of the model's elements or boundary conditions, its cell
                is degenerate, or its charge state is not known.
        """
        predictions: dict[int, Prediction] = {}
        for indices, batch, conditions in self._batches(structures):
            with torch.enable_grad():
                energies, forces, virials = self._potential.eval(
                    batch.positions, batch.cells, batch.types, mixed_type=True, **conditions
                )[:3]
            for frame, index in enumerate(indices):
                atoms = structures[index]
                stress = None
                if batch.cells is not None:
                    virial = virials[frame].reshape(3, 3).astype(np.float64)
                    stress = full_3x3_to_voigt_6_stress(-(virial + virial.T) / 2 / atoms.get_volume())
                predictions[index] = Prediction(
                    energy=float(energies[frame, 0]),
                    forces=forces[frame, : len(atoms)].astype(np.float64),
                    stress=stress,
                )
        return [predictions[i] for i in range(len(structures))]

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """The model's descriptor of each atom, from which its fitting network reads the energy.

        Returns:
            For each structure an array of shape (n_atoms, n_features).

        Raises:
            UnsupportedStructureError: As for `evaluate`.
            MissingPropertyError: The model is a sum of several and has no one descriptor.
        """
        described: dict[int, NDArray[np.float64]] = {}
        for indices, batch, conditions in self._batches(structures):
            try:
                features = self._potential.eval_descriptor(
                    batch.positions, batch.cells, batch.types, mixed_type=True, **conditions
                )
            except NotImplementedError as error:
                raise MissingPropertyError(f"this DeePMD-kit model has no descriptors: {error}") from error
            for frame, index in enumerate(indices):
                described[index] = features[frame, : len(structures[index])].astype(np.float64)
        return [described[i] for i in range(len(structures))]

    def release_memory(self) -> None:
        """Give cached blocks back to the CUDA device."""
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _batches(self, structures: Sequence[Atoms]) -> list[tuple[list[int], Frames, dict[str, Any]]]:
        """Indices of structures, their frames, and their frame parameters and charge states, one of each a call."""
        for atoms in structures:
            self.scope.check(atoms)
        batches = []
        for indices in alike(structures):
            chosen = [structures[i] for i in indices]
            conditions: dict[str, Any] = {}
            if self._fparam is not None:
                conditions["fparam"] = np.tile(self._fparam, (len(chosen), 1))
            if self._charge_state is not None:
                states = [self._charge_state.of(atoms) for atoms in chosen]
                conditions["charge_spin"] = np.array(states, dtype=np.float64)
            batches.append((indices, frames(chosen, self._type_of, self.cutoff_ang), conditions))
        return batches


def elements_of(potential: DeepPot) -> frozenset[str]:
    """The elements that a model was trained on, as far as it says, or else all in its type map.

    Raises:
        ConfigError: No type is named like an element.
    """
    names = potential.get_type_map()
    elements = frozenset(names) & frozenset(chemical_symbols[1:])
    if not elements:
        raise ConfigError(f"the types of this model are {', '.join(names)}; expected chemical symbols")
    # Type maps often hold the whole periodic table; trained types are recorded, or have an energy of their own.
    observed = frozenset(potential.deep_eval.get_observed_types()["observed_type"]) & elements
    return observed or elements
