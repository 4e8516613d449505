"""Wheels of the core, the plugins and the examples, in environments that hold nothing else of this repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/pyproject.toml"))


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """Every package of this repository, built as a user's pip would build it."""
    folder = tmp_path_factory.mktemp("wheels")
    packages = [str(path) for path in (ROOT, *PLUGINS, *EXAMPLES)]
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), *packages)
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


@pytest.fixture(scope="session")
def fresh_environment(tmp_path_factory):
    def make(name: str, *requirements: str | Path) -> Path:
        folder = tmp_path_factory.mktemp("environments") / name
        _run(sys.executable, "-m", "venv", str(folder))
        python = folder / "bin" / "python"
        constraints = ("--constraint", str(ROOT / "constraints.txt"))
        if any("sevenn" in str(requirement) for requirement in requirements):
            _run(python, "-m", "pip", "install", "--quiet", *constraints, "torch")
        _run(python, "-m", "pip", "install", "--quiet", *constraints, *map(str, requirements))
        return python

    return make


def _run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LAMCORE")} | environment
    result = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def test_the_cores_wheel_carries_configuration_templates_cards_and_types(wheels):
    names = set(zipfile.ZipFile(wheels["lamcore"]).namelist())
    expected = {"conf/config.yaml", "conf/executor/processes.yaml", "templates/report.html", "py.typed"}
    assert {f"lamcore/{name}" for name in expected} <= names
    assert any(name.startswith("lamcore/builtin/cards/") for name in names)


def test_the_main_job_runs_from_wheels_alone(wheels, fresh_environment, tmp_path):
    plugins = [wheels[path.name.replace("-", "_")] for path in PLUGINS]
    python = fresh_environment("plugins", wheels["lamcore"], *plugins)
    _run(python, "-m", "pip", "check")
    listing = _run(python, "-m", "lamcore", "list", cwd=tmp_path, LAMCORE_STRICT_PLUGINS="1")
    assert "skipped" not in listing
    arguments = ("task=phonon", "model=sevennet", "dataset.max_cases=2")
    _run(python, "-m", "lamcore", *arguments, cwd=tmp_path, OMP_NUM_THREADS="2")
    (folder,) = (tmp_path / "runs").iterdir()
    summary = json.loads((folder / "metrics.json").read_text())
    assert (summary["n_cases"], summary["n_failed"]) == (2, 0)


def test_third_partys_plugins_need_nothing_but_the_core(wheels, fresh_environment, tmp_path):
    names = ("lamcore", "lamcore_morse", "lamcore_dimer_task", "lamcore_noble_metals_data")
    python = fresh_environment("examples", *(wheels[name] for name in names))
    listing = _run(python, "-m", "lamcore", "list", cwd=tmp_path, LAMCORE_STRICT_PLUGINS="1")
    assert "morse" in listing
    assert "dimer" in listing
    output = _run(python, "-m", "lamcore", "--multirun", "task=dimer", "model=emt", "task.n_points=11,21", cwd=tmp_path)
    assert output.count("mae_bond_length ↓") == 2
    _run(python, "-m", "lamcore", "task=eos", "model=morse", "dataset.elements=[Cu]", cwd=tmp_path)
    _run(python, "-m", "lamcore", "task=eos", "model=emt", "dataset=noble-metals", cwd=tmp_path)
    for kind, name in (("model", "morse"), ("task", "dimer"), ("dataset", "dimers"), ("dataset", "noble-metals")):
        assert " 0 fail" in _run(python, "-m", "lamcore", "check", kind, name, cwd=tmp_path)


def test_a_new_package_installs_and_passes_its_check_and_its_own_tests(wheels, fresh_environment, tmp_path):
    python = fresh_environment("new", wheels["lamcore"], "pytest")
    for kind in ("model", "task", "dataset"):
        _run(python, "-m", "lamcore", "new", kind, f"fresh-{kind}", cwd=tmp_path)
    folders = sorted(path for path in tmp_path.iterdir() if path.name.startswith("lamcore-fresh"))
    _run(python, "-m", "pip", "install", "--quiet", *folders)
    for kind in ("model", "task", "dataset"):
        assert " 0 fail" in _run(python, "-m", "lamcore", "check", kind, f"fresh-{kind}", cwd=tmp_path)
    for folder in folders:
        _run(python, "-m", "pytest", "-q", "tests", cwd=folder)
