"""The task: the energies of all conformers of a fragment at once, compared with the reference profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcore import Metric, ScoredCase, Task
from lamcore.errors import CaseError, ConfigError
from lamcore_torsion import held_dihedral, physics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcore import Case, Model

ENERGIES = "energies_kcal_per_mol"
"""The reference of a case: one energy for each structure, kcal/mol, lowest at zero."""
_FIXED_BY_LAMBENCH = ("mode", "fmax", "max_steps")


@dataclass(frozen=True)
class TorsionSettings:
    """The options of the task, as `lamcore_torsion.build_task` describes them."""

    protocol: Literal["default", "lambench"] = "default"
    mode: Literal["single_point", "relaxed"] = "single_point"
    fmax: float = 0.02
    max_steps: int = 300

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before any model is built."""
        for name in ("fmax", "max_steps"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"task.{name} is {getattr(self, name)}, expected a value above zero")
        defaults = {field.name: field.default for field in fields(self)}
        other = [name for name in _FIXED_BY_LAMBENCH if getattr(self, name) != defaults[name]]
        if self.protocol == "lambench" and other:
            raise ConfigError(
                f"task.protocol=lambench does not go with {', '.join(f'task.{n}={getattr(self, n)}' for n in other)}: "
                "it takes the structures as they are; leave them out, or use task.protocol=default"
            )


class TorsionTask(Task):
    """Torsion profiles of molecules.

    A case is a fragment: its structures are conformers, whose reference energies are `energies_kcal_per_mol`, in the
    same order. Its settings may hold `angles_deg`, the dihedral of each, ascending, for positions of wells;
    `torsion_atoms`, the four atoms of the dihedral, for relaxed scans; and `smiles`, for drawings.
    """

    needs = frozenset(("energy",))

    def __init__(self, settings: TorsionSettings | None = None) -> None:
        self.settings = settings if settings is not None else TorsionSettings()
        if self.settings.mode == "relaxed":
            self.needs = frozenset(("energy", "forces"))

    def calculate(self, case: Case, model: Model) -> dict[str, Any]:
        """The energy of every conformer, all asked for in one request, or in one request a step."""
        if self.settings.mode == "relaxed":
            return self._relaxed(case, model)
        energies = [prediction.energy for prediction in model.evaluate(case.structures)]
        return {"energies_ev": np.array(energies, dtype=np.float64)}

    def score(self, case: Case, output: Mapping[str, Any]) -> dict[str, Any]:
        """Errors of the profile, its barrier, its wells and its ranking, kcal/mol and degrees."""
        factor = physics.LAMBENCH_KCAL_MOL_PER_EV if self._is_lambench else physics.KCAL_MOL_PER_EV
        scores = profile_scores(case, np.asarray(output["energies_ev"], dtype=np.float64) * factor)
        if "rmsd_ang" in output:
            scores["mean_rmsd_ang"] = float(np.mean(output["rmsd_ang"]))
            scores["max_rmsd_ang"] = float(np.max(output["rmsd_ang"]))
        return scores

    def perfect_output(self, case: Case) -> dict[str, Any]:
        """The reference's profile, at the reference's geometries."""
        factor = physics.LAMBENCH_KCAL_MOL_PER_EV if self._is_lambench else physics.KCAL_MOL_PER_EV
        energies = _reference(case) / factor
        if self.settings.mode == "single_point":
            return {"energies_ev": energies}
        return {
            "energies_ev": energies,
            "single_point_energies_ev": energies,
            "relaxed_positions_ang": np.array([atoms.positions for atoms in case.structures]),
            "rmsd_ang": np.zeros(len(energies)),
            "relaxation_steps": [0] * len(energies),
        }

    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """The metrics of the protocol; a failed fragment counts as the flat profile, which is the dummy."""
        from lamcore_torsion.metrics import default_metrics, lambench_metrics

        flat = {one.case.id: profile_scores(one.case, np.zeros(len(_reference(one.case)))) for one in scored}
        metrics = lambench_metrics(scored, flat) if self._is_lambench else default_metrics(scored, flat)
        return [
            metric if metric.dummy is None else replace(metric, note=f"{metric.note}; the dummy is the flat profile")
            for metric in metrics
        ]

    @property
    def _is_lambench(self) -> bool:
        return self.settings.protocol == "lambench"

    def _relaxed(self, case: Case, model: Model) -> dict[str, Any]:
        """All conformers relaxed together, the dihedral of each held where the reference has it."""
        dihedral, angles = case.settings.get("torsion_atoms"), case.settings.get("angles_deg")
        if dihedral is None or angles is None:
            raise CaseError(
                f"case {case.id!r} does not tell its dihedral (torsion_atoms and angles_deg in its settings), which "
                "task.mode=relaxed holds; use task.mode=single_point, or data that tells it"
            )

        def evaluate(positions: list[NDArray[np.float64]]) -> list[tuple[float, NDArray[np.float64]]]:
            structures = []
            for place in positions:
                atoms = case.structures[0].copy()
                atoms.positions = place
                structures.append(atoms)
            return [(prediction.energy, prediction.forces) for prediction in model.evaluate(structures)]

        given = [atoms.positions for atoms in case.structures]
        relaxations = held_dihedral.relax_with_held_dihedrals(
            given, dihedral, angles, evaluate, self.settings.fmax, self.settings.max_steps
        )
        if lost := [i for i, relaxation in enumerate(relaxations) if not relaxation.converged]:
            worst = max(lost, key=lambda i: relaxations[i].residual)
            raise CaseError(
                f"{case.id}: {len(lost)} of {len(given)} conformers did not relax in {self.settings.max_steps} steps; "
                f"worst at {angles[worst]:.0f} degrees with {relaxations[worst].residual:.3g} eV/Å, expected below "
                f"{self.settings.fmax:g} eV/Å; task.max_steps and task.fmax set the limits"
            )
        return {
            "energies_ev": np.array([relaxation.energy for relaxation in relaxations]),
            "single_point_energies_ev": np.array([relaxation.first_energy for relaxation in relaxations]),
            "relaxed_positions_ang": np.array([relaxation.positions for relaxation in relaxations]),
            "rmsd_ang": np.array(
                [held_dihedral.rmsd_ang(one.positions, place) for one, place in zip(relaxations, given, strict=True)]
            ),
            "relaxation_steps": [relaxation.n_steps for relaxation in relaxations],
        }


