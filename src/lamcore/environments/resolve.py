"""Which plugins fit together: uv resolves, and the fewest environments that hold all are found."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lamcore.errors import PluginError

Group = tuple[str, ...]


def fewest_groups(requirements: Sequence[str], problem_of: Callable[[Group], str | None]) -> list[Group]:
    """Split requirements into as few groups as possible, each of which fits together.

    Args:
        requirements: What is to be installed.
        problem_of: Why a group cannot be installed together, or None if it can; asked at most once for each group. A
            group that holds one that does not fit does not fit either, and is not asked.

    Returns:
        The groups; of several splits into equally many, the one that keeps early requirements together.

    Raises:
        PluginError: A requirement does not even fit alone.
    """
    unfit: list[set[str]] = []

    @functools.cache
    def problem(group: Group) -> str | None:
        if any(bad <= set(group) for bad in unfit):
            return "a part of it does not fit together"
        found = problem_of(group)
        if found is not None:
            unfit.append(set(group))
        return found

    for requirement in requirements:
        if (why := problem((requirement,))) is not None:
            raise PluginError(f"{requirement} cannot be installed, not even alone: {why}")
    for n_groups in range(1, len(requirements) + 1):
        for split in _splits(tuple(requirements), n_groups):
            if all(problem(group) is None for group in split):
                return split
    raise AssertionError("each requirement fits alone")


def _splits(requirements: Group, n_groups: int) -> Iterator[list[Group]]:
    """All ways to put requirements into exactly so many groups."""
    if not requirements:
        if n_groups == 0:
            yield []
        return
    *rest, last = requirements
    for split in _splits(tuple(rest), n_groups):
        for index in range(len(split)):
            yield [(*group, last) if index == place else group for place, group in enumerate(split)]
    for split in _splits(tuple(rest), n_groups - 1):
        yield [*split, (last,)]


class Uv:
    """The uv command, told what pip is told on this machine.

    Args:
        constraints: Constraints files.
        python: Version of the Python to use, such as 3.12.

    Raises:
        PluginError: uv is not installed.
    """

    def __init__(self, constraints: Sequence[str], python: str | None) -> None:
        beside = Path(sys.executable).parent / "uv"
        found = shutil.which("uv") or (str(beside) if beside.exists() else None)
        if found is None:
            raise PluginError("environments are made by uv, which is not installed; `pip install uv` brings it")
        self._uv = found
        self._python = python or f"{sys.version_info.major}.{sys.version_info.minor}"
        self._sources = [*_sources_of_pip(), *(word for file in constraints for word in ("--constraint", file))]

    def problem(self, requirements: Sequence[str]) -> str | None:
        """Why these cannot be installed together, in uv's words; None if they can."""
        command = ("pip", "compile", "--quiet", "--no-header", "--python-version", self._python, *self._sources, "-")
        result = self._run(*command, text="\n".join(requirements))
        return None if result.returncode == 0 else result.stderr.strip()

    def make(self, folder: Path, requirements: Sequence[str]) -> Path:
        """Make an environment with these and return its Python.

        Raises:
            PluginError: It cannot be made; the message is uv's.
        """
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        for command in (
            ("venv", "--quiet", "--clear", "--python", self._python, str(folder)),
            ("pip", "install", "--quiet", "--python", str(python), *self._sources, "--requirements", "-"),
        ):
            result = self._run(*command, text="\n".join(requirements))
            if result.returncode != 0:
                raise PluginError(f"uv {command[0]} failed for {', '.join(requirements)}:\n{result.stderr.strip()}")
        return python

    def _run(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._uv, *arguments], input=text, capture_output=True, text=True, check=False)


def _sources_of_pip() -> list[str]:
    """Where pip takes packages from, as flags for uv, which does not read pip's configuration."""
    flags = ["--index-strategy", "unsafe-best-match"]  # as pip does: the best version of all indexes
    for option in ("index-url", "extra-index-url", "find-links", "constraint"):
        for value in _configured(option).split():
            flags += [f"--{option}", value]
    return flags


def _configured(option: str) -> str:
    variable = os.environ.get(f"PIP_{option.replace('-', '_').upper()}")
    if variable is not None:
        return variable
    for section in ("global", "install"):
        command = [sys.executable, "-m", "pip", "config", "get", f"{section}.{option}"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            return result.stdout.strip()
    return ""
