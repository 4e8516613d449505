"""How to measure, and the rules that it must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lamcore.errors import ConfigError

MIN_REPETITIONS = 3
"""Fewer have no median that one slow evaluation could not spoil."""
DEFAULT_REPETITIONS = 10


@dataclass(frozen=True)
class EfficiencySettings:
    """Options of the task; `build_task` says what they mean.

    Raises:
        ConfigError: A value makes no sense.
    """

    protocol: Literal["default", "lambench"] = "default"
    repetitions: int = DEFAULT_REPETITIONS
    time_budget_s: float = 8.0
    max_warm_up: int = 10
    steady_within: float = 0.1
    capacity_atoms: int | None = None

    def __post_init__(self) -> None:
        if self.protocol == "lambench" and self.repetitions not in (1, DEFAULT_REPETITIONS):
            raise ConfigError(
                f"task.repetitions is {self.repetitions}, but protocol=lambench times each frame once; leave it out"
            )
        if self.protocol == "default" and self.repetitions < MIN_REPETITIONS:
            raise ConfigError(f"task.repetitions is {self.repetitions}, expected at least {MIN_REPETITIONS}")
        for name, least in (("time_budget_s", 0.0), ("steady_within", 0.0), ("max_warm_up", 0), ("capacity_atoms", 0)):
            value = getattr(self, name)
            if value is not None and not value > least:
                raise ConfigError(f"task.{name} is {value}, expected more than {least:g}")
