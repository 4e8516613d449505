"""What comes with lamcore, through the same hooks as any plugin: models emt and lj, task eos, dataset dcdft."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lamcore.builtin.dcdft import build_dcdft
from lamcore.builtin.eos import build_eos
from lamcore.builtin.eos_report import sections
from lamcore.builtin.models import build_emt, build_lj
from lamcore.hookspecs import hookimpl
from lamcore.specs import DatasetSpec, ModelSpec, ReportSpec, TaskSpec

LAMCORE_API = 1

_CARDS = Path(__file__).parent / "cards"


@hookimpl
def lamcore_models() -> Sequence[ModelSpec]:
    """Two potentials without weights, quick enough for demonstrations and tests."""
    return [
        ModelSpec("emt", build_emt, _CARDS / "emt.yaml", packages=("ase",)),
        ModelSpec("lj", build_lj, _CARDS / "lj.yaml", packages=("ase",)),
    ]


@hookimpl
def lamcore_tasks() -> Sequence[TaskSpec]:
    """Equations of state of crystals."""
    return [TaskSpec("eos", build_eos, _CARDS / "eos.yaml", dataset="dcdft", packages=("ase", "scipy"))]


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """The elemental crystals of the Delta project; the seven fcc metals unless more are asked for."""
    return [DatasetSpec("dcdft", build_dcdft, _CARDS / "dcdft.yaml", tasks=("eos",), max_cases=7)]


@hookimpl
def lamcore_reports() -> Sequence[ReportSpec]:
    """Curves, parity plots and a table for runs of eos."""
    return [ReportSpec("eos", "eos", sections)]
