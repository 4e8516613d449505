"""What all figures share: the chart with its table, axes, and the colours of two themes.

Colours are written as CSS variables. A page puts in those of its theme and can change them without a new figure;
`themed` puts them in here, for readers that know no variables.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

Theme = Literal["light", "dark"]

PALETTES: Mapping[Theme, Mapping[str, str]] = {
    "light": {
        **{"bg": "#f6f7f9", "panel": "#ffffff", "raised": "#edf0f4", "ink": "#18212c", "soft": "#566272"},
        **{"line": "#dbe0e7", "accent": "#0b6480", "bar": "#2d7f9d", "good": "#1c6e42", "bad": "#a8361c"},
        **{"low": "#e3eef4", "middle": "#397d9c", "high": "#0b3c57", "on-low": "#000000", "on-high": "#ffffff"},
        **{"series-0": "#6b6b6b", "series-1": "#8a6d00", "series-2": "#00805c", "series-3": "#0072b2"},
        **{"series-4": "#5b4bb5", "series-5": "#b0457f", "series-6": "#c04e00"},
    },
    "dark": {
        **{"bg": "#0f141a", "panel": "#161d25", "raised": "#202a34", "ink": "#e6ebf1", "soft": "#9ca9b8"},
        **{"line": "#303c49", "accent": "#66c3e0", "bar": "#55a8c8", "good": "#7fd3a0", "bad": "#ff9c83"},
        **{"low": "#1d3545", "middle": "#397d9c", "high": "#b6e6fa", "on-low": "#ffffff", "on-high": "#000000"},
        **{"series-0": "#b9b9b9", "series-1": "#e3c04d", "series-2": "#3cc39a", "series-3": "#56a9e6"},
        **{"series-4": "#a99af0", "series-5": "#e596c1", "series-6": "#f08a43"},
    },
}
INK, SOFT, LINE = "var(--ink)", "var(--soft)", "var(--line)"
SCALE = [[0.0, "var(--low)"], [0.5, "var(--middle)"], [1.0, "var(--high)"]]
"""Colours of counts, few to many; text is `--on-low` below the middle and `--on-high` from there on."""

_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")


@dataclass(frozen=True)
class Chart:
    """A figure, and the same for a reader who does not see it.

    Attributes:
        key: Unique on its page.
        title: A few words.
        says: What it shows, in a sentence with numbers.
        note: How to read it; may be empty.
        height: In CSS pixels.
        narrow_height: The same on a telephone.
        figure: `data` and `layout`, as Plotly takes them. `layout.meta.narrow`, where there is one, holds changes of
            `traces` (by their number) and of the `layout` for screens below 640 CSS pixels.
        header: Of the table that says the same.
        rows: Of that table.
    """

    key: str
    title: str
    says: str
    note: str
    height: int
    narrow_height: int
    figure: Mapping[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def plain(figure: go.Figure) -> dict[str, Any]:
    """A figure as JSON values."""
    values: dict[str, Any] = json.loads(figure.to_json())
    return values


def themed(value: Any, theme: Theme) -> Any:
    """JSON values with the colours of a theme in place of CSS variables."""
    if isinstance(value, str):
        name = value.removeprefix("var(--").removesuffix(")")
        return PALETTES[theme][name] if value == f"var(--{name})" else value
    if isinstance(value, Mapping):
        return {key: themed(one, theme) for key, one in value.items()}
    if isinstance(value, list):
        return [themed(one, theme) for one in value]
    return value


def layout(**more: Any) -> dict[str, Any]:
    """What all figures share, and `more`."""
    return {
        "template": go.layout.Template(),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13, "color": INK},
        "hoverlabel": {"bgcolor": "var(--panel)", "bordercolor": LINE, "font": {"color": INK}},
        "margin": {"l": 8, "r": 12, "t": 10, "b": 8},
        "autosize": True,
        **more,
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis in the colours of the page; it is not dragged, so that a page scrolls over it."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": SOFT}, "standoff": 8},
        "gridcolor": LINE,
        "linecolor": LINE,
        "zerolinecolor": LINE,
        "tickcolor": LINE,
        "automargin": True,
        "fixedrange": True,
        **more,
    }


def count_axis(title: str, most: int) -> dict[str, Any]:
    """An axis of counts from 0 up to `most`, whose ticks are whole numbers."""
    return axis(
        title,
        rangemode="tozero",
        tickformat="~s" if most > 9999 else ",d",
        **({"dtick": 1} if most < 6 else {}),
    )


def legend() -> dict[str, Any]:
    """A legend below the figure."""
    return {
        **{"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0.5, "xanchor": "center"},
        **{"font": {"size": 12}, "itemclick": False, "itemdoubleclick": False},
        **{"traceorder": "normal"},
    }


def colour_bar(title: str, log_values: Sequence[float]) -> dict[str, Any]:
    """A bar of colours below the figure, for counts as decadic logarithms."""
    ticks = log_ticks(log_values)
    return {
        **{"orientation": "h", "y": -0.02, "yanchor": "top", "thickness": 10, "len": 0.75, "outlinewidth": 0},
        "title": {"text": title, "side": "bottom", "font": {"size": 12, "color": SOFT}},
        "tickvals": [math.log10(tick) for tick in ticks],
        "ticktext": [short_count(tick) for tick in ticks],
    }


def log_ticks(log_values: Sequence[float]) -> list[int]:
    """Round counts between the smallest and the largest of some decadic logarithms."""
    if not log_values:
        return []
    low, high = min(log_values), max(log_values)
    digits = (1,) if high - low > 2 else (1, 2, 5)
    ticks = [digit * 10**power for power in range(math.ceil(high) + 1) for digit in digits]
    inside = [tick for tick in ticks if low - 1e-9 <= math.log10(tick) <= high + 1e-9]
    return inside if len(inside) > 1 else sorted({round(10**low), round(10**high)})


def short_count(n: int) -> str:
    """`950`, `1.2k`, `34k`, `5.1M`."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if n >= size:
            scaled = n / size
            return f"{scaled:.1f}".removesuffix(".0") + letter if scaled < 9.95 else f"{scaled:.0f}{letter}"
    return str(n)


def percent(part: int, whole: int) -> str:
    """A share, such as `12.5 %`; a dash of nothing."""
    return "–" if not whole else f"{100 * part / whole:.1f} %"


def visible(text: str, longest: int = 200) -> str:
    """Text of others on one line, cut to length; characters that are not seen or turn the direction are spelt out."""
    spelt = "".join(
        f"\\u{ord(letter):04x}" if unicodedata.category(letter) in _HIDDEN else letter for letter in text[: 2 * longest]
    )
    return spelt if len(spelt) <= longest else f"{spelt[: longest - 1]}…"


def escape(text: str) -> str:
    """Text for inside a figure, where Plotly reads `<` as the start of a tag and `%{` as a value."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")
