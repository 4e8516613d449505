"""What a plugin may give to lamcore: the whole contract.

A plugin is a module named by an entry point in the group `lamcore`, with functions of these names marked `@hookimpl`.
They run at every start-up, `lamcore --help` included: they import nothing heavy and return frozen specs.
A module sets `LAMCORE_API`, the version of this contract that it was written for; 1 where it does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from lamcore.specs import CommandSpec, DatasetSpec, ModelSpec, ReportSpec, SuiteSpec, TaskSpec

API_VERSION = 1
GROUP = "lamcore"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def lamcore_models() -> Sequence[ModelSpec]:  # type: ignore[empty-body]
    """Offer models, one spec for each name of `model=<name>`."""


@hookspec
def lamcore_datasets() -> Sequence[DatasetSpec]:  # type: ignore[empty-body]
    """Offer datasets, one spec for each name of `dataset=<name>`."""


@hookspec
def lamcore_tasks() -> Sequence[TaskSpec]:  # type: ignore[empty-body]
    """Offer tasks, one spec for each name of `task=<name>`."""


@hookspec
def lamcore_suites() -> Sequence[SuiteSpec]:  # type: ignore[empty-body]
    """Offer suites, one spec for each name of `suite=<name>`."""


@hookspec
def lamcore_reports() -> Sequence[ReportSpec]:  # type: ignore[empty-body]
    """Offer sections for the reports of runs."""


@hookspec
def lamcore_commands() -> Sequence[CommandSpec]:  # type: ignore[empty-body]
    """Offer subcommands of `lamcore`."""
