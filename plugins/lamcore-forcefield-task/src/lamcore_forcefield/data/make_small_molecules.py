"""Makes small-molecules.extxyz: PBE/def2-TZVP energies and forces of thermally distorted small molecules.

    pip install pyscf ase
    OMP_NUM_THREADS=1 python make_small_molecules.py small-molecules.extxyz
    OMP_NUM_THREADS=1 python make_small_molecules.py --verify small-molecules.extxyz

Each molecule starts from its geometry in the G2 set that comes with ASE (L. A. Curtiss et al., J. Chem. Phys. 106, 1063
(1997), doi:10.1063/1.473182; the two cations from those of CH4 and NH3). Its atoms are displaced along the normal modes
of a Hartree–Fock/6-31G* Hessian by amounts drawn from the thermal distribution of quantum harmonic oscillators, modes
below 200 cm⁻¹ taken as if they were there; the Hessian shapes the displacements and nothing else. The labels are
computed at the displaced geometry.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import ase
import numpy as np
import pyscf
from ase import Atoms, units
from ase.build import molecule
from ase.io import read, write
from numpy.typing import NDArray
from pyscf import dft, gto, scf
from pyscf.data import nist

TEMPERATURES_K = (300.0, 1000.0)
SEED = 20251121
XC, BASIS, GRID_LEVEL = "PBE", "def2-TZVP", 6
SCF_TOLERANCE_HARTREE = 1e-11
LOWEST_MODE_PER_CM = 200.0
VERIFIED = ("H2O", "H2CO", "CH3Cl", "SO2", "NO2", "NH4+")
VERIFY_STEP_ANG = 5e-4
VERIFY_TOLERANCE_EV_PER_ANG = 1e-4

CLOSED_SHELL = [
    "H2O",
    "NH3",
    "CH4",
    "HCN",
    "H2CO",
    "CO2",
    "HCOOH",
    "CH3OH",
    "H3CNH2",
    "CH3CN",
    "C2H4",
    "CH3CH2OH",
    "CH3CONH2",
    "N2H4",
    "H2CF2",
    "HCF3",
    "H2CCHF",
    "COF2",
    "CH3Cl",
    "HOCl",
    "H2CCHCl",
    "H2CCl2",
    "SH2",
    "CH3SH",
    "SO2",
    "OCS",
]


@dataclass(frozen=True)
class Species:
    """A molecule: its name in the file, geometry, charge (e) and spin multiplicity."""

    name: str
    atoms: Atoms
    charge: int = 0
    multiplicity: int = 1


def all_species() -> list[Species]:
    """Neutral molecules with closed shells, then radicals and cations."""
    ammonium = molecule("CH4")
    ammonium.numbers[0] = 7
    ammonium.positions *= 1.03 / np.linalg.norm(ammonium.positions[1] - ammonium.positions[0])
    hydronium = molecule("NH3")
    hydronium.numbers[0] = 8
    return [
        *(Species(name, molecule(name)) for name in CLOSED_SHELL),
        Species("CH3", molecule("CH3"), multiplicity=2),
        Species("NO2", molecule("NO2"), multiplicity=2),
        Species("NH4+", ammonium, charge=1),
        Species("H3O+", hydronium, charge=1),
    ]


def as_pyscf(species: Species, atoms: Atoms, basis: str) -> gto.Mole:
    """The molecule for pyscf."""
    return gto.M(
        atom=list(zip(atoms.get_chemical_symbols(), atoms.positions.tolist(), strict=True)),
        unit="Angstrom",
        basis=basis,
        charge=species.charge,
        spin=species.multiplicity - 1,
        verbose=0,
        max_memory=4000,
    )


def normal_modes(species: Species) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energies (eV) and mass-weighted vectors of the vibrations, softest first.

    Returns:
        Energies ħω, shape (n_modes,), at least that of `LOWEST_MODE_PER_CM`; vectors, shape (n_modes, n_atoms, 3).
    """
    mean_field = scf.HF(as_pyscf(species, species.atoms, "6-31g*")).run(conv_tol=1e-10)
    hessian = mean_field.Hessian().kernel().transpose(0, 2, 1, 3).reshape(3 * len(species.atoms), -1)
    hessian *= units.Hartree / units.Bohr**2
    roots = np.sqrt(np.repeat(species.atoms.get_masses(), 3))
    # Translations and rotations are taken out; what is left are the vibrations.
    masses, centred = species.atoms.get_masses(), species.atoms.positions - species.atoms.get_center_of_mass()
    rigid = [np.sqrt(masses)[:, None] * axis for axis in np.eye(3)]
    rigid += [np.sqrt(masses)[:, None] * np.cross(axis, centred) for axis in np.eye(3)]
    left, singular, _ = np.linalg.svd(np.array([vector.ravel() for vector in rigid]).T, full_matrices=True)
    vibrations = left[:, int(np.sum(singular > 1e-6 * singular[0])) :]
    curvatures, vectors = np.linalg.eigh(vibrations.T @ (hessian / np.outer(roots, roots)) @ vibrations)
    energies = units._hbar * 1e10 / np.sqrt(units._e * units._amu) * np.sqrt(np.maximum(curvatures, 0))
    floor = LOWEST_MODE_PER_CM * units.invcm
    return np.maximum(energies, floor), (vibrations @ vectors).T.reshape(-1, len(species.atoms), 3)


