"""How large a batch should be: found by timing this model on this device, and halved when memory runs out."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

_SAMPLES_NEEDED = 2
_SAMPLES_KEPT = 5
_BATCHES_BEFORE_TRYING_MORE = 1000
_WORTHWHILE_GAIN = 0.95  # a level must be at least 5 % faster than a smaller one to be preferred: timing is noisy
_DENSEST_ATOMS_PER_ANG3 = 0.1


def graph_size(atoms: Atoms, cutoff_ang: float | None) -> float:
    """The cost of a structure, estimated: its atoms and, where the cut-off is known, the edges between them.

    Edges are estimated from the density, without a neighbour search.
    """
    n_atoms = len(atoms)
    if cutoff_ang is None:
        return float(n_atoms)
    sphere_ang3 = 4 / 3 * math.pi * cutoff_ang**3
    if atoms.pbc.all():
        neighbours = sphere_ang3 * n_atoms / max(float(abs(np.linalg.det(atoms.cell.array))), 1e-9)
    else:
        neighbours = min(n_atoms - 1, sphere_ang3 * _DENSEST_ATOMS_PER_ANG3)
    return n_atoms * (1.0 + neighbours)


class BatchLimits:
    """The size of batch that gives the most structures a second.

    Sizes are sorted into levels, powers of two. A level's cost is the median time per unit of size of its last few
    batches. The target is the cheapest level, or its untried neighbour: so it grows from a single structure while
    growing pays, and shrinks when large batches turn out slower, as they do on a CPU whose caches they outgrow.

    Args:
        max_atoms: A cap set by the user; None for none. A single structure is always let through.
    """

    def __init__(self, max_atoms: int | None = None) -> None:
        self.max_atoms = max_atoms
        self._ceiling = math.inf
        self._cost: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_SAMPLES_KEPT))
        self._warm = False
        self._since_shrinking = 0

    @property
    def target(self) -> float:
        """The size to fill a batch up to."""
        known = {level: median(costs) for level, costs in self._cost.items() if len(costs) >= _SAMPLES_NEEDED}
        if not known:
            level = min(self._cost, default=0)
        else:
            level = min(known)
            for candidate in sorted(known):
                if known[candidate] < _WORTHWHILE_GAIN * known[level]:
                    level = candidate
            if level + 1 not in known:
                level += 1
            elif level - 1 not in known and level > 0:
                level -= 1
        return min(2.0 ** (level + 1), self._ceiling)

    def observe(self, size: float, seconds: float) -> None:
        """Learn from a batch that was computed; the first one is left out, as it includes warming up."""
        self._since_shrinking += 1
        if self._since_shrinking > _BATCHES_BEFORE_TRYING_MORE:  # another process may have held the memory
            self._ceiling *= 2
            self._since_shrinking = 0
        if not self._warm:
            self._warm = True
            return
        self._cost[int(math.log2(max(size, 1.0)))].append(seconds / size)

    def shrink(self, size: float) -> None:
        """Learn that a batch of this size does not fit in memory."""
        self._ceiling = min(self._ceiling, size / 2)
        self._since_shrinking = 0

    def pack(self, sizes: Sequence[float], n_atoms: Sequence[int]) -> Iterator[slice]:
        """Cut a list of structures, in its order, into batches within the limits; each holds at least one.

        The limits are looked up as each batch begins, so that later batches profit from what earlier ones taught.
        """
        start = 0
        while start < len(sizes):
            target, size, atoms, end = self.target, sizes[start], n_atoms[start], start + 1
            while end < len(sizes):
                size, atoms = size + sizes[end], atoms + n_atoms[end]
                if size > target or (self.max_atoms is not None and atoms > self.max_atoms):
                    break
                end += 1
            yield slice(start, end)
            start = end
