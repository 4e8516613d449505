"""Connects the measurements to lamcore."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lamcore import Case, Metric, ScoredCase, Task
from lamcore_efficiency.settings import EfficiencySettings

if TYPE_CHECKING:
    from lamcore import Model
    from lamcore_efficiency.timing import Clock


class EfficiencyTask(Task):
    """Time, memory and size limits of energy, forces and stress.

    Cases say in `settings` what is measured of them: `measure` is `time` (a structure repeated `repeats` times),
    `frame` (repeated to `max_atoms`), `batch` or `capacity`. A case without settings is timed as it is.

    Args:
        settings: How to measure.
        clock: Tells the time, s.
    """

    needs = frozenset(("energy", "forces", "stress"))
    alone = True
    depends_on_machine = True

    def __init__(self, settings: EfficiencySettings | None = None, clock: Clock = time.perf_counter) -> None:
        self._settings = EfficiencySettings() if settings is None else settings
        self._clock = clock

    def calculate(self, case: Case, model: Model) -> Mapping[str, Any]:
        """The measurement of one case, with the hardware it was made on.

        Raises:
            ValueError: The case asks for a measurement that does not exist.
            UnsupportedStructureError: The model does not cover the structure.
            BadPredictionError: A prediction is not finite.
        """
        model.scope.check(case.atoms)
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        measured = self._measure(case, model.direct())
        hardware = model.hardware()
        return {
            **measured,
            "measure": _kind(case),
            "hardware": asdict(hardware) | {"key": hardware.key},
            "dtype": model.dtype,
            "load_average_before": load,
        }

    def score(self, case: Case, output: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the raw times say: medians with their spread, per atom, and what of it went into graphs."""
        from lamcore_efficiency.scores import score_batch, score_capacity, score_time

        scores = {"batch": score_batch, "capacity": score_capacity}.get(output["measure"], score_time)(output)
        return {"measure": output["measure"], "hardware": hardware_key(output), "dtype": output["dtype"], **scores}

    def failure(self, scores: Mapping[str, Any]) -> str | None:
        """That a structure did not fit in memory, unless it is so large that this is a result."""
        from lamcore_efficiency.about import succeeded

        return None if succeeded(scores) else f"{scores['n_atoms']} atoms do not fit: {scores['why_not']}"

    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """Metrics over the cases that each is about; hardware is their context.

        Raises:
            RunFolderError: Cases were measured on different hardware.
        """
        from lamcore_efficiency.summary import summarize

        return summarize(scored, self._settings.protocol)

    def _measure(self, case: Case, model: Model) -> dict[str, Any]:
        from lamcore_efficiency import limits, measure

        atoms, settings, clock = case.atoms, self._settings, self._clock
        kind = _kind(case)
        if settings.protocol == "lambench" and kind != "frame":
            raise ValueError(f"case {case.id!r}: protocol lambench is for the dataset efficiency-frames")
        if kind == "batch":
            return limits.time_batches(atoms, model, settings, clock)
        if kind == "capacity":
            return limits.find_capacity(atoms, model, settings, clock)
        if kind == "frame":
            warm_up = bool(case.settings.get("warm_up", False))
            return measure.time_frame(atoms, int(case.settings["max_atoms"]), warm_up, model, settings, clock)
        if kind != "time":
            raise ValueError(f"case {case.id!r}: measure is {kind!r}, expected time, frame, batch or capacity")
        x, y, z = case.settings.get("repeats", (1, 1, 1))
        return measure.time_structure(atoms, (x, y, z), model, settings, clock)


def hardware_key(output: object) -> str:
    """The hardware that an output was measured on; only outputs with the same key can be compared.

    Raises:
        ValueError: It is no output of this task.
    """
    if isinstance(output, Mapping) and isinstance(hardware := output.get("hardware"), Mapping):
        return str(hardware["key"])
    raise ValueError("no hardware in it, expected an output of the task efficiency")


def _kind(case: Case) -> str:
    return str(case.settings.get("measure", "time"))
