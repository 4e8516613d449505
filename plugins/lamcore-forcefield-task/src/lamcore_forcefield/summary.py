"""From sums over frames to metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcore import Case, Metric, ScoredCase
from lamcore.scoring import label_of, pooled_mean, success_rate
from lamcore_forcefield import frame_errors
from lamcore_forcefield.energies import Energies, shift_energies
from lamcore_forcefield.labels import FORCES, STRESS

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore_forcefield.task import ForcefieldSettings


@dataclass(frozen=True)
class Pooled:
    """A metric Σ totals / Σ weights over frames, or its square root.

    Attributes:
        name: Of the metric.
        total: Key of what a frame adds to the numerator.
        weight: Key of what it adds to the denominator.
        unit: Of the metric.
        root: Whether it is the square root.
        direction: Whether lower or higher is better.
        lambench: Whether it is there for comparison with LAMBench's tables alone.
    """

    name: str
    total: str
    weight: str
    unit: str
    root: bool = False
    direction: Literal["lower", "higher"] = "lower"
    lambench: bool = False


METRICS = (
    Pooled("rmse_energy_per_atom", "energy_squared_per_atom", "n_frames", "eV/atom", root=True),
    Pooled("mae_energy_per_atom", "energy_absolute_per_atom", "n_frames", "eV/atom"),
    Pooled("rmse_energy", "energy_squared", "n_frames", "eV", root=True, lambench=True),
    Pooled("mae_energy", "energy_absolute", "n_frames", "eV", lambench=True),
    Pooled("rmse_forces", "force_squared", "force_n_components", "eV/Å", root=True),
    Pooled("mae_forces", "force_absolute", "force_n_components", "eV/Å"),
    Pooled("mae_force_vector", "force_vector", "force_n_atoms", "eV/Å"),
    Pooled("mae_force_magnitude", "force_magnitude", "force_n_atoms", "eV/Å"),
    Pooled("force_cosine", "force_cosine", "force_n_directions", "1", direction="higher"),
    Pooled("rmse_virial_per_atom", "virial_squared_per_atom", "virial_n_components", "eV/atom", root=True),
    Pooled("mae_virial_per_atom", "virial_absolute_per_atom", "virial_n_components", "eV/atom"),
    Pooled("rmse_virial", "virial_squared", "virial_n_components", "eV", root=True, lambench=True),
    Pooled("mae_virial", "virial_absolute", "virial_n_components", "eV", lambench=True),
    Pooled("mae_stress", "virial_stress_absolute_gpa", "virial_n_components", "GPa"),
)


def score_frame(case: Case, output: Mapping[str, Any]) -> dict[str, Any]:
    """Compare one frame with its labels.

    Returns:
        `formula`; `energy_error_ev`, prediction − reference before any shift; sums of errors as `frame_errors`
        describes them, with those of a model of zero forces and zero stress under `dummy`.
    """
    atoms = case.structures[0]
    scores: dict[str, Any] = {"formula": atoms.get_chemical_formula()}
    if (energy := label_of(case, "energy")) is not None:
        scores["energy_error_ev"] = output["energy"] - energy
    return scores | _sums(atoms, output) | {"dummy": zero_sums(atoms)}


def zero_sums(atoms: Atoms) -> dict[str, float]:
    """What a model of zero forces and zero stress adds to the sums: the baseline, from labels alone."""
    return _sums(atoms, {"forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)})


def metrics(scored: Sequence[ScoredCase], settings: ForcefieldSettings) -> list[Metric]:
    """Every metric that the labels of the run allow, and the share of frames that did not fail."""
    energies = shift_energies(scored, settings.bias_in_force, settings.weights_in_force)
    # The labels of failed frames, which have no scores to keep their sums.
    of_failed = {one.case.id: zero_sums(one.case.structures[0]) for one in scored if one.scores is None}
    groups = groups_of(scored)
    found = []
    for spec in METRICS:
        if spec.lambench and not settings.is_lambench:
            continue
        is_energy = spec.weight == "n_frames"
        shown, dummy = (_energy_parts if is_energy else _other_parts)(spec, scored, energies, of_failed)
        if not dummy and not (is_energy and any(label_of(one.case, "energy") is not None for one in scored)):
            continue
        metric = pooled_mean(
            shown,
            name=spec.name,
            total=spec.total,
            weight=spec.weight,
            unit=spec.unit,
            dummy=dummy,
            root=spec.root,
            direction=spec.direction,
            failures="excluded" if settings.is_lambench else "dummy",
            groups=groups,
        )
        said = f"the dummy knows the composition; {energies.note}" if is_energy else "the dummy is zero everywhere"
        found.append(replace(metric, note=f"{metric.note}; {said}"))
    return [*found, success_rate(scored)]


def groups_of(scored: Sequence[ScoredCase]) -> dict[str, str] | None:
    """What each frame belongs to, by case id; None where no dataset says."""
    if not any("group" in one.case.settings for one in scored):
        return None
    return {one.case.id: str(one.case.settings.get("group", one.case.id)) for one in scored}


def _energy_parts(
    spec: Pooled, scored: Sequence[ScoredCase], energies: Energies, _: Mapping[str, Any]
) -> tuple[list[ScoredCase], dict[str, tuple[float, float]]]:
    """What each frame and its dummy add to a metric of energies; frames that cannot be judged have no dummy."""

    def total(case_id: str, error_ev: float) -> float:
        error = error_ev / energies.n_atoms[case_id] if spec.total.endswith("per_atom") else error_ev
        return error**2 if spec.root else abs(error)

    dummy = {case_id: (total(case_id, error), 1.0) for case_id, error in energies.dummy_ev.items()}
    shown = []
    for one in scored:
        error = energies.errors_ev.get(one.case.id)
        parts = None if error is None else {spec.total: total(one.case.id, error), spec.weight: 1.0}
        shown.append(replace(one, scores=parts))
    return shown, dummy


def _other_parts(
    spec: Pooled, scored: Sequence[ScoredCase], _: Energies, of_failed: Mapping[str, Mapping[str, float]]
) -> tuple[list[ScoredCase], dict[str, tuple[float, float]]]:
    """What each frame and its dummy add to a metric of forces or stress; frames without the label have no dummy."""
    dummy = {}
    for one in scored:
        sums = of_failed[one.case.id] if one.scores is None else one.scores["dummy"]
        if spec.total in sums:
            dummy[one.case.id] = sums[spec.total], sums[spec.weight]
    return list(scored), dummy


def _sums(atoms: Atoms, output: Mapping[str, Any]) -> dict[str, float]:
    sums: dict[str, float] = {}
    if FORCES in atoms.arrays:
        forces = frame_errors.force_sums(np.asarray(output["forces"]), atoms.arrays[FORCES])
        sums |= {f"force_{name}": value for name, value in forces.items()}
    if STRESS in atoms.info and output.get("stress") is not None:
        stress = frame_errors.stress_sums(
            np.asarray(output["stress"]), np.asarray(atoms.info[STRESS]), atoms.get_volume(), len(atoms)
        )
        sums |= {f"virial_{name}": value for name, value in stress.items()}
    return sums
