"""`python -m lamcore suite=… model=…`: every run of a suite for a model, and what they make together."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.config import Choice, compose, group_options
from lamcore.errors import ConfigError, LamcoreError, UnknownNameError
from lamcore.overrides import check_arguments, parse_overrides
from lamcore.results import read_run
from lamcore.schema import check_options, unknown
from lamcore.standings import Standing, model_label, stand

if TYPE_CHECKING:
    from lamcore.registry import Registry
    from lamcore.suite import Suite, SuiteItem

RunOne = Callable[[Mapping[str, Any]], tuple[int, Path | None]]
"""Makes one run of a composed configuration: the exit status, and the run's folder where it could be made."""
SUITE_FILE = "suite.json"


@dataclass(frozen=True)
class SuiteResult:
    """What a suite came to for one model.

    Attributes:
        name: Of the suite.
        standing: The model's.
        missing: Why an item has no run, by item key.
        file: Where it is written down.
    """

    name: str
    suite: Suite
    standing: Standing
    missing: Mapping[str, str]
    file: Path

    @property
    def missing_by_reason(self) -> dict[str, str]:
        """The keys of the items that lack the same thing, by what they lack."""
        return _by_reason(self.missing)


@dataclass(frozen=True)
class SuiteChoice:
    """The suites of a command, and the overrides that go to every run of them."""

    suites: Sequence[tuple[str, Suite, int | None]]
    overrides: Sequence[Sequence[str]]


def names_a_suite(arguments: Sequence[str]) -> bool:
    """Whether the command line asks for a suite."""
    return any(argument.startswith("suite=") for argument in arguments)


def choose(arguments: Sequence[str], registry: Registry) -> SuiteChoice:
    """The suites that a command line names, and the overrides for their runs, one list for each model.

    Raises:
        UnknownNameError: A suite, model or option does not exist.
        ConfigError: A value does not fit, or the command line also chooses tasks or datasets.
    """
    mine = [argument for argument in arguments if argument.partition("=")[0].split(".")[0] == "suite"]
    rest = [argument for argument in arguments if argument not in mine]
    several = [flag for flag in ("--multirun", "-m") if flag in rest]
    for argument in rest:
        if argument.partition("=")[0].split(".")[0] in ("task", "dataset"):
            raise ConfigError(
                f"{argument}: a suite fixes its tasks and datasets; suite.max_cases=N takes fewer cases of each"
            )
        if argument.startswith("-") and argument not in several:
            raise ConfigError(f"{argument}: with suite= the only flag is --multirun, for several models")
    check_arguments(rest, registry)
    given: dict[str, Any] = {}
    names: list[str] = []
    for text, override in zip(mine, parse_overrides(mine), strict=True):
        if override.key_or_group == "suite":
            names = [name.strip() for name in text.partition("=")[2].split(",")]
        elif override.is_sweep_override():
            raise ConfigError(f"{text}: got several values, expected one; several suites are suite=<one>,<other>")
        else:
            given[override.key_or_group] = override.value()
    suites = [_build(name, given, registry) for name in names]
    common = [argument for argument in rest if argument not in several]
    swept = []
    for text, override in zip(common, parse_overrides(common), strict=True):
        if not override.is_sweep_override():
            swept.append([text])
        elif several:
            key = text.partition("=")[0]  # with what stands before it, such as +
            swept.append([f"{key}={value}" for value in override.sweep_string_iterator()])
        else:
            raise ConfigError(f"{text}: several values need --multirun")
    return SuiteChoice(suites, [list(one) for one in itertools.product(*swept)])


