"""The relaxation of OpenLAM's `lam_optimize`, for numbers that are to be compared with its own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.quantities import GPA_PER_EV_ANG3

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore import Model

_FMAX = 1e-4
_MAX_STEPS = 200


def relax_like_openlam(atoms: Atoms, model: Model) -> dict[str, Any]:
    """Relax atoms and cell with ASE's BFGS and ExpCellFilter: 1e-4 eV/Å or 200 steps, whichever comes first.

    Returns:
        As `relaxing.relax_crystal`, but that `residual_ev_ang` is the largest component of a force on an atom, which is
        all that OpenLAM looks at in the end.

    Source:
        deepmodeling/openlam at 9c76127; arXiv:2501.16358.
    """
    from ase.filters import ExpCellFilter
    from ase.optimize import BFGS

    from lamcore.calculator import ModelCalculator

    moved = atoms.copy()
    moved.calc = ModelCalculator(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ASE prefers another filter, as the default here does
        cell_and_atoms = ExpCellFilter(moved)
    optimizer = BFGS(cell_and_atoms, logfile=None)
    converged = bool(optimizer.run(fmax=_FMAX, steps=_MAX_STEPS))
    forces, stress = moved.get_forces(), moved.get_stress()
    return {
        "numbers": np.asarray(moved.numbers),
        "cell_ang": np.asarray(moved.cell.array),
        "fractional": moved.get_scaled_positions(wrap=True),
        "energy_ev": float(moved.get_potential_energy()),
        "n_steps": int(optimizer.get_number_of_steps()),
        "converged": converged,
        "residual_ev_ang": float(np.abs(forces).max()),
        "max_force_ev_ang": float(np.linalg.norm(forces, axis=1).max()),
        "max_stress_gpa": float(np.abs(stress).max() * GPA_PER_EV_ANG3),
        "volume_ratio": float(moved.get_volume() / atoms.get_volume()),
    }
