"""What a plugin's hooks return: frozen descriptions, no live objects.

A builder's signature is its configuration schema. Give every option a type (`int`, `float`, `str`, `bool`, `Path`, a
`Literal`, a list of those, or a union with None), a default, and a line in the docstring's `Args:`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

    from lamcore.dataset import Dataset
    from lamcore.report import RunView, Section
    from lamcore.suite import Suite
    from lamcore.task import Task


@dataclass(frozen=True)
class Remote:
    """Where a model is that is not installed here; it runs in a worker process.

    Attributes:
        python: The interpreter that holds it.
        distribution: The plugin's distribution there.
        version: The plugin's version.
        versions: Versions there that are worth recording, by distribution.
    """

    python: Path
    distribution: str
    version: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class ModelSpec:
    """A model that can be chosen with `model=<name>`.

    Attributes:
        name: As written on the command line.
        build: Returns a `lamcore.Model` or an ASE calculator. Imports heavy packages when called.
        card: A YAML file that fits `lamcore.cards.ModelCard`.
        weights: Takes the same options as `build` and returns the files that hold the weights, fetching them if need
            be, without loading them. Their SHA-256 becomes part of the run's identity.
        packages: Distributions whose versions are worth recording, beside what the plugin's metadata requires.
        presets: A folder of YAML files, each a named set of options: `<name>-<stem>` becomes a model of its own.
        remote: The environment that holds the model, where it is not this one.
    """

    name: str
    build: Callable[..., Any]
    card: Path
    weights: Callable[..., Sequence[Path]] | None = None
    packages: tuple[str, ...] = ()
    presets: Path | None = None
    remote: Remote | None = None


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset that can be chosen with `dataset=<name>`.

    Attributes:
        name: As written on the command line.
        build: Returns a `lamcore.Dataset`.
        card: A YAML file that fits `lamcore.cards.DatasetCard`.
        tasks: The tasks that can use it.
        max_cases: How many cases a run takes unless `dataset.max_cases` says otherwise; None for all.
        presets: As for models.
    """

    name: str
    build: Callable[..., Dataset]
    card: Path
    tasks: tuple[str, ...]
    max_cases: int | None = None
    presets: Path | None = None


@dataclass(frozen=True)
class TaskSpec:
    """A task that can be chosen with `task=<name>`.

    Attributes:
        name: As written on the command line.
        build: Returns a `lamcore.Task`.
        card: A YAML file that fits `lamcore.cards.TaskCard`.
        dataset: The dataset that it runs on unless `dataset=` says otherwise.
        packages: As for models.
        presets: As for models.
    """

    name: str
    build: Callable[..., Task]
    card: Path
    dataset: str
    packages: tuple[str, ...] = ()
    presets: Path | None = None


@dataclass(frozen=True)
class SuiteSpec:
    """A suite that can be chosen with `suite=<name>`.

    Attributes:
        name: As written on the command line, version included, such as `lambench-1.0`.
        build: Returns a `lamcore.suite.Suite`; its signature is the schema of `suite.<option>=`.
        card: A YAML file that fits `lamcore.cards.SuiteCard`.
    """

    name: str
    build: Callable[..., Suite]
    card: Path


@dataclass(frozen=True)
class ReportSpec:
    """Sections that a run's report gets beside the table of metrics.

    Attributes:
        name: Unique among reports.
        task: The task whose runs it describes; `*` for every task.
        sections: Turns a finished run into figures and tables.
    """

    name: str
    task: str
    sections: Callable[[RunView], Sequence[Section]]


@dataclass(frozen=True)
class CommandSpec:
    """A subcommand: `lamcore <name>`.

    Attributes:
        name: As written on the command line.
        summary: One line for `--help`.
        add_arguments: Describes the arguments to an argparse parser.
        run: Takes the parsed arguments and returns the exit status.
    """

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
