"""Harmonic phonons by finite displacements: structures and forces in, frequencies and thermal properties out.

Frequencies are in THz, imaginary ones negative. Sums are per primitive cell.

Source:
    A. Togo, L. Chaput, T. Tadano and I. Tanaka, J. Phys.: Condens. Matter 35, 353001 (2023),
    doi:10.1088/1361-648X/acd831.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from ase import Atoms

from lamcore.quantities import GAS_CONSTANT_J_MOL_K, KELVIN_PER_THZ

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms


@dataclass(frozen=True)
class MeshSampling:
    """Frequencies on a mesh of the Brillouin zone, reduced by symmetry.

    Attributes:
        numbers: Mesh divisions, shape (3,): along the three reciprocal vectors of the primitive cell if `regular`,
            else along the grid's own vectors; their product is the number of points of the full mesh either way.
        regular: Whether the points are those of the primitive cell's own regular mesh, N1 × N2 × N3.
        qpoints: In reciprocal vectors of the primitive cell, shape (n_qpoints, 3).
        weights: How many points of the full mesh each one stands for, shape (n_qpoints,).
        frequencies_thz: Shape (n_qpoints, n_modes).
    """

    numbers: NDArray[np.int64]
    regular: bool
    qpoints: NDArray[np.float64]
    weights: NDArray[np.int64]
    frequencies_thz: NDArray[np.float64]


@dataclass(frozen=True)
class ThermalProperties:
    """Harmonic thermal properties at constant volume, per mole of primitive cells.

    Attributes:
        entropy_j_per_mol_k: J/mol/K.
        free_energy_kj_per_mol: Helmholtz energy of the vibrations with the zero-point energy, kJ/mol.
        heat_capacity_j_per_mol_k: J/mol/K.
    """

    entropy_j_per_mol_k: float
    free_energy_kj_per_mol: float
    heat_capacity_j_per_mol_k: float


@dataclass(frozen=True)
class BandStructure:
    """Frequencies along a path through points of high symmetry.

    Attributes:
        distances: Along the path in 1/Å (without 2π), shape (n_points,).
        frequencies_thz: Shape (n_points, n_modes).
        segment_lengths: How many points each straight part has; they sum up to n_points.
        labels: For each part, the names of its two ends.
    """

    distances: NDArray[np.float64]
    frequencies_thz: NDArray[np.float64]
    segment_lengths: list[int]
    labels: list[tuple[str, str]]


def prepare(
    atoms: Atoms,
    supercell_matrix: ArrayLike,
    primitive_matrix: ArrayLike | Literal["auto"] = "auto",
    displacement_ang: float = 0.01,
    symprec_ang: float = 1e-5,
) -> tuple[Phonopy, list[Atoms]]:
    """Set up the displaced supercells of a crystal.

    Args:
        atoms: The unit cell at rest, Å.
        supercell_matrix: Integers, shape (3, 3): columns give the supercell's vectors in those of the unit cell.
        primitive_matrix: Shape (3, 3) in the same sense, or `auto`.
        displacement_ang: Length of the displacements, along the cell's vectors only, Å.
        symprec_ang: Distance within which two positions count as symmetric images, Å.

    Returns:
        The phonopy object, and the supercells to compute forces of.
    """
    from lamcore_phonon.permutations import FastPhonopy

    with warnings.catch_warnings():
        # A supercell of lower symmetry than the crystal is legitimate; `sample_mesh` takes it into account.
        warnings.filterwarnings("ignore", message="Warning: Point group symmetries", category=UserWarning)
        # `auto` was asked for.
        warnings.filterwarnings("ignore", message="primitive_matrix defaulted to 'auto'", category=UserWarning)
        phonon = FastPhonopy(
            to_phonopy(atoms),
            supercell_matrix=np.asarray(supercell_matrix, dtype=int),
            primitive_matrix="auto" if isinstance(primitive_matrix, str) else np.asarray(primitive_matrix),
            symprec=symprec_ang,
        )
    phonon.generate_displacements(distance=displacement_ang, is_diagonal=False)
    supercells = phonon.supercells_with_displacements
    assert supercells is not None
    return phonon, [from_phonopy(cell) for cell in supercells]


def solve_force_constants(phonon: Phonopy, forces: Sequence[NDArray[np.float64]]) -> None:
    """Fit the force constants to the forces of the displaced supercells.

    The mean force of each supercell is taken off first: it is a drift, since displacing atoms against each other
    puts no net force on a crystal. Translational and permutation symmetry are then imposed on the force constants.

    Args:
        phonon: What `prepare` returned; it is changed in place.
        forces: eV/Å, one array of shape (n_atoms, 3) for each supercell.
    """
    array = np.asarray(forces, dtype=float)
    phonon.forces = array - array.mean(axis=1, keepdims=True)
    phonon.produce_force_constants(calculate_full_force_constants=False, show_drift=False)
    phonon.symmetrize_force_constants(show_drift=False)


def sample_mesh(phonon: Phonopy, length_ang: float, respect_supercell: bool = True) -> MeshSampling:
    """Frequencies on a mesh that contains Γ.

    Where the regular mesh of the primitive cell lacks the crystal's symmetry, as for most body-centred cells, phonopy
    takes the regular mesh of the conventional cell instead, a generalised regular grid of similar density; where there
    is none either, it reduces the regular mesh by time reversal only.

    Args:
        phonon: With force constants.
        length_ang: N = length × |a*| divisions along each reciprocal vector a* (1/Å, without 2π), at least 1.
        respect_supercell: Reduce the mesh by the crystal's symmetry only where the supercell has it too, since the
            force constants have no more symmetry than the supercell. phonopy alone does not ask.
    """
    n_operations = [len(s.pointgroup_operations) for s in (phonon.symmetry, phonon.primitive_symmetry)]
    with warnings.catch_warnings():
        # Of a mesh that is not the regular one; `regular` says so.
        warnings.filterwarnings("ignore", message=r"Mesh \[", category=RuntimeWarning)
        mesh = phonon.run_mesh(length_ang, is_mesh_symmetry=n_operations[0] == n_operations[1] or not respect_supercell)
    return MeshSampling(
        numbers=np.array(mesh.mesh_numbers),
        regular=_are_integers(np.array(mesh.qpoints) * mesh.mesh_numbers),
        qpoints=np.array(mesh.qpoints),
        weights=np.array(mesh.weights),
        frequencies_thz=np.array(mesh.frequencies),
    )


def commensurate_points(phonon: Phonopy) -> NDArray[np.float64]:
    """All q-points whose waves fit into the supercell, where finite displacements are exact.

    Returns:
        In reciprocal vectors of the primitive cell, shape (n_cells, 3), n_cells = primitive cells in the supercell.
    """
    matrix = np.linalg.solve(phonon.primitive_matrix, phonon.supercell_matrix)
    return _commensurate_points(np.rint(matrix).astype(int))


def lambench_points(phonon: Phonopy) -> NDArray[np.float64]:
    """The q-points at which LAMBench looks for the highest frequency.

    They are the commensurate points of the supercell relative to the *unit* cell, taken as if they were in reciprocal
    vectors of the *primitive* cell. Where the two cells differ, some of the points that fit into the supercell are
    missing, and the top of the bands with them.

    Returns:
        Shape (n_cells, 3), n_cells = unit cells in the supercell.
    """
    return _commensurate_points(phonon.supercell_matrix)


def frequencies_at(phonon: Phonopy, qpoints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies at q-points in reciprocal vectors of the primitive cell, THz, shape (n_qpoints, n_modes)."""
    return np.array(phonon.run_qpoints(qpoints).frequencies)


