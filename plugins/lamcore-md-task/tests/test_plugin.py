"""Claims about loading, reporting and whole runs on the command line."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from lamcore_md import build_task
from lamcore_md.figures import drift_figure, traces_figure
from lamcore_md.report import sections

from lamcore import Case, Prediction
from lamcore.report import RunView


def test_loading_the_plugin_imports_nothing_heavy():
    code = (
        "import sys, lamcore_md as p; p.lamcore_tasks(); p.lamcore_datasets(); p.lamcore_reports();"
        "print([m for m in ('numpy', 'ase', 'scipy', 'matplotlib', 'torch') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "[]"


@pytest.fixture
def view(trimers, springs, homes, run_task):
    """One trajectory that completes, one that explodes, and a case that has none."""

    def spoil(call, atoms, prediction):
        if atoms.get_chemical_formula() == "Cu3" and call == 40:
            return Prediction(0.0, np.full((3, 3), 1e5))
        if atoms.get_chemical_formula() == "Au3":
            return Prediction(np.nan, prediction.forces)
        return None

    task = build_task(n_steps=80, reversal_steps=10)
    cases = [Case(case.id, case.structures, settings={"name": f"{case.id}<b>"}) for case in trimers]
    scored, records = run_task(task, cases, springs(homes, spoil=spoil))
    outputs = {name: record.output for name, record in records.items() if record.output is not None}
    return RunView({"task": {"protocol": "default"}}, scored, outputs, task.summarize(scored))


def bodies(view):
    return {section.title: section.body for section in sections(view)}


def test_report_has_its_sections_and_escapes_names(view):
    assert list(bodies(view)) == [
        "Total energy in time",
        "Energy drift",
        "Trajectories",
        "Trajectories that ended early",
    ]
    assert not any("<b>" in body for body in bodies(view).values())


def test_ends_are_named_by_kind_and_say_what_happened(view):
    body = bodies(view)["Trajectories that ended early"]
    assert "<td>Cu&lt;b&gt;</td><td>exploded</td>" in body
    assert "step 40 of molecular dynamics: a force is" in body
    assert "<td>Au&lt;b&gt;</td><td>failed</td><td>no trajectory</td><td>NotFiniteError: energy of Au3" in body
    assert "Ar" not in body


def test_a_trajectory_is_drawn_up_to_its_end(view):
    figure = traces_figure([(one, view.outputs[one.case.id]) for one in view.scored if one.case.id in view.outputs])
    done, ended = (axes for axes in figure.axes if axes.lines)
    assert done.lines[0].get_xdata()[-1] == pytest.approx(0.08)
    assert ended.lines[0].get_xdata()[-1] == pytest.approx(0.039)
    assert [text.get_text() for text in ended.texts] == ["exploded after step 39 of 80"]


def test_energies_of_an_explosion_do_not_flatten_the_figure(view):
    output = dict(view.outputs["Cu"])
    output["kinetic_energies_ev"] = output["kinetic_energies_ev"] * np.logspace(0, 30, 40)
    figure = traces_figure([(view.scored[1], output)])
    assert max(figure.axes[0].lines[0].get_ydata()) == 1e4


def test_drifts_are_drawn_with_their_interval_and_in_lambenchs_unit_where_asked(view):
    scores = view.scored[0].scores
    for lambench, factor, unit in ((False, 1, "eV/atom/ps"), (True, 10.1805, "eV/atom/(10.18 ps)")):
        (axes,) = drift_figure(view.scored, 4.91e-5, lambench).axes
        points = [line for line in axes.lines if line.get_marker() == "o"]
        assert points[0].get_xdata()[0] == pytest.approx(factor * abs(scores["drift_ev_per_atom_ps"]), rel=1e-4)
        assert sum(line.get_marker() == "x" for line in axes.lines) == 2
        assert axes.get_xlabel() == f"|drift| ({unit})"


def test_the_report_says_which_protocol_and_unit_was_used(view):
    assert "Protocol default: true eV/atom/ps." in bodies(view)["Energy drift"]
    lambench = RunView({"task": {"protocol": "lambench"}}, view.scored, view.outputs, view.metrics)
    assert "Protocol lambench" in bodies(lambench)["Energy drift"]


def test_report_of_a_run_in_which_everything_failed_lists_why(view):
    assert list(bodies(RunView({}, view.scored[2:], {}, []))) == ["Trajectories", "Trajectories that ended early"]


def lamcore(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "lamcore", *arguments], cwd=cwd, check=False, capture_output=True, text=True
    )


def test_a_run_on_the_command_line_goes_on_where_it_was(tmp_path):
    arguments = ("task=nve", "model=lj", "dataset.max_cases=2", "task.n_steps=20", "task.reversal_steps=2")
    arguments += ("task.temperature_k=1", "model.sigma_ang=0.8", "model.epsilon_ev=0.01")
    assert lamcore(*arguments, cwd=tmp_path).returncode == 0
    (folder,) = (tmp_path / "runs").iterdir()
    before = (folder / "records.jsonl").read_text()
    assert lamcore(*arguments, cwd=tmp_path).returncode == 0
    assert (folder / "records.jsonl").read_text() == before
    metrics = {metric["name"]: metric for metric in json.loads((folder / "metrics.json").read_text())["metrics"]}
    assert metrics["share_completed"]["value"] == 1
    assert metrics["instability"]["unit"] == "1"


def test_contradictions_are_refused_on_the_command_line(tmp_path):
    said = lamcore("task=nve", "model=lj", "task.protocol=lambench", "task.n_steps=20", cwd=tmp_path)
    assert said.returncode in (1, 2)
    assert "task.protocol=lambench does not go with task.n_steps=20" in " ".join(said.stderr.split())
