"""Equations of state of metals: a lamcore suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lamcore import SuiteSpec, hookimpl
from lamcore_metals.suite import Metals


@hookimpl
def lamcore_suites() -> Sequence[SuiteSpec]:
    """Offer `suite=metals`."""
    return [SuiteSpec("metals", Metals, Path(__file__).with_name("suite.yaml"))]
