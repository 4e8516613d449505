"""What a run's report is made of; `lamcore.page` turns it into HTML."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lamcore.task import Metric, ScoredCase


@dataclass(frozen=True)
class RunView:
    """A finished run, as a report sees it.

    Attributes:
        config: The resolved configuration.
        scored: Every case with its scores or the reason why it failed, in the dataset's order.
        outputs: What `Task.calculate` returned, by case id; failed cases have none. Each is read when it is
            asked for, and not kept.
        metrics: The summary.
    """

    config: Mapping[str, Any]
    scored: Sequence[ScoredCase]
    outputs: Mapping[str, Mapping[str, Any]]
    metrics: Sequence[Metric]


@dataclass(frozen=True)
class Section:
    """A part of the report: a title and a body of HTML, made with `figure_html` and `table_html`."""

    title: str
    body: str


def figure_html(figure: Figure, caption: str) -> str:
    """A matplotlib figure as inline SVG with its caption."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight")
    svg = buffer.getvalue()
    return f"<figure>{svg[svg.index('<svg') :]}<figcaption>{html.escape(caption)}</figcaption></figure>"


def table_html(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; every cell is escaped."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
