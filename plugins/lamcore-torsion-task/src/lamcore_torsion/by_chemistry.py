"""Errors by the kind of bond that is turned and by the elements of the molecule, for the report."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamcore.report import Section, figure_html, table_html
from lamcore_torsion.physics import BARRIER_OFF_KCAL_PER_MOL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lamcore import Case, ScoredCase

UNKNOWN = "not known"
_MAX_BARS = 20
_BAR = "#0b6e99"
_BARRIER_BAR = "#c9762b"


@dataclass(frozen=True)
class Molecule:
    """What a report knows of a fragment's molecule.

    Attributes:
        kind: Of the bond that is turned.
        drawing: HTML: the molecule as SVG, or why there is none.
    """

    kind: str
    drawing: str


@dataclass(frozen=True)
class Group:
    """The fragments of one kind.

    Attributes:
        name: The kind.
        n: Fragments, failed ones included.
        n_failed: Those that failed.
        n_barriers_off: Those whose barrier is off, failed ones included.
        mean_error: Mean absolute error of the profiles, aligned at their means, kcal/mol; None where all failed.
        barrier_error: Mean absolute error of the barriers, kcal/mol; None where all failed.
    """

    name: str
    n: int
    n_failed: int
    n_barriers_off: int
    mean_error: float | None
    barrier_error: float | None


def molecule_of(case: Case) -> Molecule:
    """The molecule of a case; where it cannot be told, the drawing says why."""
    from lamcore_torsion.chemistry import bond_kind, drawing_svg, perceive

    dihedral = case.settings.get("torsion_atoms")
    if dihedral is None:
        return Molecule(UNKNOWN, "<p>No drawing: the data do not tell the dihedral.</p>")
    atoms = case.structures[0]
    try:
        molecule = perceive(atoms, case.settings.get("smiles"), int(atoms.info.get("charge", 0)))
    except ValueError as error:
        return Molecule(UNKNOWN, f"<p>No drawing: {html.escape(str(error))}</p>")
    return Molecule(bond_kind(molecule, dihedral), drawing_svg(molecule, dihedral))


def chemistry_sections(scored: Sequence[ScoredCase], molecules: Mapping[str, Molecule]) -> list[Section]:
    """A chart and a table by kind of bond, and by element."""
    by_bond: dict[str, list[ScoredCase]] = {}
    by_element: dict[str, list[ScoredCase]] = {}
    for one in scored:
        by_bond.setdefault(molecules[one.case.id].kind, []).append(one)
        for element in sorted(set(one.case.structures[0].get_chemical_symbols()) - {"H"}):
            by_element.setdefault(element, []).append(one)
    return [
        Section("By the bond that is turned", _body(by_bond, "bond")),
        Section(
            "By element", "<p>A fragment counts for each element that it holds.</p>" + _body(by_element, "element")
        ),
    ]


def grouped(members: Mapping[str, Sequence[ScoredCase]]) -> list[Group]:
    """Errors of each kind, most fragments first."""
    return sorted((_group(name, scored) for name, scored in members.items()), key=lambda one: (-one.n, one.name))


def _group(name: str, scored: Sequence[ScoredCase]) -> Group:
    done = [one.scores for one in scored if one.scores is not None]
    barrier_errors = [abs(scores["barrier_error_kcal_per_mol"]) for scores in done]
    n_conformers = sum(scores["n_conformers"] for scores in done)
    n_failed = len(scored) - len(done)
    total = sum(scores["mean_aligned_absolute_error_sum_kcal_per_mol"] for scores in done)
    return Group(
        name=name,
        n=len(scored),
        n_failed=n_failed,
        n_barriers_off=n_failed + sum(error > BARRIER_OFF_KCAL_PER_MOL for error in barrier_errors),
        mean_error=total / n_conformers if done else None,
        barrier_error=float(np.mean(barrier_errors)) if done else None,
    )


def _body(members: Mapping[str, Sequence[ScoredCase]], what: str) -> str:
    groups = grouped(members)
    header = [what, "fragments", "failed", "barriers off", "mean error (kcal/mol)", "barrier error (kcal/mol)"]
    rows = [
        [
            group.name,
            group.n,
            group.n_failed,
            f"{group.n_barriers_off} ({100 * group.n_barriers_off / group.n:.0f} %)",
            _number(group.mean_error),
            _number(group.barrier_error),
        ]
        for group in groups
    ]
    drawn = [group for group in groups if group.mean_error is not None][:_MAX_BARS]
    caption = "Mean absolute errors over the fragments that did not fail; in brackets the number of all."
    return (figure_html(bar_figure(drawn), caption) if drawn else "") + table_html(header, rows)


def bar_figure(groups: Sequence[Group]) -> Figure:
    """Errors of profiles and barriers, a pair of bars for each group."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.8, 0.42 * len(groups) + 1.1), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(groups))
    for offset, values, colour, label in (
        (-0.2, [group.mean_error for group in groups], _BAR, "profile"),
        (0.2, [group.barrier_error for group in groups], _BARRIER_BAR, "barrier"),
    ):
        axes.barh(places + offset, [value or 0.0 for value in values], height=0.38, color=colour, label=label)
    axes.set_yticks(places, [f"{group.name} [{group.n}]" for group in groups])
    axes.invert_yaxis()
    axes.set_xlabel("mean absolute error (kcal/mol)")
    axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
