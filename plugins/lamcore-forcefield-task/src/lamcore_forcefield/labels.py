"""Where a frame carries its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.errors import DataError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

FORCES = "reference_forces"
STRESS = "reference_stress"
_KEPT_ARRAYS = ("tags", "initial_magmoms")
_KEPT_INFO = ("charge", "spin")


def without_labels(atoms: Atoms) -> Atoms:
    """The structure as a model may see it: species, positions, cell, charge, spin, and what some models take beside."""
    from ase import Atoms as NewAtoms

    bare = NewAtoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    for name in _KEPT_ARRAYS:
        if name in atoms.arrays:
            bare.set_array(name, atoms.arrays[name])
    bare.info = {name: atoms.info[name] for name in _KEPT_INFO if name in atoms.info}
    return bare


def labelled(atoms: Atoms, where: str, *, forces: Any, stress: Any, charge: Any = None, spin: Any = None) -> Atoms:
    """A frame with its labels where the task looks for them.

    Args:
        atoms: The structure; what else it carries is left behind.
        where: What to call the frame in messages.
        forces: eV/Å, shape (n_atoms, 3), or None.
        stress: eV/Å³, tension positive, as nine numbers, (3, 3), or six in Voigt order xx yy zz yz xz xy; or None.
        charge: Total charge, e; a whole number, or None where not stated.
        spin: Spin multiplicity, 1 for a singlet, or None where not stated.

    Raises:
        DataError: A label has the wrong shape or is not finite.
    """
    atoms.info = {name: value for name, value in (("charge", charge), ("spin", spin)) if value is not None}
    for name, value in atoms.info.items():
        atoms.info[name] = _whole(name, value, where)
    if atoms.info.get("spin", 1) < 1:
        raise DataError(f"{where}: spin is {atoms.info['spin']}, expected a multiplicity: 1 for a singlet")
    frame = without_labels(atoms)
    if forces is not None:
        frame.set_array(FORCES, finite(forces, "forces", where, (len(atoms), 3)))
    if stress is not None:
        if not frame.pbc.all():
            raise DataError(
                f"{where}: has a stress but pbc {frame.pbc.tolist()}, expected periodic in all "
                "directions; dataset.stress_key=null and dataset.virial_key=null leave it unread"
            )
        frame.info[STRESS] = voigt_stress(stress, where).tolist()
    return frame


def finite(value: Any, name: str, where: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """An array of numbers of a shape.

    Raises:
        DataError: It has another shape, or a number is not finite.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {name} is {value!r}, expected numbers of shape {shape}") from error
    if array.shape != shape:
        raise DataError(f"{where}: {name} has shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise DataError(
            f"{where}: {name} is not finite in {int(np.sum(~np.isfinite(array)))} of {array.size} values; "
            "take the frame out of the file"
        )
    return array


def voigt_stress(stress: Any, where: str) -> NDArray[np.float64]:
    """Voigt components xx yy zz yz xz xy; of a full tensor its symmetric part.

    Raises:
        DataError: It is neither six numbers nor a (3, 3) tensor, or is not finite.
    """
    array = np.asarray(stress, dtype=np.float64)
    if array.shape == (6,):
        return finite(array, "stress", where, (6,))
    if array.shape not in ((9,), (3, 3)):
        raise DataError(
            f"{where}: stress has shape {array.shape}, expected (3, 3), nine numbers, or six as xx yy zz yz xz xy"
        )
    full = finite(array.reshape(3, 3), "stress", where, (3, 3))
    full = (full + full.T) / 2
    return np.array([full[0, 0], full[1, 1], full[2, 2], full[1, 2], full[0, 2], full[0, 1]])


def stress_of_virial(virial: Any, volume_ang3: float, where: str) -> NDArray[np.float64]:
    """Stress, eV/Å³ in Voigt order, of a virial W = −σV in eV.

    Raises:
        DataError: As `voigt_stress`, or the cell has no volume.
    """
    if not volume_ang3 > 0:
        raise DataError(
            f"{where}: has a virial but a cell of volume {volume_ang3:g} Å³; dataset.virial_key=null leaves it unread"
        )
    return -voigt_stress(virial, where) / volume_ang3


def _whole(name: str, value: Any, where: str) -> int:
    number = float(finite(value, name, where, ()))
    if number != round(number):
        raise DataError(f"{where}: {name} is {number:g}, expected a whole number")
    return round(number)
