"""What a report shows of a torsion run: profiles beside the molecules, barriers, and which chemistry goes wrong."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.report import RunView, Section, figure_html, table_html
from lamcore_torsion import physics
from lamcore_torsion.by_chemistry import Molecule, chemistry_sections, molecule_of
from lamcore_torsion.task import ENERGIES
from lamcore_torsion.wells import interpolated, is_full_turn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lamcore import Case, ScoredCase

_MAX_DRAWN = 16
_MAX_ROWS = 40
_N_NAMED = 5
_MODEL = "#0b6e99"
_REFERENCE = "#444444"
_EXTRA = "#c9762b"


def sections(view: RunView) -> list[Section]:
    """Every section that this run has something to say in."""
    done = sorted(
        (one for one in view.scored if one.scores is not None), key=lambda one: (-mean_error(one.scores), one.case.id)
    )
    molecules = {one.case.id: molecule_of(one.case) for one in view.scored}
    built = []
    if done:
        built += [
            Section("Profiles", _profiles(view, done, molecules)),
            Section("Barriers", _barriers(view, done)),
        ]
    built += chemistry_sections(view.scored, molecules)
    if done:
        built.append(Section("Fragments", _table(done, molecules)))
    if any("mean_rmsd_ang" in (one.scores or {}) for one in done):
        built.append(Section("Change of geometry", _geometries(view, done)))
    return built


def mean_error(scores: Mapping[str, Any] | None) -> float:
    """Mean absolute error of a fragment's profile, aligned at the mean, kcal/mol."""
    assert scores is not None
    return float(scores["mean_aligned_absolute_error_sum_kcal_per_mol"] / scores["n_conformers"])


def profile_figure(case: Case, output: Mapping[str, Any]) -> Figure:
    """The model's profile and the reference's, aligned at their means, the reference's lowest point at zero."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 2.5), layout="constrained")
    axes = figure.subplots()
    reference = np.asarray(case.reference[ENERGIES], dtype=np.float64)
    angles = case.settings.get("angles_deg")
    curves = [
        (reference, _REFERENCE, "reference", "--"),
        (_on(reference, output["energies_ev"]), _MODEL, "model", "-"),
    ]
    if "single_point_energies_ev" in output:
        curves.insert(1, (_on(reference, output["single_point_energies_ev"]), _EXTRA, "model, not relaxed", ":"))
    for energies, colour, label, style in curves:
        _draw(axes, angles, energies, colour, label, style)
    if angles is None:
        axes.set_xlabel("conformer")
    else:
        axes.set(xlabel="dihedral (°)", xticks=range(-180, 181, 60))
    axes.set_ylabel("energy (kcal/mol)")
    axes.legend(fontsize=7.5, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def barrier_figure(scored: Sequence[ScoredCase]) -> Figure:
    """Barriers of the model against those of the reference."""
    from matplotlib.figure import Figure

    reference, errors = barriers(scored)
    predicted = reference + errors
    top = 1.08 * max(float(reference.max()), float(predicted.max()), 1.0)
    figure = Figure(figsize=(5.2, 4.8), layout="constrained")
    axes = figure.subplots()
    line = np.array([0.0, top])
    off = physics.BARRIER_OFF_KCAL_PER_MOL
    axes.fill_between(line, line - off, line + off, color="#e9eef2", linewidth=0, label=f"within {off:g} kcal/mol")
    axes.plot(line, line, color=_REFERENCE, linewidth=0.8)
    is_off = np.abs(errors) > off
    axes.scatter(reference[~is_off], predicted[~is_off], s=16, color=_MODEL, alpha=0.8, linewidths=0)
    axes.scatter(reference[is_off], predicted[is_off], s=16, color=_EXTRA, alpha=0.9, linewidths=0, label="off by more")
    for i in np.argsort(-np.abs(errors), kind="stable")[:_N_NAMED]:
        on_left = reference[i] > 0.6 * top
        axes.annotate(
            scored[i].case.id,
            (reference[i], predicted[i]),
            xytext=(-5 if on_left else 5, 0),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="center",
            fontsize=7.5,
        )
    axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
    axes.set(xlabel="barrier of the reference (kcal/mol)", ylabel="barrier of the model (kcal/mol)")
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def barriers(scored: Sequence[ScoredCase]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Barriers of the reference and errors of the model, kcal/mol, of fragments that did not fail."""
    reference = np.array([physics.barrier(one.case.reference[ENERGIES]) for one in scored])
    errors = np.array([(one.scores or {})["barrier_error_kcal_per_mol"] for one in scored])
    return reference, errors


