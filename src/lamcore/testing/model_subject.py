"""A built model with the structures and limits that claims about it use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lamcore.adapters import as_model
from lamcore.cards import ModelCard, load_card
from lamcore.model import check_descriptors, check_prediction
from lamcore.testing.claims import Number, largest
from lamcore.testing.limits import Limits, limits_of
from lamcore.testing.structures import Structures, make_structures

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.config import Choice
    from lamcore.model import Model, Prediction

_ATOMS_AT_ONCE = 256


class ModelSubject:
    """A model under test.

    Args:
        choice: The model and its options.

    Attributes:
        model: Built once.
        card: Its card.
        limits: For its floating-point type.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.card = load_card(choice.offer.spec.card, ModelCard)
        self.model = as_model(choice.build(), choice.name)
        self.limits: Limits = limits_of(self.model.dtype)

    @cached_property
    def structures(self) -> Structures:
        """Structures that the model covers."""
        return make_structures(self.model)

    @cached_property
    def mix(self) -> list[Atoms]:
        """All structures, kinds mixed, small ones between large ones."""
        return list(self.structures.by_kind().values())

    @cached_property
    def alone(self) -> list[Prediction]:
        """What the model says of each of `mix`, each in a batch of its own."""
        return [self.evaluate([atoms])[0] for atoms in self.mix]

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Predictions, checked for shape and finiteness, in batches of at most 256 atoms.

        Raises:
            BadPredictionError: A prediction is not finite or not of the agreed shape.
            ValueError: The model answered another number of structures.
        """
        return evaluate_checked(self.model, structures)

    def energies(self, structures: Sequence[Atoms]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Energies, eV, shape (n_structures,)."""
        return np.array([prediction.energy for prediction in self.evaluate(structures)], dtype=np.float64)

    def differences(self, pairs: Sequence[tuple[Prediction, Prediction]], rotated: bool = False) -> tuple[Number, ...]:
        """The largest differences between predictions that should be the same.

        Args:
            pairs: Predictions of the same physics.
            rotated: Whether one of each pair was computed in another orientation.
        """
        limits = self.limits
        found = largest_differences(pairs)
        names = ("rotated_energy", "rotated_forces", "rotated_stress") if rotated else ("energy", "forces", "stress")
        energy, forces, stress = (float(getattr(limits, name)) for name in names)
        numbers = [Number("energy", found.energy, energy, "eV/atom"), Number("forces", found.forces, forces, "eV/Å")]
        if found.stress is not None:
            numbers.append(Number("stress", found.stress, stress, "eV/Å³"))
        return tuple(numbers)


@dataclass(frozen=True)
class Differences:
    """Largest absolute differences: energy in eV/atom, forces in eV/Å, stress in eV/Å³, None where there was none."""

    energy: float
    forces: float
    stress: float | None


def evaluate_checked(model: Model, structures: Sequence[Atoms]) -> list[Prediction]:
    """Predictions of a model, checked for number, shape and finiteness, in batches of at most 256 atoms.

    Raises:
        BadPredictionError: A prediction is not finite or not of the agreed shape.
        ValueError: The model answered another number of structures.
    """
    predictions: list[Prediction] = []
    for batch in _batches(structures):
        answers = model.evaluate(batch)
        if len(answers) != len(batch):
            raise ValueError(f"evaluate answered {len(answers)} of {len(batch)} structures")
        for prediction, atoms in zip(answers, batch, strict=True):
            check_prediction(prediction, atoms)
        predictions += answers
    return predictions


def describe_checked(model: Model, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
    """Descriptors of a model, checked for number, shape and finiteness, in batches of at most 256 atoms.

    Raises:
        BadPredictionError: Descriptors are not finite or not one row for each atom.
        ValueError: The model answered another number of structures.
    """
    described: list[NDArray[np.float64]] = []
    for batch in _batches(structures):
        answers = model.descriptors(batch)
        if len(answers) != len(batch):
            raise ValueError(f"descriptors answered {len(answers)} of {len(batch)} structures")
        for rows, atoms in zip(answers, batch, strict=True):
            check_descriptors(rows, atoms)
        described += answers
    return described


def largest_differences(pairs: Sequence[tuple[Prediction, Prediction]]) -> Differences:
    """The largest differences in pairs of predictions.

    Raises:
        ValueError: One of a pair has a stress and the other has none.
    """
    energy = forces = 0.0
    stresses: list[float] = []
    for one, other in pairs:
        if (one.stress is None) != (other.stress is None):
            raise ValueError("of two predictions of the same structure one has a stress and the other has none")
        energy = largest(energy, abs(one.energy - other.energy) / len(one.forces))
        forces = largest(forces, float(np.max(np.abs(one.forces - other.forces))))
        if one.stress is not None and other.stress is not None:
            stresses.append(float(np.max(np.abs(one.stress - other.stress))))
    return Differences(energy, forces, largest(*stresses) if stresses else None)


def _batches(structures: Sequence[Atoms]) -> list[list[Atoms]]:
    batches: list[list[Atoms]] = []
    room = 0
    for atoms in structures:
        if len(atoms) > room or not batches:
            batches.append([])
            room = _ATOMS_AT_ONCE
        batches[-1].append(atoms)
        room -= len(atoms)
    return batches
