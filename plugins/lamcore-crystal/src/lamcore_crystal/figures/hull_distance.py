"""How far crystals are from the hull, those below it included."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from lamcore_crystal.figures.chart import INK, Chart, axis, count_axis, layout, legend, percent, plain
from lamcore_crystal.stability import STABLE_WITHIN

_MARGIN_BINS = 3


def hull_distance_chart(edges: Sequence[float], counts: Sequence[int], stable: int, total: int) -> Chart:
    """Bars by energy above hull; what is stable in another colour.

    Args:
        edges: Of the bins, eV/atom, ascending and evenly spaced, one of them 0, shape (n,).
        counts: Crystals below the first edge, in each bin (the lower edge belongs to it), and from the last edge on,
            shape (n + 1,).
        stable: Crystals at `STABLE_WITHIN` or below, of which those from 0 on are in the bin that begins there.
        total: Crystals, those without a distance included.

    Raises:
        ValueError: The numbers do not fit together.
    """
    if len(counts) != len(edges) + 1:
        raise ValueError(f"{len(counts)} counts for {len(edges)} edges, expected {len(edges) + 1}")
    zero = _index_of_zero(edges)
    below = sum(counts[: zero + 1])
    on_hull = stable - below
    if not 0 <= on_hull <= counts[zero + 1]:
        raise ValueError(
            f"{stable} are stable, but {below} lie below 0 and {counts[zero + 1]} in the bin that begins at 0"
        )
    width = edges[1] - edges[0]
    names = _names(edges)
    # The open bins are drawn as one more bin on each side.
    centres = [round(edges[0] - width / 2 + i * width, 9) for i in range(len(counts))]
    of_stable = [n if i <= zero else on_hull if i == zero + 1 else 0 for i, n in enumerate(counts)]
    of_others = [n - m for n, m in zip(counts, of_stable, strict=True)]
    with_distance = sum(counts)
    first, last = _shown(counts, zero)
    figure = go.Figure()
    for name, values, colour in (
        (f"stable, {stable:,} ({percent(stable, with_distance)})", of_stable, "var(--good)"),
        (f"not stable, {with_distance - stable:,}", of_others, "var(--bar)"),
    ):
        shown = [i for i in range(first, last + 1) if values[i]]
        figure.add_bar(
            x=[centres[i] for i in shown],
            y=[values[i] for i in shown],
            width=width,
            name=name,
            showlegend=True,
            marker={
                "color": colour,
                "pattern": {"shape": ["/" if i in (0, len(counts) - 1) else "" for i in shown], "size": 4},
            },
            customdata=[names[i] for i in shown],
            hovertemplate="%{customdata}<br>%{y:,d} crystals<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": INK, "width": 1, "dash": "dot"})
    ends = [round(centres[first] - width / 2, 9), round(centres[last] + width / 2, 9)]
    figure.update_layout(
        layout(
            barmode="stack",
            bargap=0,
            margin={"l": 8, "r": 12, "t": 10, "b": 84},
            legend=legend(),
            xaxis=axis("energy above hull, eV/atom", range=ends, showgrid=False),
            yaxis=count_axis(f"crystals in {width:g} eV/atom", max(counts)),
            meta={"narrow": {"traces": {}, "layout": {"margin": {"b": 100}}}},
        )
    )
    missing = total - with_distance
    note = f"Stable is at most {STABLE_WITHIN:g} eV/atom above the hull. "
    note += "Negative values lie below the hull that was frozen when the round began: new stable crystals."
    if counts[0] or counts[-1]:
        note += f" Hatched: {counts[0]:,} {names[0]} and {counts[-1]:,} at {names[-1]}."
    if missing:
        note += f" {missing:,} of {total:,} crystals have no distance and are not drawn."
    return Chart(
        key="hull-distance",
        title="Distance to the hull",
        says=f"{stable:,} of {with_distance:,} crystals ({percent(stable, with_distance)}) are stable, "
        f"{below:,} of them below the hull.",
        note=note,
        height=400,
        narrow_height=400,
        figure=plain(figure),
        header=("energy above hull", "crystals", "of these stable"),
        rows=[(names[i], f"{n:,}", f"{of_stable[i]:,}") for i, n in enumerate(counts) if n],
    )


def _index_of_zero(edges: Sequence[float]) -> int:
    at_zero = [i for i, edge in enumerate(edges) if edge == 0]
    if not at_zero:
        raise ValueError("no edge of the bins is 0, so that stable crystals cannot be told")
    return at_zero[0]


def _names(edges: Sequence[float]) -> list[str]:
    inner = [f"{low:g} to {high:g} eV/atom" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g} eV/atom", *inner, f"{edges[-1]:g} eV/atom or more"]


def _shown(counts: Sequence[int], zero: int) -> tuple[int, int]:
    """First and last bin of what is drawn: all that hold something, and both sides of 0."""
    held = [i for i, n in enumerate(counts) if n] + [zero, zero + 1]
    return max(0, min(held) - _MARGIN_BINS), min(len(counts) - 1, max(held) + _MARGIN_BINS)
