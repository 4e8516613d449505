"""How many crystals each space group has."""

from __future__ import annotations

from collections.abc import Mapping

import gemmi
import plotly.graph_objects as go

from lamcore_crystal.figures.chart import Chart, axis, count_axis, layout, legend, percent, plain

CRYSTAL_SYSTEMS: Mapping[str, tuple[int, int]] = {
    "triclinic": (1, 2),
    "monoclinic": (3, 15),
    "orthorhombic": (16, 74),
    "tetragonal": (75, 142),
    "trigonal": (143, 167),
    "hexagonal": (168, 194),
    "cubic": (195, 230),
}
"""First and last number of each.

Source: International Tables for Crystallography A, doi:10.1107/97809553602060000114.
"""


def space_groups_chart(counts: Mapping[int, int]) -> Chart:
    """Bars by international number, coloured by crystal system, each of which has a band.

    Args:
        counts: Crystals by international number.

    Raises:
        ValueError: A number is not that of a space group.
    """
    wrong = [number for number in counts if not 1 <= number <= 230]
    if wrong:
        raise ValueError(f"{wrong[0]} is not a space group, expected 1 to 230")
    counts = {number: n for number, n in sorted(counts.items()) if n > 0}
    total = sum(counts.values())
    figure = go.Figure()
    for i, (system, (first, last)) in enumerate(CRYSTAL_SYSTEMS.items()):
        members = [number for number in counts if first <= number <= last]
        n_system = sum(counts[number] for number in members)
        colour = f"var(--series-{i})"
        figure.add_bar(
            # A system without a crystal keeps its entry in the legend.
            x=members if members else [None],
            y=[counts[number] for number in members] if members else [None],
            name=f"{system} {percent(n_system, total)}",
            # Side by side on a narrow screen bars would be thinner than a pixel; the rim keeps them visible.
            marker={"color": colour, "line": {"color": colour, "width": 1}},
            width=0.9,
            showlegend=True,
            customdata=[[symbol(number), system, percent(counts[number], total)] for number in members],
            hovertemplate="%{x} %{customdata[0]}, %{customdata[1]}<br>"
            "%{y:,d} crystals, %{customdata[2]}<extra></extra>",
        )
        figure.add_vrect(x0=first - 0.5, x1=last + 0.5, fillcolor=colour, opacity=0.09, line_width=0, layer="below")
    ticks = [1, 15, 74, 142, 167, 194, 230]
    figure.update_layout(
        layout(
            margin={"l": 8, "r": 12, "t": 10, "b": 92},
            bargap=0,
            barmode="overlay",
            legend=legend(),
            xaxis=axis("space group, international number", range=[0, 231], tickvals=ticks, showgrid=False),
            yaxis=count_axis("crystals", max(counts.values(), default=0)),
            meta={"narrow": {"traces": {}, "layout": {"margin": {"b": 132}, "xaxis": {"tickangle": -60}}}},
        )
    )
    most = sorted(counts, key=lambda number: (-counts[number], number))
    leading = ", ".join(f"{number} ({symbol(number)}) {counts[number]:,}" for number in most[:3])
    return Chart(
        key="space-groups",
        title="Space groups",
        says=f"{len(counts)} of 230 space groups occur in {total:,} crystals"
        f"{': most often ' + leading if most else ''}.",
        note="Of the relaxed crystals, at the looser tolerance of the round. Colours and bands mark crystal systems, "
        "with their shares.",
        height=420,
        narrow_height=420,
        figure=plain(figure),
        header=("space group", "symbol", "crystal system", "crystals", "share of all"),
        rows=[
            (str(number), symbol(number), system_of(number), f"{counts[number]:,}", percent(counts[number], total))
            for number in most
        ],
    )


def system_of(number: int) -> str:
    """The crystal system of a space group."""
    return next(name for name, (first, last) in CRYSTAL_SYSTEMS.items() if first <= number <= last)


def symbol(number: int) -> str:
    """Hermann–Mauguin symbol, short, of the standard setting."""
    return gemmi.find_spacegroup_by_number(number).short_name()
