"""Relaxation of atoms and cell with any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from lamcore._explosion import what_exploded
from lamcore._optimizers import Fire, Lbfgs, Optimizer, longest_row
from lamcore.cell_filter import Coordinates, FixedCell, FrechetCell
from lamcore.constraints import fixed_atoms
from lamcore.errors import ConstraintError, RelaxationExplodedError, UnsupportedStructureError
from lamcore.quantities import GPA_PER_EV_ANG3
from lamcore.symmetry import SymmetryProjection, refined

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.model import Model

OptimizerName = Literal["fire", "lbfgs"]
CellName = Literal["fixed", "frechet"]

Projection = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]


@dataclass(frozen=True)
class Relaxation:
    """How a relaxation ended.

    Attributes:
        atoms: The last structure, with the constraints of the first and without a calculator.
        converged: Whether `residual` fell below `fmax`, and the stress to its limit where there is one; False when the
            steps ran out first.
        n_steps: Steps taken; the model was asked n_steps + 1 times.
        energy: Potential energy of the last structure, without any pressure-volume term, eV.
        forces: The model's forces on the last structure, constraints not applied, eV/Å, shape (n_atoms, 3).
        stress: The model's stress of the last structure, eV/Å³, shape (6,); None where it gives none.
        residual: The largest norm among the rows of the generalised forces, constraints and symmetry applied, eV/Å: one
            row for each atom and, where the cell relaxes, three for the cell.
    """

    atoms: Atoms
    converged: bool
    n_steps: int
    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64] | None
    residual: float


def relax(
    atoms: Atoms,
    model: Model,
    *,
    optimizer: OptimizerName = "fire",
    cell: CellName = "fixed",
    fmax: float = 0.01,
    max_steps: int = 500,
    symmetry: bool = False,
    symprec: float = 0.01,
    pressure_gpa: float = 0.0,
    max_stress_gpa: float | None = None,
    force_limit: float = 1e4,
    volume_limit: float = 5.0,
) -> Relaxation:
    """Move atoms, and the cell if asked, to where the forces vanish.

    It takes the path of ASE's FIRE or LBFGS, FrechetCellFilter and FixSymmetry with their default settings.

    Args:
        atoms: The structure; it is left as it is. FixAtoms constraints are kept: in a relaxing cell, fixed atoms keep
            their fractional coordinates.
        model: Asked once for each configuration.
        optimizer: `fire` or `lbfgs`.
        cell: `fixed`, or `frechet` to relax the cell through the logarithm of its deformation.
        fmax: Converged once every row of the generalised forces is shorter, eV/Å.
        max_steps: Give up after so many steps; the result then says `converged=False`.
        symmetry: Refine the structure to its space group first and keep that.
        symprec: Distance within which atoms count as equivalent, Å.
        pressure_gpa: Outer pressure on a relaxing cell, GPa, compression positive.
        max_stress_gpa: Largest component of the stress at the end, beyond the outer pressure, GPa. Without it a cell
            counts as relaxed at a stress of fmax × n_atoms / V: 0.3 GPa for 0.02 eV/Å and 10 Å³ an atom.
        force_limit: Longest force on an atom that is still taken for physics, eV/Å.
        volume_limit: By which factor the volume of the cell may grow or shrink and still be taken for physics.

    Raises:
        ConstraintError: A constraint other than FixAtoms, or FixAtoms together with symmetry.
        MissingPropertyError: The cell relaxes and the model gives no stress.
        RelaxationExplodedError: A prediction is not finite, a force is longer than `force_limit`, or the volume has
            changed by more than `volume_limit`.
        SymmetryError: The space group cannot be found.
        UnsupportedStructureError: The cell relaxes and the structure is not periodic in all three directions.
        ValueError: An option is out of its range.
    """
    _check_options(optimizer, cell, fmax, max_steps, pressure_gpa, max_stress_gpa, force_limit, volume_limit)
    fixed = fixed_atoms(atoms)
    if symmetry and len(fixed):
        raise ConstraintError(
            f"{atoms.get_chemical_formula()}: symmetry=True cannot keep {len(fixed)} atoms of a FixAtoms constraint in "
            "place; drop the constraint or use symmetry=False"
        )
    if cell == "frechet" and not atoms.pbc.all():
        raise UnsupportedStructureError(
            f"{atoms.get_chemical_formula()}: pbc is {atoms.pbc.tolist()}; cell='frechet' needs a structure that is "
            "periodic in all three directions"
        )
    first = atoms.copy()
    first.set_constraint()
    if symmetry:
        first = refined(first, symprec)
        project = _symmetry_projection(SymmetryProjection(first, symprec), len(first))
    else:
        project = _fixed_atoms_projection(fixed)
    coordinates = FrechetCell(first, pressure_gpa / GPA_PER_EV_ANG3) if cell == "frechet" else FixedCell(first)
    stepper = Fire() if optimizer == "fire" else Lbfgs()
    limits = _Limits(force_limit, volume_limit)
    goal = _Goal(fmax, pressure_gpa, max_stress_gpa)
    result = _descend(first, model, coordinates, stepper, project, goal, max_steps, limits)
    result.atoms.set_constraint([constraint.copy() for constraint in atoms.constraints])
    return result


def _descend(
    first: Atoms,
    model: Model,
    coordinates: Coordinates,
    stepper: Optimizer,
    project: Projection,
    goal: _Goal,
    max_steps: int,
    limits: _Limits,
) -> Relaxation:
    here = coordinates.start()
    n_steps = 0
    while True:
        current = first.copy()
        coordinates.place(here, current)
        if problem := _what_ran_away(current, first, limits.volume):
            raise _exploded(first, n_steps, problem)
        (prediction,) = model.evaluate([current])
        if problem := what_exploded(prediction, limits.force):
            raise _exploded(first, n_steps, problem)
        forces = project(coordinates.forces(here, prediction))
        residual = longest_row(forces)
        converged = goal.is_reached(residual, prediction.stress)
        if converged or n_steps >= max_steps:
            break
        here = here + stepper.displacement(here, forces)
        n_steps += 1
    return Relaxation(
        atoms=current,
        converged=converged,
        n_steps=n_steps,
        energy=prediction.energy,
        forces=prediction.forces,
        stress=prediction.stress,
        residual=residual,
    )


@dataclass(frozen=True)
class _Goal:
    """When a relaxation is at its end: forces in eV/Å, pressure and stress in GPa."""

    fmax: float
    pressure_gpa: float
    max_stress_gpa: float | None

    def is_reached(self, residual: float, stress: NDArray[np.float64] | None) -> bool:
        if residual >= self.fmax:
            return False
        if self.max_stress_gpa is None or stress is None:
            return True
        beyond_gpa = stress * GPA_PER_EV_ANG3
        beyond_gpa[:3] += self.pressure_gpa
        return bool(np.abs(beyond_gpa).max() <= self.max_stress_gpa)


@dataclass(frozen=True)
class _Limits:
    """What is still taken for physics: forces in eV/Å, and the factor by which the volume may change."""

    force: float
    volume: float


def _what_ran_away(current: Atoms, first: Atoms, volume_limit: float) -> str | None:
    """What is wrong with the positions or the cell that a step has led to; None if nothing is."""
    if not (np.isfinite(current.positions).all() and np.isfinite(current.cell.array).all()):
        return "positions or cell are not finite"
    before, now = (abs(float(np.linalg.det(atoms.cell.array))) for atoms in (first, current))
    if before > 0 and not 1 / volume_limit <= now / before <= volume_limit:
        return (
            f"the volume went from {before:.4g} to {now:.4g} Å³, expected a change by at most a factor {volume_limit:g}"
        )
    return None


def _exploded(first: Atoms, n_steps: int, problem: str) -> RelaxationExplodedError:
    return RelaxationExplodedError(f"{first.get_chemical_formula()}: step {n_steps} of the relaxation: {problem}")


def _check_options(
    optimizer: str,
    cell: str,
    fmax: float,
    max_steps: int,
    pressure_gpa: float,
    max_stress_gpa: float | None,
    force_limit: float,
    volume_limit: float,
) -> None:
    if optimizer not in get_args(OptimizerName):
        raise ValueError(f"optimizer is {optimizer!r}, expected one of {', '.join(get_args(OptimizerName))}")
    if cell not in get_args(CellName):
        raise ValueError(f"cell is {cell!r}, expected one of {', '.join(get_args(CellName))}")
    for name, value in (("fmax", fmax), ("force_limit", force_limit)):
        if not (value > 0 and np.isfinite(value)):
            raise ValueError(f"{name} is {value} eV/Å, expected a finite number above zero")
    if not volume_limit > 1:
        raise ValueError(f"volume_limit is {volume_limit}, expected a factor above 1")
    if not isinstance(max_steps, int) or max_steps < 0:
        raise ValueError(f"max_steps is {max_steps}, expected a whole number of at least zero")
    if not np.isfinite(pressure_gpa):
        raise ValueError(f"pressure_gpa is {pressure_gpa}, expected a finite number")
    if max_stress_gpa is not None and not (max_stress_gpa > 0 and np.isfinite(max_stress_gpa)):
        raise ValueError(f"max_stress_gpa is {max_stress_gpa} GPa, expected a finite number above zero")
    if cell == "fixed" and max_stress_gpa is not None:
        raise ValueError(f"max_stress_gpa is {max_stress_gpa}, which a fixed cell cannot reach; use cell='frechet'")
    if cell == "fixed" and pressure_gpa != 0:
        raise ValueError(f"pressure_gpa is {pressure_gpa}, which does nothing to a fixed cell; use cell='frechet'")


def _fixed_atoms_projection(fixed: NDArray[np.intp]) -> Projection:
    def project(forces: NDArray[np.float64]) -> NDArray[np.float64]:
        forces[fixed] = 0.0
        return forces

    return project


def _symmetry_projection(symmetry: SymmetryProjection, n_atoms: int) -> Projection:
    def project(forces: NDArray[np.float64]) -> NDArray[np.float64]:
        forces[:n_atoms] = symmetry.displacements(forces[:n_atoms])
        if len(forces) > n_atoms:
            forces[n_atoms:] = symmetry.deformation(forces[n_atoms:])
        return forces

    return project
