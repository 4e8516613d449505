"""A structure's numbers do not depend on its company."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lamcore.testing.claims import Measured, Number, claim, judged, without_problems

if TYPE_CHECKING:
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
    """Descriptors have a row for each atom, follow the order of the atoms, and do not depend on the batch."""
    if "descriptors" not in subject.model.properties:
        return judged(detail="the model has no descriptors")
    together = subject.model.descriptors(subject.mix)
    shapes = [np.shape(rows) for rows in together]
    expected = [len(atoms) for atoms in subject.mix]
    if [shape[0] for shape in shapes] != expected or len({shape[1:] for shape in shapes}) != 1 or len(shapes[0]) != 2:
        return without_problems([f"shapes are {shapes}, expected (n_atoms, n_features) with n_atoms {expected}"])
    scale = max(float(np.max(np.abs(rows))) for rows in together)
    alone = permuted = 0.0
    rng = np.random.default_rng(42)
    for atoms, rows in zip(subject.mix, together, strict=True):
        order = rng.permutation(len(atoms))
        alone = max(alone, float(np.max(np.abs(subject.model.descriptors([atoms])[0] - rows))))
        permuted = max(permuted, float(np.max(np.abs(subject.model.descriptors([atoms[order]])[0] - rows[order]))))
    limit = subject.limits.descriptors
    return judged(
        Number("batch against single, of the largest", alone / scale, limit, "1"),
        Number("permuted, of the largest", permuted / scale, limit, "1"),
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


def _pairs(subject: ModelSubject, order: list[int]) -> list[tuple[Prediction, Prediction]]:
    together = subject.evaluate([subject.mix[index] for index in order])
    return [(prediction, subject.alone[index]) for prediction, index in zip(together, order, strict=True)]
