"""A run, one statement a stage: config → dataset → task → model → records → aggregate → report."""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lamcore.aggregate import score_cases
from lamcore.batching import Counters
from lamcore.config import Selection, Subject, read_subject
from lamcore.data_files import sha256
from lamcore.dataset import content_sha256
from lamcore.errors import ConfigError, DataError, PluginError, RunFolderError
from lamcore.executors import Progress, execute
from lamcore.hardware import machine
from lamcore.identity import RunIdentity, identify, run_id
from lamcore.page import render_page
from lamcore.provenance import describe, new_session, spent
from lamcore.records import Record, RecordStore, Status, read_records
from lamcore.report import RunView
from lamcore.results import CONFIG, CONTRIBUTIONS, LOG, METRICS, PAGE, PROVENANCE

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.dataset import Dataset
    from lamcore.registry import Registry
    from lamcore.task import Metric, Task

_SECONDS_BETWEEN_COSTS = 10.0

logger = logging.getLogger(__name__)


class Watcher(Protocol):
    """Is told how a run goes; the command line draws a progress bar from it."""

    def started(self, folder: Path, provenance: Mapping[str, Any], n_cases: int, kept: Mapping[str, Status]) -> None:
        """The run's folder is open; `kept` tells of the cases of earlier sessions that are not computed again."""

    def recorded(self, record: Record, counters: Counters) -> None:
        """One more case is done or failed."""


@dataclass(frozen=True)
class RunResult:
    """A run as it stands.

    Attributes:
        folder: Where everything is.
        subject: What was measured.
        metrics: The summary.
        n_cases: Cases of the run.
        failures: Why cases failed, by case id; a case not computed yet is among them.
    """

    folder: Path
    subject: Subject
    metrics: Sequence[Metric]
    n_cases: int
    failures: Mapping[str, str]


def run(selection: Selection, registry: Registry, watcher: Watcher) -> RunResult:
    """Compute what is missing of a run, and report it.

    Raises:
        ConfigError: An option's value is refused, or the model does not give what the task needs.
        DataError: The dataset cannot be read.
        RunFolderError: The run's folder is held by another process, not writable, or the disk is full.
    """
    dataset: Dataset = selection.dataset.build()
    cases = take_cases(dataset, selection)
    task: Task = selection.task.build()
    _check_executor(selection, task)
    identity = identify(selection, cases, machine() if task.depends_on_machine else None)
    folder = selection.runs / _folder_name(selection, run_id(identity))
    provenance = _compute_missing(folder, selection, identity, dataset, cases, watcher)
    return _report(folder, selection, task, registry, cases, provenance)


def report(folder: Path, registry: Registry) -> RunResult:
    """Score and report the records of a run again, without computing any physics; the model need not be installed.

    Raises:
        RunFolderError: The folder is not a run's, or cannot be written.
        DataError: The dataset is not what it was when the run was computed.
    """
    try:
        config = _read_yaml(folder / CONFIG)
        provenance = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{folder}: not the folder of a run ({error}); give one that holds {CONFIG}") from error
    subject = read_subject(config, registry)
    cases = take_cases(subject.dataset.build(), subject)
    recorded, found = provenance["identity"]["dataset"]["content_sha256"], content_sha256(cases)
    if found != recorded:
        raise DataError(
            f"{folder}: the run was computed on other data: dataset {subject.dataset.name!r} has content "
            f"{found[:12]}, the run has {recorded[:12]}; install the version named in {PROVENANCE}, or run again"
        )
    _warn(provenance)
    return _report(folder, subject, subject.task.build(), registry, cases, provenance)


def take_cases(dataset: Dataset, subject: Subject) -> list[Case]:
    """The cases of a run.

    Raises:
        DataError: There are none, or two have the same id.
    """
    cases = list(islice(dataset.cases(), subject.max_cases))
    if not cases:
        raise DataError(f"dataset {subject.dataset.name!r} has no cases; check its options")
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise DataError(f"dataset {subject.dataset.name!r}: two cases have the id {case.id!r}; ids must be unique")
        seen.add(case.id)
    return cases


def _check_executor(selection: Selection, task: Task) -> None:
    workers = selection.executor.options.get("workers", 1)
    if task.alone and workers != 1:
        raise ConfigError(
            f"executor.workers is {workers}, but task {selection.task.name!r} measures the model itself, and cases "
            "at the same time would disturb one another; use executor=inline, or executor.workers=1"
        )


def _folder_name(selection: Selection, identifier: str) -> str:
    return "-".join((selection.task.name, selection.model.name, selection.dataset.name, identifier))


def _warn(provenance: Mapping[str, Any]) -> None:
    if warning := provenance["level_of_theory"]["warning"]:
        logger.warning(warning)


def _compute_missing(
    folder: Path,
    selection: Selection,
    identity: RunIdentity,
    dataset: Dataset,
    cases: Sequence[Case],
    watcher: Watcher,
) -> Mapping[str, Any]:
    """Hold the run's folder, and calculate the cases that have no record there; gives the provenance."""
    with RecordStore(folder) as store, _logged_to(folder):
        provenance = _open_folder(folder, selection, identity, dataset, cases)
        finished, statuses = store.finished(selection.retry_failed), store.records.statuses
        todo = [case for case in cases if case.id not in finished]
        _warn(provenance)
        watcher.started(folder, provenance, len(cases), {case_id: statuses[case_id] for case_id in finished})
        _compute(selection, todo, store, watcher, provenance)
    return provenance


