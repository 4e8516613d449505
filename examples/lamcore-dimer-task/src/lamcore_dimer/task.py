"""Connects the physics to lamcore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamcore import Case, Metric, ScoredCase, Task

if TYPE_CHECKING:
    from lamcore import Model


class DimerTask(Task):
    """Bond length of a diatomic molecule from a scan of its distance.

    Args:
        n_points: Points of the scan.
        width: Half-width of the scan, as a fraction of the reference distance.
    """

    needs = frozenset(("energy",))

    def __init__(self, n_points: int = 21, width: float = 0.3) -> None:
        self.n_points = n_points
        self.width = width

    def calculate(self, case: Case, model: Model) -> Mapping[str, Any]:
        """Energies along the bond, in one request."""
        distances = self._distances(case)
        scan = [case.atoms for _ in distances]
        for atoms, distance in zip(scan, distances, strict=True):
            atoms.set_distance(0, 1, distance, fix=0)
        energies = [prediction.energy for prediction in model.evaluate(scan)]
        return {"distances_ang": distances, "energies_ev": energies}

    def score(self, case: Case, output: Mapping[str, Any]) -> Mapping[str, Any]:
        """Error of the bond length, Å; a curve without a minimum raises, which fails the case."""
        from lamcore_dimer.physics import bond_length_ang

        predicted = bond_length_ang(output["distances_ang"], output["energies_ev"])
        return {"bond_length_error_ang": predicted - case.reference["bond_length_ang"]}

    def perfect_output(self, case: Case) -> Mapping[str, Any]:
        """A parabola about the reference."""
        distances = self._distances(case)
        return {
            "distances_ang": distances,
            "energies_ev": [(distance - case.reference["bond_length_ang"]) ** 2 for distance in distances],
        }

    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """Mean absolute error over all molecules; a failed one counts at the dummy's error."""
        from lamcore.scoring import mean_absolute_error, success_rate

        error = mean_absolute_error(
            scored, name="mae_bond_length", error="bond_length_error_ang", label="bond_length_ang", unit="Å"
        )
        return [error, success_rate(scored)]

    def _distances(self, case: Case) -> list[float]:
        import numpy as np

        centre = case.atoms.get_distance(0, 1)
        distances: list[float] = (centre * np.linspace(1 - self.width, 1 + self.width, self.n_points)).tolist()
        return distances