def without_acoustic_at_gamma(
    qpoints: NDArray[np.float64], frequencies_thz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The same frequencies with the three acoustic modes at Γ set to the zero that they are.

    Computed, they are rounding noise of either sign, and a mode of 1e-7 THz has a large entropy. They are taken to be
    the three of smallest size, so that a soft optical mode stays.
    """
    frequencies = frequencies_thz.copy()
    for index in np.flatnonzero(np.all(np.abs(qpoints - np.rint(qpoints)) < 1e-9, axis=1)):
        frequencies[index, np.argsort(np.abs(frequencies[index]))[:3]] = 0.0
    return frequencies


def thermal_properties(
    frequencies_thz: NDArray[np.float64],
    weights: NDArray[np.int64],
    temperature_k: float,
    cutoff_thz: float = 0.0,
) -> ThermalProperties:
    """Entropy, free energy and heat capacity of independent quantum oscillators.

    Args:
        frequencies_thz: Shape (n_qpoints, n_modes).
        weights: Shape (n_qpoints,).
        temperature_k: Above zero.
        cutoff_thz: Modes at or below it are left out, imaginary ones in any case; the sums are still divided by all
            the mesh's points.

    Raises:
        ValueError: The temperature is not above zero.

    Source:
        A. A. Maradudin et al., Theory of Lattice Dynamics in the Harmonic Approximation, 2nd ed. (1971), sec. II.7.
    """
    if not temperature_k > 0:
        raise ValueError(f"temperature is {temperature_k} K, expected a value above zero")
    counted = frequencies_thz > max(cutoff_thz, 0.0)
    x = frequencies_thz[counted] * (KELVIN_PER_THZ / temperature_k)
    share = np.broadcast_to(weights[:, None], frequencies_thz.shape)[counted] / weights.sum()
    decay = np.exp(-x)
    one_minus_decay = -np.expm1(-x)
    log_term = np.log(one_minus_decay)
    occupation = decay / one_minus_decay
    free_energy = np.sum(share * (x / 2 + log_term))
    entropy = np.sum(share * (x * occupation - log_term))
    heat_capacity = np.sum(share * x**2 * occupation / one_minus_decay)
    return ThermalProperties(
        entropy_j_per_mol_k=float(GAS_CONSTANT_J_MOL_K * entropy),
        free_energy_kj_per_mol=float(GAS_CONSTANT_J_MOL_K * temperature_k * free_energy / 1e3),
        heat_capacity_j_per_mol_k=float(GAS_CONSTANT_J_MOL_K * heat_capacity),
    )


def imaginary_share(frequencies_thz: NDArray[np.float64], weights: NDArray[np.int64], tolerance_thz: float) -> float:
    """The share of modes of the full mesh below −tolerance."""
    per_point = np.sum(frequencies_thz < -tolerance_thz, axis=1)
    return float(per_point @ weights / (weights.sum() * frequencies_thz.shape[1]))


def band_structure(phonon: Phonopy, points_per_segment: int = 51) -> BandStructure:
    """Frequencies along the path that seekpath suggests.

    Args:
        phonon: With force constants.
        points_per_segment: On the longest straight part; shorter ones get fewer, at the same spacing.

    Source:
        Y. Hinuma, G. Pizzi, Y. Kumagai, F. Oba and I. Tanaka, Comput. Mater. Sci. 128, 140 (2017),
        doi:10.1016/j.commatsci.2016.10.015.
    """
    from phonopy.phonon.band_structure import get_band_qpoints_by_seekpath

    segments, labels, connected = get_band_qpoints_by_seekpath(
        phonon.primitive, points_per_segment, is_const_interval=True
    )
    bands = phonon.run_band_structure(segments, path_connections=connected, labels=labels)
    ends = iter(labels)
    pairs = []
    start = next(ends)
    for index, is_connected in enumerate(connected):
        end = next(ends)
        pairs.append((start, end))
        if index + 1 < len(connected):
            start = end if is_connected else next(ends)
    return BandStructure(
        distances=np.concatenate(bands.distances),
        frequencies_thz=np.concatenate(bands.frequencies),
        segment_lengths=[len(segment) for segment in segments],
        labels=pairs,
    )


def density_of_states(phonon: Phonopy) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Density of states by the tetrahedron method on the mesh of the last `sample_mesh`.

    Returns:
        Frequencies in THz and states per THz and primitive cell, both of shape (n_points,).
    """
    dos = phonon.run_total_dos()
    return np.array(dos.frequency_points), np.array(dos.dos)


def to_phonopy(atoms: Atoms) -> PhonopyAtoms:
    """A structure for phonopy, which has its own table of masses unless the structure sets them."""
    from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(
        symbols=atoms.get_chemical_symbols(),
        cell=atoms.cell.array,
        scaled_positions=atoms.get_scaled_positions(wrap=False),
        masses=atoms.get_masses() if atoms.has("masses") else None,
    )


def from_phonopy(cell: PhonopyAtoms) -> Atoms:
    """A structure from phonopy, periodic in all directions."""
    return Atoms(numbers=cell.numbers, positions=cell.positions, cell=cell.cell, pbc=True)


def space_group_number(atoms: Atoms, symprec_ang: float) -> int:
    """The number of a crystal's space group, 1 to 230.

    Args:
        atoms: Periodic in all directions, Å.
        symprec_ang: Distance within which two positions count as symmetric images, Å.

    Raises:
        ValueError: There is none, as when two atoms sit on one another.
    """
    import spglib

    cell = (atoms.cell.array.tolist(), atoms.get_scaled_positions(wrap=False).tolist(), atoms.numbers.tolist())
    dataset = spglib.get_symmetry_dataset(cell, symprec=symprec_ang)
    if dataset is None:
        raise ValueError(f"{atoms.get_chemical_formula()}: spglib finds no space group within {symprec_ang:g} Å")
    return int(dataset.number)


def _are_integers(values: NDArray[np.float64]) -> bool:
    return bool(np.all(np.abs(values - np.rint(values)) < 1e-6))


def _commensurate_points(supercell_matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    from phonopy.harmonic.dynmat_to_fc import get_commensurate_points

    return np.array(get_commensurate_points(supercell_matrix))
