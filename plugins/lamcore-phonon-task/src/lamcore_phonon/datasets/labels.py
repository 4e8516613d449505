"""Labels at 300 K as the reference tables hold them, in the names of the task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from lamcore.errors import DataError

LABEL_TEMPERATURE_K = 300.0
Labels = Literal["no_nac", "nac"]
"""Without or with the non-analytic correction at Γ."""
IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def case_settings(
    *,
    name: str,
    supercell_matrix: list[list[int]],
    primitive_matrix: list[list[float]] | str,
    level_of_theory: str,
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
        "level_of_theory": level_of_theory,
    }


def entry(table: Mapping[str, Any], key: str, path: Path, where: str) -> Any:
    """A value of a table.

    Raises:
        DataError: It has none of that name.
    """
    if key not in table:
        raise DataError(f"{path}: {where} has no {key!r}; it has {', '.join(map(str, table))}")
    return table[key]