def _profiles(view: RunView, done: Sequence[ScoredCase], molecules: Mapping[str, Molecule]) -> str:
    parts = []
    for one in done[:_MAX_DRAWN]:
        assert one.scores is not None
        caption = (
            f"{one.case.id}: mean error {mean_error(one.scores):.2f} kcal/mol, barrier off by "
            f"{one.scores['barrier_error_kcal_per_mol']:+.2f} kcal/mol. {molecules[one.case.id].kind}"
        )
        figure = figure_html(profile_figure(one.case, view.outputs[one.case.id]), caption)
        parts.append(
            "<div style='display:flex;flex-wrap:wrap;gap:0 1.5rem;align-items:center'>"
            f"<div style='flex:0 0 270px'>{molecules[one.case.id].drawing}</div>"
            f"<div style='flex:1 1 22rem;max-width:34rem'>{figure}</div></div>"
        )
    left_out = len(done) - len(parts)
    intro = (
        "Largest error first. Points are conformers, lines periodic splines; both profiles are drawn about a common "
        "mean. In the drawing the bond that is turned is marked. The dummy of the metrics is the flat profile."
    ) + (f" {left_out} fragments with smaller errors are not drawn." if left_out > 0 else "")
    return f"<p>{html.escape(intro)}</p>{''.join(parts)}"


def _barriers(view: RunView, done: Sequence[ScoredCase]) -> str:
    n_failed = len(view.scored) - len(done)
    caption = (
        f"Each point is a fragment: the highest conformer above the lowest. Named: the {_N_NAMED} largest errors. "
        + (
            f"{n_failed} of {len(view.scored)} fragments failed and are not drawn."
            if n_failed
            else "No fragment failed."
        )
    )
    return figure_html(barrier_figure(done), caption)


def _table(done: Sequence[ScoredCase], molecules: Mapping[str, Molecule]) -> str:
    header = [
        "fragment",
        "molecule",
        "bond turned",
        "mean error (kcal/mol)",
        "barrier: reference",
        "error (kcal/mol)",
        "wells",
        "missed",
        "spurious",
        "rank correlation",
    ]
    rows = []
    for one in done[:_MAX_ROWS]:
        scores = one.scores
        assert scores is not None
        wells, rank = scores["wells"] or {}, scores["rank_correlation"]
        rows.append(
            [
                one.case.id,
                one.case.settings.get("name", ""),
                molecules[one.case.id].kind,
                f"{mean_error(scores):.3f}",
                f"{physics.barrier(one.case.reference[ENERGIES]):.2f}",
                f"{scores['barrier_error_kcal_per_mol']:+.2f}",
                *(wells.get(key, "–") for key in ("n_wells", "n_missed", "n_spurious")),
                "–" if rank is None else f"{rank:.2f}",
            ]
        )
    left_out = len(done) - len(rows)
    note = f"<p>{left_out} fragments with smaller errors are not listed.</p>" if left_out else ""
    return table_html(header, rows) + note


def _geometries(view: RunView, done: Sequence[ScoredCase]) -> str:
    """How far the model moves the atoms when it relaxes all but the dihedral."""
    rows = []
    for one in sorted(done, key=lambda one: -(one.scores or {})["max_rmsd_ang"])[:_MAX_ROWS]:
        assert one.scores is not None
        steps = view.outputs[one.case.id]["relaxation_steps"]
        rows.append(
            [
                one.case.id,
                f"{one.scores['mean_rmsd_ang']:.3f}",
                f"{one.scores['max_rmsd_ang']:.3f}",
                f"{float(np.mean(steps)):.0f}",
                max(steps),
            ]
        )
    header = ["fragment", "RMSD, mean (Å)", "RMSD, largest (Å)", "steps, mean", "steps, most"]
    return (
        "<p>Distance of the relaxed conformers from those of the reference, all atoms, after the best rotation.</p>"
        + table_html(header, rows)
    )


def _on(reference: np.ndarray[Any, Any], energies_ev: Any) -> np.ndarray[Any, Any]:
    """A profile of the model, kcal/mol, with the mean of the reference."""
    scaled = np.asarray(energies_ev, dtype=np.float64) * physics.KCAL_MOL_PER_EV
    drawn: np.ndarray[Any, Any] = physics.relative_to_mean(scaled) + reference.mean()
    return drawn


def _draw(
    axes: Axes, angles: Sequence[float] | None, energies: np.ndarray[Any, Any], colour: str, label: str, style: str
) -> None:
    if angles is None or not is_full_turn(angles):
        places = np.arange(len(energies)) if angles is None else np.asarray(angles)
        axes.plot(places, energies, style, color=colour, marker=".", markersize=4, linewidth=1.2, label=label)
        return
    spline = interpolated(angles, energies)
    fine = np.linspace(-180, 180, 361)
    start = float(spline.x[0])
    axes.plot(fine, spline(start + (fine - start) % 360.0), style, color=colour, linewidth=1.3, label=label)
    axes.plot(angles, energies, ".", color=colour, markersize=4)
