"""Drawings of trajectories: the total energy in time, and drifts side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore_md.stability import LAMBENCH_TOLERANCE, LAMBENCH_UNIT_PS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lamcore import ScoredCase

_DONE = "#2b6ca3"
_ENDED = "#b8432f"
_QUIET = "#777777"
_N_COLUMNS = 3
_AT_MOST_MEV = 1e4
"""Energies beyond this are drawn at the edge: a trajectory that explodes would flatten all that came before."""


def name_of(one: ScoredCase) -> str:
    """What a case is called in figures and tables."""
    return str(one.case.settings.get("name", one.case.id))


def traces_figure(trajectories: Sequence[tuple[ScoredCase, Mapping[str, Any]]]) -> Figure:
    """Total energy in time of each trajectory, from its value at the start, with the line of the drift."""
    from matplotlib.figure import Figure

    n_rows = -(-len(trajectories) // _N_COLUMNS)
    figure = Figure(figsize=(4.2 * _N_COLUMNS, 2.5 * n_rows + 0.3), layout="constrained")
    panels = figure.subplots(n_rows, _N_COLUMNS, squeeze=False).ravel()
    for axes, (one, output) in zip(panels, trajectories, strict=False):
        _draw_trace(axes, one, output)
    for axes in panels[len(trajectories) :]:
        axes.set_axis_off()
    for axes in panels[max(0, len(trajectories) - _N_COLUMNS) : len(trajectories)]:
        axes.set_xlabel("time (ps)")
    for axes in panels[: len(trajectories) : _N_COLUMNS]:
        axes.set_ylabel("energy (meV/atom)")
    return figure


def _draw_trace(axes: Axes, one: ScoredCase, output: Mapping[str, Any]) -> None:
    from matplotlib.patheffects import withStroke

    times_ps = output["times_fs"] / 1000
    energies = (output["potential_energies_ev"] + output["kinetic_energies_ev"]) / output["n_atoms"]
    shifted_mev = np.clip(1000 * (energies - energies[0]), -_AT_MOST_MEV, _AT_MOST_MEV)
    scores = one.scores or {}
    ended = output["outcome"] != "completed"
    axes.plot(times_ps, shifted_mev, color=_ENDED if ended else _DONE, linewidth=0.7)
    axes.set_title(name_of(one), fontsize=9)
    axes.tick_params(labelsize=8)
    if ended:
        axes.plot(times_ps[-1:], shifted_mev[-1:], "x", color=_ENDED, markersize=8)
        note = f"{output['outcome'].replace('_', ' ')} after step {output['last_step']} of {output['n_steps']}"
        halo = withStroke(linewidth=2.5, foreground="white")
        axes.text(0.03, 0.95, note, transform=axes.transAxes, va="top", fontsize=8, color=_ENDED, path_effects=[halo])
    elif "drift_ev_per_atom_ps" in scores:
        kept_ps = times_ps[-scores["n_kept"] :]
        _draw_line(axes, scores, kept_ps, energies[0])
        axes.axvspan(times_ps[0], kept_ps[0], color=_QUIET, alpha=0.12, linewidth=0)


def _draw_line(axes: Axes, scores: Mapping[str, Any], kept_ps: np.ndarray, start: float) -> None:
    """The line, and the fan of lines through its middle with the slopes of its interval."""
    slope, middle_ps = scores["drift_ev_per_atom_ps"], float(kept_ps.mean())
    middle = scores["line_at_start_ev_per_atom"] + slope * middle_ps - start
    ends_ps = np.array([kept_ps[0], kept_ps[-1]])

    def line(gradient: float) -> np.ndarray:
        energies_mev: np.ndarray = 1000 * (middle + gradient * (ends_ps - middle_ps))
        return energies_mev

    low, high = line(scores["drift_low_ev_per_atom_ps"]), line(scores["drift_high_ev_per_atom_ps"])
    axes.fill_between(
        [kept_ps[0], middle_ps, kept_ps[-1]],
        [low[0], 1000 * middle, low[1]],
        [high[0], 1000 * middle, high[1]],
        color="black",
        alpha=0.25,
        linewidth=0,
    )
    axes.plot(ends_ps, line(slope), color="black", linewidth=1.3)


def drift_figure(scored: Sequence[ScoredCase], tolerance_ev_per_atom_ps: float, lambench: bool) -> Figure:
    """|Drift| of each trajectory with its interval against the tolerance; what did not complete at the right edge.

    Args:
        scored: All cases.
        tolerance_ev_per_atom_ps: Drift that counts as none, eV/atom/ps.
        lambench: Whether to draw in LAMBench's unit.
    """
    from matplotlib.figure import Figure

    factor = LAMBENCH_UNIT_PS if lambench else 1.0
    tolerance = LAMBENCH_TOLERANCE if lambench else tolerance_ev_per_atom_ps
    drifts = [(one.scores or {}).get("drift_ev_per_atom_ps") for one in scored]
    sizes = [abs(drift) * factor for drift in drifts if drift] + [tolerance]
    ends = [
        max(map(abs, _interval(one))) * factor for one, drift in zip(scored, drifts, strict=True) if drift is not None
    ]
    left, right = 10 ** math.floor(math.log10(min(sizes)) - 0.5), 10 ** math.ceil(math.log10(max(sizes + ends)) + 0.3)
    figure = Figure(figsize=(8.4, 0.34 * len(scored) + 1.3), layout="constrained")
    axes = figure.subplots()
    for row, (one, drift) in enumerate(zip(scored, drifts, strict=True)):
        if drift is None:
            axes.plot([right], [row], "x", color=_ENDED, markersize=7, clip_on=False)
            continue
        low, high = (end * factor for end in _interval(one))
        nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
        axes.plot([max(nearest, left), max(abs(low), abs(high))], [row, row], color=_DONE, linewidth=2.5, alpha=0.45)
        axes.plot([max(abs(drift) * factor, left)], [row], "o", color=_DONE, markersize=5)
    axes.axvline(tolerance, color=_QUIET, linestyle="--", linewidth=1)
    axes.text(tolerance, -0.9, "tolerance ", ha="right", fontsize=8, color=_QUIET)
    unit = "eV/atom/(10.18 ps)" if lambench else "eV/atom/ps"
    axes.set(xscale="log", xlim=(left, right), ylim=(len(scored) - 0.4, -1.2), xlabel=f"|drift| ({unit})")
    axes.set_yticks(range(len(scored)), [name_of(one) for one in scored], fontsize=8)
    return figure


def _interval(one: ScoredCase) -> tuple[float, float]:
    assert one.scores is not None
    return one.scores["drift_low_ev_per_atom_ps"], one.scores["drift_high_ev_per_atom_ps"]
