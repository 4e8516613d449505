"""CPU time of a relaxation step beyond the model: lamcore.relax against ASE's optimizers on the same structures.

Run it: OMP_NUM_THREADS=1 python benchmarks/relax_overhead.py [--steps 40] [--repeats 5]

The model is an analytic crystal of independent oscillators, which costs microseconds; the time spent inside it is
measured and taken away. Both sides run the same number of steps from the same structures, in turn, in one process. A
table gives the medians over repeats of CPU time (`time.process_time`), and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings

import numpy as np
from ase import Atoms
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE, LBFGS
from ase.spacegroup import crystal

import lamcore

NEVER = 1e-300  # eV/Å; a threshold that no step reaches, so that both sides take all of their steps


class QuarticOscillators(lamcore.Model):
    """Atoms bound to sites that move with the cell, and an elastic cell: E = k/4 Σu⁴ + c/4 |G|⁴, G the Green strain.

    The fourth power keeps optimizers from arriving at forces of zero, so that all of their steps have work to do.
    """

    stiffness = 500.0  # eV/Å⁴
    elasticity = 1e5  # eV

    def __init__(self, equilibrium: Atoms) -> None:
        self.scaled_sites = equilibrium.get_scaled_positions(wrap=False)
        self.inverse_cell = np.linalg.inv(equilibrium.cell.array)
        self.seconds = 0.0
        self.first_answer: float | None = None

    def evaluate(self, structures):
        """Energy, forces and stress of each structure, in closed form."""
        start = time.process_time()
        predictions = [self._one(atoms) for atoms in structures]
        end = time.process_time()
        if self.first_answer is None:
            self.first_answer = end
        else:
            self.seconds += end - start
        return predictions

    def _one(self, atoms):
        cell = atoms.cell.array
        displaced = atoms.positions - self.scaled_sites @ cell
        squared = np.einsum("ij,ij->i", displaced, displaced)[:, None]
        deformation = (self.inverse_cell @ cell).T
        green = 0.5 * (deformation.T @ deformation - np.eye(3))
        strain_squared = float(np.vdot(green, green))
        forces = -self.stiffness * squared * displaced
        virial = self.elasticity * strain_squared * deformation @ green @ deformation.T - forces.T @ displaced
        return lamcore.Prediction(
            energy=float(self.stiffness * np.vdot(squared, squared) + self.elasticity * strain_squared**2) / 4,
            forces=forces,
            stress=(virial / abs(np.linalg.det(cell))).ravel()[[0, 4, 8, 5, 2, 1]],
        )


def with_ase(atoms, model, optimizer, cell, symmetry, steps):
    atoms = atoms.copy()
    atoms.calc = model.calculator()
    if symmetry:
        atoms.set_constraint(FixSymmetry(atoms))
    target = FrechetCellFilter(atoms) if cell == "frechet" else atoms
    driver = {"fire": FIRE, "lbfgs": LBFGS}[optimizer](target, logfile=None)
    driver.run(fmax=NEVER, steps=steps)
    return driver.nsteps


def with_lamcore(atoms, model, optimizer, cell, symmetry, steps):
    result = lamcore.relax(atoms, model, optimizer=optimizer, cell=cell, fmax=NEVER, max_steps=steps, symmetry=symmetry)
    return result.n_steps


def milliseconds(run, atoms, equilibrium, optimizer, cell, symmetry, steps):
    """CPU time beyond the model: for each step, and for everything before the first answer of the model."""
    model = QuarticOscillators(equilibrium)
    start = time.process_time()
    taken = run(atoms, model, optimizer, cell, symmetry, steps)
    end = time.process_time()
    if taken != steps:
        raise RuntimeError(f"{run.__name__} took {taken} steps, expected {steps}")
    return 1e3 * (end - model.first_answer - model.seconds) / steps, 1e3 * (model.first_answer - start)


def structures(symmetry):
    """Pairs of (start, equilibrium): rutile cells of 6, 48 and 162 atoms, strained with their symmetry or without."""
    rng = np.random.default_rng(7)
    for repeat in (1, 2, 3):
        equilibrium = rutile(oxygen_x=0.305) * (repeat, repeat, repeat)
        start = rutile(oxygen_x=0.295) * (repeat, repeat, repeat)
        strain = np.diag([0.05, 0.05, 0.03]) if symmetry else 0.04 * rng.normal(size=(3, 3))
        start.set_cell(equilibrium.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        if not symmetry:
            start.rattle(0.1, rng=rng)
        yield start, equilibrium


def rutile(oxygen_x):
    sites = [(0, 0, 0), (oxygen_x, oxygen_x, 0)]
    return crystal(["Ti", "O"], sites, spacegroup=136, cellpar=[4.6, 4.6, 2.95, 90, 90, 90])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="logm result may be inaccurate")  # from ASE, at errors of 4e-13
    print(
        f"ms of CPU time beyond the model: a step, and once before; {options.steps} steps, medians of {options.repeats}"
    )
    print(f"{'':>32} {'a step':>24} {'once':>15}")
    print(
        f"{'optimizer':>9} {'cell':>7} {'symmetry':>8} {'atoms':>5} "
        f"{'ase':>8} {'lamcore':>8} {'ratio':>6} {'ase':>7} {'lamcore':>7}"
    )
    for optimizer in ("fire", "lbfgs"):
        for cell in ("fixed", "frechet"):
            for symmetry in (False, True):
                for start, equilibrium in structures(symmetry):
                    arguments = (start, equilibrium, optimizer, cell, symmetry, options.steps)
                    pairs = [
                        (milliseconds(with_ase, *arguments), milliseconds(with_lamcore, *arguments))
                        for _ in range(options.repeats)
                    ]
                    ase_ms, ase_setup, ours_ms, ours_setup = (
                        statistics.median(pair[side][part] for pair in pairs) for side in (0, 1) for part in (0, 1)
                    )
                    print(
                        f"{optimizer:>9} {cell:>7} {symmetry!s:>8} {len(start):>5} {ase_ms:>8.3f} {ours_ms:>8.3f} "
                        f"{ase_ms / ours_ms:>6.0f} {ase_setup:>7.1f} {ours_setup:>7.1f}"
                    )


if __name__ == "__main__":
    main()
