"""Figures of a forcefield run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamcore_forcefield.frame_errors import MAGNITUDE_EDGES_EV_PER_ANG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_N_CELLS = 360
_N_HEXAGONS = 48
_N_POINTS = 400
"""Up to so many frames are drawn as points."""
_COLOURS = "viridis"
_LINE = "#777777"
_BAR, _DUMMY = "#2b6ca3", "#c9c9c9"
_MODEL_LABEL, _DUMMY_LABEL = "model", "zero forces"


def parity_figure(
    energies: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    forces: Iterable[tuple[NDArray[np.float64], NDArray[np.float64]]],
    largest_force: float,
) -> Figure:
    """Density of predictions against references.

    Args:
        energies: Reference and prediction relative to the composition, eV/atom, shape (n_frames,) each; None to leave
            the panel out.
        forces: Reference and prediction of one frame after the other, eV/Å, shape (n_atoms, 3) each.
        largest_force: Largest component that will come, eV/Å; 0 to leave the panel out.
    """
    from matplotlib.figure import Figure

    n_panels = int(energies is not None) + int(largest_force > 0)
    figure = Figure(figsize=(5.0 * n_panels, 4.3), layout="constrained")
    panels = iter(np.atleast_1d(figure.subplots(1, n_panels)))
    if energies is not None:
        reference, predicted = energies
        low, high = float(min(reference.min(), predicted.min())), float(max(reference.max(), predicted.max()))
        axes = next(panels)
        if len(reference) > _N_POINTS:
            _density(axes, reference, predicted, np.ones(len(reference)), low, high, "frames")
        else:
            low, high = _agreement(axes, low, high)
            axes.scatter(reference, predicted, s=14, color=_BAR, alpha=0.6, linewidths=0, zorder=2)
        axes.set(
            xlabel="reference, relative to composition (eV/atom)",
            ylabel="prediction, relative to composition (eV/atom)",
        )
        axes.set_title("Energy", fontsize=10)
    if largest_force > 0:
        axes = next(panels)
        edges = np.linspace(-largest_force, largest_force, _N_CELLS + 1)
        counts = np.zeros((_N_CELLS, _N_CELLS))
        for reference, predicted in forces:
            counts += np.histogram2d(reference.ravel(), predicted.ravel(), bins=(edges, edges))[0]
        filled = np.nonzero(counts)
        centres = (edges[1:] + edges[:-1]) / 2
        _density(
            axes, centres[filled[0]], centres[filled[1]], counts[filled], -largest_force, largest_force, "components"
        )
        axes.set(xlabel="reference (eV/Å)", ylabel="prediction (eV/Å)")
        axes.set_title("Force components", fontsize=10)
    return figure


def breakdown_figure(
    by_element: Sequence[tuple[str, float, float]], by_magnitude: Sequence[tuple[str, float, float]]
) -> Figure:
    """Root-mean-square errors of force components by element and by magnitude, beside those of zero forces.

    Args:
        by_element: Name, error of the model and of zero forces, eV/Å.
        by_magnitude: The same for bins of the length of the reference force.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, rows, label in (
        (left, by_element, "element"),
        (right, by_magnitude, "length of the reference force (eV/Å)"),
    ):
        names, errors, dummies = zip(*rows, strict=True)
        places = np.arange(len(rows))
        axes.bar(places - 0.2, dummies, width=0.4, color=_DUMMY, label=_DUMMY_LABEL)
        axes.bar(places + 0.2, errors, width=0.4, color=_BAR, label=_MODEL_LABEL)
        axes.set_xticks(places, names, fontsize=8 if len(names) < 20 else 6)
        axes.set(xlabel=label, ylabel="RMSE of force components (eV/Å)")
        axes.spines[["top", "right"]].set_visible(False)
    right.set_yscale("log")
    left.legend(frameon=False, fontsize=8)
    return figure


def magnitude_names() -> list[str]:
    """What the bins of the length of the reference force are called."""
    edges = MAGNITUDE_EDGES_EV_PER_ANG
    return [f"{low:g}–{high:g}" if np.isfinite(high) else f"> {low:g}" for low, high in pairwise(edges)]


def _density(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    counts: NDArray[np.float64],
    low: float,
    high: float,
    what: str,
) -> None:
    """Hexagons coloured by how many points are in them, and the line of agreement."""
    low, high = _agreement(axes, low, high)
    drawn = axes.hexbin(
        x,
        y,
        C=counts,
        reduce_C_function=np.sum,
        gridsize=_N_HEXAGONS,
        extent=(low, high, low, high),
        bins="log",
        cmap=_COLOURS,
        linewidths=0.1,
        zorder=2,
    )
    assert axes.figure is not None
    axes.figure.colorbar(drawn, ax=axes, label=what, shrink=0.85)


def _agreement(axes: Axes, low: float, high: float) -> tuple[float, float]:
    """Draw the line of agreement over a range, and a little beyond; returns the limits."""
    margin = 0.04 * ((high - low) or abs(high) or 1.0)
    limits = low - margin, high + margin
    axes.plot(limits, limits, color=_LINE, linewidth=0.8, zorder=1)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    return limits
