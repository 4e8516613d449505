"""Errors of one frame, summed so that frames of any size can be pooled and none has to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcore.quantities import GPA_PER_EV_ANG3

MAGNITUDE_EDGES_EV_PER_ANG = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, np.inf)
"""Bins of the length of an atom's reference force."""
NO_DIRECTION_EV_PER_ANG = 1e-3
"""A reference force shorter than this has no direction to be compared with."""


def force_sums(predicted: NDArray[np.float64], reference: NDArray[np.float64]) -> dict[str, float]:
    """Sums over the atoms of a frame.

    Args:
        predicted: Forces, eV/Å, shape (n_atoms, 3).
        reference: The same of the reference.

    Returns:
        `n_components`, `squared` and `absolute`: number, Σ ΔF² and Σ |ΔF| of Cartesian components; `n_atoms`, `vector`
        and `magnitude`: number, Σ |ΔF⃗| and Σ ||F⃗| − |F⃗_ref|| of atoms; `n_directions` and `cosine`: number of atoms
        whose reference force has a direction, and Σ of the cosine between the two forces, 0 for a prediction of zero.
        In eV/Å and (eV/Å)².
    """
    error = predicted - reference
    length, reference_length = np.linalg.norm(predicted, axis=1), np.linalg.norm(reference, axis=1)
    directed = reference_length >= NO_DIRECTION_EV_PER_ANG
    product = np.sum(predicted * reference, axis=1)[directed]
    lengths = (length * reference_length)[directed]
    cosines = np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 0)
    return {
        "n_components": float(error.size),
        "squared": float(np.sum(error**2)),
        "absolute": float(np.sum(np.abs(error))),
        "n_atoms": float(len(error)),
        "vector": float(np.sum(np.linalg.norm(error, axis=1))),
        "magnitude": float(np.sum(np.abs(length - reference_length))),
        "n_directions": float(len(cosines)),
        "cosine": float(np.sum(cosines)),
    }


def force_sums_by_element(
    symbols: Sequence[str], predicted: NDArray[np.float64], reference: NDArray[np.float64]
) -> dict[str, list[float]]:
    """For each element: atoms, Σ ΔF² and Σ |ΔF| of their components, and Σ F_ref² of the reference.

    Args:
        symbols: Of the atoms.
        predicted: Forces, eV/Å, shape (n_atoms, 3).
        reference: The same of the reference.
    """
    names = np.asarray(symbols)
    return {str(symbol): _sums(predicted, reference, names == symbol) for symbol in sorted(set(symbols))}


def force_sums_by_magnitude(predicted: NDArray[np.float64], reference: NDArray[np.float64]) -> list[list[float]]:
    """The same as `force_sums_by_element` for atoms in each bin of the length of the reference force."""
    length = np.linalg.norm(reference, axis=1)
    bins = np.digitize(length, MAGNITUDE_EDGES_EV_PER_ANG[1:-1])
    return [_sums(predicted, reference, bins == index) for index in range(len(MAGNITUDE_EDGES_EV_PER_ANG) - 1)]


def stress_sums(
    predicted: NDArray[np.float64], reference: NDArray[np.float64], volume_ang3: float, n_atoms: int
) -> dict[str, float]:
    """Errors of the stress and of the virial W = −σV, over the nine components of the tensors.

    Args:
        predicted: Stress, eV/Å³, Voigt xx yy zz yz xz xy, tension positive, shape (6,).
        reference: The same of the reference.
        volume_ang3: Volume of the cell, Å³.
        n_atoms: Atoms in the cell.

    Returns:
        `n_components` (9); `squared` and `absolute`: Σ ΔW² and Σ |ΔW|, eV² and eV; `squared_per_atom` and
        `absolute_per_atom`: the same of ΔW/N; `stress_absolute_gpa`: Σ |Δσ|, GPa.
    """
    error = full_tensor(predicted) - full_tensor(reference)
    virial_error = -error * volume_ang3
    squared, absolute = float(np.sum(virial_error**2)), float(np.sum(np.abs(virial_error)))
    return {
        "n_components": 9.0,
        "squared": squared,
        "absolute": absolute,
        "squared_per_atom": squared / n_atoms**2,
        "absolute_per_atom": absolute / n_atoms,
        "stress_absolute_gpa": float(np.sum(np.abs(error))) * GPA_PER_EV_ANG3,
    }


def full_tensor(voigt: Any) -> NDArray[np.float64]:
    """The symmetric tensor, shape (3, 3), of Voigt components xx yy zz yz xz xy."""
    xx, yy, zz, yz, xz, xy = np.asarray(voigt, dtype=np.float64)
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def _sums(predicted: NDArray[np.float64], reference: NDArray[np.float64], chosen: NDArray[np.bool_]) -> list[float]:
    error = predicted[chosen] - reference[chosen]
    return [
        float(np.sum(chosen)),
        float(np.sum(error**2)),
        float(np.sum(np.abs(error))),
        float(np.sum(reference[chosen] ** 2)),
    ]