def profile_scores(case: Case, predicted: NDArray[np.float64]) -> dict[str, Any]:
    """How a predicted profile (kcal/mol, any offset) compares with the reference of a case.

    `mean_aligned` profiles have their means on one another, `own_minimum` profiles their lowest points at zero.

    Raises:
        CaseError: The profile does not have one energy for each of the reference's.
    """
    reference = _reference(case)
    if predicted.shape != reference.shape:
        raise CaseError(f"case {case.id!r}: {predicted.shape} energies, expected {reference.shape}")
    aligned = physics.relative_to_mean(predicted) - physics.relative_to_mean(reference)
    from_minimum = physics.relative_to_minimum(predicted) - physics.relative_to_minimum(reference)
    angles = case.settings.get("angles_deg")
    wells = None if angles is None else physics.well_errors(angles, predicted, reference)
    return {
        "n_conformers": len(reference),
        "mean_aligned_absolute_error_sum_kcal_per_mol": float(np.abs(aligned).sum()),
        "mean_aligned_squared_error_sum_kcal2_per_mol2": float(np.square(aligned).sum()),
        "own_minimum_absolute_error_sum_kcal_per_mol": float(np.abs(from_minimum).sum()),
        "own_minimum_errors_kcal_per_mol": from_minimum.tolist(),
        "barrier_error_kcal_per_mol": physics.barrier(predicted) - physics.barrier(reference),
        "rank_correlation": physics.rank_correlation(predicted, reference),
        "wells": None if wells is None else asdict(wells),
    }


def _reference(case: Case) -> NDArray[np.float64]:
    return np.asarray(case.reference[ENERGIES], dtype=np.float64)
