"""Labels at 300 K as the reference tables hold them, in the names of the task."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lamcore.errors import DataError
from lamcore.quantities import KELVIN_PER_THZ

logger = logging.getLogger(__name__)

LABEL_TEMPERATURE_K = 300.0
Labels = Literal["no_nac", "nac"]
"""Without or with the non-analytic correction at Γ."""
IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
_SUMS = {
    "entropy_J_K_mol": "entropy_j_per_mol_k",
    "free_energy_kJ_mol": "free_energy_kj_per_mol",
    "heat_capacity_J_K_mol": "heat_capacity_j_per_mol_k",
}
"""Thermal sums: their names in JSON tables, and in the task."""


def case_settings(
    *,
    name: str,
    supercell_matrix: list[list[int]],
    primitive_matrix: list[list[float]] | str,
    functional: str,
    max_frequency_points: str = "mesh",
    min_frequency_points: str = "mesh",
) -> dict[str, Any]:
    """The settings that the task `phonon` reads from a case, with the name that reports show."""
    return {
        "name": name,
        "supercell_matrix": supercell_matrix,
        "primitive_matrix": primitive_matrix,
        "temperature_k": LABEL_TEMPERATURE_K,
        "max_frequency_points": max_frequency_points,
        "min_frequency_points": min_frequency_points,
        "functional": functional,
    }


def entry(table: Any, key: str, path: Path, where: str) -> Any:
    """A value of a table.

    Raises:
        DataError: It is no table, or has none of that name.
    """
    if not isinstance(table, Mapping):
        raise DataError(f"{path}: {where} is {_short(table)}, expected an entry with {key!r}")
    if key not in table:
        raise DataError(f"{path}: {where} has no {key!r}; it has {', '.join(map(str, table)) or 'nothing'}")
    return table[key]


def list_entry(table: Any, key: str, path: Path, where: str) -> list[Any]:
    """A list in a table.

    Raises:
        DataError: There is none of that name, or it is not a list.
    """
    values = entry(table, key, path, where)
    if not isinstance(values, list):
        raise DataError(f"{path}: {key!r} of {where} is {_short(values)}, expected a list")
    return values


def finite_labels(labels: Mapping[str, Any], path: Path, where: str) -> dict[str, float]:
    """Labels as numbers. One that is empty, nan or infinite is a label that is missing: it is left out, and logged.

    Args:
        labels: Numbers, or their text, by name.
        path: The file, for messages.
        where: The material, for messages.

    Raises:
        DataError: A label is no number.
    """
    finite = {}
    for name, value in labels.items():
        number = math.nan if value is None or value == "" else _number(value, name, path, where)
        if math.isfinite(number):
            finite[name] = number
        else:
            logger.warning("%s: %s of %s is %r; the label is left out", path, name, where, value)
    return finite


def json_labels(frequencies: Any, highest: str, lowest: str, sums: Any, path: Path, where: str) -> dict[str, float]:
    """Labels of one material of a JSON table, in the names and units of the task.

    Args:
        frequencies: The entry with the extreme frequencies, THz.
        highest: The name of the highest in it.
        lowest: The name of the lowest in it.
        sums: The entry with the thermal sums.
        path: The file, for messages.
        where: The material, for messages.

    Raises:
        DataError: An entry or a value is missing, or is no number.
    """
    found = finite_labels({key: entry(frequencies, key, path, where) for key in (highest, lowest)}, path, where)
    found |= finite_labels({key: entry(sums, key, path, where) for key in _SUMS}, path, where)
    if highest in found:
        found[highest] *= KELVIN_PER_THZ
    names = {highest: "max_frequency_k", lowest: "min_frequency_thz", **_SUMS}
    return {names[key]: value for key, value in found.items()}


def matrix(value: Any, name: str, path: Path, where: str) -> list[list[float]]:
    """A 3×3 matrix as lists.

    Raises:
        DataError: It is something else.
    """
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != (3, 3) or not np.all(np.isfinite(array)):
        raise DataError(f"{path}: {name} of {where} is {_short(value)}, expected 3×3 numbers")
    rows: list[list[float]] = array.tolist()
    return rows


def integer_matrix(value: Any, name: str, path: Path, where: str) -> list[list[int]]:
    """A 3×3 matrix of integers as lists.

    Raises:
        DataError: It is something else.
    """
    rows = matrix(value, name, path, where)
    if any(number != round(number) for row in rows for number in row):
        raise DataError(f"{path}: {name} of {where} is {_short(value)}, expected 3×3 integers")
    return [[round(number) for number in row] for row in rows]


def _number(value: Any, name: str, path: Path, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {name} of {where} is {_short(value)}, expected a number") from error


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
