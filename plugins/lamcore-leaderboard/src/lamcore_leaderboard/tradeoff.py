"""Two headlines against each other, such as accuracy against efficiency, with the Pareto fronts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from lamcore.text import format_number
from lamcore_leaderboard.labels import label_positions
from lamcore_leaderboard.plotting import (
    DASHES,
    INK,
    MOST_IN_LEGEND,
    SOFT,
    Chart,
    Styles,
    axis,
    axis_title,
    base_layout,
    escape,
    full_label,
    is_log,
    label,
    legend,
    legend_height,
    plain,
    scale,
)

if TYPE_CHECKING:
    from lamcore_leaderboard.entries import Row


@dataclass(frozen=True)
class Point:
    """A model in a chart of two headlines.

    Attributes:
        row: The model's.
        x: With its interval.
        y: With its interval.
        context: Points are compared within one only.
    """

    row: Row
    x: float
    y: float
    x_interval: tuple[float, float] | None
    y_interval: tuple[float, float] | None
    context: str


def pareto_front(points: Sequence[Point], x_direction: str, y_direction: str) -> list[Point]:
    """The points that no other is at least as good as in both and better in one, from left to right."""
    sx, sy = (1 if direction == "lower" else -1 for direction in (x_direction, y_direction))

    def beaten(point: Point) -> bool:
        return any(
            sx * other.x <= sx * point.x and sy * other.y <= sy * point.y and (other.x, other.y) != (point.x, point.y)
            for other in points
        )

    return sorted((point for point in points if not beaten(point)), key=lambda point: (point.x, point.y))


def tradeoff_chart(
    key: str,
    choice: str,
    x: tuple[str, str, str],
    y: tuple[str, str, str],
    points: Sequence[Point],
    styles: Styles,
) -> Chart:
    """Two headlines against each other, with a Pareto front in each context.

    Args:
        key: Of the chart.
        choice: What it is called among its group.
        x: Title, unit and direction of the horizontal axis.
        y: The same of the vertical axis.
        points: The models that have both.
        styles: Of the models.
    """
    figure = go.Figure()
    contexts = list(dict.fromkeys(point.context for point in points))
    fronts = set()
    for number, context in enumerate(contexts):
        members = [point for point in points if point.context == context]
        front = pareto_front(members, x[2], y[2])
        fronts |= {point.row.slug for point in front}
        if len(front) > 1:
            figure.add_scatter(
                x=[point.x for point in front],
                y=[point.y for point in front],
                mode="lines",
                line={"color": SOFT, "width": 1.5, "dash": DASHES[number % len(DASHES)]},
                name=f"Pareto front: {context or 'all'}",
                hoverinfo="skip",
            )
    crowded = len(points) > MOST_IN_LEGEND
    named = [point for point in points if not crowded or point.row.slug in fronts]
    xs, ys = [point.x for point in points], [point.y for point in points]
    positions = label_positions(
        [(point.x, point.y) for point in named], [label(point.row) for point in named], is_log(xs), is_log(ys)
    )
    labels = dict(zip((point.row.slug for point in named), positions, strict=True))
    for point in points:
        position = labels.get(point.row.slug)
        style = styles(point.row)
        figure.add_scatter(
            x=[point.x],
            y=[point.y],
            mode="markers" if position is None else "markers+text",
            text=[label(point.row)],
            textposition=position or "top center",
            textfont={"size": 12, "color": INK},
            cliponaxis=False,
            name=label(point.row),
            showlegend=not crowded and None in positions,
            marker={"symbol": style.symbol, "size": 11, "color": style.colour},
            error_x=_whisker(point.x, point.x_interval, style.colour),
            error_y=_whisker(point.y, point.y_interval, style.colour),
            hovertemplate=f"{escape(point.row.name)}<br>{escape(x[0])}: %{{x:.4g}}<br>{escape(y[0])}: %{{y:.4g}}"
            f"<br>{escape(point.context)}<extra></extra>",
        )
    figure.update_layout(
        base_layout(),
        margin={"l": 8, "r": 32, "t": 28, "b": 48},
        xaxis={**axis(axis_title(*x)), **scale(xs)},
        yaxis={**axis(axis_title(*y)), **scale(ys)},
        legend=legend(),
    )
    return Chart(
        key=key,
        title=f"{y[0]} against {x[0]}",
        says=f"{y[0]} against {x[0]} for {len(points)} models; on a front: "
        + ", ".join(point.row.name for point in points if point.row.slug in fronts)
        + ".",
        note="A line joins the models that no other on the same hardware beats in both."
        if any(contexts)
        else "A line joins the models that no other beats in both.",
        height=400 + (legend_height(len(points)) if None in positions and not crowded else 60),
        figure=plain(figure),
        header=["model", f"{x[0]} [{x[1]}]", f"{y[0]} [{y[1]}]", "measured on", "on the front"],
        rows=[
            [
                full_label(point.row),
                format_number(point.x),
                format_number(point.y),
                point.context or "–",
                "yes" if point.row.slug in fronts else "no",
            ]
            for point in points
        ],
        group="tradeoff",
        choice=choice,
    )


def _whisker(value: float, interval: tuple[float, float] | None, colour: str) -> dict[str, Any]:
    if interval is None:
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, interval[1] - value)],
        "arrayminus": [max(0.0, value - interval[0])],
        "color": colour,
        "thickness": 1.2,
        "width": 3,
    }