def _open_folder(
    folder: Path, selection: Selection, identity: RunIdentity, dataset: Dataset, cases: Sequence[Case]
) -> dict[str, Any]:
    """Write down what the run is, before it computes anything; keep what earlier sessions wrote of themselves."""
    from omegaconf import OmegaConf

    data_files = {name: sha256(path) for name, path in dataset.files.items()}
    provenance = describe(selection, run_id(identity), identity, data_files, cases)
    earlier = folder / PROVENANCE
    if earlier.exists():
        try:
            provenance["sessions"] = json.loads(earlier.read_text(encoding="utf-8"))["sessions"]
        except (ValueError, KeyError) as error:
            raise RunFolderError(
                f"{earlier}: damaged ({error}); move it away and give the same command again"
            ) from error
    _write(folder / CONFIG, [OmegaConf.to_yaml(OmegaConf.create(dict(selection.plain)))])
    _write(earlier, _json(provenance))
    return provenance


def _compute(
    selection: Selection, todo: Sequence[Case], store: RecordStore, watcher: Watcher, provenance: dict[str, Any]
) -> None:
    """Calculate cases and record each as it is ready; what it costs is written down as it goes."""
    if not todo:
        return
    attempts = {case.id: store.next_attempt(case.id) for case in todo}
    sessions, session = provenance["sessions"], new_session(selection)
    sessions.append(session)
    n_records = 0
    last = Progress((), Counters(), None)
    started = written = time.monotonic()

    def write_down() -> None:
        sessions[-1] = spent(session, time.monotonic() - started, n_records, last.counters, last.facts)
        _write(store.folder / PROVENANCE, _json(provenance))

    write_down()
    try:
        for last in execute(selection, todo, attempts):
            for record in last.records:
                store.append(record)
                watcher.recorded(record, last.counters)
                n_records += 1
            if time.monotonic() - written > _SECONDS_BETWEEN_COSTS:
                write_down()
                written = time.monotonic()
    finally:
        write_down()


def _report(
    folder: Path,
    subject: Subject,
    task: Task,
    registry: Registry,
    cases: Sequence[Case],
    provenance: Mapping[str, Any],
) -> RunResult:
    """Score what is recorded, sum it up, and write the metrics and the page."""
    records = read_records(folder)
    scored = score_cases(task, cases, records)
    metrics = _finite(task.summarize(scored), subject.task.name)
    failures = {case.case.id: case.failure for case in scored if case.failure is not None}
    summary = {
        "run_id": provenance["run_id"],
        "n_cases": len(cases),
        "n_failed": len(failures),
        "metrics": [_without_contributions(metric) for metric in metrics],
        "cases": [{"id": case.case.id, "scores": case.scores, "failure": case.failure} for case in scored],
    }
    _write(folder / METRICS, _json(summary))
    _write(folder / CONTRIBUTIONS, _json(_contributions(metrics)))
    reports = [offer.spec for offer in registry.reports.values() if offer.spec.task in (subject.task.name, "*")]
    view = RunView(subject.plain, scored, records.outputs, metrics)
    _write(folder / PAGE, [render_page(view, provenance, reports)])
    return RunResult(folder, subject, metrics, len(cases), failures)


def _without_contributions(metric: Metric) -> dict[str, Any]:
    return {
        name: value for name, value in asdict(replace(metric, contributions=None)).items() if name != "contributions"
    }


def _contributions(metrics: Sequence[Metric]) -> dict[str, Any]:
    """What each case adds to each metric, by the metric's name."""
    return {one.name: vars(one.contributions) for one in metrics if one.contributions is not None}


def _finite(metrics: list[Metric], task: str) -> list[Metric]:
    for metric in metrics:
        numbers = (metric.value, metric.dummy, *(metric.interval or ()))
        if not all(number is None or math.isfinite(number) for number in numbers):
            raise PluginError(
                f"task {task!r}: metric {metric.name!r} is {metric.value} with dummy {metric.dummy} and interval "
                f"{metric.interval}, expected finite numbers or None; the records are safe"
            )
    return metrics


@contextmanager
def _logged_to(folder: Path) -> Iterator[None]:
    """Keep what lamcore and the models' processes log of a run beside its records."""
    handler = logging.FileHandler(folder / LOG, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("lamcore")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        handler.close()


def _json(value: object) -> Iterator[str]:
    """JSON piece by piece, since the scores of many cases are long."""
    yield from json.JSONEncoder(indent=1, allow_nan=False, ensure_ascii=False).iterencode(value)
    yield "\n"


def _read_yaml(path: Path) -> dict[str, Any]:
    from omegaconf import OmegaConf

    loaded = OmegaConf.to_container(OmegaConf.load(path))
    if not isinstance(loaded, dict):
        raise ValueError(f"{path.name} holds a {type(loaded).__name__}")
    return {str(key): value for key, value in loaded.items()}


def _write(path: Path, pieces: Iterable[str]) -> None:
    """Replace a file by pieces of text in one step, so that a crash leaves the old one.

    Raises:
        RunFolderError: The disk is full or the folder not writable.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.writelines(pieces)
        os.replace(temporary, path)
    except OSError as error:
        raise RunFolderError(
            f"{path}: cannot be written ({error}); recorded cases are safe: make room or give write permission, "
            "then give the same command again"
        ) from error
