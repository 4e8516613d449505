"""Small structures of every kind, made of elements that a model covers, the same in every session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from ase import Atoms
from ase.build import bulk, molecule
from ase.data import atomic_numbers, covalent_radii

from lamcore.errors import UnsupportedStructureError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lamcore.model import Model

PREFERRED_PAIRS: Final = (("Na", "Cl"), ("Mg", "O"), ("Cu", "Au"), ("Al", "Ni"), ("Si", "C"), ("Si", "O"), ("C", "H"))
"""Elements to make crystals of, where a model covers them: compounds or alloys that exist."""
PREFERRED_MOLECULES: Final = ("CH3OH", "H2O", "NH3", "CH4", "CO2", "N2")
_BOND: Final = 1.05
"""Distance of neighbours, in sums of covalent radii."""
_SHEAR: Final = np.array([[1.01, 0.02, 0.03], [0.0, 0.98, 0.01], [0.0, 0.0, 1.015]])
"""A strain without symmetry, so that no two components of a tensor are equal."""
_SCALES: Final = (1.0, 1.05, 0.95, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0)
_MODERATE_EV_ANG: Final = 10.0


@dataclass(frozen=True)
class Structures:
    """Structures for the claims about one model; None where its scope leaves a kind out.

    Attributes:
        crystal: Two elements, four atoms, sheared and rattled: no symmetry.
        one_atom_crystal: One atom that sees only its own images, in a sheared cell.
        large_crystal: As `crystal`, 16 atoms.
        molecule: Three to six atoms, not periodic, no cell.
        slab: Four atoms, periodic in two directions.
        wire: Two atoms, periodic in one direction.
        atom: One atom, no cell.
        refused: Why the model refuses those kinds that its scope covers and that are None all the same.
    """

    crystal: Atoms | None
    one_atom_crystal: Atoms | None
    large_crystal: Atoms | None
    molecule: Atoms | None
    slab: Atoms | None
    wire: Atoms | None
    atom: Atoms | None
    refused: Mapping[str, str] = field(default_factory=dict)

    def by_kind(self) -> Mapping[str, Atoms]:
        """Those that there are."""
        return {kind: atoms for kind, atoms in vars(self).items() if isinstance(atoms, Atoms)}


def make_structures(model: Model) -> Structures:
    """Structures that a model covers.

    Each is scaled, by the factor nearest to one that does it, until no force is above 10 eV/Å: models with a length of
    their own (Lennard-Jones is argon unless told otherwise) are then asked about structures that mean something to
    them. A kind that the model refuses with `UnsupportedStructureError` is left out and named.
    """
    first, second = choose_pair(model.scope.elements)
    atoms_of_pair = _sheared(_rock_salt(first, second).repeat((2, 1, 1)), seed=11)
    made = Structures(
        crystal=atoms_of_pair,
        one_atom_crystal=_sheared(
            element_crystal(max(first, second, key=lambda symbol: bond_ang(symbol, symbol))), seed=12
        ),
        large_crystal=_sheared(_rock_salt(first, second).repeat((2, 2, 2)), seed=13),
        molecule=_molecule(model.scope.elements, first, second),
        slab=_slab(first, second),
        wire=_wire(first, second),
        atom=Atoms(first),
    )
    settled: dict[str, Atoms | None] = {}
    refused: dict[str, str] = {}
    for kind, atoms in made.by_kind().items():
        settled[kind] = None
        if not covers(model, atoms):
            continue
        try:
            settled[kind] = _settled(atoms, model)
        except UnsupportedStructureError as error:
            refused[kind] = str(error)
    return Structures(**settled, refused=refused)


def covers(model: Model, atoms: Atoms) -> bool:
    """Whether a structure is in a model's scope."""
    try:
        model.scope.check(atoms)
    except UnsupportedStructureError:
        return False
    return True


def choose_pair(elements: frozenset[str] | None) -> tuple[str, str]:
    """Two elements that a model covers, the same one twice if it covers only one."""
    for pair in PREFERRED_PAIRS:
        if elements is None or set(pair) <= elements:
            return pair
    first, *others = sorted(elements or ("Cu",))
    return first, (others or [first])[0]


