"""From sums over frames to metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcore import Case, Metric, ScoredCase
from lamcore.scoring import label_of, pooled_mean, success_rate
from lamcore_forcefield import frame_errors
from lamcore_forcefield.energies import shift_energies
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
        `composition`; `energy_error_ev`, prediction − reference before any shift; sums of errors as
        `frame_errors` describes them, with the same of a model of zero forces and stress under `dummy`; sums by element
        and by magnitude of the reference force.
    """
    atoms = case.structures[0]
    scores: dict[str, Any] = {"composition": dict(Counter(atoms.get_chemical_symbols()))}
    if (energy := label_of(case, "energy")) is not None:
        scores["energy_error_ev"] = output["energy"] - energy
    scores |= _parts(atoms, output)
    if FORCES in atoms.arrays:
        predicted, reference = np.asarray(output["forces"]), atoms.arrays[FORCES]
        scores["by_element"] = frame_errors.force_sums_by_element(atoms.get_chemical_symbols(), predicted, reference)
        scores["by_magnitude"] = frame_errors.force_sums_by_magnitude(predicted, reference)
        scores["largest_force_component"] = float(max(np.abs(predicted).max(), np.abs(reference).max()))
    scores["dummy"] = zero_parts(atoms)
    return scores


def zero_parts(atoms: Atoms) -> dict[str, float]:
    """What a model of zero forces and zero stress adds to the sums: the baseline, from labels alone."""
    return _parts(atoms, {"forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)})


def metrics(scored: Sequence[ScoredCase], settings: ForcefieldSettings) -> list[Metric]:
    """Every metric that the labels of the run allow, and the share of frames that did not fail."""
    energies = shift_energies(scored, settings.bias_in_force, settings.weights_in_force)
    dummies: dict[str, Mapping[str, float]] = {}
    pooled = []
    for one in scored:
        case_id = one.case.id
        dummies[case_id] = _energy_parts(energies.dummy_ev.get(case_id), energies.n_atoms[case_id]) | (
            zero_parts(one.case.structures[0]) if one.scores is None else one.scores["dummy"]
        )
        if one.scores is not None:
            error = energies.errors_ev.get(case_id)
            pooled.append(replace(one, scores={**one.scores, **_energy_parts(error, energies.n_atoms[case_id])}))
        else:
            pooled.append(one)
    groups = groups_of(scored)
    found = []
    for spec in METRICS:
        dummy = {i: (parts[spec.total], parts[spec.weight]) for i, parts in dummies.items() if spec.total in parts}
        if not _is_labelled(spec, scored, dummy) or (spec.lambench and not settings.is_lambench):
            continue
        metric = pooled_mean(
            pooled,
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
        if spec.total.startswith("energy"):
            metric = replace(metric, note=f"{metric.note}; {energies.note}")
        found.append(metric)
    return [*found, success_rate(scored)]


def groups_of(scored: Sequence[ScoredCase]) -> dict[str, str] | None:
    """What each frame belongs to, by case id; None where no dataset says."""
    if not any("group" in one.case.settings for one in scored):
        return None
    return {one.case.id: str(one.case.settings.get("group", one.case.id)) for one in scored}


def _is_labelled(spec: Pooled, scored: Sequence[ScoredCase], dummy: Mapping[str, Any]) -> bool:
    """Whether the dataset has the labels; energies that no fit can judge give a metric without a value."""
    if spec.total.startswith("energy"):
        return any(label_of(one.case, "energy") is not None for one in scored)
    return bool(dummy)


def _parts(atoms: Atoms, output: Mapping[str, Any]) -> dict[str, float]:
    parts: dict[str, float] = {}
    if FORCES in atoms.arrays:
        sums = frame_errors.force_sums(np.asarray(output["forces"]), atoms.arrays[FORCES])
        parts |= {f"force_{name}": value for name, value in sums.items()}
    if STRESS in atoms.info and output.get("stress") is not None:
        sums = frame_errors.stress_sums(
            np.asarray(output["stress"]), np.asarray(atoms.info[STRESS]), atoms.get_volume(), len(atoms)
        )
        parts |= {f"virial_{name}": value for name, value in sums.items()}
    return parts


def _energy_parts(error_ev: float | None, n_atoms: int) -> dict[str, float]:
    if error_ev is None:
        return {}
    return {
        "n_frames": 1.0,
        "energy_squared": error_ev**2,
        "energy_absolute": abs(error_ev),
        "energy_squared_per_atom": (error_ev / n_atoms) ** 2,
        "energy_absolute_per_atom": abs(error_ev) / n_atoms,
    }
