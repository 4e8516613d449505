"""A suite of ratios as a YAML file: which runs, which of their metrics with what weight, and how they are averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamcore import SuiteItem
from lamcore.errors import ConfigError
from lamcore_lambench.rules import load, read_mapping

KINDS = ("ratio", "mean", "inverse")
MEANS = ("arithmetic", "geometric")
DRAWS = ("cases", "metric")


@dataclass
class HeadlineEntry:
    """A headline.

    Attributes:
        title: For people.
        formula: In words and signs.
        kind: `ratio`: metrics over the dummy's, averaged over metrics, data sets, tasks and domains. `mean`: the
            weighted mean of metrics as they are. `inverse`: `scale` over that mean, higher is better.
        mean: Over the data sets of a task, of ratios: `arithmetic` or `geometric`; metrics, tasks and domains have
            arithmetic means.
        clip: What a metric worse than the dummy counts, of ratios; None for what it is. Without, to leave an item out
            would pay where a model is worse than the dummy.
        floor: The smallest ratio of a data set in a geometric mean.
        missing: What an item that was not run counts, of means; a ratio counts 1. Without, the headline has no value
            where one is missing: a mean over the others would reward leaving out the worst.
        unit: Of means and inverses.
        scale: Of inverses.
        draws: What the uncertainty of means and inverses is that of: `cases`, resampled, or `metric`, its own interval,
            for positive numbers.
        decimals: Models are ranked by the value rounded to so many; None for all.
    """

    title: str
    formula: str
    kind: str = "ratio"
    mean: str = "arithmetic"
    clip: float | None = None
    floor: float = 0.0
    missing: float | None = None
    unit: str = "1"
    scale: float = 1.0
    draws: str = "cases"
    decimals: int | None = None


@dataclass
class ItemEntry:
    """A run of the suite, as a file has it.

    Attributes:
        title: For people.
        headline: That it counts in.
        domain: That it counts in.
        task: Name of the task.
        dataset: Name of the dataset.
        metrics: The weight of each metric within the item; others do not count.
        task_options: That the suite fixes.
        dataset_options: That the suite fixes.
        files: Options of the dataset that are paths below the folder of data: the item is part of the suite only where
            that folder is given.
        max_cases: How many cases the suite takes; None for all.
        obtain: How to get what it needs.
    """

    title: str
    headline: str
    domain: str
    task: str
    dataset: str
    metrics: dict[str, float]
    task_options: dict[str, Any] = field(default_factory=dict)
    dataset_options: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    max_cases: int | None = None
    obtain: str = ""


@dataclass
class SuiteFile:
    """The whole file.

    Attributes:
        headlines: By name, the first by which models are sorted first.
        items: By key.
        extends: Another file, beside this one; what this one says of a headline or an item replaces what that one says.
    """

    headlines: dict[str, HeadlineEntry]
    items: dict[str, ItemEntry]
    extends: str | None = None


def read_suite_file(path: Path) -> SuiteFile:
    """Read and check a suite's YAML.

    Raises:
        ConfigError: It cannot be read, lacks a field, has one that does not exist, or says what makes no sense.
    """
    content = load(path, SuiteFile, _extended(path))
    for name, headline in content.headlines.items():
        _choice(path, f"headlines.{name}.kind", headline.kind, KINDS)
        _choice(path, f"headlines.{name}.mean", headline.mean, MEANS)
        _choice(path, f"headlines.{name}.draws", headline.draws, DRAWS)
        if headline.kind == "ratio" and headline.mean == "geometric" and not 0 < headline.floor < 1:
            raise ConfigError(
                f"{path}: headlines.{name}.floor: got {headline.floor}, expected a number between 0 and 1, such as "
                "0.001: without a floor one error of exactly 0 makes the whole mean 0"
            )
        if not any(item.headline == name for item in content.items.values()):
            raise ConfigError(f"{path}: headlines.{name}: no item counts in it; give one `headline: {name}`")
    for key, item in content.items.items():
        _choice(path, f"items.{key}.headline", item.headline, tuple(content.headlines))
        if not item.metrics or not all(weight > 0 for weight in item.metrics.values()):
            raise ConfigError(f"{path}: items.{key}.metrics: got {item.metrics}, expected weights above 0 by metric")
        if item.max_cases is not None and item.max_cases < 1:
            raise ConfigError(f"{path}: items.{key}.max_cases: got {item.max_cases}, expected a number above 0")
    return content


def _extended(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A file on top of those that it extends: each field that it says of a headline or an item replaces the other's.

    Raises:
        ConfigError: A file cannot be read, or they go round in a circle.
    """
    if path in seen:
        raise ConfigError(f"{path}: extends itself, by way of {', '.join(one.name for one in seen)}")
    own = read_mapping(path)
    if own.get("extends") is None:
        return own
    merged = _extended(path.with_name(str(own["extends"])), (*seen, path))
    for part in ("headlines", "items"):
        there, changed = merged.get(part) or {}, own.get(part) or {}
        merged[part] = {**there, **{key: {**there.get(key, {}), **fields} for key, fields in changed.items()}}
    return {**own, **{part: merged[part] for part in ("headlines", "items")}}


def make_items(entries: Mapping[str, ItemEntry], data: Path | None) -> tuple[SuiteItem, ...]:
    """The runs of a suite; those that need files are there where a folder of data is given.

    Raises:
        ConfigError: The folder does not exist.
    """
    if data is not None and not data.is_dir():
        raise ConfigError(f"suite.data: {data} is not a folder; give the one that holds the data sets")
    items = []
    for key, entry in entries.items():
        if entry.files and data is None:
            continue
        paths = {option: (data or Path()) / name for option, name in entry.files.items()}
        absent = [str(path) for path in paths.values() if not path.exists()]
        items.append(
            SuiteItem(
                key=key,
                title=entry.title,
                domain=entry.domain,
                task=entry.task,
                dataset=entry.dataset,
                task_options=entry.task_options,
                dataset_options={**entry.dataset_options, **paths},
                max_cases=entry.max_cases,
                missing=f"{', '.join(absent)} does not exist" if absent else "",
                obtain=entry.obtain,
            )
        )
    return tuple(items)


def _choice(path: Path, name: str, got: str, allowed: tuple[str, ...]) -> None:
    if got not in allowed:
        raise ConfigError(f"{path}: {name}: got {got!r}, expected one of {', '.join(allowed)}")
