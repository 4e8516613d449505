"""The gate of each submission: the share of its sample that passed, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from lamcore_crystal.figures.chart import INK, Chart, axis, escape, layout, legend, plain, visible

_LONGEST_LABEL, _LONGEST_NARROW_LABEL = 24, 12
_ROW_HEIGHT, _DENSE_ROW_HEIGHT, _MANY = 32, 22, 12
_STYLES: Mapping[str, tuple[str, str, str]] = {
    "pass": ("passed", "var(--good)", "circle"),
    "fail": ("failed", "var(--bad)", "x"),
    "undecided": ("undecided", "var(--soft)", "diamond-open"),
}


@dataclass(frozen=True)
class Gate:
    """The sampling of one submission.

    Attributes:
        submission_id: Of the submission.
        source: Of the submission.
        decision: pass, fail or undecided.
        n_planned: Structures in the sample.
        n_drawn: Of these, with an outcome.
        n_passed: Of these, that passed.
        low: Lower end of the interval of the share, 0 to 1.
        high: Upper end.
        confidence: Of the interval.
        threshold: Share that must pass.
    """

    submission_id: int
    source: str
    decision: str
    n_planned: int
    n_drawn: int
    n_passed: int
    low: float
    high: float
    confidence: float
    threshold: float


def gates_chart(gates: Sequence[Gate], n_left_out: int = 0) -> Chart:
    """A row for each submission, the newest on top.

    Args:
        gates: The newest first; at least one.
        n_left_out: Older ones that are not among them.

    Raises:
        ValueError: There is none, or a decision has no name.
    """
    if not gates:
        raise ValueError("no submission has been at the gate")
    unknown = {one.decision for one in gates} - set(_STYLES)
    if unknown:
        raise ValueError(f"decision {unknown.pop()!r}, expected {', '.join(_STYLES)}")
    figure = go.Figure()
    for decision, (name, colour, mark) in _STYLES.items():
        members = [one for one in gates if one.decision == decision and one.n_drawn]
        if not members:
            continue
        shares = [100 * one.n_passed / one.n_drawn for one in members]
        figure.add_scatter(
            x=shares,
            y=[_label(one) for one in members],
            mode="markers",
            name=name,
            showlegend=True,
            marker={"color": colour, "symbol": mark, "size": 10},
            error_x={
                **{"type": "data", "symmetric": False, "color": colour, "thickness": 1.6, "width": 4},
                "array": [max(0.0, 100 * one.high - share) for one, share in zip(members, shares, strict=True)],
                "arrayminus": [max(0.0, share - 100 * one.low) for one, share in zip(members, shares, strict=True)],
            },
            customdata=[[escape(visible(one.source)), *_cells(one)] for one in members],
            hovertemplate="%{customdata[0]}<br>%{customdata[2]}: %{customdata[3]}<br>%{customdata[4]}<extra></extra>",
        )
    figure.add_scatter(
        x=[100 * one.threshold for one in gates],
        y=[_label(one) for one in gates],
        mode="markers",
        name="needed",
        showlegend=True,
        marker={"symbol": "line-ns-open", "size": 15, "color": INK, "line": {"width": 2}},
        hovertemplate="%{x:.0f} % needed<extra></extra>",
    )
    order = [_label(one) for one in gates]
    figure.update_layout(
        layout(
            legend=legend(),
            margin={"l": 8, "r": 16, "t": 10, "b": 84},
            xaxis=axis("passed, % of the sample", range=[-2, 102], tickvals=[0, 25, 50, 75, 100]),
            yaxis=axis("", categoryorder="array", categoryarray=order, range=[len(order) - 0.5, -0.5], type="category"),
            meta={"narrow": {"traces": {}, "layout": _narrow(gates)}},
        )
    )
    n_of = {decision: sum(one.decision == decision for one in gates) for decision in _STYLES}
    confidence = sorted({f"{100 * one.confidence:g} %" for one in gates})
    note = (
        f"Lines are {' and '.join(confidence)} Wilson intervals; the tick is the share that is needed. A structure "
        "that is refused or fails is in the sample and does not pass."
    )
    if n_left_out:
        note += f" The newest {len(gates)} of {len(gates) + n_left_out} submissions."
    row_height = _ROW_HEIGHT if len(gates) <= _MANY else _DENSE_ROW_HEIGHT
    return Chart(
        key="gates",
        title="The gate of each submission",
        says=f"{n_of['pass']} passed, {n_of['fail']} failed, {n_of['undecided']} are undecided.",
        note=note,
        height=110 + row_height * len(gates),
        narrow_height=130 + row_height * len(gates),
        figure=plain(figure),
        header=("submission", "decision", "passed of drawn", "share and interval", "needed", "planned"),
        rows=[
            (
                f"{one.submission_id} {visible(one.source)}",
                *_cells(one)[1:],
                f"{100 * one.threshold:g} %",
                str(one.n_planned),
            )
            for one in gates
        ],
    )


def _cells(one: Gate) -> tuple[str, str, str, str]:
    share = f"{100 * one.n_passed / one.n_drawn:.1f} %" if one.n_drawn else "–"
    return (
        str(one.submission_id),
        _STYLES[one.decision][0],
        f"{one.n_passed} of {one.n_drawn}",
        f"{share}, {100 * one.low:.1f} to {100 * one.high:.1f} %",
    )


def _label(one: Gate, longest: int = _LONGEST_LABEL) -> str:
    return f"{one.submission_id} {escape(visible(one.source, longest))}"


def _narrow(gates: Sequence[Gate]) -> dict[str, Any]:
    """Shorter names, so that a telephone has room for the intervals."""
    return {
        "margin": {"b": 104},
        "xaxis": {"title": {"text": "passed, %"}},
        "yaxis": {
            "tickfont": {"size": 11},
            "tickvals": [_label(one) for one in gates],
            "ticktext": [_label(one, _LONGEST_NARROW_LABEL) for one in gates],
        },
    }
