"""How many crystals hold each element, on the periodic table."""

from __future__ import annotations

import math
from collections.abc import Mapping

import plotly.graph_objects as go
from ase.data import atomic_names, atomic_numbers, chemical_symbols

from lamcore_crystal.figures.chart import SCALE, SOFT, Chart, colour_bar, layout, percent, plain, short_count

_LAST = 118
_NOBLE = (0, 2, 10, 18, 36, 54, 86, 118)
_COLUMNS = 18
_ROW_EDGES = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 7.9, 8.9, 9.9)
_GAP = 7
"""The row between the seven periods and the lanthanoids."""


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
    figure = go.Figure(
        [
            _cells({z: 0.0 for z in absent}, {z: (chemical_symbols[z], "none") for z in absent}, total),
            _cells(
                {z: math.log10(n) for z, n in n_by_z.items()},
                {z: (chemical_symbols[z], short_count(n)) for z, n in n_by_z.items()},
                total,
                n_by_z,
            ),
        ]
    )
    figure.data[0].update(
        colorscale=[[0, "var(--raised)"], [1, "var(--raised)"]], showscale=False, texttemplate="%{text}"
    )
    figure.data[0].textfont.color = SOFT
    # With one count for all the scale has no width; it ends a decade above.
    low, high = (min(logs), max(logs)) if logs else (0.0, 1.0)
    figure.data[1].update(
        colorscale=SCALE,
        zmin=low,
        zmax=high if high > low else low + 1,
        texttemplate="%{text}<br>%{customdata[3]}",
        colorbar=colour_bar("crystals that hold the element", logs),
        showscale=bool(logs),
    )
    narrow = {"textfont": {"size": 9}, "texttemplate": "%{text}"}
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_layout(
        layout(
            margin={"l": 2, "r": 2, "t": 2, "b": 8},
            xaxis={**hidden, "range": [0.5, _COLUMNS + 0.5]},
            yaxis={**hidden, "range": [_ROW_EDGES[-1], _ROW_EDGES[0]]},
            meta={"narrow": {"traces": {"0": narrow, "1": narrow}, "layout": {}}},
        )
    )
    leading = ", ".join(f"{chemical_symbols[z]} {n_by_z[z]}" for z in most[:3])
    return Chart(
        key="elements",
        title="Elements",
        says=f"{len(n_by_z)} elements occur in {total} crystals{': most often ' + leading if most else ''}.",
        note="A crystal counts once for each of its elements. The scale of colours is logarithmic.",
        height=560,
        narrow_height=330,
        figure=plain(figure),
        header=("element", "crystals", "share of all"),
        rows=[
            (f"{chemical_symbols[z]} ({atomic_names[z].lower()})", str(n_by_z[z]), percent(n_by_z[z], total))
            for z in most
        ],
    )


def _cells(
    values: Mapping[int, float],
    texts: Mapping[int, tuple[str, str]],
    total: int,
    counts: Mapping[int, int] | None = None,
) -> go.Heatmap:
    n_rows = len(_ROW_EDGES) - 1
    z_values: list[list[float | None]] = [[None] * _COLUMNS for _ in range(n_rows)]
    symbols = [[""] * _COLUMNS for _ in range(n_rows)]
    data: list[list[list[str]]] = [[["", "", "", ""] for _ in range(_COLUMNS)] for _ in range(n_rows)]
    for z, value in values.items():
        row, column = place(z)
        n = (counts or {}).get(z, 0)
        z_values[row][column] = value
        symbols[row][column], short = texts[z]
        data[row][column] = [f"{z} {atomic_names[z]}", str(n), percent(n, total), short]
    return go.Heatmap(
        x=[0.5 + i for i in range(_COLUMNS + 1)],
        y=list(_ROW_EDGES),
        z=z_values,
        text=symbols,
        customdata=data,
        textfont={"size": 11},
        xgap=1,
        ygap=1,
        hoverongaps=False,
        hovertemplate="%{customdata[0]}<br>%{customdata[1]} crystals, %{customdata[2]} of all<extra></extra>",
    )
