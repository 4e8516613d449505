"""Energy, forces and stress belong together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from lamcore.testing.claims import Measured, Number, claim, judged, largest, not_applicable

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.testing.model_subject import ModelSubject

_OFFSETS = (-3, -2, -1, 1, 2, 3)
_WEIGHTS = np.array([-1, 9, -45, 45, -9, 1]) / 60
"""Six-point central difference: B. Fornberg, Math. Comp. 51, 699 (1988), doi:10.1090/S0025-5718-1988-0935077-0."""
_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
_LOOP_POINTS = (32, 128, 512)
_LOOP_RADIUS_ANG = 0.05
_SHORTER = (1, 3, 10, 30)
_CORRELATION_MISSING = 0.5
_DIRECT = "forces are predicted directly, not derived from the energy: reported, not judged"


@claim
def forces_are_slopes_of_the_energy(subject: ModelSubject) -> Measured:
    """Forces are the negative slope of the energy with the positions.

    Every component of a crystal's, a molecule's and a slab's forces against six-point differences.
    """
    numbers = []
    for kind, atoms in _of(subject, "crystal", "molecule", "slab").items():
        step = subject.limits.step_ang
        moves = [(atom, axis) for atom in range(len(atoms)) for axis in range(3)]
        (prediction,) = subject.evaluate([atoms])
        paths = [_mover(atoms, atom, axis) for atom, axis in moves]
        error = _error(subject, paths, -prediction.forces.ravel(), step, subject.limits.slope_forces)
        numbers.append(Number(f"forces of the {kind}", error, subject.limits.slope_forces, "eV/Å"))
    return _judged_if_conservative(subject, numbers)


@claim
def stress_is_the_slope_of_the_energy(subject: ModelSubject) -> Measured:
    """Stress is the slope of the energy with strain over the volume: tension positive, Voigt order xx yy zz yz xz xy.

    Six strains of a crystal without symmetry, and of one with a single atom, against six-point differences.
    """
    numbers = []
    for kind, atoms in _of(subject, "crystal", "one_atom_crystal").items():
        (prediction,) = subject.evaluate([atoms])
        if prediction.stress is None:
            continue
        volume = atoms.get_volume()
        paths = [_strainer(atoms, row, column) for row, column in _VOIGT]
        limit = subject.limits.slope_stress * volume
        error = _error(subject, paths, volume * prediction.stress, subject.limits.step_strain, limit) / volume
        name = f"stress of the {kind.replace('_', '-')}"
        numbers.append(Number(name, error, subject.limits.slope_stress, "eV/Å³"))
    return _judged_if_conservative(subject, numbers, "the model gives no stress")


@claim
def direct_forces_follow_the_energy(subject: ModelSubject) -> Measured:
    """Forces and stress that are predicted directly have the sign and the size of the slopes of the energy.

    Coarse, and only for models that are not conservative, whose forces are learnt from the same reference as the
    energy: along the best line through the origin the prediction is 0.5 to 2 times the slope, and they correlate by
    more than 0.5. A wrong sign, a factor between units, or a stress times the volume are outside of that.
    """
    if subject.model.conservative:
        return not_applicable("the model declares forces to be derivatives of the energy, which is judged closely")
    atoms = subject.structures.crystal if subject.structures.crystal is not None else subject.structures.molecule
    if atoms is None:
        return not_applicable("the model covers neither the crystal nor the molecule")
    (prediction,) = subject.evaluate([atoms])
    moves = [_mover(atoms, atom, axis) for atom in range(len(atoms)) for axis in range(3)]
    pairs = {"forces": (prediction.forces.ravel(), -_slopes(subject, moves, subject.limits.step_ang))}
    if prediction.stress is not None:
        strains = [_strainer(atoms, row, column) for row, column in _VOIGT]
        pairs["stress"] = (
            prediction.stress,
            _slopes(subject, strains, subject.limits.step_strain) / atoms.get_volume(),
        )
    numbers, details = [], []
    for what, (predicted, slopes) in pairs.items():
        factor, correlation = _line_through_the_origin(predicted, slopes)
        off = abs(np.log2(factor)) if factor > 0 else np.inf
        numbers.append(Number(f"{what}: powers of two from the slope", float(off), 1.0, "1"))
        numbers.append(Number(f"{what}: correlation missing", 1 - correlation, _CORRELATION_MISSING, "1"))
        details.append(f"{what}: {factor:.3g} of the slope, correlation {correlation:.3f}")
    return judged(*numbers, detail="; ".join(details))


@claim
def no_work_around_a_closed_loop(subject: ModelSubject) -> Measured:
    """Moving the atoms around a closed loop takes no work.

    All atoms run once around an ellipse in the space of their positions, 0.05 Å an atom; the integral of force over way
    by the trapezoid rule converges faster than any power of the number of points on a smooth closed path. Where the
    potential has features finer than 0.01 Å, more points are taken.

    Source:
        F. Bigi, M. Langer, M. Ceriotti, The dark side of the forces, arXiv:2412.11569 (2024).
    """
    numbers = []
    for kind, atoms in _of(subject, "crystal", "molecule").items():
        for n_points in _LOOP_POINTS if subject.model.conservative else _LOOP_POINTS[:1]:
            work = abs(_work_around_a_loop(subject, atoms, n_points))
            if work <= subject.limits.loop_work_ev:
                break
        numbers.append(Number(f"work on the {kind}", work, subject.limits.loop_work_ev, "eV"))
    return _judged_if_conservative(subject, numbers)


@claim
def net_force_is_zero(subject: ModelSubject) -> Measured:
    """The forces on all atoms of a structure add up to nothing.

    Each of n forces is rounded on its own, so the limit is that of a force times the square root of n.
    """
    worst = 0.0
    for prediction in subject.alone:
        worst = largest(worst, float(np.max(np.abs(prediction.forces.sum(axis=0)))) / len(prediction.forces) ** 0.5)
    number = Number("net force / √n", worst, subject.limits.forces, "eV/Å")
    return _judged_if_conservative(subject, [number])


@claim
def net_torque_is_zero(subject: ModelSubject) -> Measured:
    """The forces on a molecule do not make it turn.

    A torque is a force times a distance from the centre, a few Å; it is as sensitive to orientation as rotation is.
    """
    atoms = subject.structures.molecule
    if atoms is None:
        return not_applicable("the model covers no structure without periodicity")
    (prediction,) = subject.evaluate([atoms])
    arms = atoms.positions - atoms.positions.mean(axis=0)
    torque = float(np.max(np.abs(np.cross(arms, prediction.forces).sum(axis=0))))
    number = Number("torque on the molecule", torque, subject.limits.rotated_forces * len(atoms), "eV")
    return _judged_if_conservative(subject, [number])


CONSISTENCY_CLAIMS = (
    forces_are_slopes_of_the_energy,
    stress_is_the_slope_of_the_energy,
    direct_forces_follow_the_energy,
    no_work_around_a_closed_loop,
    net_force_is_zero,
    net_torque_is_zero,
)


def _of(subject: ModelSubject, *kinds: str) -> dict[str, Atoms]:
    there = subject.structures.by_kind()
    return {kind: there[kind] for kind in kinds if kind in there}


def _judged_if_conservative(subject: ModelSubject, numbers: list[Number], detail: str = "") -> Measured:
    if not numbers:
        return not_applicable(detail or "the model covers no such structure")
    return judged(*numbers) if subject.model.conservative else not_applicable(_DIRECT, *numbers)


def _line_through_the_origin(predicted: NDArray[np.float64], slopes: NDArray[np.float64]) -> tuple[float, float]:
    """The factor in predicted = factor × slopes, and the correlation about the origin; NaN if all are 0."""
    product, squares = float(np.dot(predicted, slopes)), float(np.dot(slopes, slopes))
    lengths = float(np.linalg.norm(predicted) * np.linalg.norm(slopes))
    return (product / squares if squares > 0 else np.nan), (product / lengths if lengths > 0 else np.nan)


def _work_around_a_loop(subject: ModelSubject, atoms: Atoms, n_points: int) -> float:
    """The integral of force over way along an ellipse that all atoms run around together, eV."""
    random = np.random.default_rng(21).normal(size=(3 * len(atoms), 2))
    axes = np.linalg.qr(random)[0].T.reshape(2, len(atoms), 3) * _LOOP_RADIUS_ANG * len(atoms) ** 0.5
    angles = 2 * np.pi * np.arange(n_points) / n_points
    path = []
    for angle in angles:
        moved = atoms.copy()
        moved.positions += np.cos(angle) * axes[0] + np.sin(angle) * axes[1]
        path.append(moved)
    ways = np.cos(angles)[:, None, None] * axes[1] - np.sin(angles)[:, None, None] * axes[0]
    forces = np.array([prediction.forces for prediction in subject.evaluate(path)])
    return float(2 * np.pi / n_points * np.sum(forces * ways))


def _error(
    subject: ModelSubject,
    paths: list[Callable[[float], Atoms]],
    expected: NDArray[np.float64],
    step: float,
    limit: float,
) -> float:
    """The largest difference between slopes and what is expected, at the best of a few steps.

    A step can be too long for a stiff or finely structured potential, or too short for the rounding; a wrong derivative
    is wrong at all of them. Shorter steps are tried only where longer ones show more than the limit.
    """
    errors: list[float] = []
    for divisor in _SHORTER:
        errors.append(float(np.max(np.abs(_slopes(subject, paths, step / divisor) - expected))))
        if errors[-1] <= limit:
            break
    return min(errors)


def _slopes(subject: ModelSubject, paths: list[Callable[[float], Atoms]], step: float) -> NDArray[np.float64]:
    """The slope of the energy along each path at its origin, shape (n_paths,)."""
    structures = [path(offset * step) for path in paths for offset in _OFFSETS]
    energies = subject.energies(structures).reshape(len(paths), len(_OFFSETS))
    slopes: NDArray[np.float64] = (energies - energies.mean(axis=1, keepdims=True)) @ _WEIGHTS / step
    return slopes


def _mover(atoms: Atoms, atom: int, axis: int) -> Callable[[float], Atoms]:
    def move(distance_ang: float) -> Atoms:
        moved: Atoms = atoms.copy()
        moved.positions[atom, axis] += distance_ang
        return moved

    return move


def _strainer(atoms: Atoms, row: int, column: int) -> Callable[[float], Atoms]:
    def strain(size: float) -> Atoms:
        deformation = np.eye(3)
        deformation[row, column] += size / 2
        deformation[column, row] += size / 2
        strained: Atoms = atoms.copy()
        strained.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
        return strained

    return strain
