"""The charge and the spin multiplicity of structures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.errors import UnsupportedStructureError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


def charges_and_multiplicities(structures: Sequence[Atoms]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Charges (e) and multiplicities (2S+1) from `info["charge"]` and `info["spin"]`, each of shape (n_structures,).

    Without a charge a structure is neutral; without a multiplicity it has the lowest that its electrons allow.

    Raises:
        UnsupportedStructureError: One is not a whole number, or no such number of electrons has such a multiplicity.
    """
    pairs = [_charge_and_multiplicity(atoms) for atoms in structures]
    charges, multiplicities = np.array(pairs, dtype=np.float64).T.copy()
    return charges, multiplicities


def _charge_and_multiplicity(atoms: Atoms) -> tuple[int, int]:
    charge = _whole(atoms, "charge", 0)
    electrons = int(atoms.numbers.sum()) - charge
    multiplicity = _whole(atoms, "spin", 1 + electrons % 2)
    unpaired = multiplicity - 1
    if not 0 <= unpaired <= electrons or (electrons - unpaired) % 2:
        raise UnsupportedStructureError(
            f"{atoms.get_chemical_formula()}: charge {charge} leaves {electrons} electrons, which cannot have the "
            f"multiplicity {multiplicity} of info['spin']; expected 2S+1, {1 + electrons % 2} or more by twos"
        )
    return charge, multiplicity


def _whole(atoms: Atoms, name: str, default: int) -> int:
    value: Any = atoms.info.get(name, default)
    if not isinstance(value, int | float | np.integer | np.floating) or not float(value).is_integer():
        raise UnsupportedStructureError(
            f"{atoms.get_chemical_formula()}: info[{name!r}] is {value!r}, expected a whole number"
        )
    return int(value)
