"""Made-up runs, written as lamcore writes them, and a suite over them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lamcore import Case, Metric, ScoredCase
from lamcore.scoring import mean_absolute_error, root_mean_square_error, success_rate

HERE = Path(__file__).parent
SUITE_CARD = {
    "summary": "Three made-up domains and a speed, to try a leaderboard with.",
    "notes": "Every number is made up.",
    "licence": "CC0-1.0",
    "citations": [{"text": "Nobody, J. Irreproducible Results 1, 1 (2024)", "doi": "10.1000/xyz"}],
}
SESSION = {
    "started_at": "2026-05-01T10:00:00+00:00",
    "versions": {"lamcore": "0.1.0", "ase": "3.29.0"},
    "python": "3.11.7",
    "machine": {"platform": "Linux", "processor": "AMD EPYC", "cores": 2},
    "executor": {"name": "inline"},
    "worker": {"name": "none"},
    "records": 3,
    "wall_seconds": 75.0,
    "compute": {"device": "cpu", "dtype": "float64", "threads": 1},
    "counters": {"batches": 4, "structures": 63, "atoms": 252, "model_seconds": 60.0, "other_seconds": 5.0},
}


def scored_cases(seed: str, n: int, scale: float, failed: Sequence[int] = ()) -> list[ScoredCase]:
    """Cases with labels that do not depend on the model, and errors that do."""
    labels = np.random.default_rng(7).normal(200.0, 60.0, size=n)
    errors = np.random.default_rng(list(seed.encode())).normal(0.0, scale, size=n)
    return [
        ScoredCase(Case(f"case-{i:03}", (), {"x_k": float(labels[i])}), None, failure=f"NoMinimumError: case {i}")
        if i in failed
        else ScoredCase(Case(f"case-{i:03}", (), {"x_k": float(labels[i])}), {"error_k": float(errors[i])})
        for i in range(n)
    ]


def make_run(
    runs: Path,
    task: str,
    model: str,
    *,
    n: int = 12,
    scale: float = 20.0,
    failed: Sequence[int] = (),
    metrics: Sequence[Metric] | None = None,
    dataset: str | None = None,
    content: str = "c0ffee",
    max_cases: int | None = None,
    model_options: Mapping[str, Any] | None = None,
    task_options: Mapping[str, Any] | None = None,
    processor: str = "AMD EPYC",
    licences: tuple[str, str] = ("MIT", "MIT"),
    weights: str = "",
    report: bool = True,
) -> Path:
    """Write the folder of a finished run.

    Returns:
        The folder.
    """
    scored = scored_cases(f"{task} {model}", n, scale, failed)
    if metrics is None:
        metrics = [
            mean_absolute_error(scored, name="mae", error="error_k", label="x_k", unit="K"),
            success_rate(scored),
            *(
                [root_mean_square_error(scored, name="rmse", error="error_k", label="x_k", unit="K")]
                * (task == "molecules")
            ),
        ]
    dataset = dataset or {"speed": "ladder"}.get(task, f"{task}-data")
    options = {"protocol": "default"} if task != "speed" else {}
    identity = {
        "lamcore": "0.1.0",
        "task": {"name": task, "options": dict(options if task_options is None else task_options), "plugin": "t 1"},
        "dataset": {"name": dataset, "options": {}, "plugin": "d 1", "content_sha256": content * 10},
        "model": {
            "name": model,
            "options": dict(model_options or {}),
            "plugin": f"lamcore-{model[:8]} 1.0",
            "weights": [{"file": "w.pth", "sha256": weights}] if weights else [],
        },
    }
    run_id = f"{task}-{model}-{len(list(runs.glob('*')))}"
    folder = runs / run_id
    folder.mkdir(parents=True)
    session = {**SESSION, "machine": {**SESSION["machine"], "processor": processor}}
    provenance = {
        "run_id": run_id,
        "identity": identity,
        "licences": {"model code": licences[0], "model weights": licences[1], "dataset": "CC-BY-4.0"},
        "level_of_theory": {"model": "PBE", "dataset": "PBE, made up", "warning": None},
        "citations": {"model": [{"text": f"Authors of {model}", "doi": "10.1000/m", "bibtex": "@misc{m}"}]},
        "sessions": [session],
    }
    cases = [{"id": one.case.id, "scores": one.scores, "failure": one.failure} for one in scored]
    plain = [{key: value for key, value in asdict(one).items() if key != "contributions"} for one in metrics]
    summary = {"run_id": run_id, "n_cases": n, "n_failed": len(failed), "metrics": plain, "cases": cases}
    contributions = {one.name: vars(one.contributions) for one in metrics if one.contributions is not None}
    (folder / "provenance.json").write_text(json.dumps(provenance))
    (folder / "metrics.json").write_text(json.dumps(summary))
    (folder / "contributions.json").write_text(json.dumps(contributions))
    (folder / "config.yaml").write_text(yaml.safe_dump({"dataset": {"name": dataset, "max_cases": max_cases}}))
    (folder / "records.jsonl").write_text("")
    if report:
        page = f"<!doctype html><html lang='en'><head><title>{run_id}</title></head><body><p>{run_id}</p></body></html>"
        (folder / "report.html").write_text(page)
    return folder


def make_speed(value: float, context: str) -> Metric:
    """A metric that depends on the hardware."""
    return Metric("throughput", value, "atom/µs", "higher", None, None, 12, 0, "", context)


def make_model(
    runs: Path, model: str, scale: float, throughput: float | None = None, context: str = "AMD EPYC", **how: Any
) -> None:
    """Write a run of every item for a model."""
    for task in ("surfaces", "molecules", "vibrations"):
        make_run(runs, task, model, scale=scale, **how)
    if throughput is not None:
        make_run(runs, "speed", model, metrics=[make_speed(throughput, context)], **{**how, "failed": ()})


def install_suite(site: Path) -> None:
    """Put the suite where Python finds installed packages."""
    info = site / "suite_for_tests-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(HERE / "suite_for_tests.py", site)
    (site / "suite-card.yaml").write_text(yaml.safe_dump(SUITE_CARD))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: suite-for-tests\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lamcore]\nsuite-for-tests = suite_for_tests\n")


@pytest.fixture
def suite_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite `made-1`, installed for one test."""
    site = tmp_path / "packages"
    install_suite(site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "suite_for_tests", raising=False)
    monkeypatch.setenv("LAMCORE_PLUGINS", "suite-for-tests,leaderboard")


