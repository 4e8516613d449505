"""Runs of models made into the standings of a suite: which run belongs to which item, and who is ahead of whom."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.data_files import sha256
from lamcore.errors import MixedProtocolsError
from lamcore.identity import content_of
from lamcore.resampling import percentile_interval

if TYPE_CHECKING:
    from lamcore.registry import Registry
    from lamcore.results import Part, RunSummary
    from lamcore.suite import Score, Suite, SuiteItem

_OF_MODELS_OWN = ("device",)
"""Options of models that change where numbers are computed, not the numbers."""


@dataclass(frozen=True)
class Standing:
    """A model in a suite.

    Attributes:
        model: Its name and what sets it apart.
        runs: Its runs, by item key.
        scores: Its headlines, by name.
        rehearsal: Whether some run took fewer cases than the suite asks for.
    """

    model: str
    runs: Mapping[str, RunSummary]
    scores: Mapping[str, Score]
    rehearsal: bool


def standings(suite: Suite, runs: Iterable[RunSummary], registry: Registry) -> list[Standing]:
    """Every model that has a run of the suite, the best first.

    Of several runs of one model and item the one with the most cases counts, then the latest.

    Args:
        suite: The suite.
        runs: Runs of any task; those that are not of the suite are left out.
        registry: What is installed, for the options' defaults.

    Raises:
        MixedProtocolsError: Runs of one item are on different data or by different versions of the task, so that they
            cannot share a column.
    """
    by_model: dict[str, dict[str, RunSummary]] = defaultdict(dict)
    models: dict[str, RunSummary] = {}
    for run in sorted(runs, key=_age):
        for item in suite.items:
            if belongs(run, item, registry):
                key = f"{run.model.name} {sorted(_essential(run.model).items())} {run.model.content}"
                models[key] = run
                known = by_model[key].get(item.key)
                if known is None or run.n_cases >= known.n_cases:
                    by_model[key][item.key] = run
    for item in suite.items:
        _refuse_mixed(item, [taken[item.key] for taken in by_model.values() if item.key in taken])
    labels = dict(zip(models, _labels(list(models.values())), strict=True))
    rows = [stand(suite, taken, labels[key]) for key, taken in by_model.items()]
    return sorted(rows, key=lambda row: _order(suite, row))


def stand(suite: Suite, runs: Mapping[str, RunSummary], model: str) -> Standing:
    """One model's standing from its runs, by item key."""
    scores = {score.name: score for score in suite.score(runs)}
    cut = [item for item in suite.items if item.key in runs and is_rehearsal(runs[item.key], item)]
    return Standing(model, runs, scores, bool(cut))


def dummy(suite: Suite, rows: Sequence[Standing]) -> Standing | None:
    """The dummy's standing, on the cases of the model that has the most items; None where nothing was run."""
    if not rows:
        return None
    fullest = max(rows, key=lambda row: len(row.runs))
    return stand(suite, {key: run.as_dummy() for key, run in fullest.runs.items()}, "dummy")


def is_rehearsal(run: RunSummary, item: SuiteItem) -> bool:
    """Whether a run took fewer cases than the suite asks for."""
    return run.max_cases is not None and (item.max_cases is None or run.max_cases < item.max_cases)


def belongs(run: RunSummary, item: SuiteItem, registry: Registry) -> bool:
    """Whether a run is of an item: the same task and dataset with the same options and files, and no more cases.

    The run of an item whose data are missing here cannot be told from that of another, and is of none.
    """
    return (
        not item.missing
        and (item.max_cases is None or run.n_cases <= item.max_cases)
        and _fits(run.task, item.task, _with_contents(item.task_options), _defaults("task", item.task, registry))
        and _fits(
            run.dataset,
            item.dataset,
            _without_paths(item.dataset_options),
            _defaults("dataset", item.dataset, registry),
        )
        and _is_on_files_of(run, item)
    )


def places(rows: Sequence[Standing], headline: str) -> dict[str, tuple[int, int]]:
    """The best and the worst place that each model can claim by a headline.

    A model is ahead of another where the 95 % interval of their difference, on the same resampled cases, leaves out
    zero; without resampling, where its value is better. So a place is certain only where best and worst are the same.

    Returns:
        By model; models without a value are not there.
    """
    there = [row for row in rows if headline in row.scores and row.scores[headline].value is not None]
    found = {}
    for row in there:
        verdicts = [ahead(other.scores[headline], row.scores[headline]) for other in there if other is not row]
        better, worse = verdicts.count(1), verdicts.count(-1)
        found[row.model] = (1 + better, len(there) - worse)
    return found


def ahead(one: Score, other: Score) -> int:
    """1 where the first is ahead of the second beyond doubt, -1 where it is behind, 0 where neither can be said.

    Scores of different context, such as hardware, are never ahead of one another. One without draws, such as that of a
    model all of whose metrics are missing, is the same in every draw.
    """
    if one.value is None or other.value is None or one.context != other.context:
        return 0
    sign = -1 if one.direction == "lower" else 1
    if one.draws is None and other.draws is None:
        difference = sign * (one.value - other.value)
        return (difference > 0) - (difference < 0)
    first, second = (np.asarray(score.value if score.draws is None else score.draws) for score in (one, other))
    interval = percentile_interval(sign * (first - second))
    if interval is None:
        return 0
    return (interval[0] > 0) - (interval[1] < 0)


