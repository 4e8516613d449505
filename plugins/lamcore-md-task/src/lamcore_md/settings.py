"""The options of the task, checked before any model is built."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from lamcore.errors import ConfigError
from lamcore_md.stability import TOLERANCE_EV_PER_ATOM_PS

Protocol = Literal["default", "lambench"]

FIXED_BY_LAMBENCH = (
    "timestep_fs",
    "n_steps",
    "temperature_k",
    "seed",
    "sample_every",
    "discard",
    "tolerance_ev_per_atom_ps",
    "force_limit",
    "max_temperature_k",
    "lost_beyond_ang",
)
"""Options whose defaults are part of the protocol `lambench`."""

_N_SAMPLES = 1000
_LAMBENCH_N_SAMPLES = 100
_MIN_KEPT = 5


@dataclass(frozen=True)
class NveSettings:
    """The options of the task, as `lamcore_md.build_task` describes them."""

    protocol: Protocol = "default"
    timestep_fs: float = 1.0
    n_steps: int = 10_000
    temperature_k: float = 300.0
    seed: int = 0
    sample_every: int | None = None
    discard: float = 0.2
    reversal_steps: int = 100
    tolerance_ev_per_atom_ps: float = TOLERANCE_EV_PER_ATOM_PS
    wall_time_s: float | None = None
    force_limit: float = 1e4
    max_temperature_k: float = 5e4
    lost_beyond_ang: float | None = 8.0

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before any model is built."""
        for name in (
            "timestep_fs",
            "n_steps",
            "temperature_k",
            "sample_every",
            "tolerance_ev_per_atom_ps",
            "wall_time_s",
            "force_limit",
            "max_temperature_k",
            "lost_beyond_ang",
        ):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"task.{name} is {value}, expected a value above zero")
        if not self.reversal_steps >= 0:
            raise ConfigError(f"task.reversal_steps is {self.reversal_steps}, expected zero or above")
        if not 0 <= self.discard < 1:
            raise ConfigError(f"task.discard is {self.discard}, expected a share of the steps: 0 or above, below 1")
        self.check_samples(self.n_steps)
        if self.protocol == "lambench":
            self._refuse_contradictions()

    @property
    def is_lambench(self) -> bool:
        """Whether the numbers are to be compared with LAMBench's."""
        return self.protocol == "lambench"

    def sampling(self, n_steps: int) -> int:
        """Steps from one sample to the next."""
        n_samples = _LAMBENCH_N_SAMPLES if self.is_lambench else _N_SAMPLES
        return self.sample_every or max(1, n_steps // n_samples)

    def check_samples(self, n_steps: int) -> None:
        """Refuse a trajectory with too few samples for a line and its uncertainty.

        Raises:
            ConfigError: Fewer than five samples are left after the first part is dropped.
        """
        every = self.sampling(n_steps)
        n_kept = sum(step >= self.discard * n_steps for step in range(0, n_steps + 1, every))
        if n_kept < _MIN_KEPT:
            raise ConfigError(
                f"{n_steps} steps sampled every {every}, without the first {self.discard:.0%}, leave {n_kept} samples, "
                f"expected {_MIN_KEPT} or more; raise task.n_steps, or lower task.sample_every or task.discard"
            )

    def _refuse_contradictions(self) -> None:
        """A protocol's name vouches for its settings."""
        defaults = {field.name: field.default for field in fields(self)}
        other = [name for name in FIXED_BY_LAMBENCH if getattr(self, name) != defaults[name]]
        if other:
            raise ConfigError(
                f"task.protocol=lambench does not go with {', '.join(f'task.{n}={getattr(self, n)}' for n in other)}: "
                f"it fixes {', '.join(FIXED_BY_LAMBENCH)}; leave them out, or use task.protocol=default"
            )
