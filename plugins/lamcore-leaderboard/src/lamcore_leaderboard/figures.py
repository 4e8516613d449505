"""Charts of whole models: bars by task, the radar of domains, accuracy against efficiency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from lamcore.text import format_interval, format_number
from lamcore_leaderboard.plotting import (
    DASHES,
    DUMMY,
    GRID,
    INK,
    MOST_IN_LEGEND,
    SHOWN_AT_FIRST,
    SOFT,
    Chart,
    Styles,
    axis,
    axis_title,
    bar_axis,
    bar_height,
    bar_margins,
    base_layout,
    better,
    escape,
    full_label,
    hidden_note,
    is_log,
    label,
    label_positions,
    legend,
    legend_height,
    plain,
    scale,
    shown_unit,
)

if TYPE_CHECKING:
    from lamcore_leaderboard.board import Row


@dataclass(frozen=True)
class Bar:
    """A model's value in a bar chart."""

    row: Row
    value: float
    interval: tuple[float, float] | None


def bar_chart(key: str, title: str, unit: str, direction: str, bars: Sequence[Bar], dummy: float | None) -> Chart:
    """A bar for each model, with its interval, and a line where the dummy is."""
    names = [label(bar.row) for bar in bars]
    figure = go.Figure()
    for kind, pattern in (("measured", ""), ("published", "/")):
        members = [(name, bar) for name, bar in zip(names, bars, strict=True) if bar.row.kind == kind]
        if not members:
            continue
        figure.add_bar(
            orientation="h",
            y=[name for name, _ in members],
            x=[bar.value for _, bar in members],
            width=0.62,
            marker={
                "color": "var(--bar)" if kind == "measured" else "var(--bar-soft)",
                "pattern": {"shape": pattern, "fgcolor": SOFT, "size": 5},
            },
            error_x=_error_bars([bar for _, bar in members]),
            customdata=[
                [escape(bar.row.name), format_number(bar.value), format_interval(bar.interval)] for _, bar in members
            ],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]} "
            f"{escape(shown_unit(unit))}<br>95 %: %{{customdata[2]}}<extra></extra>",
        )
    figure.update_layout(
        base_layout(),
        barmode="overlay",
        showlegend=False,
        margin=bar_margins(len(bars)),
        xaxis={
            **bar_axis(f"{better(direction)}{f', {escape(unit)}' if unit != '1' else ''}", len(bars)),
            "rangemode": "tozero",
        },
        yaxis={**axis(""), "showgrid": False, "categoryorder": "array", "categoryarray": names[::-1]},
    )
    if dummy is not None:
        figure.add_vline(x=dummy, line={"color": DUMMY, "dash": "dot", "width": 2})
    best = bars[0]
    says = f"{title}, {len(bars)} models; best {best.row.name} with {format_number(best.value)} {shown_unit(unit)}."
    return Chart(
        key=key,
        title=title,
        says=says,
        note="",
        height=bar_height(len(bars), 26),
        figure=plain(figure),
        header=["model", f"value [{unit}]", "95 % interval"],
        rows=[[full_label(bar.row), format_number(bar.value), format_interval(bar.interval)] for bar in bars]
        + ([] if dummy is None else [["dummy", format_number(dummy), "–"]]),
    )


def radar_chart(
    key: str, title: str, axes: Sequence[str], errors: Sequence[tuple[Row, Sequence[float | None]]], styles: Styles
) -> Chart:
    """1 − error by domain, one closed line for each model; an error above 1 is drawn at the centre."""
    figure = go.Figure()
    shown = 0
    for row, values in _first(errors):
        style = styles(row)
        visible = row.kind == "dummy" or shown < SHOWN_AT_FIRST
        shown += row.kind != "dummy"
        reach = [None if value is None else max(0.0, 1 - value) for value in values]
        figure.add_scatterpolar(
            theta=[*axes, axes[0]],
            r=[*reach, reach[0]],
            name=label(row),
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 2},
            marker={"symbol": style.symbol, "size": 8, "color": style.colour},
            visible=True if visible else "legendonly",
            hovertemplate=f"{escape(row.name)}<br>%{{theta}}: %{{r:.3f}}<extra></extra>",
        )
    figure.update_layout(
        base_layout(),
        margin={"l": 56, "r": 56, "t": 28, "b": 20},
        polar={
            "bgcolor": "rgba(0,0,0,0)",
            "radialaxis": {
                "range": [0, 1],
                "gridcolor": GRID,
                "linecolor": GRID,
                "tickfont": {"color": SOFT},
                "nticks": 5,
                "angle": 90,
                "tickangle": 90,
            },
            "angularaxis": {
                "gridcolor": GRID,
                "linecolor": GRID,
                "tickfont": {"color": INK},
                "rotation": 90,
                "direction": "clockwise",
            },
        },
        legend=legend(),
    )
    return Chart(
        key=key,
        title=title,
        says=f"{title}: 1 − error in {', '.join(axes)} for {len(errors)} rows; further out is better.",
        note="1 − error: the rim is a perfect model. Errors above 1 are at the centre; models without a domain are "
        "not drawn." + hidden_note(len(errors)),
        height=370 + legend_height(len(errors)),
        figure=plain(figure),
        header=["model", *(f"error, {domain}" for domain in axes)],
        rows=[[full_label(row), *(format_number(value) for value in values)] for row, values in errors],
    )


def _first(
    errors: Sequence[tuple[Row, Sequence[float | None]]],
) -> list[tuple[Row, Sequence[float | None]]]:
    """As many models as a legend holds, and the dummy."""
    models = [one for one in errors if one[0].kind != "dummy"][:MOST_IN_LEGEND]
    return [one for one in errors if one[0].kind == "dummy" or one in models]


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


def _error_bars(bars: Sequence[Bar]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "visible": any(bar.interval is not None for bar in bars),
        "array": [None if bar.interval is None else max(0.0, bar.interval[1] - bar.value) for bar in bars],
        "arrayminus": [None if bar.interval is None else max(0.0, bar.value - bar.interval[0]) for bar in bars],
        "color": INK,
        "thickness": 1.3,
        "width": 3,
    }


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