def _order(suite: Suite, row: Standing) -> tuple[Any, ...]:
    """Complete models first, then by the headlines in their order."""
    values: list[float] = []
    for headline in suite.headlines:
        score = row.scores.get(headline.name)
        value = None if score is None else score.value
        if value is None:
            values.append(float("inf"))
            continue
        rounded = value if headline.decimals is None else round(value, headline.decimals)
        values.append(rounded if headline.direction == "lower" else -rounded)
    return values.count(float("inf")), *values, row.model


def _age(run: RunSummary) -> str:
    sessions = run.provenance["sessions"]
    return str(sessions[-1]["started_at"]) if sessions else ""


def _defaults(group: str, name: str, registry: Registry) -> dict[str, Any]:
    """The options' defaults of an installed task, dataset or model; none where it is not installed."""
    offers = registry.of_kind(group)  # type: ignore[arg-type]
    if name not in offers:
        return {}
    return {key: option.default for key, option in offers[name].options().items()}


def _fits(part: Part, name: str, fixed: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    """Whether a task or dataset has the options that an item asks for, as a run's identity has them."""
    if part.name != name:
        return False
    asked = {**defaults, **fixed}
    expected = {key: value for key, value in asked.items() if value is not None}
    given = {key: value for key, value in part.options.items() if key in asked}
    # As they come back from the run's JSON: a tuple as a list.
    return bool(given == json.loads(json.dumps(expected)))


def _with_contents(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a task, its files by their content as in the identity of a run."""
    return {key: content_of(value, key) if isinstance(value, Path) else value for key, value in options.items()}


def _without_paths(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a dataset, whose files are not among those of a run's identity."""
    return {key: None if isinstance(value, Path) else value for key, value in options.items()}


def _is_on_files_of(run: RunSummary, item: SuiteItem) -> bool:
    """Whether a run read the files that an item names: by their place, or by their content where they were moved."""
    named = {key: value for key, value in item.dataset_options.items() if isinstance(value, Path)}
    given = run.config["dataset"]
    if all(given.get(key) == str(path.absolute()) for key, path in named.items()):
        return True
    read = set(run.provenance["data_files"].values())
    return bool(read) and read <= {digest for path in named.values() for digest in _hashes(path)}


def _hashes(path: Path) -> set[str]:
    """SHA-256 of a file, or of every file of a folder."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {_hash(file, file.stat().st_size, file.stat().st_mtime_ns) for file in files}


@cache
def _hash(file: Path, size: int, changed_ns: int) -> str:
    """SHA-256 of a file, read once for each of its versions."""
    return sha256(file)


def _essential(model: Part) -> dict[str, Any]:
    return {key: value for key, value in model.options.items() if key not in _OF_MODELS_OWN}


def model_label(run: RunSummary, registry: Registry) -> str:
    """What a run's model is called where it stands alone: its name, its checkpoint, and options off their defaults."""
    defaults = _defaults("model", run.model.name, registry)
    changed = [key for key, value in _essential(run.model).items() if key in defaults and value != defaults[key]]
    return _label(run, changed)


def _labels(runs: Sequence[RunSummary]) -> list[str]:
    """A name for the model of each run: its own, its checkpoint, and the options that tell it from its namesakes."""
    labels = []
    for run in runs:
        options = _essential(run.model)
        alike = [
            _essential(other.model)
            for other in runs
            if other is not run
            and other.model.name == run.model.name
            and other.model.options.get("checkpoint") == options.get("checkpoint")
        ]
        labels.append(_label(run, [key for key in options if any(other.get(key) != options[key] for other in alike)]))
    return [
        label if labels.count(label) == 1 else f"{label} ({run.model.content[:8] or index})"
        for index, (label, run) in enumerate(zip(labels, runs, strict=True))
    ]


def _label(run: RunSummary, differing: Sequence[str]) -> str:
    checkpoint = [_shown(run, "checkpoint")] if "checkpoint" in run.model.options else []
    options = [f"{key}={_shown(run, key)}" for key in sorted(differing) if key != "checkpoint"]
    return " ".join([run.model.name, *checkpoint, *options])


def _shown(run: RunSummary, key: str) -> str:
    """An option of the model; where its identity has the content of a file, the file's name."""
    value, given = run.model.options[key], run.config.get("model", {}).get(key)
    return str(value) if given is None or given == value else Path(str(given)).name


def _refuse_mixed(item: SuiteItem, runs: Sequence[RunSummary]) -> None:
    """Refuse runs of one item that are on different cases, or by different versions of the task.

    Raises:
        MixedProtocolsError: They are.
    """
    by_content: dict[str, list[RunSummary]] = defaultdict(list)
    by_version: dict[str, list[RunSummary]] = defaultdict(list)
    for run in runs:
        by_content[run.dataset.content].append(run)
        by_version[run.task.plugin].append(run)
    if len(by_content) > 1:
        kinds = "; ".join(
            f"{group[0].n_cases} cases with content {content[:8]}: {_folders(group)}"
            for content, group in by_content.items()
        )
        raise MixedProtocolsError(
            f"suite item {item.key!r}: its runs are on different data and cannot share a column: {kinds}; "
            "leave one kind out, or run the others again with the same dataset.max_cases and files"
        )
    if len(by_version) > 1:
        kinds = "; ".join(f"{version}: {_folders(group)}" for version, group in by_version.items())
        raise MixedProtocolsError(
            f"suite item {item.key!r}: its runs are by different versions of the task and cannot share a column: "
            f"{kinds}; leave one kind out, or run the older ones again"
        )


def _folders(runs: Sequence[RunSummary]) -> str:
    return ", ".join(str(run.folder) for run in runs)