def displaced(species: Species, temperature_k: float, rng: np.random.Generator) -> Atoms:
    """A geometry drawn from the thermal distribution of harmonic oscillators, ⟨Q²⟩ = ħ/(2ω) coth(ħω/2kT)."""
    energies, vectors = normal_modes(species)
    hbar_squared = (units._hbar * 1e10) ** 2 / (units._e * units._amu)  # eV amu Å²
    variances = hbar_squared / (2 * energies) / np.tanh(energies / (2 * units.kB * temperature_k))
    amplitudes = rng.normal(size=len(energies)) * np.sqrt(variances)
    atoms = species.atoms.copy()
    atoms.positions += np.einsum("m,mac->ac", amplitudes, vectors) / np.sqrt(atoms.get_masses())[:, None]
    atoms.positions = np.round(atoms.positions - atoms.get_center_of_mass(), 6)
    return Atoms(atoms.numbers, atoms.positions)


def energy_and_forces(species: Species, atoms: Atoms) -> tuple[float, NDArray[np.float64]]:
    """Label of one geometry, eV and eV/Å.

    Raises:
        RuntimeError: The self-consistent field did not converge.
    """
    mole = as_pyscf(species, atoms, BASIS)
    mean_field = (dft.RKS if species.multiplicity == 1 else dft.UKS)(mole, xc=XC)
    mean_field.grids.level = GRID_LEVEL
    mean_field.conv_tol = SCF_TOLERANCE_HARTREE
    mean_field.max_cycle = 200
    energy = mean_field.kernel()
    if not mean_field.converged:
        raise RuntimeError(f"{species.name}: the self-consistent field did not converge at {atoms.positions.tolist()}")
    gradient = mean_field.nuc_grad_method()
    gradient.grid_response = True  # so that forces are derivatives of the energy on this grid
    forces = -gradient.kernel() * nist.HARTREE2EV / nist.BOHR
    return float(energy * nist.HARTREE2EV), forces


def main(path: Path) -> None:
    """Label every frame and write them all to one file."""
    print(f"pyscf {pyscf.__version__}, ase {ase.__version__}, numpy {np.__version__}")
    frames = []
    for index, species in enumerate(all_species()):
        for temperature_k in TEMPERATURES_K:
            started = time.process_time()
            rng = np.random.default_rng([SEED, index, int(temperature_k)])
            atoms = displaced(species, temperature_k, rng)
            energy, forces = energy_and_forces(species, atoms)
            atoms.arrays["forces"] = np.round(forces, 7)
            atoms.info |= {
                "energy": round(energy, 7),
                "molecule": species.name,
                "temperature_k": temperature_k,
                "charge": species.charge,
                "spin": species.multiplicity,
            }
            frames.append(atoms)
            print(
                f"{species.name} {temperature_k:g} K: {energy:.6f} eV, {time.process_time() - started:.0f} s",
                flush=True,
            )
    write(path, frames, format="extxyz")


def verify(path: Path) -> None:
    """Compare some forces of the file with central differences of energies computed anew.

    Raises:
        SystemExit: One differs by more than `VERIFY_TOLERANCE_EV_PER_ANG`.
    """
    frames = {(atoms.info["molecule"], atoms.info["temperature_k"]): atoms for atoms in read(path, index=":")}
    largest = 0.0
    for name in VERIFIED:
        atoms = frames[name, TEMPERATURES_K[-1]]
        species = Species(name, atoms, int(atoms.info["charge"]), int(atoms.info["spin"]))
        index, axis = 0, int(np.argmax(np.abs(atoms.get_forces()[0])))
        energies = []
        for sign in (1, -1):
            moved = Atoms(atoms.numbers, atoms.positions)
            moved.positions[index, axis] += sign * VERIFY_STEP_ANG
            energies.append(energy_and_forces(species, moved)[0])
        slope = -(energies[0] - energies[1]) / (2 * VERIFY_STEP_ANG)
        error = atoms.get_forces()[index, axis] - slope
        largest = max(largest, abs(error))
        print(f"{name}: force {atoms.get_forces()[index, axis]:.6f}, finite difference {slope:.6f} eV/Å", flush=True)
    print(f"largest difference {largest:.1e} eV/Å")
    if largest > VERIFY_TOLERANCE_EV_PER_ANG:
        raise SystemExit(f"forces differ by up to {largest} eV/Å, expected {VERIFY_TOLERANCE_EV_PER_ANG}")


if __name__ == "__main__":
    if sys.argv[1] == "--verify":
        verify(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]))
