"""What all charts share: their type, the style of each model, axes and labels.

Colours are CSS variables: the page puts in those of the theme. A model has one colour and one symbol in every chart;
there are eight of each, and symbols and dashes differ wherever colours do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

if TYPE_CHECKING:
    from lamcore_leaderboard.entries import Row

N_COLOURS = 8
SHOWN_AT_FIRST = 6
"""Models that a chart with a legend shows before the reader chooses others."""
MOST_IN_LEGEND = 16
"""Models that a chart with a legend holds at most; all are in its table."""
_MANY_BARS = 20
DASHES = ("solid", "dash", "dot", "dashdot")
SOFT, INK, GRID, DUMMY = "var(--soft)", "var(--ink)", "var(--line)", "var(--dummy)"
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "triangle-down", "hexagon")
_LONGEST_LABEL = 26
_LINEAR_SPAN = 10.0
_FEW_DECADES = 2.5


@dataclass(frozen=True)
class Chart:
    """A figure and what a reader who does not see it gets.

    Attributes:
        key: Unique on its page.
        title: A few words.
        says: What it shows, in a sentence.
        note: How to read it; may be empty.
        height: In CSS pixels.
        figure: `data` and `layout`, as Plotly takes them.
        header: Of the table that says the same.
        rows: Of that table.
        group: Charts of one group are shown one at a time, under `choice`.
        choice: What it is called in the list to choose from.
    """

    key: str
    title: str
    says: str
    note: str
    height: int
    figure: Mapping[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    group: str = ""
    choice: str = ""


@dataclass(frozen=True)
class Style:
    """How a model is drawn."""

    colour: str
    symbol: str
    dash: str


class Styles:
    """The style of each row, the same in every chart."""

    def __init__(self, rows: Sequence[Row]) -> None:
        models = [row for row in rows if row.kind == "measured"] + [row for row in rows if row.kind == "published"]
        self._number = {row.slug: number for number, row in enumerate(models)}

    def __call__(self, row: Row) -> Style:
        """The style of a row."""
        if row.kind == "dummy":
            return Style(DUMMY, "line-ns-open", "dot")
        number = self._number[row.slug]
        symbol = _SYMBOLS[(number + number // N_COLOURS) % len(_SYMBOLS)]
        return Style(
            colour=f"var(--series-{number % N_COLOURS})",
            symbol=symbol if row.kind == "measured" else f"{symbol}-open",
            dash=DASHES[(number // 2) % len(DASHES)] if row.kind == "measured" else "dot",
        )


def label(row: Row) -> str:
    """A row's name, short enough for an axis."""
    mark = " *" if row.kind == "published" else ""
    name = row.name
    if len(name) > _LONGEST_LABEL:
        name = f"{name[: _LONGEST_LABEL // 2]}…{name[-(_LONGEST_LABEL // 2) + 1 :]}"
    return escape(name) + mark


def full_label(row: Row) -> str:
    """A row's whole name, for tables."""
    return f"{row.name} (as published)" if row.kind == "published" else row.name


def escape(text: str) -> str:
    """Plotly reads `<` as the start of a tag and `%{` as a value."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "% {")


def shown_unit(unit: str) -> str:
    """A unit to write behind a number; nothing for pure numbers."""
    return "" if unit == "1" else unit


def axis_title(title: str, unit: str, direction: str) -> str:
    """What is on an axis."""
    arrow = "lower is better" if direction == "lower" else "higher is better"
    return f"{escape(title)}{'' if unit == '1' else f' [{escape(unit)}]'}, {arrow}"


def hidden_note(n_rows: int) -> str:
    """Said where a chart does not show all models at first."""
    if n_rows > MOST_IN_LEGEND:
        return (
            f" The first {MOST_IN_LEGEND} of {n_rows} models are in the legend, to choose from; all are in the table."
        )
    return " Choose models in the legend." if n_rows > SHOWN_AT_FIRST else ""


def legend_height(n_rows: int) -> int:
    """What a legend needs below a chart, in CSS pixels, on a telephone's width too."""
    return 19 * min(n_rows, MOST_IN_LEGEND)


def bar_axis(title: str, n_bars: int) -> dict[str, Any]:
    """The horizontal axis of bars: below them, or above where there are so many that the chart scrolls."""
    return {**axis(title), "side": "top" if n_bars > _MANY_BARS else "bottom"}


def bar_margins(n_bars: int) -> dict[str, int]:
    """Room for the axis of bars."""
    above, below = (52, 8) if n_bars > _MANY_BARS else (8, 48)
    return {"l": 8, "r": 12, "t": above, "b": below}


def bar_height(n_bars: int, each: int) -> int:
    """Of a chart of bars, in CSS pixels."""
    return 56 + (each if n_bars <= _MANY_BARS else 2 * each // 3) * n_bars


def is_log(values: Sequence[float]) -> bool:
    """Whether positive values span so much that a linear axis would crowd them."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > _LINEAR_SPAN


def scale(values: Sequence[float]) -> dict[str, Any]:
    """The kind of an axis for some values."""
    if not is_log(values):
        return {"rangemode": "normal"}
    decades = math.log10(max(values) / min(values))
    if decades > _FEW_DECADES:
        return {"type": "log", "dtick": 1}
    # Plotly would write 0.5 as 5 between two decades.
    powers = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def base_layout() -> dict[str, Any]:
    """What all charts share."""
    return {
        "template": go.layout.Template(),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13, "color": INK},
        "hoverlabel": {"bgcolor": "var(--panel)", "bordercolor": GRID, "font": {"color": INK}},
        "autosize": True,
    }


def axis(title: str) -> dict[str, Any]:
    """An axis in the colours of the page."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": SOFT}, "standoff": 8},
        "gridcolor": GRID,
        "linecolor": GRID,
        "zerolinecolor": GRID,
        "tickcolor": GRID,
        "tickfont": {"color": INK},
        "automargin": True,
        "fixedrange": True,
    }


def legend() -> dict[str, Any]:
    """A legend below the chart."""
    return {
        "orientation": "h",
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        "x": 0.5,
        "xanchor": "center",
        "font": {"size": 12},
    }


def plain(figure: go.Figure) -> dict[str, Any]:
    """As JSON values."""
    plain: dict[str, Any] = json.loads(figure.to_json())
    return plain
