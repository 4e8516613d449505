"""How a stage tells what it is doing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Watcher(Protocol):
    """Is told how a stage goes; the command line draws from it."""

    def began(self, what: str, total: int | None) -> None:
        """A piece of work begins, of so many steps where that is known."""

    def advanced(self, n: int = 1) -> None:
        """Some steps of it are done."""

    def said(self, text: str) -> None:
        """Something that is worth a line."""


class Silent:
    """A watcher that shows nothing."""

    def began(self, what: str, total: int | None) -> None:
        """Nothing to show."""

    def advanced(self, n: int = 1) -> None:
        """Nothing to show."""

    def said(self, text: str) -> None:
        """Nothing to show."""


@dataclass
class PhaseTime:
    """What one phase took.

    Attributes:
        phase: Its name.
        n: Structures or files that went through.
        wall_seconds: On the clock.
        model_seconds: Of these, inside the model.
    """

    phase: str
    n: int = 0
    wall_seconds: float = 0.0
    model_seconds: float = 0.0
    began: float = field(default_factory=time.perf_counter, repr=False)

    def as_json(self) -> dict[str, float | int | str]:
        """As kept among the events."""
        return {
            "phase": self.phase,
            "n": self.n,
            "wall_seconds": round(self.wall_seconds, 3),
            "model_seconds": round(self.model_seconds, 3),
        }


@contextmanager
def timed(phase: str) -> Iterator[PhaseTime]:
    """Measure a phase."""
    time_of = PhaseTime(phase)
    try:
        yield time_of
    finally:
        time_of.wall_seconds = time.perf_counter() - time_of.began