def bond_ang(first: str, second: str) -> float:
    """A sensible distance of two atoms, Å."""
    radii = [float(covalent_radii[atomic_numbers[symbol]]) for symbol in (first, second)]
    return _BOND * sum(radii)


def dimer(first: str, second: str, distance_ang: float) -> Atoms:
    """Two atoms along no axis of the coordinate system, not periodic."""
    direction = np.array([1.0, 2.0, -1.5]) / np.linalg.norm([1.0, 2.0, -1.5])
    return Atoms([first, second], positions=[np.zeros(3), distance_ang * direction])


def element_crystal(symbol: str) -> Atoms:
    """One atom in a face-centred cubic cell; small atoms are kept 2 Å apart, so that they have few neighbours."""
    return bulk(symbol, "fcc", a=2**0.5 * max(2.0, bond_ang(symbol, symbol)))


def rotation_matrix(axis: ArrayLike, angle_deg: float) -> NDArray[np.float64]:
    """The matrix R of a rotation about an axis; row vectors turn as v @ R.T (Rodrigues' formula)."""
    x, y, z = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.deg2rad(angle_deg)
    matrix: NDArray[np.float64] = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix


def _settled(atoms: Atoms, model: Model) -> Atoms:
    """The structure at the scale nearest to one at which the model's forces are moderate."""
    best, lowest = atoms, np.inf
    for scale in _SCALES:
        scaled = atoms.copy()
        scaled.positions *= scale
        scaled.cell *= scale
        (prediction,) = model.evaluate([scaled])
        force = float(np.max(np.abs(prediction.forces)))
        if prediction.stress is not None:
            stress = np.asarray(prediction.stress)
            force = max(force, float(np.max(np.abs(stress))) * scaled.get_volume() ** (2 / 3))
        if force < lowest:
            best, lowest = scaled, force
        if force < _MODERATE_EV_ANG:
            break
    return best


def _rock_salt(first: str, second: str) -> Atoms:
    a = 2 * bond_ang(first, second)
    cell = np.array([[0, a, a], [a, 0, a], [a, a, 0]]) / 2
    return Atoms([first, second], scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=cell, pbc=True)


def _sheared(atoms: Atoms, seed: int) -> Atoms:
    changed: Atoms = atoms.copy()
    changed.set_cell(atoms.cell.array @ _SHEAR, scale_atoms=True)
    changed.positions += np.random.default_rng(seed).normal(scale=0.04, size=(len(atoms), 3))
    return changed


def _molecule(elements: frozenset[str] | None, first: str, second: str) -> Atoms:
    for name in PREFERRED_MOLECULES:
        atoms: Atoms = molecule(name)
        if elements is None or set(atoms.symbols) <= elements:
            break
    else:
        length = bond_ang(first, second)
        corners = length / 2**0.5 * np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
        atoms = Atoms([first, second, second, first], positions=corners)
    atoms.positions += np.random.default_rng(14).normal(scale=0.03, size=(len(atoms), 3))
    return atoms


def _slab(first: str, second: str) -> Atoms:
    a = bond_ang(first, second)
    atoms = Atoms(
        [first, second, second, first],
        positions=a * np.array([[0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 1.0]]),
        cell=[[2 * a, 0, 0], [a, a, 0], [0, 0, a + 14.0]],
        pbc=(True, True, False),
    )
    atoms.positions += np.random.default_rng(15).normal(scale=0.05, size=(4, 3))
    return atoms


def _wire(first: str, second: str) -> Atoms:
    a = bond_ang(first, second)
    atoms = Atoms(
        [first, second], positions=[[0, 0, 0], [a, 0.2, 0]], cell=[2 * a, 15.0, 15.0], pbc=(True, False, False)
    )
    atoms.positions += np.random.default_rng(16).normal(scale=0.05, size=(2, 3))
    return atoms
