"""Charts of whole models: bars by task, the radar of domains, accuracy against efficiency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from lamcore.text import format_interval, format_number
from lamcore_leaderboard.plotting import (
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
    escape,
    full_label,
    hidden_note,
    label,
    legend,
    legend_height,
    plain,
    shown_unit,
)

if TYPE_CHECKING:
    from lamcore_leaderboard.entries import Row


@dataclass(frozen=True)
class Bar:
    """A model's value in a bar chart."""

    row: Row
    value: float
    interval: tuple[float, float] | None


def bar_chart(
    key: str, title: str, what: str, unit: str, direction: str, bars: Sequence[Bar], dummy: float | None
) -> Chart:
    """A bar for each model, with its interval, and a line where the dummy is.

    Args:
        key: Of the chart.
        title: Of the chart.
        what: The quantity, for the axis.
        unit: Of the values.
        direction: Whether lower or higher is better.
        bars: The best first; at least one.
        dummy: Its value, if it has one.
    """
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
            **bar_axis(axis_title(what, unit, direction), len(bars)),
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
    ticks = [name.replace(" ", "<br>") for name in axes]  # a long name in one line would be cut at the edge
    for row, values in _first(errors):
        style = styles(row)
        visible = row.kind == "dummy" or shown < SHOWN_AT_FIRST
        shown += row.kind != "dummy"
        reach = [None if value is None else max(0.0, 1 - value) for value in values]
        figure.add_scatterpolar(
            theta=[*ticks, ticks[0]],
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
        margin={"l": 56, "r": 56, "t": 52, "b": 20},
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
        says=f"{title}: 1 − error in {', '.join(_flat(axes))} for {len(errors)} rows; further out is better.",
        note="1 − error: the rim is a perfect model. Errors above 1 are at the centre; models without a domain are "
        "not drawn." + hidden_note(len(errors)),
        height=370 + legend_height(len(errors)),
        figure=plain(figure),
        header=["model", *(f"error, {domain}" for domain in _flat(axes))],
        rows=[[full_label(row), *(format_number(value) for value in values)] for row, values in errors],
    )


def _first(
    errors: Sequence[tuple[Row, Sequence[float | None]]],
) -> list[tuple[Row, Sequence[float | None]]]:
    """As many models as a legend holds, and the dummy."""
    models = [one for one in errors if one[0].kind != "dummy"][:MOST_IN_LEGEND]
    return [one for one in errors if one[0].kind == "dummy" or one in models]


def _flat(axes: Sequence[str]) -> list[str]:
    """Names of axes without their line breaks."""
    return [name.replace("<br>", ", ") for name in axes]


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
