"""Measurements on a model: time and memory of one structure."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcore.batching import is_out_of_memory
from lamcore.errors import MissingPropertyError
from lamcore.memory import available_bytes
from lamcore.model import check_prediction
from lamcore_efficiency.settings import EfficiencySettings
from lamcore_efficiency.supercells import (
    Repeats,
    largest_that_passes,
    n_copies,
    repeats_along_axes,
)
from lamcore_efficiency.timing import Clock, timed, warm_and_time

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore import Model
    from lamcore.memory import PeakMemory
    from lamcore.model import Prediction

_NOISE_ANG = 0.01
_FRAME_NOISE_ANG = 0.05  # LAMBench's
_GUARDED_FROM_ATOMS = 200
_SHARE_OF_MEMORY = 0.85


class Evaluation:
    """Energy, forces and stress of some structures, asked for again and again with atoms moved a little each time.

    Args:
        model: Is asked directly.
        structures: All in one request.
        noise_ang: Standard deviation of the moves, Å, so that no answer can be one that was kept.
        purpose: What it is for. The moves depend on it: what is tried before something is timed, or before its memory
            is measured, must not leave the answer behind.

    Attributes:
        graph_s: Of each evaluation, the time spent on neighbour lists and graphs, s; None where the model does not
            tell.
    """

    def __init__(
        self,
        model: Model,
        structures: Sequence[Atoms],
        noise_ang: float = _NOISE_ANG,
        purpose: Literal["timing", "trial", "memory"] = "timing",
    ) -> None:
        self._model = model
        self._structures = structures
        self._noise_ang = noise_ang
        self._random = np.random.default_rng(("timing", "trial", "memory").index(purpose))
        self._asked: list[Atoms] = []
        self._answers: list[Prediction] = []
        self._graph_before = 0.0
        self.graph_s: list[float | None] = []

    def prepare(self) -> None:
        """Move the atoms."""
        self._asked = [atoms.copy() for atoms in self._structures]
        for atoms in self._asked:
            atoms.positions += self._random.normal(scale=self._noise_ang, size=atoms.positions.shape)
        self._graph_before = self._model.graph_seconds or 0.0

    def compute(self) -> None:
        """Ask the model."""
        self._answers = self._model.evaluate(self._asked)

    def finish(self) -> None:
        """Look at the answer.

        Raises:
            BadPredictionError: A value is not finite or not of the agreed shape.
            MissingPropertyError: There is no stress where there should be one.
        """
        after = self._model.graph_seconds
        self.graph_s.append(None if after is None else after - self._graph_before)
        for atoms, prediction in zip(self._asked, self._answers, strict=True):
            check_prediction(prediction, atoms)
            if prediction.stress is None and atoms.pbc.all():
                raise MissingPropertyError(
                    f"no stress for {atoms.get_chemical_formula()}, expected energy, forces and stress", atoms
                )

    def peak_memory(self) -> PeakMemory | None:
        """The memory of one more evaluation."""
        self.prepare()
        return self._model.peak_memory(self._asked)


def time_structure(
    cell: Atoms, repeats: Repeats, model: Model, settings: EfficiencySettings, clock: Clock = time.perf_counter
) -> dict[str, Any]:
    """Time and memory of a repeated cell; one that does not fit in memory is an answer too.

    Returns:
        See the README; `fits` tells whether there are times.
    """
    n_atoms = len(cell) * math.prod(repeats)
    output: dict[str, Any] = {"n_atoms": n_atoms, "repeats": list(repeats), "fits": False, "why_not": ""}
    if why_not := beyond_memory(cell, repeats, model):
        return output | {"why_not": why_not}
    evaluation = Evaluation(model, [cell.repeat(repeats)])
    try:
        timing = warm_and_time(evaluation, settings, clock)
        peak = evaluation.peak_memory()
    except Exception as error:
        return output | {"why_not": out_of_memory(error, model)}
    graph_s = evaluation.graph_s[-len(timing.times_s) :]
    return output | {
        "fits": True,
        "warm_up_s": timing.warm_up_s,
        "steady": timing.steady,
        "times_s": timing.times_s,
        "graph_s": None if None in graph_s else graph_s,
        "peak_memory_bytes": None if peak is None else peak.peak_bytes,
        "idle_memory_bytes": None if peak is None else peak.idle_bytes,
        "memory_of": None if peak is None else peak.kind,
    }


def time_frame(
    frame: Atoms,
    max_atoms: int,
    warm_up_only: bool,
    model: Model,
    settings: EfficiencySettings,
    clock: Clock = time.perf_counter,
) -> dict[str, Any]:
    """A frame repeated to at most so many atoms, or to as many as fit in memory; a larger frame is taken as it is.

    With the protocol `lambench` the atoms of the frame are moved before it is repeated, one evaluation finds out that
    it fits, and the next one is timed.
    """
    lengths = frame.cell.lengths()

    def repeated(copies: int) -> Repeats:
        return repeats_along_axes(copies, lengths, frame.pbc)

    most = n_copies(len(frame), max_atoms) if frame.pbc.any() else 1
    if settings.protocol == "default":
        return time_structure(frame, repeated(most), model, settings, clock)
    moved = frame.copy()
    moved.positions += np.random.default_rng(0).normal(scale=_FRAME_NOISE_ANG, size=moved.positions.shape)
    copies = largest_that_passes(lambda number: _fits(moved, repeated(number), model, clock), most)
    output = {"n_atoms": len(frame) * max(copies, 1), "repeats": list(repeated(max(copies, 1))), "fits": copies > 0}
    if copies == 0:
        return output | {"why_not": f"one frame of {len(frame)} atoms does not fit in memory"}
    evaluation = Evaluation(model, [moved.repeat(repeated(copies))])
    seconds = timed(evaluation, clock)
    return output | {
        "why_not": "",
        "steady": True,
        "warm_up_s": [seconds] if warm_up_only else [],
        "times_s": [] if warm_up_only else [seconds],
        "graph_s": None if warm_up_only or None in evaluation.graph_s else evaluation.graph_s,
        "peak_memory_bytes": None,
        "idle_memory_bytes": None,
        "memory_of": None,
    }


def _fits(cell: Atoms, repeats: Repeats, model: Model, clock: Clock) -> bool:
    if beyond_memory(cell, repeats, model):
        return False
    try:
        timed(Evaluation(model, [cell.repeat(repeats)], purpose="trial"), clock)
    except Exception as error:
        out_of_memory(error, model)
        return False
    return True


def out_of_memory(error: Exception, model: Model) -> str:
    """The message of an error that says that memory ran out, with memory released; any other is raised again."""
    if not is_out_of_memory(error):
        raise error
    model.release_memory()
    return f"out of memory: {error}"


def beyond_memory(cell: Atoms, repeats: Repeats, model: Model, as_batch: bool = False) -> str:
    """Why a structure or batch is not even tried: on a CPU, running out of memory ends the process.

    What an eighth of it takes tells what it would take; small ones are always tried.
    """
    copies = math.prod(repeats)
    if model.device != "cpu" or copies < 2 or copies * len(cell) < _GUARDED_FROM_ATOMS:
        return ""
    part = max(1, copies // 8)
    sample = [cell] * part if as_batch else [cell.repeat(repeats_along_axes(part, cell.cell.lengths(), cell.pbc))]
    available, peak = available_bytes(), Evaluation(model, sample, purpose="memory").peak_memory()
    if available is None or peak is None:
        return ""
    expected = (peak.peak_bytes - peak.idle_bytes) * copies / part
    if expected <= _SHARE_OF_MEMORY * available:
        return ""
    return (
        f"not tried: {copies * len(cell)} atoms would take about {expected / 1e6:.0f} MB, as {part * len(cell)} atoms "
        f"tell, and {available / 1e6:.0f} MB are free"
    )
