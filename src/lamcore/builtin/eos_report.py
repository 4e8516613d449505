"""The report of a run of eos: curves, parity plots and a table, worst crystals first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lamcore.builtin.eos import reference_curve
from lamcore.report import RunView, Section, figure_html, table_html

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lamcore.task import ScoredCase

MAX_PANELS = 36
MAX_NAMES = 12
_N_COLUMNS = 4
_MODEL_COLOUR = "#0b6e99"
_REFERENCE_COLOUR = "#444444"
_PARITY = (
    ("volume_ang3_per_atom", "V₀ (Å³/atom)"),
    ("bulk_modulus_gpa", "B₀ (GPa)"),
    ("bulk_modulus_derivative", "B′"),
)


def sections(view: RunView) -> Sequence[Section]:
    """Curves, parity plots and a table of a finished run."""
    finished = [(case, dict(case.scores)) for case in view.scored if case.scores is not None]
    shown = [case for case, _ in sorted(finished, key=lambda pair: -pair[1]["delta_mev"])[:MAX_PANELS]]
    parts = []
    if shown:
        left_out = len(finished) - len(shown)
        caption = (
            "Energy per atom above the minimum against volume, largest Δ first. Points and solid line: the model and "
            "its Birch–Murnaghan fit. Dashed: the reference. Each curve is drawn from its own minimum."
        ) + (f" {left_out} crystals with a smaller Δ are not drawn." if left_out else "")
        parts.append(Section("Equations of state", figure_html(curves_figure(view, shown), caption)))
        caption = (
            "Each point is a crystal; on the line, model and reference agree. "
            f"In each plot the {MAX_NAMES} crystals farthest from the line are named."
        )
        parts.append(Section("Model against reference", figure_html(parity_figure(view), caption)))
    parts.append(Section("Crystals", _table(view)))
    return parts


def curves_figure(view: RunView, shown: Sequence[ScoredCase]) -> Figure:
    """Small multiples of the energy–volume curves."""
    from matplotlib.figure import Figure

    n_rows = math.ceil(len(shown) / _N_COLUMNS)
    figure = Figure(figsize=(2.7 * _N_COLUMNS, 2.3 * n_rows + 0.4), layout="constrained")
    panels = figure.subplots(n_rows, _N_COLUMNS, squeeze=False).ravel()
    for panel, case in zip(panels, shown, strict=False):
        _draw_curves(panel, view, case)
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    figure.supxlabel("volume (Å³/atom)", fontsize=9)
    figure.supylabel("energy above the minimum (meV/atom)", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=9, frameon=False)
    return figure


def parity_figure(view: RunView) -> Figure:
    """V₀, B₀ and B′ of the model against the reference."""
    from matplotlib.figure import Figure

    finished = [case for case in view.scored if case.scores is not None]
    figure = Figure(figsize=(10.8, 3.6), layout="constrained")
    for panel, (key, label) in zip(figure.subplots(1, 3), _PARITY, strict=True):
        references = [float(case.case.reference[key]) for case in finished]
        predictions = [float((case.scores or {})[key]) for case in finished]
        values = references + predictions
        low, high = min(values), max(values)
        logarithmic = low > 0 and high / low > 30
        if logarithmic:
            panel.set_xscale("log")
            panel.set_yscale("log")
            ends = [low / 1.2, high * 1.2]
        else:
            margin = 0.06 * (high - low) or 0.1 * abs(high)
            ends = [low - margin, high + margin]
        panel.plot(ends, ends, color=_REFERENCE_COLOUR, linewidth=0.8)
        panel.plot(references, predictions, "o", color=_MODEL_COLOUR, markersize=4, alpha=0.8)
        points = list(zip(finished, references, predictions, strict=True))
        distances = [abs(math.log(y / x)) if logarithmic else abs(y - x) for _, x, y in points]
        for index in sorted(range(len(points)), key=lambda index: -distances[index])[:MAX_NAMES]:
            case, x, y = points[index]
            panel.annotate(case.case.id, (x, y), xytext=(4, -8), textcoords="offset points", fontsize=7)
        panel.set(xlim=ends, ylim=ends, xlabel=f"reference {label}", ylabel=f"model {label}", aspect="equal")
    return figure


def _draw_curves(panel: Axes, view: RunView, case: ScoredCase) -> None:
    import numpy as np

    from lamcore.builtin.eos_physics import EquationOfState

    scores = case.scores or {}
    output = view.outputs[case.case.id]
    volumes = np.asarray(output["volumes_ang3_per_atom"])
    energies = np.asarray(output["energies_ev_per_atom"]) - scores["energy_ev_per_atom"]
    fitted = EquationOfState(
        scores["volume_ang3_per_atom"], scores["bulk_modulus_gpa"], scores["bulk_modulus_derivative"]
    )
    reference = reference_curve(case.case)
    around_model = np.linspace(volumes.min(), volumes.max(), 100)
    around_reference = np.linspace(0.94, 1.06, 100) * reference.volume_ang3
    panel.plot(
        around_reference,
        1e3 * reference.energies(around_reference),
        "--",
        color=_REFERENCE_COLOUR,
        linewidth=1.2,
        label="reference",
    )
    panel.plot(around_model, 1e3 * fitted.energies(around_model), color=_MODEL_COLOUR, linewidth=1.2, label="fit")
    panel.plot(volumes, 1e3 * energies, "o", color=_MODEL_COLOUR, markersize=3.5, label="model")
    panel.set_title(f"{case.case.id}   Δ = {scores['delta_mev']:.3g} meV/atom", fontsize=9)
    panel.tick_params(labelsize=7)


def _table(view: RunView) -> str:
    header = ["crystal", "Δ (meV/atom)"]
    header += [f"{label}{kind}" for _, label in _PARITY for kind in (", model", ", reference")]
    header += ["scans", "failure"]
    rows = []
    for case in sorted(view.scored, key=lambda case: -math.inf if case.scores is None else -case.scores["delta_mev"]):
        scores = case.scores or {}
        row: list[object] = [case.case.id, _shown(scores.get("delta_mev"))]
        for key, _ in _PARITY:
            row += [_shown(scores.get(key)), _shown(case.case.reference[key])]
        row += [view.outputs[case.case.id]["n_scans"] if case.scores is not None else "", case.failure or ""]
        rows.append(row)
    return table_html(header, rows)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
