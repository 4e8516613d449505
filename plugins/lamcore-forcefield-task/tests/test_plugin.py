"""Claims about loading and reporting."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from lamcore_forcefield import build_task
from lamcore_forcefield.drawing import draw
from lamcore_forcefield.figures import magnitude_names, parity_figure
from lamcore_forcefield.report import sections

from lamcore import ScoredCase
from lamcore.report import RunView


def test_loading_the_plugin_imports_nothing_heavy():
    code = (
        "import sys, lamcore_forcefield as p; p.lamcore_tasks(); p.lamcore_datasets(); p.lamcore_reports();"
        "print([m for m in ('numpy', 'ase', 'scipy', 'matplotlib', 'torch', 'lmdb', 'dftd3') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "[]"


@pytest.fixture
def view(make_case, rng):
    """Frames of water and methane, one with a large error, one failed, and a name to be escaped."""
    task = build_task()
    scored, outputs = [], {}
    for index in range(8):
        case = make_case(f"<b>{index}", ("H2O", "CH4")[index % 2], periodic=index > 3, stress=index > 3)
        if index == 7:
            scored.append(ScoredCase(case, None, "the model raised"))
            continue
        output = task.perfect_output(case)
        output["forces"] = output["forces"] + rng.normal(scale=2.0 if index == 2 else 0.1, size=output["forces"].shape)
        output["energy"] += 0.05 * index
        outputs[case.id] = output
        scored.append(ScoredCase(case, task.score(case, output)))
    return RunView({"task": {"name": "forcefield"}}, scored, outputs, task.summarize(scored))


def bodies(view):
    return {section.title: section.body for section in sections(view)}


def test_report_has_its_sections(view):
    assert list(bodies(view)) == [
        "Predicted against reference",
        "Errors by element and by force",
        "Energy shifts of the elements",
        "Worst frames",
    ]


def test_report_says_how_many_frames_failed_and_escapes_names(view):
    found = bodies(view)
    assert "1 of 8 frames failed and are not drawn" in found["Predicted against reference"]
    assert "<b>" not in "".join(found.values())
    assert "&lt;b&gt;2" in found["Worst frames"]


def test_the_worst_frame_is_drawn_first(view):
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", bodies(view)["Worst frames"])
    assert captions[0].startswith("&lt;b&gt;2 (H2O)")
    assert len(captions) == 6


def test_the_table_by_element_holds_the_errors_of_its_atoms(view):
    hydrogen = [
        (np.asarray(view.outputs[one.case.id]["forces"]) - one.case.atoms.arrays["reference_forces"])[
            one.case.atoms.symbols == "H"
        ]
        for one in view.scored
        if one.scores
    ]
    rmse = np.sqrt(np.mean(np.concatenate(hydrogen) ** 2))
    row = re.search(r"<tr><td>H</td><td>(\d+)</td><td>([\d.]+)</td>", bodies(view)["Errors by element and by force"])
    assert int(row[1]) == sum(len(part) for part in hydrogen)
    assert float(row[2]) == pytest.approx(rmse, rel=1e-3)


def test_the_shifts_are_compared_with_none_and_with_a_fit_on_the_same_frames(view):
    body = bodies(view)["Energy shifts of the elements"]
    for name in ("fitted on one half, judged on the other (this run)", "fitted on the frames judged", "none"):
        assert f"<td>{name}</td>" in body
    assert "condition number" in body


def test_a_run_in_which_everything_failed_is_reported(view):
    lost = [ScoredCase(one.case, None, "lost") for one in view.scored]
    assert sections(RunView({}, lost, {}, [])) == []


def test_force_panel_counts_every_component_once(rng):
    frames = [(rng.normal(size=(n, 3)), rng.normal(size=(n, 3))) for n in (3, 5)]
    largest = max(np.abs(pair).max() for pair in (np.concatenate([f.ravel() for pair in frames for f in pair]),))
    figure = parity_figure(None, frames, largest)
    hexagons = figure.axes[0].collections[0]
    assert hexagons.get_array().sum() == 3 * (3 + 5)


def test_magnitudes_are_named_by_their_edges():
    assert magnitude_names() == ["0–0.1", "0.1–0.3", "0.3–1", "1–3", "3–10", "> 10"]


def test_a_drawing_is_an_svg_with_a_ball_for_each_atom_and_an_arrow_for_each_error(make_case):
    atoms = make_case("a", "CH4").atoms
    arrows = np.zeros((5, 3))
    arrows[2] = [1.0, 1.0, 1.0]
    root = ElementTree.fromstring(draw(atoms, arrows, "a < b", "x"))
    tags = [element.tag.split("}")[1] for element in root.iter()]
    assert tags.count("circle") == 5
    shown = [g for g in root.iter() if g.get("data-kind") == "arrow" and g.get("visibility") == "visible"]
    assert len(shown) == tags.count("polygon") == 1
    assert root.get("aria-label") == "a < b"
    assert {"x-6", "x-1"} == {element.get("id") for element in root.iter() if element.get("id")}


def test_nearer_atoms_are_drawn_over_those_behind():
    """Seen from a corner above, the upper of two atoms is nearer to the eye and comes later in the SVG."""
    from ase import Atoms

    atoms = Atoms("CuAu", positions=[[0, 0, 5.0], [0, 0, 0]], cell=[6, 6, 9], pbc=True)
    svg = draw(atoms, np.zeros((2, 3)), "", "x")
    assert svg.index('fill="url(#x-79)"') < svg.index('fill="url(#x-29)"')


def test_drawings_can_be_turned_without_a_network(view):
    body = bodies(view)["Worst frames"]
    assert body.count("<script>") == 1
    assert "http" not in body.replace("http://www.w3.org/2000/svg", "")
    for kind in ("ball", "arrow", "edge"):
        assert f'data-kind="{kind}"' in body


def test_bonds_are_drawn_where_atoms_are_bonded():
    """Methanol has five bonds, each drawn as two halves in the colours of its atoms; copper has none."""
    from ase.build import bulk, molecule

    methanol, copper = molecule("CH3OH"), bulk("Cu", cubic=True)
    assert draw(methanol, np.zeros((6, 3)), "", "x").count('data-kind="stick"') == 10
    assert draw(copper, np.zeros((4, 3)), "", "x").count('data-kind="stick"') == 0
