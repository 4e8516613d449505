"""Energy above hull against that of another method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from lamcore_crystal.figures.chart import (
    SCALE,
    SOFT,
    Chart,
    axis,
    colour_bar,
    escape,
    layout,
    percent,
    plain,
    visible,
)
from lamcore_crystal.stability import STABLE_WITHIN

if TYPE_CHECKING:
    from lamcore_crystal.figures.comparison import Agreement, Comparison

MOST_POINTS = 3000
"""Pairs that are drawn as points; more are counted in squares."""
_N_SQUARES = 60
_N_LARGEST = 10
_WITHIN_AXES = (0.5, 99.5)
"""Percentiles between which values lie on the axes."""


def parity_chart(comparison: Comparison, key: str = "parity") -> Chart:
    """Points, or counts in squares where there are many, around the line of equality.

    Args:
        comparison: At least one pair.
        key: Of the chart.

    Raises:
        ValueError: There is no pair.
    """
    found = comparison.agreement
    low, high = _range(comparison)
    # What lies beyond the axes is drawn at their ends, so that every pair is seen.
    references = np.clip(comparison.references, low, high)
    predictions = np.clip(comparison.predictions, low, high)
    n_beyond = int(np.sum((references != comparison.references) | (predictions != comparison.predictions)))
    as_points = comparison.n <= MOST_POINTS
    traces = (
        [_points(comparison, references, predictions)] if as_points else [_squares(references, predictions, low, high)]
    )
    figure = go.Figure(traces)
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={"color": SOFT, "width": 1.2, "dash": "dash"},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_layout(
        layout(
            showlegend=False,
            margin={"l": 8, "r": 12, "t": 10, "b": 8},
            xaxis=axis("reference: energy above hull, eV/atom", range=[low, high], zeroline=True, zerolinewidth=1.5),
            yaxis=axis("here: energy above hull, eV/atom", range=[low, high], zeroline=True, zerolinewidth=1.5),
        )
    )
    note = (
        f"{comparison.how} Stable is at most {STABLE_WITHIN:g} eV/atom above the hull. The dashed line is equality; "
        "a new stable crystal lies below zero."
    )
    if n_beyond:
        note += f" {n_beyond:,} of {comparison.n:,} lie beyond the axes and are drawn at their ends."
    return Chart(
        key=key,
        title=f"Parity with {visible(comparison.reference, 60)}",
        says=f"{found.n:,} {comparison.what}: mean absolute error {found.mae:.3f} eV/atom; "
        f"{100 * found.share_agreeing:.1f} % agree on stable or not.",
        note=note,
        height=520,
        narrow_height=400,
        figure=plain(figure),
        header=("", ""),
        rows=_summary(comparison, found),
    )


def _range(comparison: Comparison) -> tuple[float, float]:
    values = np.concatenate([comparison.references, comparison.predictions, [0.0]])
    low, high = np.percentile(values, _WITHIN_AXES) if comparison.n > 100 else (values.min(), values.max())
    margin = 0.05 * max(float(high - low), 0.01)
    return min(float(low), 0.0) - margin, max(float(high), 0.0) + margin


def _points(comparison: Comparison, references: Any, predictions: Any) -> go.Scatter:
    ids = [None] * comparison.n if comparison.crystal_ids is None else comparison.crystal_ids
    pairs = zip(comparison.names, comparison.references, comparison.predictions, ids, strict=True)
    return go.Scatter(
        x=references.tolist(),
        y=predictions.tolist(),
        mode="markers",
        marker={"color": "var(--bar)", "size": 6, "opacity": 0.6},
        customdata=[[escape(visible(name)), f"{one:.4f}", f"{other:.4f}", id_] for name, one, other, id_ in pairs],
        hovertemplate="%{customdata[0]}<br>reference %{customdata[1]} eV/atom<br>here %{customdata[2]} eV/atom"
        "<extra></extra>",
    )


def _squares(references: Any, predictions: Any, low: float, high: float) -> go.Heatmap:
    counts, edges, _ = np.histogram2d(predictions, references, bins=_N_SQUARES, range=[(low, high), (low, high)])
    logs = [[math.log10(n) if n else None for n in row] for row in counts]
    return go.Heatmap(
        x=edges.tolist(),
        y=edges.tolist(),
        z=logs,
        customdata=counts.astype(int).tolist(),
        colorscale=SCALE,
        colorbar=colour_bar("pairs in a square", [one for row in logs for one in row if one is not None]) | {"y": -0.2},
        hoverongaps=False,
        hovertemplate="reference %{x:.3f} eV/atom<br>here %{y:.3f} eV/atom<br>%{customdata} pairs<extra></extra>",
    )


def _summary(comparison: Comparison, found: Agreement) -> list[tuple[str, str]]:
    errors = np.abs(np.array(comparison.predictions) - np.array(comparison.references))
    largest = np.argsort(-errors, kind="stable")[:_N_LARGEST]
    agreeing = found.both_stable + found.neither_stable
    return [
        (comparison.what, str(found.n)),
        ("mean absolute error", f"{found.mae:.4f} eV/atom"),
        ("mean error, this challenge − reference", f"{found.mean_error:+.4f} eV/atom"),
        ("median absolute error", f"{found.median_absolute_error:.4f} eV/atom"),
        ("agree on stable or not", f"{agreeing} ({percent(agreeing, found.n)})"),
        ("stable on both sides", str(found.both_stable)),
        ("stable here alone", str(found.only_predicted_stable)),
        ("stable in the reference alone", str(found.only_reference_stable)),
        ("stable on neither side", str(found.neither_stable)),
        *(
            (
                f"among the largest differences: {visible(comparison.names[i])}",
                f"{comparison.predictions[i]:.4f} here, {comparison.references[i]:.4f} eV/atom in the reference",
            )
            for i in largest
        ),
    ]
