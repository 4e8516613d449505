"""The constraints that relaxations and dynamics keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.constraints import FixAtoms

from lamcore.errors import ConstraintError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


def fixed_atoms(atoms: Atoms) -> NDArray[np.intp]:
    """Indices of the atoms that FixAtoms constraints hold, sorted, shape (n_fixed,).

    Raises:
        ConstraintError: There is another constraint, which would be ignored.
    """
    fixed = np.zeros(len(atoms), dtype=bool)
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms):
            raise ConstraintError(
                f"{atoms.get_chemical_formula()}: constraint {type(constraint).__name__}, expected FixAtoms only; "
                "remove it, or use an ASE optimizer with model.calculator()"
            )
        fixed[constraint.index] = True
    return np.flatnonzero(fixed)