Leaderboard = Callable[..., tuple[int, Path]]


@pytest.fixture
def leaderboard(suite_plugin: None, tmp_path: Path) -> Leaderboard:
    """Run the command on `runs` and get its status and the site."""

    def run(*arguments: str) -> tuple[int, Path]:
        from lamcore.cli import main

        output = tmp_path / "site"
        status = main(["leaderboard", str(tmp_path / "runs"), "--suite", "made-1", "--output", str(output), *arguments])
        return status, output

    return run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """An empty folder for runs."""
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def write_run(runs: Path) -> Callable[..., Path]:
    """`make_run` into `runs`."""
    return partial(make_run, runs)


@pytest.fixture
def write_model(runs: Path) -> Callable[..., None]:
    """`make_model` into `runs`."""
    return partial(make_model, runs)


@pytest.fixture
def speed() -> Callable[[float, str], Metric]:
    """`make_speed`."""
    return make_speed


@pytest.fixture(scope="module")
def made_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of five models and two published rows, one for all tests of a module."""
    folder = tmp_path_factory.mktemp("board")
    runs = folder / "runs"
    runs.mkdir()
    make_model(runs, "alpha", scale=2, throughput=2.0)
    make_model(runs, "beta", scale=4, throughput=5.0, licences=("MIT", "ASL (academic)"))
    make_model(runs, "gamma", scale=6, throughput=0.4, context="NVIDIA H200", failed=(1, 5))
    make_model(runs, "delta", scale=110, throughput=300.0)
    make_run(runs, "surfaces", "part")
    install_suite(folder / "packages")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder / "packages"))
        patch.delitem(sys.modules, "suite_for_tests", raising=False)
        patch.setenv("LAMCORE_PLUGINS", "suite-for-tests,leaderboard")
        from lamcore.cli import main

        status = main(["leaderboard", str(runs), "--suite", "made-1", "--output", str(folder / "site")])
    assert status == 0
    return folder / "site"
