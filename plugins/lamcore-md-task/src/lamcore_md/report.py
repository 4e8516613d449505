"""What a report shows of molecular dynamics: energies in time, drifts, and how trajectories ended."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from lamcore.report import RunView, Section, figure_html, table_html
from lamcore_md.figures import drift_figure, name_of, traces_figure
from lamcore_md.stability import LAMBENCH_UNIT_PS, TOLERANCE_EV_PER_ATOM_PS
from lamcore_md.summary import LAMBENCH_DRIFT_UNIT, outcome_of
from lamcore_md.trajectory import OUTCOMES

if TYPE_CHECKING:
    from lamcore import ScoredCase

_MAX_DRAWN = 24


def sections(view: RunView) -> list[Section]:
    """Every section that this run has something to say in."""
    built = [
        ("Total energy in time", _traces(view)),
        ("Energy drift", _drifts(view)),
        ("Trajectories", _table(view)),
        ("Trajectories that ended early", _ends(view)),
    ]
    return [Section(title=title, body=body) for title, body in built if body]


def _is_lambench(view: RunView) -> bool:
    return bool(view.config.get("task", {}).get("protocol") == "lambench")


def _traces(view: RunView) -> str:
    drawn = [(one, view.outputs[one.case.id]) for one in view.scored if one.case.id in view.outputs]
    if not drawn:
        return ""
    caption = (
        "Potential and kinetic energy per atom together, from their sum at the start. Black: the line whose slope is "
        "the drift, in its 95 % interval; grey: the part that is left out; red: trajectories that ended early, "
        "drawn up to 10 eV/atom. "
    )
    if len(drawn) > _MAX_DRAWN:
        caption += f"The first {_MAX_DRAWN} of {len(drawn)} are drawn. "
    if n_lost := len(view.scored) - len(drawn):
        caption += f"{n_lost} of {len(view.scored)} cases have no trajectory and are not drawn."
    return figure_html(traces_figure(drawn[:_MAX_DRAWN]), caption)


def _drifts(view: RunView) -> str:
    if not any(one.scores and "drift_ev_per_atom_ps" in one.scores for one in view.scored):
        return ""
    lambench = _is_lambench(view)
    tolerance = view.config.get("task", {}).get("tolerance_ev_per_atom_ps") or TOLERANCE_EV_PER_ATOM_PS
    caption = "Size of the drift with its 95 % interval; × did not complete. Left of the tolerance, instability is 0. "
    if lambench:
        caption += (
            f"Protocol lambench: {LAMBENCH_DRIFT_UNIT} is the unit that LAMBench calls eV/atom/ps; numbers in it are "
            f"{LAMBENCH_UNIT_PS:.2f} times those in true eV/atom/ps, which the table below is in."
        )
    else:
        caption += "Protocol default: true eV/atom/ps."
    return figure_html(drift_figure(view.scored, tolerance, lambench), caption)


def _table(view: RunView) -> str:
    header = [
        "structure",
        "outcome",
        "drift (µeV/atom/ps)",
        "95 % interval",
        "instability",
        "noise (meV/atom)",
        "noise ratio",
        "momentum change (u·Å/fs)",
        "back in time (Å)",
        "mean temperature (K)",
    ]
    return table_html(header, [_row(one) for one in view.scored]) if view.scored else ""


def _row(one: ScoredCase) -> list[str]:
    scores: dict[str, Any] = dict(one.scores or {})
    outcome = outcome_of(one).replace("_", " ")
    if "drift_ev_per_atom_ps" not in scores:
        return [name_of(one), outcome, *["–"] * 2, "5", *["–"] * 5]
    low, high = 1e6 * scores["drift_low_ev_per_atom_ps"], 1e6 * scores["drift_high_ev_per_atom_ps"]
    return [
        name_of(one),
        outcome,
        f"{1e6 * scores['drift_ev_per_atom_ps']:+.4g}",
        f"{low:+.4g} … {high:+.4g}",
        f"{scores['instability']:.3f}",
        f"{1000 * scores['noise_ev_per_atom']:.3g}",
        _number(scores["noise_ratio"]),
        _number(scores["momentum_change_amu_ang_per_fs"]),
        _number(scores["reversal_rms_ang"]),
        f"{scores['mean_temperature_k']:.0f}",
    ]


def _ends(view: RunView) -> str:
    rows = []
    for one in view.scored:
        if one.scores is None:
            rows.append([name_of(one), "failed", "no trajectory", one.failure or ""])
        elif (kind := one.scores["outcome"]) != "completed":
            rows.append([name_of(one), kind.replace("_", " "), OUTCOMES[kind], one.scores["outcome_detail"]])
    if rows:
        return table_html(["structure", "end", "meaning", "what happened"], rows)
    n_steps = {output["n_steps"] for output in view.outputs.values()}
    return f"<p>All took {html.escape(' or '.join(f'{n:,}' for n in sorted(n_steps)))} steps.</p>" if n_steps else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
