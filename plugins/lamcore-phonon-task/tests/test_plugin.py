"""Claims about loading and reporting."""

from __future__ import annotations

import subprocess
import sys

import lamcore_phonon
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from lamcore_phonon.report import parity_figure, sections

from lamcore import AseModel, Case, ScoredCase
from lamcore.report import RunView


def test_loading_the_plugin_imports_nothing_heavy():
    code = (
        "import sys, lamcore_phonon as p; p.lamcore_tasks(); p.lamcore_datasets(); p.lamcore_reports();"
        "print([m for m in ('numpy', 'ase', 'phonopy', 'matplotlib', 'torch', 'seekpath') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "[]"


@pytest.fixture(scope="module")
def view():
    """Copper, silver with a wrong label, a failed crystal, and one with an imaginary label."""
    task = lamcore_phonon.build_task(relax=False, dos=True)
    model = AseModel(EMT())
    scored, outputs = [], {}
    for symbol, label, min_label in (("Cu", 30.0, 0.0), ("Ag", 90.0, 0.0), ("Au", 50.0, -3.0)):
        settings = {
            "name": f"{symbol}<b>",
            "supercell_matrix": np.eye(3, dtype=int).tolist(),
            "primitive_matrix": "auto",
        }
        reference = {"entropy_j_per_mol_k": label, "min_frequency_thz": min_label}
        case = Case(symbol.lower(), (bulk(symbol, cubic=True),), reference, settings)
        outputs[case.id] = task.calculate(case, model)
        scored.append(ScoredCase(case, task.score(case, outputs[case.id])))
    lost = Case("pd", (bulk("Pd"),), {"entropy_j_per_mol_k": 40.0}, {"name": "Pd"})
    scored.append(ScoredCase(lost, None, "the relaxation did not converge"))
    return RunView(config={}, scored=scored, outputs=outputs, metrics=task.summarize(scored))


def test_report_has_its_sections(view):
    assert [section.title for section in sections(view)] == [
        "Predicted against reference",
        "Largest errors",
        "Dynamical stability",
        "Band structures and densities of states",
        "Failed cases",
    ]


def test_parity_plot_counts_failures_and_names_the_worst(view):
    figure, notes = parity_figure(view.scored)
    assert notes == ["entropy: 1 of 4 cases failed and are not drawn"]
    names = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "Ag<b>" in names
    (axes,) = figure.axes
    drawn = axes.collections[0].get_offsets()
    expected = [one.scores["entropy_j_per_mol_k"] for one in view.scored if one.scores]
    np.testing.assert_allclose(drawn[:, 0], [30, 90, 50])
    np.testing.assert_allclose(drawn[:, 1], expected)


def test_worst_cases_come_first_and_names_are_escaped(view):
    body = {section.title: section.body for section in sections(view)}["Largest errors"]
    assert "<b>" not in body
    assert body.index("Ag&lt;b&gt;") < body.index("Cu&lt;b&gt;")


def test_wrongly_judged_stability_is_listed_and_right_ones_are_not(view):
    body = {section.title: section.body for section in sections(view)}["Dynamical stability"]
    assert "Au&lt;b&gt;" in body
    assert "wrongly" in body
    assert "Cu&lt;b&gt;" not in body


def test_crystals_whose_space_group_changed_are_listed(view):
    outputs = {**view.outputs, "au": {**view.outputs["au"], "space_group_given": 12, "space_group_relaxed": 225}}
    changed = RunView(config={}, scored=view.scored, outputs=outputs, metrics=view.metrics)
    body = {section.title: section.body for section in sections(changed)}["Space groups that changed"]
    assert "<td>Au&lt;b&gt;</td><td>au</td><td>12</td><td>225</td>" in body
    assert "Cu" not in body


def test_report_of_a_run_in_which_everything_failed_lists_why():
    case = Case("pd", (bulk("Pd"),), {"entropy_j_per_mol_k": 40.0}, {})
    (section,) = sections(RunView({}, [ScoredCase(case, None, "no such element")], {}, []))
    assert section.title == "Failed cases"
    assert "no such element" in section.body
