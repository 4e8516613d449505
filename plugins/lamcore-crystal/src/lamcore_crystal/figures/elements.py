"""How many crystals hold each element, on the periodic table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from ase.data import atomic_names, atomic_numbers, chemical_symbols

from lamcore_crystal.figures.chart import SCALE, SOFT, Chart, colour_bar, layout, percent, plain, short_count

_LAST = 118
_NOBLE = (0, 2, 10, 18, 36, 54, 86, 118)
_COLUMNS = 18
_ROW_EDGES = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 7.9, 8.9, 9.9)


def place(z: int) -> tuple[int, int]:
    """Row and column of an element, from 0; the lanthanoids and actinoids (57 to 71, 89 to 103) are rows 8 and 9."""
    period = next(n for n in range(1, len(_NOBLE)) if z <= _NOBLE[n])
    if period >= 6 and 3 <= z - _NOBLE[period - 1] <= 17:
        return period + 2, z - _NOBLE[period - 1] - 1
    before_end = _NOBLE[period] - z
    of_noble = _COLUMNS - 1 - before_end
    from_start = z - _NOBLE[period - 1] - 1
    s_block = 1 if period == 1 else 2
    return period - 1, from_start if from_start < s_block and z != 2 else of_noble


def elements_chart(counts: Mapping[str, int], total: int) -> Chart:
    """The periodic table, coloured by counts.

    Args:
        counts: Crystals that hold an element, by symbol.
        total: Crystals.

    Raises:
        ValueError: A symbol is not that of an element.
    """
    unknown = sorted(set(counts) - set(chemical_symbols[1:]))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not the symbol of an element")
    n_by_z = {atomic_numbers[symbol]: n for symbol, n in counts.items() if n > 0}
    most = sorted(n_by_z, key=lambda z: (-n_by_z[z], z))
    logs = [math.log10(n) for n in n_by_z.values()]
    absent = [z for z in range(1, _LAST + 1) if z not in n_by_z]
    # With one count for all the scale has no width; it ends a decade above.
    low, high = (min(logs), max(logs)) if logs else (0.0, 1.0)
    high = high if high > low else low + 1
    few_colours = [[0, "var(--raised)"], [1, "var(--raised)"]]
    figure = go.Figure(
        [
            _cells(dict.fromkeys(absent, 0.0), total, colorscale=few_colours, showscale=False),
            _cells(
                {z: math.log10(n) for z, n in n_by_z.items()},
                total,
                n_by_z,
                colorscale=SCALE,
                zmin=low,
                zmax=high,
                colorbar=colour_bar("crystals that hold the element", logs),
                showscale=bool(logs),
            ),
            _symbols(n_by_z, low, high),
        ]
    )
    # On a telephone a cell has room for the symbol alone.
    narrow = {"text": list(chemical_symbols[1 : _LAST + 1]), "textfont": {"size": 9}}
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_layout(
        layout(
            margin={"l": 2, "r": 2, "t": 2, "b": 8},
            xaxis={**hidden, "range": [0.5, _COLUMNS + 0.5]},
            yaxis={**hidden, "range": [_ROW_EDGES[-1], _ROW_EDGES[0]]},
            meta={"narrow": {"traces": {"2": narrow}, "layout": {}}},
        )
    )
    leading = ", ".join(f"{chemical_symbols[z]} {n_by_z[z]:,}" for z in most[:3])
    return Chart(
        key="elements",
        title="Elements",
        says=f"{len(n_by_z)} elements occur in {total:,} crystals{': most often ' + leading if most else ''}.",
        note="A crystal counts once for each of its elements. The scale of colours is logarithmic.",
        height=560,
        narrow_height=330,
        figure=plain(figure),
        header=("element", "crystals", "share of all"),
        rows=[
            (f"{chemical_symbols[z]} ({atomic_names[z].lower()})", f"{n_by_z[z]:,}", percent(n_by_z[z], total))
            for z in most
        ],
    )


def _cells(values: Mapping[int, float], total: int, counts: Mapping[int, int] | None = None, **more: Any) -> go.Heatmap:
    n_rows = len(_ROW_EDGES) - 1
    z_values: list[list[float | None]] = [[None] * _COLUMNS for _ in range(n_rows)]
    data: list[list[list[str]]] = [[["", "", ""] for _ in range(_COLUMNS)] for _ in range(n_rows)]
    for z, value in values.items():
        row, column = place(z)
        n = (counts or {}).get(z, 0)
        z_values[row][column] = value
        data[row][column] = [f"{z} {atomic_names[z]}", f"{n:,}", percent(n, total)]
    return go.Heatmap(
        x=[0.5 + i for i in range(_COLUMNS + 1)],
        y=list(_ROW_EDGES),
        z=z_values,
        customdata=data,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        hovertemplate="%{customdata[0]}<br>%{customdata[1]} crystals, %{customdata[2]} of all<extra></extra>",
        **more,
    )


def _symbols(counts: Mapping[int, int], low: float, high: float) -> go.Scatter:
    """Symbols with their counts, in colours that are read on those of the cells."""
    texts, colours, places = [], [], []
    for z in range(1, _LAST + 1):
        n = counts.get(z, 0)
        row, column = place(z)
        places.append((column + 1, (_ROW_EDGES[row] + _ROW_EDGES[row + 1]) / 2))
        texts.append(f"{chemical_symbols[z]}<br>{short_count(n)}" if n else chemical_symbols[z])
        is_low = n and (math.log10(n) - low) / (high - low) < 0.5
        colours.append("var(--on-low)" if is_low else "var(--on-high)" if n else SOFT)
    return go.Scatter(
        x=[x for x, _ in places],
        y=[y for _, y in places],
        mode="text",
        text=texts,
        textfont={"size": 11, "color": colours},
        hoverinfo="skip",
        showlegend=False,
    )
