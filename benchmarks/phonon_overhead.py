"""What the phonon task spends beside the model, against a plain serial ASE + phonopy loop of the same protocol.

    python benchmarks/phonon_overhead.py [--repeats 3]

Both relax with FIRE, the Frechet cell filter and the crystal's symmetry to 0.001 eV/Å, displace by 0.01 Å, and sample
a mesh of length 100 and the commensurate points. The model is EMT; the time inside its `calculate` is taken off on both
sides.
Needs lamcore-phonon-task.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAYON_NUM_THREADS", "1")  # phonopy's kernels

import time
import warnings

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE
from lamcore_phonon.task import PhononTask
from phonopy import Phonopy
from phonopy.harmonic.dynmat_to_fc import get_commensurate_points
from phonopy.structure.atoms import PhonopyAtoms

from lamcore import AseModel, Case


class TimedEMT(EMT):
    """EMT that adds up the CPU seconds spent in it."""

    seconds = 0.0

    def calculate(self, *args, **kwargs):
        """As EMT."""
        start = time.process_time()
        super().calculate(*args, **kwargs)
        self.seconds += time.process_time() - start


def cu3au() -> Case:
    """Four atoms of cubic symmetry in a 3×3×3 supercell: three displacements."""
    positions = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0], [0, 0, 0]]
    atoms = Atoms("Cu3Au", scaled_positions=positions, cell=[3.75] * 3, pbc=True)
    return _case("Cu3Au 3x3x3", atoms, [3, 3, 3])


def alloy() -> Case:
    """Eight atoms without symmetry in a 2×3×3 supercell: 48 displacements."""
    atoms = bulk("Cu", cubic=True, a=3.8).repeat((2, 1, 1))
    atoms.symbols = ["Cu", "Ag", "Cu", "Au", "Cu", "Pd", "Ni", "Ag"]
    atoms.rattle(0.05, seed=1)
    return _case("8-atom alloy 2x3x3", atoms, [2, 3, 3])


def _case(name: str, atoms: Atoms, repeats: list[int]) -> Case:
    matrices = {"supercell_matrix": np.diag(repeats).tolist(), "primitive_matrix": np.eye(3).tolist()}
    return Case(name, (atoms,), {}, matrices)


def plain_loop(case: Case, calculator: EMT) -> dict[str, float]:
    """The protocol as one writes it with ASE and phonopy, one structure at a time."""
    atoms = case.atoms
    atoms.calc = calculator
    atoms.set_constraint(FixSymmetry(atoms))
    with FIRE(FrechetCellFilter(atoms), logfile=None) as optimizer:
        converged = optimizer.run(fmax=0.001, steps=500)
    assert converged
    cell = PhonopyAtoms(
        symbols=atoms.get_chemical_symbols(), cell=atoms.cell.array, scaled_positions=atoms.get_scaled_positions()
    )
    phonon = Phonopy(cell, case.settings["supercell_matrix"], primitive_matrix=case.settings["primitive_matrix"])
    phonon.generate_displacements(distance=0.01, is_diagonal=False)
    forces = []
    for supercell in phonon.supercells_with_displacements:
        displaced = Atoms(supercell.symbols, positions=supercell.positions, cell=supercell.cell, pbc=True)
        displaced.calc = calculator
        force = displaced.get_forces()
        forces.append(force - force.mean(axis=0))
    phonon.forces = np.array(forces)
    phonon.produce_force_constants()
    phonon.symmetrize_force_constants()
    phonon.run_mesh(100.0)
    thermal = phonon.run_thermal_properties(temperatures=[300.0], exclude_gamma_acoustic=True)
    points = get_commensurate_points(phonon.supercell_matrix)
    return {
        "max_frequency_commensurate_thz": phonon.run_qpoints(points).frequencies.max(),
        "entropy_j_per_mol_k": thermal.entropy[0],
    }


def task(case: Case, calculator: EMT) -> dict[str, float]:
    """The same through the task."""
    return PhononTask().calculate(case, AseModel(calculator))


def other_seconds(path, case: Case) -> tuple[float, float, dict[str, float]]:
    """CPU seconds beside the model, seconds in the model, and the numbers."""
    calculator = TimedEMT()
    start = time.process_time()
    numbers = path(case, calculator)
    total = time.process_time() - start
    return total - calculator.seconds, calculator.seconds, numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="of each path, in turn; the fastest counts")
    repeats = parser.parse_args().repeats
    warnings.simplefilter("ignore")  # phonopy comments on modes at Γ in the loop
    for path in (plain_loop, task):
        other_seconds(path, cu3au())  # imports
    columns = ("loop other s", "task other s", "ratio", "loop model s", "task model s")
    print(f"{'case':20}" + "".join(f"{column:>14}" for column in columns))
    for case in (cu3au(), alloy()):
        rounds = [(other_seconds(plain_loop, case), other_seconds(task, case)) for _ in range(repeats)]
        loop, ours = (min((pair[i] for pair in rounds), key=lambda one: one[0]) for i in (0, 1))
        for name, value in loop[2].items():
            np.testing.assert_allclose(ours[2][name], value, rtol=1e-4)
        seconds = (loop[0], ours[0], ours[0] / loop[0], loop[1], ours[1])
        print(f"{case.id:20}" + "".join(f"{value:14.3f}" for value in seconds))


if __name__ == "__main__":
    main()
