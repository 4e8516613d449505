"""lamcore: measure, compare and put to work large atomic models.

Everything that a plugin author needs is importable from here. What needs NumPy or ASE is imported on first use, so that
`from lamcore import hookimpl, ModelSpec` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamcore.cases import Case as Case
from lamcore.cases import StoredStructures as StoredStructures
from lamcore.dataset import Dataset as Dataset
from lamcore.hookspecs import API_VERSION as API_VERSION
from lamcore.hookspecs import hookimpl as hookimpl
from lamcore.specs import CommandSpec as CommandSpec
from lamcore.specs import DatasetSpec as DatasetSpec
from lamcore.specs import ModelSpec as ModelSpec
from lamcore.specs import ReportSpec as ReportSpec
from lamcore.specs import SuiteSpec as SuiteSpec
from lamcore.specs import TaskSpec as TaskSpec
from lamcore.suite import Headline as Headline
from lamcore.suite import PublishedRow as PublishedRow
from lamcore.suite import Score as Score
from lamcore.suite import Suite as Suite
from lamcore.suite import SuiteItem as SuiteItem
from lamcore.task import Metric as Metric
from lamcore.task import ScoredCase as ScoredCase
from lamcore.task import Task as Task

if TYPE_CHECKING:
    from lamcore.adapters import AseModel as AseModel
    from lamcore.dynamics import molecular_dynamics as molecular_dynamics
    from lamcore.model import Model as Model
    from lamcore.model import Prediction as Prediction
    from lamcore.model import Scope as Scope
    from lamcore.relaxation import relax as relax

_ON_FIRST_USE = {
    "AseModel": "lamcore.adapters",
    "Model": "lamcore.model",
    "Prediction": "lamcore.model",
    "Scope": "lamcore.model",
    "relax": "lamcore.relaxation",
    "molecular_dynamics": "lamcore.dynamics",
}


def __getattr__(name: str) -> Any:
    if name in _ON_FIRST_USE:
        return getattr(import_module(_ON_FIRST_USE[name]), name)
    raise AttributeError(f"module 'lamcore' has no attribute {name!r}")
