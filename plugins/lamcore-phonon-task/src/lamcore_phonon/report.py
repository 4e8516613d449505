"""What a report shows of a phonon run: parity plots, the worst cases, instabilities, failures, bands and densities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.report import RunView, Section, figure_html, table_html
from lamcore_phonon.task import QUANTITIES, Quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lamcore import Case, ScoredCase

_N_LABELLED = 3
_N_WORST = 10
_MAX_DRAWN = 24
"""Band structures and densities of states take space: no more cases than this are drawn."""
_POINT = "#2b6ca3"
_WORST = "#b8432f"
_LINE = "#777777"


def sections(view: RunView) -> list[Section]:
    """Every section that this run has something to say in."""
    built = [
        ("Predicted against reference", _parity(view)),
        ("Largest errors", _worst(view)),
        ("Dynamical stability", _stability(view)),
        ("Space groups that changed", _space_groups(view)),
        ("Band structures and densities of states", _drawn(view)),
        ("Failed cases", _failures(view)),
    ]
    return [Section(title=title, body=body) for title, body in built if body]


def parity_figure(scored: Sequence[ScoredCase]) -> tuple[Figure, list[str]] | None:
    """Prediction against reference for each quantity with labels; the largest errors carry the case's name.

    Returns:
        The figure, and a note on each quantity with failed cases or a level of theory; None where nothing can be drawn.
    """
    from matplotlib.figure import Figure

    shown = [
        quantity for quantity in QUANTITIES if any(one.scores and quantity.error_key in one.scores for one in scored)
    ]
    if not shown:
        return None
    n_columns = min(len(shown), 2)
    n_rows = -(-len(shown) // n_columns)
    figure = Figure(figsize=(4.6 * n_columns, 4.3 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axes, quantity in zip(panels, shown, strict=False):
        _draw_parity(axes, quantity, [one for one in scored if one.scores and quantity.error_key in one.scores])
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    notes = []
    for quantity in shown:
        labelled = [one for one in scored if quantity.key in one.case.reference]
        if n_failed := sum(one.scores is None for one in labelled):
            notes.append(f"{quantity.title}: {n_failed} of {len(labelled)} cases failed and are not drawn")
    return figure, notes


def _parity(view: RunView) -> str:
    drawn = parity_figure(view.scored)
    if drawn is None:
        return ""
    figure, notes = drawn
    functionals = sorted({str(one.case.settings.get("functional", "not stated")) for one in view.scored})
    caption = (
        f"Each point is one crystal; on the line, prediction and reference agree. Reference: {', '.join(functionals)}. "
    )
    caption += f"Named: the {_N_LABELLED} largest errors. "
    caption += "; ".join(notes) + "." if notes else "No case failed."
    return figure_html(figure, caption)


def _draw_parity(axes: Axes, quantity: Quantity, done: Sequence[ScoredCase]) -> None:
    reference = np.array([one.case.reference[quantity.key] for one in done])
    error = np.array([one.scores[quantity.error_key] for one in done if one.scores])
    predicted = reference + error
    worst = np.argsort(-np.abs(error), kind="stable")[:_N_LABELLED]
    low = float(min(reference.min(), predicted.min()))
    high = float(max(reference.max(), predicted.max()))
    margin = 0.06 * ((high - low) or abs(high) or 1.0)
    limits = (low - margin, high + margin)
    axes.plot(limits, limits, color=_LINE, linewidth=0.8, zorder=1)
    axes.scatter(reference, predicted, s=16, color=_POINT, alpha=0.75, linewidths=0, zorder=2)
    axes.scatter(reference[worst], predicted[worst], s=18, color=_WORST, linewidths=0, zorder=3)
    _name_points(axes, [(float(reference[i]), float(predicted[i]), _name(done[i].case)) for i in worst], low, high)
    axes.set(
        xlim=limits,
        ylim=limits,
        aspect="equal",
        xlabel=f"reference ({quantity.unit})",
        ylabel=f"predicted ({quantity.unit})",
    )
    mean_error = f"mean error {error.mean():+.3g}, mean absolute error {np.abs(error).mean():.3g} {quantity.unit}"
    axes.set_title(f"{quantity.title.capitalize()}\n{mean_error}, n = {len(done)}", fontsize=9)


def _name_points(axes: Axes, points: Sequence[tuple[float, float, str]], low: float, high: float) -> None:
    """Write names beside points, away from the diagonal where there is room, and never over one another."""
    from matplotlib.patheffects import withStroke

    span = (high - low) or 1.0
    previous = -np.inf
    for reference, predicted, name in sorted(points, key=lambda point: point[1]):
        on_left = predicted > reference
        if not 0.35 < (reference - low) / span < 0.65:
            on_left = reference - low > 0.5 * span
        height = previous = max(predicted, previous + 0.045 * span)
        axes.text(
            reference + (-0.025 if on_left else 0.025) * span,
            height,
            name,
            ha="right" if on_left else "left",
            va="center",
            fontsize=7.5,
            color=_WORST,
            path_effects=[withStroke(linewidth=2, foreground="white")],
            zorder=4,
        )


def _worst(view: RunView) -> str:
    """For each quantity the cases with the largest errors."""
    header = ["quantity", "crystal", "case", "reference", "predicted", "error", "unit"]
    rows = []
    for quantity in QUANTITIES:
        done = [one for one in view.scored if one.scores and quantity.error_key in one.scores]
        for one in sorted(done, key=lambda one: -abs(one.scores[quantity.error_key] if one.scores else 0.0))[:_N_WORST]:
            assert one.scores is not None
            rows.append(
                [
                    quantity.title,
                    _name(one.case),
                    one.case.id,
                    f"{one.case.reference[quantity.key]:.2f}",
                    f"{one.scores[quantity.key]:.2f}",
                    f"{one.scores[quantity.error_key]:+.2f}",
                    quantity.unit,
                ]
            )
    return table_html(header, rows) if rows else ""


def _stability(view: RunView) -> str:
    """Crystals with imaginary modes, and those whose stability was judged wrongly."""
    header = ["crystal", "case", "lowest frequency (THz)", "reference (THz)", "imaginary modes (% of mesh)", "judged"]
    rows = []
    for one in view.scored:
        if one.scores is None or (one.scores["stable"] and one.scores.get("stability_right") is not False):
            continue
        label = one.case.reference.get("min_frequency_thz")
        verdict = {True: "rightly", False: "wrongly", None: "no label"}[one.scores.get("stability_right")]
        rows.append(
            [
                _name(one.case),
                one.case.id,
                f"{one.scores['min_frequency_thz']:.3f}",
                "" if label is None else f"{label:.3f}",
                f"{100 * view.outputs[one.case.id]['imaginary_share']:.2f}",
                verdict,
            ]
        )
    if rows:
        return table_html(header, rows)
    return "<p>No crystal has imaginary modes, and none was judged wrongly.</p>" if view.outputs else ""


def _space_groups(view: RunView) -> str:
    """Crystals whose space group is another one after the relaxation."""
    rows = []
    for one in view.scored:
        output = view.outputs.get(one.case.id)
        if output is not None and output["space_group_given"] != output["space_group_relaxed"]:
            rows.append([_name(one.case), one.case.id, output["space_group_given"], output["space_group_relaxed"]])
    return table_html(["crystal", "case", "as given", "relaxed"], rows) if rows else ""


def _failures(view: RunView) -> str:
    rows = [[_name(one.case), one.case.id, one.failure] for one in view.scored if one.failure is not None]
    return table_html(["crystal", "case", "why"], rows) if rows else ""


def _drawn(view: RunView) -> str:
    """Band structures and densities of states, where the run computed them."""
    with_curves = [
        one for one in view.scored if {"band_frequencies_thz", "dos_per_thz"} & set(view.outputs.get(one.case.id, {}))
    ]
    figures = [
        figure_html(dispersion_figure(view.outputs[one.case.id]), _name(one.case)) for one in with_curves[:_MAX_DRAWN]
    ]
    if len(with_curves) > _MAX_DRAWN:
        figures.append(f"<p>The first {_MAX_DRAWN} of {len(with_curves)} crystals are drawn.</p>")
    return "".join(figures)


def dispersion_figure(output: Mapping[str, Any]) -> Figure:
    """The band structure, the density of states, or both side by side; imaginary frequencies lie below zero."""
    from matplotlib.figure import Figure

    has_bands, has_dos = "band_frequencies_thz" in output, "dos_per_thz" in output
    figure = Figure(figsize=(6.4 if has_bands else 3.2, 3.2), layout="constrained")
    widths = [3.0] * has_bands + [1.0] * has_dos
    panels = list(figure.subplots(1, len(widths), squeeze=False, sharey=True, width_ratios=widths).ravel())
    panels[0].set_ylabel("frequency (THz)")
    if has_bands:
        _draw_bands(panels[0], output)
    if has_dos:
        panels[-1].plot(output["dos_per_thz"], output["dos_frequencies_thz"], color=_POINT, linewidth=1)
        panels[-1].set(xlabel="states (1/THz)", xlim=(0, None))
    for axes in panels:
        axes.axhline(0, color=_LINE, linewidth=0.6)
    return figure


def _draw_bands(axes: Axes, output: Mapping[str, Any]) -> None:
    ticks: dict[float, list[str]] = {}
    start = 0
    for length, pair in zip(output["band_segment_lengths"], output["band_labels"], strict=True):
        part = slice(start, start + length)
        distances = output["band_distances_per_ang"][part]
        axes.plot(distances, output["band_frequencies_thz"][part], color=_POINT, linewidth=1)
        for label, distance in zip(pair, (distances[0], distances[-1]), strict=True):
            names = ticks.setdefault(round(float(distance), 6), [])
            if label not in names:
                names.append(label)
        start += length
    for distance in ticks:
        axes.axvline(distance, color=_LINE, linewidth=0.5)
    axes.set_xticks(list(ticks), ["|".join(names) for names in ticks.values()])
    axes.set_xlim(min(ticks), max(ticks))


def _name(case: Case) -> str:
    return str(case.settings.get("name", case.id))
