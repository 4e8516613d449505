"""Claims about loading and reporting."""

from __future__ import annotations

import subprocess
import sys

import pytest
from lamcore_efficiency.datasets.size_ladder import SizeLadder
from lamcore_efficiency.report import scaling_figure, sections, throughput_figure

from lamcore.aggregate import score_cases
from lamcore.records import Record
from lamcore.report import RunView


def test_loading_the_plugin_imports_nothing_heavy():
    code = (
        "import sys, lamcore_efficiency as p; p.lamcore_tasks(); p.lamcore_datasets(); p.lamcore_reports();"
        "print([m for m in ('numpy', 'ase', 'scipy', 'matplotlib', 'torch') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "[]"


@pytest.fixture(scope="module")
def view(programmed, task_for):
    model = programmed(limit_atoms=900, graph_share=0.25)
    task = task_for(model)
    cases = list(SizeLadder().cases())
    outputs = {case.id: task.calculate(case, model) for case in cases}
    scored = score_cases(task, cases, {name: Record.done(name, output, 0.0) for name, output in outputs.items()})
    return RunView({}, scored, outputs, task.summarize(scored))


def test_report_has_its_sections(view):
    assert [section.title for section in sections(view)] == [
        "Time against size",
        "Throughput in batches",
        "Times of single structures",
        "Atoms that fit in memory",
        "Hardware",
    ]


def test_the_plot_has_every_size_that_was_timed(view):
    axes = scaling_figure(view.scored).axes[0]
    drawn = sorted(x for container in axes.containers for x in container.lines[0].get_xdata())
    assert drawn == sorted([2, 8, 64, 216] * 2)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    fitted = [line for line in axes.lines if len(line.get_xdata()) == 100]
    assert len(fitted) == 2
    x, y = fitted[0].get_data()
    assert y == pytest.approx([2e-3 + 5e-5 * size for size in x], rel=1e-6)


def test_the_rate_is_drawn_against_the_size_of_the_batch(view):
    (line,) = throughput_figure(view.scored).axes[0].lines
    x, y = line.get_data()
    assert y == pytest.approx([8 * n / (2e-3 + 5e-5 * 8 * n) for n in x])


def test_what_did_not_fit_is_listed_with_the_reason(view):
    body = {section.title: section.body for section in sections(view)}["Times of single structures"]
    assert "<td>Si-1000</td><td>1000</td><td>out of memory: OOM: Too many atoms!</td>" in body
    assert "<td>Si-216</td><td>216</td><td>12.80</td>" in body


def test_hardware_is_in_the_report(view):
    body = {section.title: section.body for section in sections(view)}["Hardware"]
    assert view.outputs["Si-8"]["hardware"]["processor"] in body
    assert "programmed" in body


def test_report_of_a_run_in_which_everything_failed_is_empty(view):
    failed = score_cases(None, [one.case for one in view.scored], {})
    assert sections(RunView({}, failed, {}, [])) == []
