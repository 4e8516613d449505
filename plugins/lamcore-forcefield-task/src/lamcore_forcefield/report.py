"""What a report shows of a forcefield run."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcore import ScoredCase
from lamcore.report import RunView, Section, figure_html, table_html
from lamcore_forcefield.drawing import draw, turning_script
from lamcore_forcefield.energies import Energies, shift_energies
from lamcore_forcefield.figures import breakdown_figure, magnitude_names, parity_figure
from lamcore_forcefield.frame_errors import force_sums_by_element, force_sums_by_magnitude
from lamcore_forcefield.labels import FORCES
from lamcore_forcefield.task import ForcefieldSettings, settings_from

_N_WORST = 6
_LARGEST_DRAWN = 600
"""Frames of more atoms are listed, not drawn."""
_GALLERY = "display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:0.8rem"


def sections(view: RunView) -> list[Section]:
    """Every section that this run has something to say in."""
    settings = settings_from(view.config.get("task", {}))
    energies = shift_energies(view.scored, settings.bias_in_force, settings.weights_in_force)
    parts = _force_parts(view)
    built = [
        ("Predicted against reference", _parity(view, energies, parts.largest_component)),
        ("Errors by element and by force", _breakdown(parts)),
        ("Energy shifts of the elements", _shifts(view, settings, energies)),
        ("Worst frames", _worst(view, energies)),
    ]
    return [Section(title=title, body=body) for title, body in built if body]


def _parity(view: RunView, energies: Energies, largest: float) -> str:
    ids = sorted(energies.errors_ev.keys() & energies.dummy_ev.keys())
    pairs = None
    if ids:
        n_atoms = np.array([energies.n_atoms[case_id] for case_id in ids])
        reference = -np.array([energies.dummy_ev[case_id] for case_id in ids]) / n_atoms
        pairs = reference, reference + np.array([energies.errors_ev[case_id] for case_id in ids]) / n_atoms
    if pairs is None and not largest:
        return ""
    n_failed = sum(one.scores is None for one in view.scored)
    caption = (
        "On the line, prediction and reference agree. Energies are relative to what the composition alone tells: the "
        "reference less the shifts fitted to the reference, the prediction less those of the difference as well. "
        + (f"{n_failed} of {len(view.scored)} frames failed and are not drawn." if n_failed else "No frame failed.")
    )
    forces = ((reference, predicted) for _, reference, predicted in _forces(view))
    return figure_html(parity_figure(pairs, forces, largest), caption)


def _forces(view: RunView) -> Iterator[tuple[list[str], NDArray[np.float64], NDArray[np.float64]]]:
    """Symbols, reference and predicted forces, frame by frame, each read when its turn comes."""
    for one in _done(view):
        atoms = one.case.structures[0]
        if (reference := atoms.arrays.get(FORCES)) is not None:
            yield atoms.get_chemical_symbols(), reference, np.asarray(view.outputs[one.case.id]["forces"])


@dataclass
class _ForceParts:
    """Sums of force errors as `frame_errors.force_sums_by_element` has them, and the largest component of all."""

    by_element: dict[str, NDArray[np.float64]]
    by_magnitude: NDArray[np.float64]
    largest_component: float = 0.0


def _force_parts(view: RunView) -> _ForceParts:
    parts = _ForceParts({}, np.zeros((len(magnitude_names()), 4)))
    for symbols, reference, predicted in _forces(view):
        for symbol, sums in force_sums_by_element(symbols, predicted, reference).items():
            parts.by_element[symbol] = parts.by_element.get(symbol, np.zeros(4)) + np.array(sums)
        parts.by_magnitude += np.array(force_sums_by_magnitude(predicted, reference))
        largest = float(max(np.abs(predicted).max(), np.abs(reference).max()))
        parts.largest_component = max(parts.largest_component, largest)
    return parts


def _breakdown(parts: _ForceParts) -> str:
    """Force errors by element and by magnitude, as a figure and a table."""
    elements, bins = parts.by_element, parts.by_magnitude
    if not elements:
        return ""
    groups = [*sorted(elements.items()), *(zip(magnitude_names(), bins, strict=True))]
    rows = [
        [name, int(n), *(f"{value:.4g}" for value in (_root(squared, n), absolute / (3 * n), _root(reference, n)))]
        for name, (n, squared, absolute, reference) in groups
        if n
    ]
    bars = [(name, _root(squared, n), _root(reference, n)) for name, (n, squared, _, reference) in groups if n]
    n_elements = len(elements)
    figure = breakdown_figure(bars[:n_elements], bars[n_elements:])
    caption = "Root-mean-square errors of force components; grey is a model that predicts no force."
    header = ["element, or reference force (eV/Å)", "atoms", "RMSE (eV/Å)", "MAE (eV/Å)", "RMS of the reference (eV/Å)"]
    return figure_html(figure, caption) + table_html(header, rows)


def _shifts(view: RunView, settings: ForcefieldSettings, energies: Energies) -> str:
    """The fitted shifts, how well they are determined, and what they do to the error."""
    if not energies.fits or not any(fit.n_frames for fit in energies.fits.values()):
        return ""
    symbols = sorted({symbol for fit in energies.fits.values() for symbol in fit.shifts_ev})
    cells: list[list[object]] = [
        [
            symbol,
            *(f"{fit.shifts_ev[symbol]:+.4f}" if symbol in fit.shifts_ev else "" for fit in energies.fits.values()),
        ]
        for symbol in symbols
    ]
    cells += [
        ["frames fitted", *(fit.n_frames for fit in energies.fits.values())],
        ["rank, of elements", *(f"{fit.rank} of {len(fit.shifts_ev)}" for fit in energies.fits.values())],
        ["condition number", *(f"{fit.condition:.3g}" for fit in energies.fits.values())],
    ]
    names = {
        "held-out": "fitted on one half, judged on the other",
        "fit": "fitted on the frames judged",
        "none": "none",
    }
    compared = []
    for bias, name in names.items():
        other = (
            energies if bias == settings.bias_in_force else shift_energies(view.scored, bias, settings.weights_in_force)
        )
        errors = np.array([error / other.n_atoms[case_id] for case_id, error in sorted(other.errors_ev.items())])
        value = f"{np.sqrt(np.mean(errors**2)):.4g}" if len(errors) else "–"
        compared.append([name + (" (this run)" if bias == settings.bias_in_force else ""), len(errors), value])
    return (
        f"<p>{html.escape(energies.note[0].upper() + energies.note[1:])}.</p>"
        + table_html(["shift (eV/atom)", *energies.fits], cells)
        + "<p>What the shifts do, over the frames that were calculated:</p>"
        + table_html(["shifts", "frames", "RMSE of energies (eV/atom)"], compared)
    )


def _worst(view: RunView, energies: Energies) -> str:
    """The frames with the largest force errors, drawn, and those with the largest energy errors, listed."""
    done = list(_done(view))
    by_force = sorted((one for one in done if _force_rmse(one) is not None), key=lambda one: -(_force_rmse(one) or 0.0))
    drawn = []
    for rank, one in enumerate(by_force[:_N_WORST]):
        atoms = one.case.structures[0]
        if len(atoms) > _LARGEST_DRAWN:
            continue
        error = np.asarray(view.outputs[one.case.id]["forces"]) - atoms.arrays[FORCES]
        text = (
            f"{one.case.id} ({atoms.get_chemical_formula()}): RMSE {_force_rmse(one):.3g} eV/Å, "
            f"longest error {np.linalg.norm(error, axis=1).max():.3g} eV/Å"
        )
        drawn.append(
            f"<figure>{draw(atoms, error, text, f'worst{rank}')}<figcaption>{html.escape(text)}</figcaption></figure>"
        )
    gallery = ""
    if drawn:
        gallery = (
            "<p>Largest root-mean-square errors of forces. Arrows are predicted minus reference forces; in each "
            "picture the longest is drawn 1.6 Å long. Drag to turn a frame, or use the arrow keys.</p>"
            f"<div style='{_GALLERY}'>{''.join(drawn)}</div>{turning_script()}"
        )
    by_energy = sorted(energies.errors_ev, key=lambda case_id: -abs(_per_atom(energies, case_id)))[:_N_WORST]
    rows = [
        [case_id, energies.n_atoms[case_id], f"{1000 * _per_atom(energies, case_id):+.2f}"] for case_id in by_energy
    ]
    table = (
        "<p>Largest errors of energies:</p>" + table_html(["frame", "atoms", "error (meV/atom)"], rows) if rows else ""
    )
    return gallery + table


def _done(view: RunView) -> Iterator[ScoredCase]:
    return (one for one in view.scored if one.scores is not None)


def _force_rmse(one: ScoredCase) -> float | None:
    scores: Any = one.scores
    return float(np.sqrt(scores["force_squared"] / scores["force_n_components"])) if "force_squared" in scores else None


def _per_atom(energies: Energies, case_id: str) -> float:
    return energies.errors_ev[case_id] / energies.n_atoms[case_id]


def _root(squared: float, n_atoms: float) -> float:
    return float(np.sqrt(squared / (3 * n_atoms)))
