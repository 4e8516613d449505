"""What code takes for its own though the whole process shares it: random numbers and warning filters."""

from __future__ import annotations

import random
import warnings
from types import TracebackType

import numpy as np


class Surroundings:
    """Global random numbers and warning filters of one job among many that take turns.

    Used as a context around each turn: the job finds everything as it left it, and the process too.

    Args:
        seed: Of the job's random numbers, below 2³².
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).getstate()
        self._numpy = np.random.RandomState(seed).get_state()
        self._filters = list(warnings.filters)

    def __enter__(self) -> None:
        """Put the job's state in place."""
        self._swap()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the job's state and put back what was there."""
        self._swap()

    def _swap(self) -> None:
        here = random.getstate(), np.random.get_state(), warnings.filters
        random.setstate(self._random)
        np.random.set_state(self._numpy)
        warnings.filters = self._filters
        warnings._filters_mutated()  # type: ignore[attr-defined]
        self._random, self._numpy, self._filters = here  # type: ignore[assignment]
