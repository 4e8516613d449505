"""A structure's numbers do not depend on its company."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lamcore.testing.claims import Measured, Number, claim, judged, largest, without_problems
from lamcore.testing.model_subject import describe_checked

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.model import Prediction
    from lamcore.testing.model_subject import ModelSubject

_SIZES = (2, 3, 5)


@claim
def a_batch_gives_what_each_gives_alone(subject: ModelSubject) -> Measured:
    """A batch of crystals, molecules, slabs and single atoms gives what each gives alone."""
    return _as_alone(subject, list(range(len(subject.mix))))


@claim
def the_order_of_a_batch_does_not_matter(subject: ModelSubject) -> Measured:
    """A batch in reverse, and in two random orders, gives what each gives alone."""
    n = len(subject.mix)
    rng = np.random.default_rng(41)
    orders = [list(range(n))[::-1], rng.permutation(n).tolist(), rng.permutation(n).tolist()]
    pairs = [pair for order in orders for pair in _pairs(subject, order)]
    return judged(*subject.differences(pairs))


@claim
def the_size_of_a_batch_does_not_matter(subject: ModelSubject) -> Measured:
    """Batches of two, three and five, with structures repeated in one batch, give what each gives alone."""
    n = len(subject.mix)
    pairs = []
    for size in _SIZES:
        for start in range(0, n, size):
            pairs += _pairs(subject, [index % n for index in range(start, start + size)])
    return judged(*subject.differences(pairs))


@claim
def an_empty_batch_is_empty(subject: ModelSubject) -> Measured:
    """No structures give no predictions."""
    found = subject.model.evaluate([])
    return without_problems([] if list(found) == [] else [f"evaluate([]) is {found!r}"])


@claim
def two_runs_agree(subject: ModelSubject) -> Measured:
    """The same batch twice gives the same numbers; the detail says whether bit for bit."""
    once, again = subject.evaluate(subject.mix), subject.evaluate(subject.mix)
    numbers = subject.differences(list(zip(once, again, strict=True)))
    equal = all(
        one.energy == other.energy
        and np.array_equal(one.forces, other.forces)
        and (one.stress is None or np.array_equal(one.stress, np.asarray(other.stress)))
        for one, other in zip(once, again, strict=True)
    )
    return judged(*numbers, detail="bit for bit" if equal else "not bit for bit: the differences are as measured")


@claim
def descriptors_are_per_atom_and_permute(subject: ModelSubject) -> Measured:
    """Descriptors have a row for each atom, follow the order of the atoms, and do not depend on batch or origin.

    Nor on which periodic image of an atom is written down: the first atom moves by a sum of lattice vectors.
    """
    if "descriptors" not in subject.model.properties:
        return judged(detail="the model has no descriptors")
    together = describe_checked(subject.model, subject.mix)
    shapes = [np.shape(rows) for rows in together]
    if len({shape[1] for shape in shapes}) != 1:
        return without_problems([f"shapes are {shapes}, expected the same number of features for every structure"])
    scale = largest(*(float(np.max(np.abs(rows))) for rows in together)) or 1.0
    alone = permuted = translated = imaged = 0.0
    rng = np.random.default_rng(42)
    for atoms, rows in zip(subject.mix, together, strict=True):
        order = rng.permutation(len(atoms))
        alone = largest(alone, _apart(subject, atoms, rows))
        permuted = largest(permuted, _apart(subject, atoms[order], rows[order]))
        moved, image = atoms.copy(), atoms.copy()
        moved.positions += [0.371, -1.234, 2.718]
        image.positions[0] += (np.array([2.0, -1.0, 3.0]) * atoms.pbc) @ atoms.cell.array
        translated = largest(translated, _apart(subject, moved, rows))
        imaged = largest(imaged, _apart(subject, image, rows))
    limit = subject.limits.descriptors
    return judged(
        Number("batch against single, of the largest", alone / scale, limit, "1"),
        Number("permuted, of the largest", permuted / scale, limit, "1"),
        Number("translated, of the largest", translated / scale, limit, "1"),
        Number("another periodic image, of the largest", imaged / scale, limit, "1"),
        detail=f"{shapes[0][1]} features",
    )


BATCHING_CLAIMS = (
    a_batch_gives_what_each_gives_alone,
    the_order_of_a_batch_does_not_matter,
    the_size_of_a_batch_does_not_matter,
    an_empty_batch_is_empty,
    two_runs_agree,
    descriptors_are_per_atom_and_permute,
)


def _as_alone(subject: ModelSubject, order: list[int]) -> Measured:
    return judged(*subject.differences(_pairs(subject, order)))


def _apart(subject: ModelSubject, atoms: Atoms, expected: NDArray[np.float64]) -> float:
    """The largest difference of the descriptors of a structure from what is expected."""
    (rows,) = describe_checked(subject.model, [atoms])
    return float(np.max(np.abs(rows - expected)))


def _pairs(subject: ModelSubject, order: list[int]) -> list[tuple[Prediction, Prediction]]:
    together = subject.evaluate([subject.mix[index] for index in order])
    return [(prediction, subject.alone[index]) for prediction, index in zip(together, order, strict=True)]
