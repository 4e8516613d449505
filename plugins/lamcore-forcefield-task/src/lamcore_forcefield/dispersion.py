"""Grimme's D3 dispersion for models whose labels have it and whose training data had not.

The program is s-dftd3 with its own parameters, three-body term included.

Source:
    S. Grimme, J. Antony, S. Ehrlich, H. Krieg, J. Chem. Phys. 132, 154104 (2010), doi:10.1063/1.3382344; rational
    damping: S. Grimme, S. Ehrlich, L. Goerigk, J. Comput. Chem. 32, 1456 (2011), doi:10.1002/jcc.21759.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ase import Atoms

Dispersion = Literal["none", "pbe-zero", "pbe-bj"]
_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


@dataclass(frozen=True)
class DispersionTerm:
    """What dispersion adds: energy (eV), forces (eV/Å), and stress (eV/Å³, Voigt) where all directions are periodic."""

    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64] | None


def dispersion(atoms: Atoms, damping: Literal["pbe-zero", "pbe-bj"]) -> DispersionTerm:
    """The dispersion term of a structure with the parameters for PBE.

    Args:
        atoms: The structure.
        damping: Damping to zero (`pbe-zero`) or that of Becke and Johnson (`pbe-bj`).

    Raises:
        ImportError: The package dftd3 is not installed.
    """
    from ase.units import Bohr, Hartree
    from dftd3.interface import DispersionModel, RationalDampingParam, ZeroDampingParam

    parameters: dict[str, Any] = {"pbe-zero": ZeroDampingParam, "pbe-bj": RationalDampingParam}
    model = DispersionModel(atoms.numbers, atoms.positions / Bohr, atoms.cell.array / Bohr, atoms.pbc)
    result = model.get_dispersion(parameters[damping](method="pbe"), grad=True)
    stress = None
    if atoms.pbc.all():
        strain_derivative = result["virial"] * Hartree / atoms.get_volume()
        stress = np.array([strain_derivative[row, column] for row, column in _VOIGT])
    return DispersionTerm(
        energy=float(result["energy"]) * Hartree,
        forces=-np.asarray(result["gradient"]) * Hartree / Bohr,
        stress=stress,
    )
