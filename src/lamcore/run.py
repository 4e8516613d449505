"""A run, one statement a stage: config → dataset → task → model → records → aggregate → report."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lamcore.aggregate import score_cases
from lamcore.batching import Counters
from lamcore.config import Selection, select
from lamcore.errors import BadOutputError, DataError, RunFolderError
from lamcore.executors import Progress, execute
from lamcore.identity import RunIdentity, identify, run_id
from lamcore.page import render_page
from lamcore.provenance import describe, session
from lamcore.records import Failure, Record, RecordStore, read_records
from lamcore.report import RunView

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.registry import Registry
    from lamcore.task import Metric, Task

CONFIG, PROVENANCE, METRICS, PAGE = "config.yaml", "provenance.json", "metrics.json", "report.html"


class Watcher(Protocol):
    """Is told how a run goes; the command line draws a progress bar from it."""

    def started(self, folder: Path, provenance: Mapping[str, Any], n_cases: int, records: Sequence[Record]) -> None:
        """The run's folder is open, `records` of earlier sessions are kept."""

    def recorded(self, record: Record, counters: Counters) -> None:
        """One more case is done or failed."""


@dataclass(frozen=True)
class RunResult:
    """A run as it stands.

    Attributes:
        folder: Where everything is.
        metrics: The summary.
        n_cases: Cases of the run.
        failures: Why cases failed, by case id; a case not computed yet is among them.
    """

    folder: Path
    selection: Selection
    metrics: Sequence[Metric]
    n_cases: int
    failures: Mapping[str, str]


def run(selection: Selection, registry: Registry, watcher: Watcher) -> RunResult:
    """Compute what is missing of a run, and report it.

    Raises:
        ConfigError: The model does not give what the task needs.
        DataError: The dataset cannot be read.
        RunFolderError: The run's folder is held by another process, not writable, or the disk is full.
    """
    cases = load_cases(selection)
    identity = identify(selection, cases)
    folder = selection.runs / _folder_name(selection, run_id(identity))
    with RecordStore(folder) as store:
        provenance = _open_folder(folder, selection, identity)
        todo = [case for case in cases if case.id not in store.finished(selection.retry_failed)]
        watcher.started(folder, provenance, len(cases), list(store.records.values()))
        _compute(selection, todo, store, watcher, provenance)
        return _report(folder, selection, registry, cases, store.records)


def report(folder: Path, registry: Registry) -> RunResult:
    """Score and report the records of a run again, without computing any physics.

    Raises:
        RunFolderError: The folder is not a run's, or cannot be written.
        DataError: The dataset is not what it was when the run was computed.
    """
    try:
        config = _read_yaml(folder / CONFIG)
        provenance = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{folder}: not the folder of a run ({error}); give one that holds {CONFIG}") from error
    selection = select(config, registry)
    cases = load_cases(selection)
    recorded = provenance["identity"]["dataset"]["content_sha256"]
    found = identify(selection, cases)["dataset"]["content_sha256"]
    if found != recorded:
        raise DataError(
            f"{folder}: the run was computed on other data: dataset {selection.dataset.name!r} has content "
            f"{found[:12]}, the run has {recorded[:12]}; install the version named in {PROVENANCE}, or run again"
        )
    return _report(folder, selection, registry, cases, read_records(folder))


def load_cases(selection: Selection) -> list[Case]:
    """The cases of a run.

    Raises:
        DataError: There are none, or two have the same id.
    """
    cases = list(islice(selection.dataset.build().cases(), selection.max_cases))
    if not cases:
        raise DataError(f"dataset {selection.dataset.name!r} has no cases; check its options")
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise DataError(
                f"dataset {selection.dataset.name!r}: two cases have the id {case.id!r}; ids must be unique"
            )
        seen.add(case.id)
    return cases


def _folder_name(selection: Selection, identifier: str) -> str:
    return "-".join((selection.task.name, selection.model.name, selection.dataset.name, identifier))


def _open_folder(folder: Path, selection: Selection, identity: RunIdentity) -> dict[str, Any]:
    """Write down what the run is, before it computes anything; keep what earlier sessions wrote of themselves."""
    from omegaconf import OmegaConf

    provenance = describe(selection, run_id(identity), identity)
    earlier = folder / PROVENANCE
    if earlier.exists():
        try:
            provenance["sessions"] = json.loads(earlier.read_text(encoding="utf-8"))["sessions"]
        except (ValueError, KeyError) as error:
            raise RunFolderError(
                f"{earlier}: damaged ({error}); move it away and give the same command again"
            ) from error
    _write(folder / CONFIG, OmegaConf.to_yaml(OmegaConf.create(dict(selection.plain))))
    _write(earlier, _json(provenance))
    return provenance


def _compute(
    selection: Selection, todo: Sequence[Case], store: RecordStore, watcher: Watcher, provenance: dict[str, Any]
) -> None:
    """Calculate cases and record each as it is ready; what it cost is written down even when it is interrupted."""
    if not todo:
        return
    attempts = {case.id: store.next_attempt(case.id) for case in todo}
    started = datetime.now(UTC)
    last = Progress((), Counters(), None)
    n_records = 0
    try:
        for last in execute(selection, todo, attempts):
            for record in last.records:
                watcher.recorded(_append(store, record), last.counters)
                n_records += 1
    finally:
        provenance["sessions"].append(session(started, last.counters, last.facts, n_records, selection))
        _write(store.folder / PROVENANCE, _json(provenance))


def _append(store: RecordStore, record: Record) -> Record:
    """Store a record; output that cannot be stored, such as a value that is not finite, makes it a failed one."""
    try:
        store.append(record)
    except BadOutputError as error:
        record = Record.failed(record.case_id, Failure.of(error), record.seconds, record.attempt)
        store.append(record)
    return record


def _report(
    folder: Path, selection: Selection, registry: Registry, cases: Sequence[Case], records: Mapping[str, Record]
) -> RunResult:
    """Score what is recorded, sum it up, and write the metrics and the page."""
    task: Task = selection.task.build()
    scored = score_cases(task, cases, records)
    metrics = task.summarize(scored)
    failures = {case.case.id: case.failure for case in scored if case.failure is not None}
    outputs = {case_id: record.output for case_id, record in records.items() if record.output is not None}
    provenance = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    summary = {
        "run_id": provenance["run_id"],
        "n_cases": len(cases),
        "n_failed": len(failures),
        "metrics": [asdict(metric) for metric in metrics],
        "cases": [{"id": case.case.id, "scores": case.scores, "failure": case.failure} for case in scored],
    }
    _write(folder / METRICS, _json(summary))
    reports = [offer.spec for offer in registry.reports.values() if offer.spec.task in (selection.task.name, "*")]
    view = RunView(selection.plain, scored, outputs, metrics)
    _write(folder / PAGE, render_page(view, provenance, reports))
    return RunResult(folder, selection, metrics, len(cases), failures)


def _json(value: object) -> str:
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _read_yaml(path: Path) -> dict[str, Any]:
    from omegaconf import OmegaConf

    loaded = OmegaConf.to_container(OmegaConf.load(path))
    if not isinstance(loaded, dict):
        raise ValueError(f"{path.name} holds a {type(loaded).__name__}")
    return {str(key): value for key, value in loaded.items()}


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, so that a crash leaves the old one.

    Raises:
        RunFolderError: The disk is full or the folder not writable.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise RunFolderError(
            f"{path}: cannot be written ({error}); recorded cases are safe: make room or give write permission, "
            "then give the same command again"
        ) from error
