"""The relaxation of one crystal, atoms and cell, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.quantities import GPA_PER_EV_ANG3
from lamcore_crystal.findings import Finding
from lamcore_crystal.openlam import relax_like_openlam

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore import Model
    from lamcore_crystal.rounds import RelaxationRules

_CODES = {
    "RelaxationExplodedError": "E_EXPLODED",
    "NotFiniteError": "E_NOT_FINITE",
    "UnsupportedStructureError": "E_UNSUPPORTED",
}


def relax_crystal(atoms: Atoms, model: Model, rules: RelaxationRules) -> dict[str, Any]:
    """Relax atoms and cell, and tell where that ended.

    Returns:
        `numbers`, `cell_ang` (3, 3), `fractional` (n_atoms, 3), `energy_ev` of the cell, `n_steps`, `converged`,
        `residual_ev_ang` (longest row of the generalised forces), `max_force_ev_ang` (longest force on an atom),
        `max_stress_gpa` (largest component) and `volume_ratio` (after / before).

    Raises:
        RelaxationExplodedError: The relaxation left what is physical.
        CaseError: The model refuses the structure.
    """
    from lamcore import relax

    if rules.optimizer == "openlam-1":
        return relax_like_openlam(atoms, model)
    end = relax(
        atoms,
        model,
        optimizer=rules.optimizer,
        cell="frechet",
        fmax=rules.fmax,
        max_steps=rules.max_steps,
        max_stress_gpa=rules.max_stress_gpa,
    )
    assert end.stress is not None
    return {
        "numbers": np.asarray(end.atoms.numbers),
        "cell_ang": np.asarray(end.atoms.cell.array),
        "fractional": end.atoms.get_scaled_positions(wrap=True),
        "energy_ev": float(end.energy),
        "n_steps": end.n_steps,
        "converged": end.converged,
        "residual_ev_ang": float(end.residual),
        "max_force_ev_ang": float(np.linalg.norm(end.forces, axis=1).max()),
        "max_stress_gpa": float(np.abs(end.stress).max() * GPA_PER_EV_ANG3),
        "volume_ratio": float(end.atoms.get_volume() / atoms.get_volume()),
    }


def what_is_wrong(output: Mapping[str, Any], rules: RelaxationRules) -> Finding | None:
    """Why a relaxation that ended does not count; None where it does."""
    if not output["residual_ev_ang"] < rules.fmax:  # so is what is not a number
        return Finding(
            "E_UNCONVERGED",
            "error",
            f"after {output['n_steps']} steps a row of the generalised forces is {output['residual_ev_ang']:.3g} eV/Å "
            f"long, expected less than {rules.fmax:g} eV/Å",
            {"residual_ev_ang": output["residual_ev_ang"], "n_steps": output["n_steps"]},
        )
    if not output["max_stress_gpa"] <= rules.max_stress_gpa:
        return Finding(
            "E_STRESS",
            "error",
            f"after {output['n_steps']} steps the stress is {output['max_stress_gpa']:.3g} GPa, expected at most "
            f"{rules.max_stress_gpa:g} GPa",
            {"max_stress_gpa": output["max_stress_gpa"]},
        )
    low, high = rules.volume_ratio
    if not low <= output["volume_ratio"] <= high:
        return Finding(
            "E_VOLUME_CHANGE",
            "error",
            f"the volume is {output['volume_ratio']:.3g} times what it was, expected {low:g} to {high:g}",
            {"volume_ratio": output["volume_ratio"]},
        )
    return None


def failure_finding(kind: str, message: str) -> Finding:
    """What a relaxation that gave no end stands for.

    Args:
        kind: The class of the exception, as in `lamcore.records.Failure`.
        message: Its message.
    """
    code = _CODES.get(kind, "E_MODEL")
    if code == "E_EXPLODED" and "not finite" in message:
        code = "E_NOT_FINITE"
    return Finding(code, "error", message, {"exception": kind})


def unphysical_energy(formation_energy_per_atom: float, rules: RelaxationRules) -> Finding | None:
    """Why a formation energy, eV/atom, is not believed; None where it is."""
    low, high = rules.formation_energy
    if low <= formation_energy_per_atom <= high:
        return None
    return Finding(
        "E_FORMATION_ENERGY",
        "error",
        f"the formation energy is {formation_energy_per_atom:.4g} eV/atom, expected {low:g} to {high:g} eV/atom",
        {"formation_energy_per_atom": formation_energy_per_atom},
    )
