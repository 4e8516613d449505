"""Charts of single cases: how a metric spreads over them, and predictions against labels."""

from __future__ import annotations

import plotly.graph_objects as go

from lamcore.text import format_number
from lamcore_leaderboard.cases import MOST_DRAWN, CaseValues, MetricView, drawn
from lamcore_leaderboard.plotting import (
    DUMMY,
    MOST_IN_LEGEND,
    SHOWN_AT_FIRST,
    SOFT,
    Chart,
    Styles,
    axis,
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
    scale,
)


def spread_chart(view: MetricView, styles: Styles) -> Chart:
    """Every case of every model as a point, with the box from the first to the third quartile."""
    figure = go.Figure()
    names = []
    for one in view.cases:
        style, values = styles(one.row), drawn(one.values)
        names.append(label(one.row))
        figure.add_box(
            orientation="h",
            x=list(values.values()),
            y=[label(one.row)] * len(values),
            name=label(one.row),
            boxpoints="all",
            jitter=0.5,
            pointpos=0,
            text=[escape(case_id) for case_id in values],
            marker={"color": style.colour, "size": 5, "opacity": 0.6},
            line={"color": style.colour, "width": 1.4},
            fillcolor="rgba(0,0,0,0)",
            hoveron="points",
            hovertemplate=f"{escape(one.row.name)}<br>%{{text}}: %{{x:.4g}} {escape(view.unit)}<extra></extra>",
        )
    if view.dummy_values:
        values = drawn(view.dummy_values)
        names.append("dummy")
        figure.add_box(
            orientation="h",
            x=list(values.values()),
            y=["dummy"] * len(values),
            name="dummy",
            boxpoints=False,
            line={"color": DUMMY, "width": 1.4},
            fillcolor="rgba(0,0,0,0)",
            hoverinfo="skip",
        )
    everything = [value for one in view.cases for value in one.values.values()]
    title = "value of single cases" if view.direction == "higher" else "error of single cases"
    figure.update_layout(
        base_layout(),
        showlegend=False,
        margin=bar_margins(len(names)),
        xaxis={**bar_axis(f"{title} [{escape(view.unit)}]", len(names)), **scale(everything)},
        yaxis={**axis(""), "showgrid": False, "categoryorder": "array", "categoryarray": names[::-1]},
    )
    return Chart(
        key=f"spread-{view.slug}",
        title="Spread over cases",
        says=f"{view.name} of single cases for {len(view.cases)} models.",
        note="A point is a case; the box holds the middle half. Failed cases are not drawn." + _thinned_note(view),
        height=bar_height(len(names), 46),
        figure=plain(figure),
        header=["model", "cases", "failed", "lowest", "median", "highest"],
        rows=[_quartiles(one) for one in view.cases],
    )


def parity_chart(view: MetricView, styles: Styles) -> Chart | None:
    """Predictions against labels; None where the metric does not compare with one number."""
    members = [one for one in view.cases if one.pairs]
    if not members:
        return None
    figure = go.Figure()
    ends = [value for one in members for pair in one.pairs.values() for value in pair]
    low, high = min(ends), max(ends)
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={"color": SOFT, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    for number, one in enumerate(members[:MOST_IN_LEGEND]):
        style = styles(one.row)
        kept = drawn({case_id: abs(pair[1] - pair[0]) for case_id, pair in one.pairs.items()})
        figure.add_scatter(
            x=[one.pairs[case_id][0] for case_id in kept],
            y=[one.pairs[case_id][1] for case_id in kept],
            mode="markers",
            name=label(one.row),
            text=[escape(case_id) for case_id in kept],
            marker={"color": style.colour, "symbol": style.symbol, "size": 8, "opacity": 0.75},
            visible=True if number < SHOWN_AT_FIRST else "legendonly",
            hovertemplate=f"{escape(one.row.name)}<br>%{{text}}: %{{y:.4g}}, label %{{x:.4g}}<extra></extra>",
        )
    figure.update_layout(
        base_layout(),
        margin={"l": 8, "r": 12, "t": 8, "b": 48},
        xaxis=axis(f"label [{escape(view.unit)}]"),
        yaxis=axis(f"prediction [{escape(view.unit)}]"),
        legend=legend(),
    )
    return Chart(
        key=f"parity-{view.slug}",
        title="Predictions against labels",
        says=f"Predictions against labels behind {view.name} for {len(members)} models; on the line they agree.",
        note="On the dotted line they agree." + hidden_note(len(members)) + _thinned_note(view),
        height=370 + legend_height(len(members)),
        figure=plain(figure),
        header=["model", "cases", f"mean prediction − label [{view.unit}]", "furthest off"],
        rows=[_bias(one) for one in members],
    )


def _quartiles(one: CaseValues) -> list[str]:
    values = sorted(one.values.values())
    middle = [values[(len(values) - 1) // 2], values[len(values) // 2]] if values else []
    return [
        full_label(one.row),
        str(len(values)),
        str(len(one.failed)),
        format_number(values[0] if values else None),
        format_number(sum(middle) / 2 if middle else None),
        format_number(values[-1] if values else None),
    ]


def _bias(one: CaseValues) -> list[str]:
    errors = {case_id: prediction - reference for case_id, (reference, prediction) in one.pairs.items()}
    worst = max(errors, key=lambda case_id: abs(errors[case_id]))
    return [
        full_label(one.row),
        str(len(errors)),
        format_number(sum(errors.values()) / len(errors)),
        f"{worst} ({format_number(errors[worst])})",
    ]


def _thinned_note(view: MetricView) -> str:
    most = max((len(one.values) for one in view.cases), default=0)
    return f" Of {most} cases {MOST_DRAWN} are drawn, evenly spaced by value." if most > MOST_DRAWN else ""
