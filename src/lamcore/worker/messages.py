"""Structures and predictions as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from lamcore.model import Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROTOCOL = 2
"""Changes whenever the two sides of a pipe would no longer understand each other."""

Arrays = Mapping[str, "NDArray[Any]"]
Info = list[dict[str, Any]]


def structures_to_arrays(structures: Sequence[Atoms]) -> tuple[Info, dict[str, NDArray[Any]]]:
    """The structures of a batch, atoms numbered through, and what `info` holds of each as numbers and texts.

    Constraints, calculators and further per-atom arrays stay behind, except initial magnetic moments.
    """
    info = [
        {key: _scalar(value) for key, value in atoms.info.items() if isinstance(value, str | int | float | np.generic)}
        for atoms in structures
    ]
    arrays = {
        "n_atoms": np.array([len(atoms) for atoms in structures]),
        "numbers": np.concatenate([atoms.numbers for atoms in structures]),
        "positions": np.concatenate([atoms.positions for atoms in structures]),
        "cells": np.stack([atoms.cell.array for atoms in structures]),
        "pbc": np.stack([atoms.pbc for atoms in structures]),
    }
    if any(atoms.has("initial_magmoms") for atoms in structures):
        arrays["magmoms"] = np.concatenate([atoms.get_initial_magnetic_moments() for atoms in structures])
    return info, arrays


def arrays_to_structures(info: Info, arrays: Arrays) -> list[Atoms]:
    """The structures again."""
    ends = np.cumsum(arrays["n_atoms"])
    structures = []
    for index, (start, end) in enumerate(zip(ends - arrays["n_atoms"], ends, strict=True)):
        atoms = Atoms(
            numbers=arrays["numbers"][start:end],
            positions=arrays["positions"][start:end],
            cell=arrays["cells"][index],
            pbc=arrays["pbc"][index],
            info=info[index],
        )
        if "magmoms" in arrays:
            atoms.set_initial_magnetic_moments(arrays["magmoms"][start:end])
        structures.append(atoms)
    return structures


def predictions_to_arrays(predictions: Sequence[Prediction]) -> dict[str, NDArray[Any]]:
    """Predictions of a batch; a missing stress is marked as such."""
    has_stress = np.array([prediction.stress is not None for prediction in predictions])
    no_stress = np.zeros(6)
    return {
        "energies": np.array([prediction.energy for prediction in predictions], dtype=np.float64),
        "forces": np.concatenate([prediction.forces for prediction in predictions]),
        "stresses": np.stack([no_stress if p.stress is None else p.stress for p in predictions]),
        "has_stress": has_stress,
    }


def arrays_to_predictions(structures: Sequence[Atoms], arrays: Arrays) -> list[Prediction]:
    """The predictions again."""
    forces = np.split(arrays["forces"], np.cumsum([len(atoms) for atoms in structures])[:-1])
    return [
        Prediction(float(energy), forces_of_one, stress if has_stress else None)
        for energy, forces_of_one, stress, has_stress in zip(
            arrays["energies"], forces, arrays["stresses"], arrays["has_stress"], strict=True
        )
    ]


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
