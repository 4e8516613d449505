"""Cells of every shape, no cell, and the edge of what an atom sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lamcore.errors import UnsupportedStructureError
from lamcore.model import Prediction
from lamcore.testing.claims import Measured, Number, claim, judged, largest, not_applicable, without_problems
from lamcore.testing.structures import bond_ang, choose_pair, covers, dimer

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.testing.model_subject import ModelSubject

_SKEW = np.array([[1, 0, 0], [3, 1, 0], [-2, 4, 1]])
"""Another basis of the same lattice; vectors at angles down to 10°."""
_NOT_COVERED = "the model's scope leaves such structures out"


@claim
def a_single_atom_feels_no_force(subject: ModelSubject) -> Measured:
    """A single atom has an energy and no force, whether free or alone in a very large cell.

    The two energies agree where both are covered; the cell is several times the cut-off wide.
    """
    atom = subject.structures.atom
    symbol = choose_pair(subject.model.scope.elements)[0]
    width = 5 * (subject.model.cutoff_ang or 10.0)
    boxed = _periodic(symbol, width)
    covered = [one for one in (atom, boxed) if one is not None and covers(subject.model, one)]
    if not covered:
        return not_applicable(_NOT_COVERED)
    predictions = subject.evaluate(covered)
    force = max(float(np.max(np.abs(prediction.forces))) for prediction in predictions)
    apart = abs(predictions[0].energy - predictions[-1].energy)
    return judged(
        Number("force", force, subject.limits.forces, "eV/Å"),
        Number("free against boxed energy", apart, subject.limits.energy, "eV"),
        detail=f"{symbol}: {predictions[0].energy:.4f} eV",
    )


@claim
def a_dimer_is_pulled_along_its_axis(subject: ModelSubject) -> Measured:
    """The forces on two atoms are opposite and along the line between them, at every distance."""
    first, second = choose_pair(subject.model.scope.elements)
    bond = bond_ang(first, second)
    dimers = [dimer(first, second, scale * bond) for scale in (0.8, 1.0, 1.3, 1.8, 2.5)]
    if not covers(subject.model, dimers[0]):
        return not_applicable(_NOT_COVERED)
    sideways = unbalanced = 0.0
    for atoms, prediction in zip(dimers, subject.evaluate(dimers), strict=True):
        scale = max(1.0, float(np.max(np.abs(prediction.forces))))
        axis = atoms.positions[1] / np.linalg.norm(atoms.positions[1])
        along = np.outer(prediction.forces @ axis, axis)
        sideways = largest(sideways, float(np.max(np.abs(prediction.forces - along))) / scale)
        unbalanced = largest(unbalanced, float(np.max(np.abs(prediction.forces.sum(axis=0)))) / scale)
    numbers = (
        Number("sideways force, relative above 1 eV/Å", sideways, subject.limits.rotated_forces, "eV/Å"),
        Number("net force, relative above 1 eV/Å", unbalanced, subject.limits.forces, "eV/Å"),
    )
    detail = f"{first}{second}, {0.8 * bond:.2f} to {2.5 * bond:.2f} Å"
    if not subject.model.conservative:
        return not_applicable(f"{detail}; forces are predicted directly: reported, not judged", *numbers)
    return judged(*numbers, detail=detail)


@claim
def open_directions_ignore_the_cell(subject: ModelSubject) -> Measured:
    """In a direction that is not periodic the cell does not matter: none, a very small one, a large one."""
    pairs = []
    for kind in ("molecule", "slab", "wire"):
        atoms = subject.structures.by_kind().get(kind)
        if atoms is None:
            continue
        (bare,) = subject.evaluate([_with_open_vectors(atoms, 0.0)])
        pairs += [(bare, prediction) for prediction in subject.evaluate([atoms, *_other_boxes(atoms)])]
    if not pairs:
        return not_applicable(_NOT_COVERED)
    return judged(*subject.differences(pairs))


@claim
def an_open_direction_is_a_wide_periodic_one(subject: ModelSubject) -> Measured:
    """A slab, a wire and a molecule have the energy and forces that they have in a cell much wider than the cut-off.

    Message-passing models see the cut-off times their number of layers; images are kept 40 Å and more apart, or
    eight times the cut-off.
    """
    pairs = []
    for kind in ("molecule", "slab", "wire"):
        atoms = subject.structures.by_kind().get(kind)
        if atoms is None:
            continue
        wide = _with_open_vectors(atoms, max(40.0, 8 * (subject.model.cutoff_ang or 0.0)))
        wide.pbc = True
        if not covers(subject.model, wide):
            continue
        alone, padded = subject.evaluate([atoms])[0], subject.evaluate([wide])[0]
        pairs.append((alone, Prediction(padded.energy, padded.forces)))
    if not pairs:
        return not_applicable(_NOT_COVERED)
    return judged(*subject.differences(pairs))


@claim
def a_skewed_cell_is_the_same_crystal(subject: ModelSubject) -> Measured:
    """A very skewed cell of the same lattice has the same energy, forces and stress.

    A neighbour search that looks only at adjacent cells, or takes cell lengths for heights, loses edges here.
    """
    pairs = []
    for kind in ("crystal", "one_atom_crystal"):
        atoms = subject.structures.by_kind().get(kind)
        if atoms is None:
            continue
        skewed = atoms.copy()
        skewed.set_cell(_SKEW @ atoms.cell.array, scale_atoms=False)
        pairs.append((subject.evaluate([atoms])[0], subject.evaluate([skewed])[0]))
    if not pairs:
        return not_applicable(_NOT_COVERED)
    return judged(*subject.differences(pairs))


@claim
def energy_and_force_are_smooth_across_the_cutoff(subject: ModelSubject) -> Measured:
    """Nothing jumps when an atom leaves the cut-off of another, and nothing is left beyond.

    A third atom leaves a pair, and passes the cut-off of one of the two. Energy and force are extrapolated to the
    cut-off by cubics through four points on either side, 2e-3 Å apart; what is left between the two sides is the jump.
    Two atoms 1.05 cut-offs apart have the energy that they have three cut-offs apart, where a declared cut-off that is
    too short shows. The slope of the force may jump, as it does with many cut-off functions: the detail says how much.
    """
    cutoff = subject.model.cutoff_ang
    if cutoff is None:
        return not_applicable("the model states no cutoff_ang")
    first, second = choose_pair(subject.model.scope.elements)
    step = 2e-3
    places = [cutoff + step * side for side in (-4, -3, -2, -1, 1, 2, 3, 4)]
    worst_energy = worst_force = worst_slope = 0.0
    for lead in ((0, 1, 2), (1, 2, 0)):
        trios = [_trio(first, second, place, lead) for place in places]
        if not covers(subject.model, trios[0]):
            return not_applicable(_NOT_COVERED)
        predictions = subject.evaluate(trios)
        energies = np.array([prediction.energy for prediction in predictions])
        forces = np.array([prediction.forces for prediction in predictions])
        worst_energy = largest(worst_energy, float(abs(_jump(energies))))
        worst_force = largest(worst_force, float(np.max(np.abs(_jump(forces)))))
        before, after = (forces[3] - forces[2]) / step, (forces[5] - forces[4]) / step
        worst_slope = largest(worst_slope, float(np.max(np.abs(after - before))))
    pairs = [dimer(first, second, scale * cutoff) for scale in (1.05, 3.0)]
    just_beyond, far_apart = subject.energies(pairs)
    return judged(
        Number("energy beyond the cut-off", float(abs(just_beyond - far_apart)) / 2, subject.limits.energy, "eV/atom"),
        Number("energy jump", worst_energy, subject.limits.jump_energy_ev, "eV"),
        Number("force jump", worst_force, subject.limits.jump_force, "eV/Å"),
        detail=f"{first}{second} + {second} at {cutoff:.3f} Å; the slope of the force jumps by {worst_slope:.2g} eV/Å²",
    )


@claim
def a_flat_cell_is_refused(subject: ModelSubject) -> Measured:
    """A periodic structure whose cell has no volume is refused, not computed.

    Through a run, where a model that raises fails the one case; a number would be wrong.
    """
    atoms = _periodic(choose_pair(subject.model.scope.elements)[0], 4.0)
    atoms.cell[2] = 0.0
    if not covers(subject.model, atoms):
        return without_problems([], "the scope leaves it out")
    try:
        with np.errstate(all="ignore"):
            (prediction,) = subject.model.evaluate([atoms])
    except Exception as error:  # whatever it is, a run makes a failure of it
        kind = "" if isinstance(error, UnsupportedStructureError) else " (UnsupportedStructureError would say more)"
        return without_problems([], f"raises {type(error).__name__}{kind}")
    if not np.isfinite(prediction.energy):
        return without_problems([], "the energy is not finite, which fails the case")
    return without_problems([f"it has an energy: {prediction.energy:.4f} eV"])


BOUNDARY_CLAIMS = (
    a_single_atom_feels_no_force,
    a_dimer_is_pulled_along_its_axis,
    open_directions_ignore_the_cell,
    an_open_direction_is_a_wide_periodic_one,
    a_skewed_cell_is_the_same_crystal,
    energy_and_force_are_smooth_across_the_cutoff,
    a_flat_cell_is_refused,
)


def _periodic(symbol: str, width_ang: float) -> Atoms:
    from ase import Atoms

    return Atoms(symbol, cell=[width_ang] * 3, pbc=True)


def _with_open_vectors(atoms: Atoms, length_ang: float) -> Atoms:
    """The structure with other cell vectors, of this length, in the directions that are not periodic."""
    changed: Atoms = atoms.copy()
    cell = atoms.cell.array.copy()
    for axis in np.flatnonzero(~atoms.pbc):
        cell[axis] = length_ang * np.eye(3)[axis]
    changed.set_cell(cell, scale_atoms=False)
    return changed


def _other_boxes(atoms: Atoms) -> list[Atoms]:
    return [_with_open_vectors(atoms, length) for length in (0.5, 100.0)]


def _trio(first: str, second: str, distance_ang: float, lead: tuple[int, int, int]) -> Atoms:
    """A pair and an atom at a distance from the pair's first; `lead` says in which order the elements come."""
    from ase import Atoms

    symbols = [first, second, second]
    bond = bond_ang(first, second)
    positions = [[0, 0, 0], [-0.6 * bond, 0.8 * bond, 0], [distance_ang, 0, 0]]
    return Atoms([symbols[index] for index in lead], positions=positions)


def _jump(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The difference of cubic extrapolations from the four values before and the four after."""
    weights = np.array([4.0, -6.0, 4.0, -1.0])
    values = values - values.mean(axis=0)
    jump: NDArray[np.float64] = np.tensordot(weights, values[4:], axes=1) - np.tensordot(weights, values[3::-1], axes=1)
    return jump
