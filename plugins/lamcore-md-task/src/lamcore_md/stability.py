"""When a trajectory is no longer a trajectory, and how unstable one is that reached its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from ase import units
from ase.neighborlist import neighbor_list

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

LAMBENCH_UNIT_PS: Final = 1 / units.fs
"""LAMBench's drift is the change of energy in 1000 of ASE's units of time, which are 10.18 ps; it calls them 1 ps."""
LAMBENCH_TOLERANCE: Final = 5e-4
"""eV/atom in 10.18 ps."""
TOLERANCE_EV_PER_ATOM_PS: Final = LAMBENCH_TOLERANCE / LAMBENCH_UNIT_PS
"""The same in eV/atom/ps: 4.911e-5."""
WORST_INSTABILITY: Final = 5.0
"""Of a trajectory that did not reach its end, and at most of one that did."""


def instability(drift_ev_per_atom_ps: float, tolerance_ev_per_atom_ps: float = TOLERANCE_EV_PER_ATOM_PS) -> float:
    """log₁₀(|drift| / tolerance), at least 0 and at most 5.

    Args:
        drift_ev_per_atom_ps: Slope of the total energy, eV/atom/ps.
        tolerance_ev_per_atom_ps: Drift that is as good as none, eV/atom/ps.

    Raises:
        ValueError: The drift is not finite; a trajectory without a drift is a failed one.
    """
    if not math.isfinite(drift_ev_per_atom_ps):
        raise ValueError(f"the drift is {drift_ev_per_atom_ps}, expected a finite number")
    ratio = abs(drift_ev_per_atom_ps) / tolerance_ev_per_atom_ps
    return 0.0 if ratio <= 1 else min(WORST_INSTABILITY, math.log10(ratio))


def lone_atoms(atoms: Atoms, distance_ang: float) -> NDArray[np.bool_]:
    """Which atoms have no other atom, nor an image of another, within a distance.

    Args:
        atoms: The structure; its own images do not keep an atom company.
        distance_ang: Å.

    Returns:
        Shape (n_atoms,).
    """
    centres, others = neighbor_list("ij", atoms, distance_ang)
    is_lone = np.ones(len(atoms), dtype=bool)
    is_lone[centres[centres != others]] = False
    return is_lone


def rms_displacement_ang(positions: NDArray[np.float64], start: NDArray[np.float64]) -> float:
    """Root of the mean squared distance of atoms from where they were, Å; both of shape (n_atoms, 3), not wrapped."""
    return float(np.sqrt(np.mean(np.sum((positions - start) ** 2, axis=1))))
