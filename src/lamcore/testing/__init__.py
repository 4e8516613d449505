"""The conformance kit: an executable definition of a correct plugin.

`lamcore check model|task|dataset <name>` runs it on anything installed. In tests the same claims are classes to
inherit, each with one fixture to supply; see `lamcore.testing.conformance`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamcore.testing.check import check_dataset as check_dataset
    from lamcore.testing.check import check_model as check_model
    from lamcore.testing.check import check_task as check_task
    from lamcore.testing.check import choose as choose
    from lamcore.testing.compare import compare_models as compare_models
    from lamcore.testing.conformance import DatasetConformance as DatasetConformance
    from lamcore.testing.conformance import ModelConformance as ModelConformance
    from lamcore.testing.conformance import TaskConformance as TaskConformance

_ON_FIRST_USE = {
    "check_dataset": "lamcore.testing.check",
    "check_model": "lamcore.testing.check",
    "check_task": "lamcore.testing.check",
    "choose": "lamcore.testing.check",
    "compare_models": "lamcore.testing.compare",
    "DatasetConformance": "lamcore.testing.conformance",
    "ModelConformance": "lamcore.testing.conformance",
    "TaskConformance": "lamcore.testing.conformance",
}


def __getattr__(name: str) -> Any:
    if name in _ON_FIRST_USE:
        return getattr(import_module(_ON_FIRST_USE[name]), name)
    raise AttributeError(f"module 'lamcore.testing' has no attribute {name!r}")
