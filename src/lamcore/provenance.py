"""Where a run's numbers come from: versions, hardware, weights, data, licences, citations and cost."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

from lamcore.cards import DatasetCard, ModelCard, TaskCard, load_card
from lamcore.scoring import BOOTSTRAP_SEED

if TYPE_CHECKING:
    from lamcore.batching import Counters
    from lamcore.config import Selection
    from lamcore.identity import RunIdentity
    from lamcore.workbench import ComputeFacts


def describe(selection: Selection, run_id: str, identity: RunIdentity) -> dict[str, Any]:
    """All that is known of a run before it computes anything, as JSON."""
    model_card = load_card(selection.model_spec.card, ModelCard)
    dataset_card = load_card(selection.dataset_spec.card, DatasetCard)
    task_card = load_card(selection.task_spec.card, TaskCard)
    checkpoint = model_card.checkpoints.get(str(selection.model.options.get("checkpoint")))
    citations = {
        "model": [*model_card.citations, *(checkpoint.citations if checkpoint else [])],
        "dataset": dataset_card.citations,
        "task": task_card.citations,
    }
    return {
        "run_id": run_id,
        "identity": identity,
        "versions": _versions(selection),
        "python": platform.python_version(),
        "machine": {
            "platform": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
        "seeds": {"bootstrap": BOOTSTRAP_SEED},
        "licences": {
            "model code": model_card.licence_code,
            "model weights": (checkpoint.licence_weights if checkpoint else "") or model_card.licence_weights,
            "dataset": dataset_card.licence,
        },
        "level_of_theory": {
            "model": (checkpoint.level_of_theory if checkpoint else "") or model_card.level_of_theory,
            "dataset": dataset_card.level_of_theory,
        },
        "citations": {part: [asdict(citation) for citation in cited] for part, cited in citations.items()},
        "sessions": [],
    }


def session(
    started: datetime, counters: Counters, facts: ComputeFacts | None, n_records: int, selection: Selection
) -> dict[str, Any]:
    """What one invocation of the run did and cost."""
    finished = datetime.now(UTC)
    return {
        "started_at": started.isoformat(timespec="seconds"),
        "finished_at": finished.isoformat(timespec="seconds"),
        "wall_seconds": (finished - started).total_seconds(),
        "records": n_records,
        "executor": {"name": selection.executor, **selection.executor_options},
        "compute": None if facts is None else asdict(facts),
        "counters": asdict(counters),
    }


def _versions(selection: Selection) -> dict[str, str]:
    """Of lamcore, the plugins in use, what those require, and what they name as worth recording."""
    distributions = ["lamcore"]
    for choice in selection.choices:
        distributions.append(choice.offer.plugin.distribution)
        distributions += getattr(choice.offer.spec, "packages", ())
    return versions_behind(distributions)


def versions_behind(distributions: Iterable[str]) -> dict[str, str]:
    """The versions of distributions and of what they require, by name."""
    distributions = list(distributions)
    required = {name for distribution in distributions for name in _requirements(distribution)}
    return _installed({*distributions, *required})


def _requirements(distribution: str) -> Iterable[str]:
    try:
        requires: Sequence[str] = metadata.requires(distribution) or ()
    except metadata.PackageNotFoundError:
        return
    for requirement in requires:
        if "extra ==" not in requirement:
            yield re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _installed(names: Iterable[str]) -> dict[str, str]:
    versions = {}
    for name in sorted(names, key=str.lower):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux: the name that Python knows is the next best
    return platform.processor() or platform.machine()


def total_cost(sessions: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Counters and wall time of all sessions of a run together."""
    total: dict[str, float] = {}
    for one in sessions:
        for name, value in {**one["counters"], "wall_seconds": one["wall_seconds"]}.items():
            total[name] = total.get(name, 0) + value
    return total
