"""Wheels of the core, of every plugin and of the examples, and environments that hold only what a test asks for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
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
    run_command(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), *packages)
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


@pytest.fixture(scope="session")
def fresh_environment(tmp_path_factory):
    def make(name: str, *requirements: str | Path) -> Path:
        folder = tmp_path_factory.mktemp("environments") / name
        run_command(sys.executable, "-m", "venv", str(folder))
        python = folder / "bin" / "python"
        constraints = ("--constraint", str(ROOT / "constraints.txt"))
        if any("sevenn" in str(requirement) for requirement in requirements):
            run_command(python, "-m", "pip", "install", "--quiet", *constraints, "torch")
        run_command(python, "-m", "pip", "install", "--quiet", *constraints, *map(str, requirements))
        return python

    return make


def run_command(*command: str | Path, cwd: Path | None = None, status: int = 0, **environment: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LAMCORE")} | environment
    result = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == status, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout if status == 0 else result.stderr


@pytest.fixture(scope="session")
def run() -> Callable[..., str]:
    """Run a command, fail with all that it said if it fails, and return its output."""
    return run_command
