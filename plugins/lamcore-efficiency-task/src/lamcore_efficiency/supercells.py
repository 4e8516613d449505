"""How often to repeat a cell to reach a size, and the largest size that passes a test."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

Repeats = tuple[int, int, int]


def even_factors(number: int, n_factors: int = 3) -> tuple[int, ...]:
    """A number as a product of factors, as even as it allows: the largest less the smallest is least.

    Args:
        number: At least 1.
        n_factors: How many factors, at least 1.

    Returns:
        The factors in ascending order; of equally even ones those with the smallest first factor.

    Raises:
        ValueError: An argument is less than 1.
    """
    if number < 1 or n_factors < 1:
        raise ValueError(f"even_factors({number}, {n_factors}): expected numbers of at least 1")
    return min(_ascending_factors(number, n_factors, 1), key=lambda factors: factors[-1] - factors[0])


def _ascending_factors(number: int, n_factors: int, smallest: int) -> list[tuple[int, ...]]:
    if n_factors == 1:
        return [(number,)] if number >= smallest else []
    found = []
    for first in range(smallest, math.isqrt(number) + 1 if n_factors == 2 else round(number ** (1 / n_factors)) + 1):
        if number % first == 0:
            found += [(first, *rest) for rest in _ascending_factors(number // first, n_factors - 1, first)]
    return found


def repeats_along_axes(number: int, lengths_ang: ArrayLike, periodic: ArrayLike = (True, True, True)) -> Repeats:
    """How often to repeat a cell along each axis to get a number of copies: more often along shorter axes.

    Args:
        number: Of copies; one where no axis is periodic.
        lengths_ang: Of the cell vectors, Å, shape (3,).
        periodic: Axes along which the cell can be repeated, shape (3,).
    """
    axes = np.flatnonzero(np.asarray(periodic, dtype=bool))
    repeats = [1, 1, 1]
    if len(axes) == 0:
        return 1, 1, 1
    shortest_first = axes[np.argsort(np.asarray(lengths_ang, dtype=np.float64)[axes], kind="stable")]
    for axis, factor in zip(shortest_first, reversed(even_factors(number, len(axes))), strict=True):
        repeats[axis] = factor
    return repeats[0], repeats[1], repeats[2]


def n_copies(n_atoms: int, max_atoms: int) -> int:
    """Copies of a structure that have at most so many atoms together; one where the structure itself is larger."""
    return max(1, max_atoms // n_atoms)


def compact_repeats(max_copies: int) -> list[Repeats]:
    """Nearly cubic repeats in ascending order: 1×1×1, 1×1×2, 1×2×2, 2×2×2, 2×2×3 and so on.

    Args:
        max_copies: None has more copies.
    """
    found: list[Repeats] = []
    edge = 1
    while edge**3 <= max_copies:
        found += [(edge, edge, edge), (edge, edge, edge + 1), (edge, edge + 1, edge + 1)]
        edge += 1
    return [repeats for repeats in found if math.prod(repeats) <= max_copies]


def largest_that_passes(passes: Callable[[int], bool], largest: int) -> int:
    """The largest number from 1 on that passes, where all numbers below one that passes do so too.

    The largest is tried first, then the interval is halved: at most 1 + log₂(largest) trials.

    Args:
        passes: The test.
        largest: No larger number is tried.

    Returns:
        That number; 0 where not even 1 passes.
    """
    if largest < 1:
        return 0
    if passes(largest):
        return largest
    low, high = 0, largest  # low passes, high does not
    while high - low > 1:
        middle = (low + high) // 2
        if passes(middle):
            low = middle
        else:
            high = middle
    return low


def growing_steps(sizes: Sequence[int], factor: float) -> list[int]:
    """Indices of sizes, each at least `factor` times the one before; the first and the last are among them.

    Args:
        sizes: Ascending.
        factor: More than 1.
    """
    if not sizes:
        return []
    chosen = [0]
    for index, size in enumerate(sizes):
        if size >= factor * sizes[chosen[-1]]:
            chosen.append(index)
    return chosen if chosen[-1] == len(sizes) - 1 else [*chosen, len(sizes) - 1]
