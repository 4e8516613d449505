"""Suites for lamcore: LAMBench's versions, and lamcore's own.

`RatioSuite.from_yaml` makes a suite of another YAML file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamcore import Suite, SuiteSpec, hookimpl

if TYPE_CHECKING:
    from lamcore_lambench.ratio_suite import RatioSuite

LAMCORE_API = 1

_HERE = Path(__file__).parent
_CARDS = _HERE / "cards"


def build_lambench_0_1(data: Path | None = None, published_results: Path | None = None) -> Suite:
    """LAMBench 0.1.0: five domains, ratios as they are, phonons and torsions.

    Args:
        data: Folder with LAMBench's data sets, named by their keys or as LAMBench names them.
        published_results: A results.json in LAMBench's format; its rows are added to the published ones.
    """
    return _lambench("lambench-0.1", data, published_results)


def build_lambench_1_0(
    data: Path | None = None, labels: Literal["PBE", "wB97"] = "PBE", published_results: Path | None = None
) -> Suite:
    """LAMBench 1.0.0: three domains, ratios at most 1, twelve property tasks.

    Args:
        data: Folder with LAMBench's data sets, named by their keys or as LAMBench names them.
        labels: Of the molecules: PBE, or wB97 for models that were trained at OMol25's level of theory.
        published_results: A results.json in LAMBench's format; its rows are added to the published ones.
    """
    return _lambench("lambench-1.0", data, published_results, labels)


def build_lamcore_1(data: Path | None = None) -> Suite:
    """What comes with the installed tasks, by rules under which leaving out never pays.

    Args:
        data: Folder with further data sets; with it they are part of the suite.
    """
    from lamcore_lambench.ratio_suite import RatioSuite

    return RatioSuite.from_yaml(_HERE / "versions" / "lamcore-1.yaml", data)


def build_lamcore_demo() -> Suite:
    """The rules of lamcore-1 on a few small cases of each task: minutes on two cores."""
    from lamcore_lambench.ratio_suite import RatioSuite

    return RatioSuite.from_yaml(_HERE / "versions" / "lamcore-demo.yaml")


def __getattr__(name: str) -> Any:
    """`RatioSuite`, imported only when somebody asks for it: plugins load at every start-up."""
    if name == "RatioSuite":
        from lamcore_lambench.ratio_suite import RatioSuite

        return RatioSuite
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _lambench(
    name: str, data: Path | None, published_results: Path | None, labels: Literal["PBE", "wB97"] = "PBE"
) -> Suite:
    from lamcore_lambench.lambench_suite import LambenchSuite
    from lamcore_lambench.published import read_published, rows_of_results
    from lamcore_lambench.rules import Rules, load

    rules = load(_HERE / "versions" / f"{name}.yaml", Rules)
    rows = read_published(_HERE / "published" / f"{name}.yaml")
    more = () if published_results is None else rows_of_results(published_results, rules)
    return LambenchSuite(rules, data, labels, (*rows, *more))


@hookimpl
def lamcore_suites() -> Sequence[SuiteSpec]:
    """LAMBench's first and latest version, lamcore's own, and a small one to try."""
    return (
        SuiteSpec("lambench-0.1", build_lambench_0_1, _CARDS / "lambench-0.1.yaml"),
        SuiteSpec("lambench-1.0", build_lambench_1_0, _CARDS / "lambench-1.0.yaml"),
        SuiteSpec("lamcore-1", build_lamcore_1, _CARDS / "lamcore-1.yaml"),
        SuiteSpec("lamcore-demo", build_lamcore_demo, _CARDS / "lamcore-demo.yaml"),
    )


__all__ = ["RatioSuite"]