def run_suite(
    name: str,
    suite: Suite,
    max_cases: int | None,
    overrides: Sequence[str],
    registry: Registry,
    run_one: RunOne,
    announce: Callable[[SuiteItem, int, int], None],
) -> SuiteResult:
    """Make the runs of a suite that can be made, and score what is there.

    An item that cannot be run, or whose run raises, is named with the reason; the others are run all the same.

    Args:
        name: Of the suite.
        suite: What to run.
        max_cases: Cases of each dataset at most, for a rehearsal; None: as the suite says.
        overrides: Model, executor and other choices that are the same for every run.
        registry: What is installed.
        run_one: Makes a run.
        announce: Is told of each item before it is run, with its number and how many there are.
    """
    runs, missing = {}, {}
    base: Mapping[str, Any] = {}
    for number, item in enumerate(suite.items, start=1):
        if why := _obstacle(item, registry):
            missing[item.key] = why
            continue
        announce(item, number, len(suite.items))
        base = config = _compose(item, max_cases, overrides)
        _, folder = run_one(config)
        if folder is None:
            missing[item.key] = "its run could not be made, see above"
            continue
        try:
            runs[item.key] = read_run(folder)
        except LamcoreError as error:
            missing[item.key] = str(error)
    if not base:
        raise ConfigError(
            f"suite {name!r}: none of its {len(suite.items)} items can be run:\n"
            + "\n".join(f"  {keys}: {why}" for why, keys in _by_reason(missing).items())
        )
    label = next((model_label(run, registry) for run in runs.values()), str(base["model"]["name"]))
    standing = stand(suite, runs, label)
    file = _write(Path(base["runs"]), name, standing, missing)
    return SuiteResult(name, suite, standing, missing, file)


def _by_reason(missing: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for key, why in missing.items():
        found.setdefault(why, []).append(key)
    return {why: ", ".join(keys) for why, keys in found.items()}


def _build(name: str, given: Mapping[str, Any], registry: Registry) -> tuple[str, Suite, int | None]:
    offer = registry.get("suite", name)
    options = group_options("suite", offer)
    values = {key.removeprefix("suite."): value for key, value in given.items()}
    for key in values.keys() - options.keys():
        raise UnknownNameError(unknown(f"suite.{key}", key, options, "option"))
    checked = check_options(options, values, "suite.")
    max_cases = checked.pop("max_cases")
    if max_cases is not None and max_cases <= 0:
        raise ConfigError(f"suite.max_cases: got {max_cases}, expected a number above 0")
    suite: Suite = Choice("suite", name, offer, checked).build()
    return name, suite, max_cases


def _obstacle(item: SuiteItem, registry: Registry) -> str:
    """Why an item cannot be run, and how to mend it; empty where it can."""
    absent = [
        f"{kind} {name!r} is not installed"
        for kind, name in (("task", item.task), ("dataset", item.dataset))
        if name and name not in registry.of_kind(kind)  # type: ignore[arg-type]
    ]
    # A dataset that is absent too comes with the task, as a rule.
    reasons = [*absent[:1], *([item.missing] if item.missing else [])]
    return "; ".join([*reasons, *([item.obtain] if reasons and item.obtain else [])])


def _compose(item: SuiteItem, max_cases: int | None, overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration of an item's run."""
    plain = compose([f"task={item.task}", f"dataset={item.dataset}", *overrides])
    plain["task"] |= {key: str(value) if isinstance(value, Path) else value for key, value in item.task_options.items()}
    plain["dataset"] |= {
        key: str(value) if isinstance(value, Path) else value for key, value in item.dataset_options.items()
    }
    limits = [limit for limit in (item.max_cases, max_cases) if limit is not None]
    plain["dataset"]["max_cases"] = min(limits, default=None)
    return plain


def _write(runs: Path, name: str, standing: Standing, missing: Mapping[str, str]) -> Path:
    """Write down what a suite came to, beside its runs."""
    run_ids = {key: run.run_id for key, run in standing.runs.items()}
    identifier = hashlib.sha256(json.dumps([name, run_ids], sort_keys=True).encode()).hexdigest()[:12]
    label = re.sub(r"[^A-Za-z0-9._=-]+", "-", standing.model)
    folder = runs / f"suite-{name}-{label}-{identifier}"
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "suite": name,
        "model": standing.model,
        "rehearsal": standing.rehearsal,
        "runs": {key: run.folder.name for key, run in standing.runs.items()},
        "missing": dict(missing),
        "scores": [score.plain() for score in standing.scores.values()],
    }
    file = folder / SUITE_FILE
    file.write_text(json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
    return file
