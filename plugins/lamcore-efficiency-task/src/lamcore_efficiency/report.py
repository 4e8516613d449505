"""What a report shows of an efficiency run: scaling, throughput, single structures, limits, hardware."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.report import RunView, Section, figure_html, table_html
from lamcore.text import format_number
from lamcore_efficiency.summary import cost_model_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lamcore import ScoredCase

_COLOURS = ("#2b6ca3", "#b8432f", "#3d8b4f", "#8a5fa8", "#b07a1f")
_LINE = "#777777"
_MAX_ROWS = 60


def sections(view: RunView) -> list[Section]:
    """Every section that this run has something to say in."""
    built = [
        ("Time against size", _scaling(view)),
        ("Throughput in batches", _throughput(view)),
        ("Times of single structures", _times(view)),
        ("Atoms that fit in memory", _capacity(view)),
        ("Hardware", _hardware(view)),
    ]
    return [Section(title=title, body=body) for title, body in built if body]


def scaling_figure(scored: Sequence[ScoredCase]) -> Figure | None:
    """Median time of an evaluation against its number of atoms, both logarithmic, with the fitted t = L + N·τ."""
    from matplotlib.figure import Figure

    done = [one for one in scored if one.scores and one.scores.get("median_s") is not None]
    if not done:
        return None
    fit = cost_model_of(scored)
    figure = Figure(figsize=(9.2, 3.9), layout="constrained")
    absolute, per_atom = figure.subplots(1, 2)
    groups = sorted({_group(one) for one in done})
    for index, group in enumerate(groups):
        colour = _COLOURS[index % len(_COLOURS)]
        points = sorted(
            (one.scores["n_atoms"], one.scores["median_s"], one.scores["interquartile_range_s"])
            for one in done
            if one.scores and _group(one) == group
        )
        sizes, medians, ranges = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
        absolute.errorbar(sizes, medians, yerr=ranges / 2, fmt="o", markersize=4, color=colour, label=group)
        per_atom.errorbar(
            sizes, 1e6 * medians / sizes, yerr=5e5 * ranges / sizes, fmt="o", markersize=4, color=colour, label=group
        )
        if fit is not None and group in fit.seconds_per_atom:
            line = np.geomspace(sizes.min(), sizes.max(), 100)
            absolute.plot(line, fit.seconds(group, line), color=colour, linewidth=1)
            per_atom.plot(line, 1e6 * fit.seconds(group, line) / line, color=colour, linewidth=1)
    absolute.set(xscale="log", yscale="log", xlabel="atoms", ylabel="time of one evaluation (s)")
    per_atom.set(xscale="log", yscale="log", xlabel="atoms", ylabel="time per atom (µs)")
    for axes in (absolute, per_atom):
        axes.grid(visible=True, which="major", color=_LINE, alpha=0.25, linewidth=0.6)
    if len(groups) <= len(_COLOURS):
        absolute.legend(frameon=False, fontsize=8)
    return figure


def throughput_figure(scored: Sequence[ScoredCase]) -> Figure | None:
    """Atoms a second against the number of copies in a batch."""
    from matplotlib.figure import Figure

    done = [one for one in scored if one.scores and one.scores.get("batch_sizes")]
    if not done:
        return None
    figure = Figure(figsize=(5.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for index, one in enumerate(done):
        assert one.scores is not None
        label = f"{_group(one)}, {one.scores['n_atoms']} atoms each"
        colour = _COLOURS[index % len(_COLOURS)]
        axes.plot(
            one.scores["batch_sizes"], one.scores["rates_atoms_per_s"], "o-", markersize=4, color=colour, label=label
        )
    axes.set(xlabel="structures in a batch", ylabel="atoms a second", ylim=(0, None))
    axes.set_xscale("log", base=2)
    axes.grid(visible=True, color=_LINE, alpha=0.25, linewidth=0.6)
    axes.legend(frameon=False, fontsize=8)
    return figure


def _scaling(view: RunView) -> str:
    figure = scaling_figure(view.scored)
    if figure is None:
        return ""
    fit = cost_model_of(view.scored)
    caption = "Energy, forces and stress, neighbour lists included. Points are medians, bars the interquartile range. "
    if fit is None:
        return figure_html(figure, caption + "There are too few sizes for a fit.")
    caption += (
        f"Lines: t = L + N·τ with L = {format_number(1e3 * fit.overhead_s)} ms and τ = "
        + ", ".join(f"{format_number(1e6 * tau)} µs ({name})" for name, tau in fit.seconds_per_atom.items())
        + f", fitted to relative errors; it is off by at most {100 * fit.worst_relative_residual:.0f} %."
    )
    return figure_html(figure, caption)


def _throughput(view: RunView) -> str:
    figure = throughput_figure(view.scored)
    if figure is None:
        return ""
    ended = sorted({str(one.scores["stopped"]) for one in view.scored if one.scores and "stopped" in one.scores})
    reasons = {
        "saturated": "more copies no longer gave more atoms a second",
        "memory": "the next batch did not fit in memory",
        "time": "the time budget was used up",
        "cap": "the largest batch was reached",
    }
    return figure_html(figure, f"Batches were doubled until {' or '.join(reasons[one] for one in ended)}.")


def _times(view: RunView) -> str:
    header = ["case", "atoms", "time (ms)", "interquartile range (ms)", "repetitions", "per atom (µs)", "graphs (%)"]
    header += ["memory (MB)", "warm-up", "steady"]
    done = [one for one in view.scored if one.scores and "fits" in one.scores]
    rows: list[list[Any]] = []
    for one in done[:_MAX_ROWS]:
        scores = one.scores
        assert scores is not None
        output = view.outputs[one.case.id]
        share = scores["graph_share"]
        if not scores["fits"]:
            rows.append([one.case.id, scores["n_atoms"], output["why_not"], *[""] * (len(header) - 3)])
            continue
        rows.append(
            [
                one.case.id,
                scores["n_atoms"],
                format_number(None if scores["median_s"] is None else 1e3 * scores["median_s"]),
                format_number(
                    None if scores["interquartile_range_s"] is None else 1e3 * scores["interquartile_range_s"]
                ),
                len(scores["times_per_atom_us"]),
                format_number(scores["time_per_atom_us"]),
                format_number(None if share is None else 100 * share),
                format_number(scores["peak_memory_mb"]),
                len(output["warm_up_s"]),
                "yes" if scores["steady"] else "not shown",
            ]
        )
    if not rows:
        return ""
    more = f"<p>The first {_MAX_ROWS} of {len(done)} cases are listed.</p>" if len(done) > _MAX_ROWS else ""
    return table_html(header, rows) + more


def _capacity(view: RunView) -> str:
    rows = [
        [
            one.case.id,
            probe["n_atoms"],
            "yes" if probe["fits"] else "no",
            format_number(probe["seconds"]),
            probe["why_not"],
        ]
        for one in view.scored
        if one.scores and "fits_atoms" in one.scores
        for probe in view.outputs[one.case.id]["probes"]
    ]
    return table_html(["case", "atoms", "fits", "time (s)", "why not"], rows) if rows else ""


def _hardware(view: RunView) -> str:
    """The hardware of the run, and whether other processes kept it busy."""
    if not view.outputs:
        return ""
    first = next(iter(view.outputs.values()))
    hardware = first["hardware"]
    rows = [
        ["processor", hardware["processor"]],
        ["cores that may be used", hardware["cores"]],
        ["threads", hardware["threads"]],
        ["device", hardware["device"]],
        ["GPU", hardware["gpu"] or "–"],
        ["GPU driver", hardware["gpu_driver"] or "–"],
        ["torch", hardware["torch"] or "–"],
        ["floating-point type", first["dtype"]],
        ["model in a worker process", "yes" if hardware["in_worker"] else "no"],
    ]
    loads = [output["load_average_before"] for output in view.outputs.values()]
    known = [load for load in loads if load is not None]
    if known:
        rows.append(["load average before the first and at most", f"{known[0]:.1f}, {max(known):.1f}"])
    note = ""
    if known and known[0] > 0.5 * hardware["cores"]:
        note = "<p class='warning'>The machine was busy before this run began: times are too long.</p>"
    return table_html(["", "value"], rows) + note


def _group(one: ScoredCase) -> str:
    return str(one.case.settings.get("group", one.case.id))
