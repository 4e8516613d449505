"""The figures as a server gives them: by name, from a connection, as Plotly's JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lamcore_crystal.figures.chart import themed
from lamcore_crystal.figures.comparison import with_external_hull
from lamcore_crystal.figures.elements import elements_chart
from lamcore_crystal.figures.hull_distance import hull_distance_chart
from lamcore_crystal.figures.parity import parity_chart
from lamcore_crystal.figures.space_groups import space_groups_chart
from lamcore_crystal.store.statistics import counts_of, statistics

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.figures.chart import Chart, Theme

MOST_CRYSTALS = 3000
"""Crystals of the parity figure, the newest ones, so that no request walks the table."""


class FigureError(LookupError):
    """There is no such figure, or nothing to draw it from."""


def figure_json(connection: Connection, name: str, theme: Theme = "light") -> str:
    """A figure with its text, in a theme's colours.

    Args:
        connection: Of the database.
        name: One of `FIGURES`.
        theme: Whose colours are put in.

    Returns:
        A JSON object of `data` and `layout`, as Plotly takes them, and of `title`, `says`, `note`, `header` and `rows`
        for a reader who does not see it: text, never HTML. `layout.meta.narrow` holds changes for narrow screens.

    Raises:
        FigureError: An unknown name or theme, or no crystal is scored against an external hull.
    """
    if name not in FIGURES:
        raise FigureError(f"no figure {name[:40]!a}; there are {', '.join(FIGURES)}")
    if theme not in ("light", "dark"):
        raise FigureError(f"no theme {theme!r}; there are light and dark")
    chart = FIGURES[name](connection)
    parts = {"title": chart.title, "says": chart.says, "note": chart.note, "header": chart.header, "rows": chart.rows}
    return json.dumps({**themed(chart.figure, theme), **parts}, ensure_ascii=False, allow_nan=False)


def drawable(connection: Connection) -> list[str]:
    """Names of the figures that there is something to draw for."""
    if not counts_of(connection, [("total", "")])["total", ""]:
        return []
    has_parity = with_external_hull(connection, MOST_CRYSTALS) is not None
    return [name for name in FIGURES if has_parity or name != "parity"]


def elements(connection: Connection) -> Chart:
    """How many crystals hold each element."""
    counts = statistics(connection)
    return elements_chart(counts.elements, counts.total)


def space_groups(connection: Connection) -> Chart:
    """How many crystals each space group has."""
    return space_groups_chart(statistics(connection).space_groups)


def hull_distance(connection: Connection) -> Chart:
    """How far crystals are from the hull."""
    counts = statistics(connection)
    return hull_distance_chart(counts.hull_distance_edges, counts.hull_distance_counts, counts.stable, counts.total)


def parity(connection: Connection) -> Chart:
    """Energy above hull against that from an external hull.

    Raises:
        FigureError: No crystal is scored against one.
    """
    comparison = with_external_hull(connection, MOST_CRYSTALS)
    if comparison is None:
        raise FigureError("no crystal is scored against an external hull, so there is nothing to compare with")
    return parity_chart(comparison)


FIGURES: Mapping[str, Callable[[Connection], Chart]] = {
    "elements": elements,
    "space-groups": space_groups,
    "hull-distance": hull_distance,
    "parity": parity,
}
