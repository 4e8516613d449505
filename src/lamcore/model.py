"""The model contract: energies, forces and stresses of batches of structures."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcore.errors import BadPredictionError, MissingPropertyError, NotFiniteError, UnsupportedStructureError

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator
    from numpy.typing import NDArray

    from lamcore.hardware import Hardware
    from lamcore.memory import PeakMemory

Boundary = Literal["none", "partial", "full"]
_DENSEST_ATOMS_PER_ANG3 = 2.0
_FLATTEST_ANG3 = 1e-6
ALL_BOUNDARIES: frozenset[Boundary] = frozenset(("none", "partial", "full"))


@dataclass(frozen=True)
class Prediction:
    """What a model says of one structure, in the units and signs of `lamcore.quantities`.

    Attributes:
        energy: eV.
        forces: eV/Å, shape (n_atoms, 3).
        stress: eV/Å³, shape (6,) as xx yy zz yz xz xy, tension positive; None where the structure is not periodic in
            all three directions or the model gives none.
    """

    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Scope:
    """Which structures a model covers; what lies outside is refused before anything is computed.

    Attributes:
        elements: Chemical symbols, or None for all.
        boundaries: Periodic in no, some or all directions.
        charged: Whether `atoms.info["charge"]` other than zero is taken into account.
    """

    elements: frozenset[str] | None = None
    boundaries: frozenset[Boundary] = ALL_BOUNDARIES
    charged: bool = False

    def check(self, atoms: Atoms) -> None:
        """Refuse a structure that the model does not cover.

        Raises:
            UnsupportedStructureError: An element, a charge or a boundary condition lies outside.
        """
        check_structure(atoms)
        if self.elements is not None and (missing := sorted(set(atoms.symbols) - self.elements)):
            raise UnsupportedStructureError(
                f"{atoms.get_chemical_formula()}: the model does not cover {', '.join(missing)}; "
                f"it covers {len(self.elements)} elements: {' '.join(sorted(self.elements))}"
            )
        n_periodic = int(np.sum(atoms.pbc))
        boundary: Boundary = "none" if n_periodic == 0 else "full" if n_periodic == 3 else "partial"
        if boundary not in self.boundaries:
            raise UnsupportedStructureError(
                f"{atoms.get_chemical_formula()}: pbc is {atoms.pbc.tolist()}; the model covers "
                f"structures with periodicity: {', '.join(sorted(self.boundaries))}"
            )
        if not self.charged and atoms.info.get("charge", 0) != 0:
            raise UnsupportedStructureError(
                f"{atoms.get_chemical_formula()}: charge is {atoms.info['charge']}; "
                "the model covers neutral structures only"
            )


def check_structure(atoms: Atoms) -> None:
    """Refuse what no model can compute: no atoms, coordinates that are not finite, atoms on top of each other.

    A neighbour search does not notice a coordinate that is not a number: it takes the atom for a lone one. And in a
    cell that has collapsed, the number of neighbours within a cut-off grows until the memory is full.

    Raises:
        UnsupportedStructureError: The message says which atom, or how dense the structure is.
    """
    if len(atoms) == 0:
        raise UnsupportedStructureError("the structure has no atoms, expected at least one")
    if not np.isfinite(atoms.positions).all():
        index = int(np.argmin(np.isfinite(atoms.positions).all(axis=1)))
        where = atoms.positions[index].tolist()
        raise UnsupportedStructureError(
            f"{atoms.get_chemical_formula()}: atom {index} is at {where}, expected finite numbers"
        )
    cell = atoms.cell.array
    if not np.isfinite(cell).all():
        raise UnsupportedStructureError(
            f"{atoms.get_chemical_formula()}: the cell is {cell.tolist()}, expected finite numbers"
        )
    if atoms.pbc.all():
        volume = abs(float(np.linalg.det(cell)))
        if volume < _FLATTEST_ANG3:
            raise UnsupportedStructureError(
                f"{atoms.get_chemical_formula()}: pbc is {atoms.pbc.tolist()}, but the cell is {cell.tolist()}; "
                "expected linearly independent lattice vectors in the periodic directions"
            )
        if len(atoms) > volume * _DENSEST_ATOMS_PER_ANG3:
            raise UnsupportedStructureError(
                f"{atoms.get_chemical_formula()}: {len(atoms)} atoms in {volume:.4g} Å³, expected at most "
                f"{_DENSEST_ATOMS_PER_ANG3:g} atoms/Å³ (diamond has 0.18)"
            )


class Model(ABC):
    """A model that computes batches of structures.

    A plugin's builder returns one of these, or any ASE calculator, which `lamcore.adapters.AseModel` wraps.

    Attributes:
        scope: Which structures it covers.
        properties: Which of energy, forces, stress and descriptors it gives.
        conservative: Whether forces and stress are derivatives of the energy, not predictions of their own.
        cutoff_ang: Distance beyond which two atoms do not see each other directly, Å; None if unknown. Used to
            estimate the cost of a structure.
        device: Where it computes, such as `cpu` or `cuda:0`.
        dtype: Its floating-point type, such as `float32`.
        lanes: How many batches it computes at the same time; `evaluate` may be called from as many threads.
        n_builds: How often it was built: more than once for a worker that died and was started again.
    """

    scope: Scope = Scope()
    properties: frozenset[str] = frozenset(("energy", "forces", "stress"))
    cutoff_ang: float | None = None
    device: str = "cpu"
    dtype: str = "float64"
    conservative: bool = True
    lanes: int = 1
    n_builds: int = 1
    _graph_seconds: float | None = None

    @abstractmethod
    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure, in the same order; the structures are left as they are."""

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """Per-atom descriptors of each structure, each of shape (n_atoms, n_features).

        Raises:
            MissingPropertyError: The model has none.
        """
        raise MissingPropertyError(
            f"{type(self).__name__} has no descriptors; it gives {', '.join(sorted(self.properties))}"
        )

    @property
    def graph_seconds(self) -> float | None:
        """How long it has spent so far on neighbour lists and the graphs made from them; None where it does not tell.

        A model that tells does that work inside of `building_graphs`.
        """
        return self._graph_seconds

    @contextmanager
    def building_graphs(self) -> Iterator[None]:
        """Add the time spent inside to `graph_seconds`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._graph_seconds = (self._graph_seconds or 0.0) + time.perf_counter() - started

    def direct(self) -> Model:
        """The same model without lamcore's batching: a request reaches it whole, and what it raises is raised.

        For tasks that measure the model itself; they set `Task.alone`. Structures and predictions are not checked.
        """
        return self

    def peak_memory(self, structures: Sequence[Atoms]) -> PeakMemory | None:
        """The memory that one evaluation of these structures takes where the model is; None where that is not known."""
        from lamcore.memory import peak_memory

        return peak_memory(lambda: self.evaluate(structures), self.device)

    def hardware(self) -> Hardware:
        """What it computes on."""
        from lamcore.hardware import hardware

        return hardware(self.device)

    def release_memory(self) -> None:  # noqa: B027 - most models have nothing to release
        """Give memory kept for later back to the device; called after a batch ran out of memory."""

    def close(self) -> None:  # noqa: B027 - most models hold nothing outside of this process
        """Let go of what the model holds outside of this process; it is not asked again."""

    def calculator(self) -> Calculator:
        """An ASE calculator that asks this model."""
        from lamcore.calculator import ModelCalculator

        return ModelCalculator(self)


def check_prediction(prediction: Prediction, atoms: Atoms) -> None:
    """Refuse a prediction that is not finite or not of the agreed shape.

    Raises:
        BadPredictionError: The message names the quantity, what was got and what was expected; `NotFiniteError` where
            the shape is right.
    """
    check_shapes(prediction, atoms)
    for name, value in (("energy", prediction.energy), ("forces", prediction.forces), ("stress", prediction.stress)):
        if value is not None and not np.all(np.isfinite(value)):
            bad = int(np.size(value) - np.sum(np.isfinite(value)))
            formula = atoms.get_chemical_formula()
            raise NotFiniteError(f"{name} of {formula} is not finite ({bad} of {np.size(value)} values)")


def check_shapes(prediction: Prediction, atoms: Atoms) -> None:
    """Refuse a prediction that is not of the agreed shape.

    Raises:
        BadPredictionError: The message names the quantity, what was got and what was expected.
    """
    if not isinstance(prediction, Prediction):
        raise BadPredictionError(
            f"the model answered with a {type(prediction).__name__}, expected a lamcore.Prediction"
        )
    parts: list[tuple[str, Any, tuple[int, ...]]] = [
        ("energy", prediction.energy, ()),
        ("forces", prediction.forces, (len(atoms), 3)),
    ]
    if prediction.stress is not None:
        parts.append(("stress", prediction.stress, (6,)))
    for name, value, shape in parts:
        if value is None:
            raise BadPredictionError(f"{name} is None, expected numbers of shape {shape}")
        if np.shape(value) != shape:
            hint = "; convert with ase.stress.full_3x3_to_voigt_6_stress" if name == "stress" else ""
            raise BadPredictionError(f"{name} has shape {np.shape(value)}, expected {shape}{hint}")


def check_descriptors(descriptors: NDArray[np.float64], atoms: Atoms) -> None:
    """Refuse descriptors that are not finite or not one row for each atom.

    Raises:
        BadPredictionError: The message says what was got and what was expected.
    """
    shape = np.shape(descriptors)
    if len(shape) != 2 or shape[0] != len(atoms):
        raise BadPredictionError(f"descriptors have shape {shape}, expected ({len(atoms)}, n_features)")
    if not np.all(np.isfinite(descriptors)):
        raise NotFiniteError(f"descriptors of {atoms.get_chemical_formula()} are not finite")
