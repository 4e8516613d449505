"""Where a run's numbers come from: versions, hardware, weights, data, licences, citations and cost."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lamcore.cards import DatasetCard, ModelCard, TaskCard, load_card
from lamcore.cores import usable_cores
from lamcore.functionals import functionals
from lamcore.hardware import processor_name
from lamcore.resampling import BOOTSTRAP_SEED
from lamcore.versions import versions_of

if TYPE_CHECKING:
    from lamcore.batching import Counters
    from lamcore.cases import Case
    from lamcore.config import Selection
    from lamcore.identity import RunIdentity
    from lamcore.workbench import ComputeFacts


def describe(
    selection: Selection,
    run_id: str,
    identity: RunIdentity,
    data_files: Mapping[str, str],
    cases: Iterable[Case],
) -> dict[str, Any]:
    """All that stays the same of a run over its sessions, as JSON.

    Args:
        selection: What is run.
        run_id: The run's id.
        identity: What the id was made from.
        data_files: SHA-256 of the files that the dataset was read from, by name.
        cases: The cases of the run.
    """
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
        "data_files": data_files,
        "seeds": {"bootstrap": BOOTSTRAP_SEED, "cases": "the first 4 bytes of the SHA-256 of the case's id"},
        "licences": {
            "model code": model_card.licence_code,
            "model weights": (checkpoint.licence_weights if checkpoint else "") or model_card.licence_weights,
            "dataset": dataset_card.licence,
        },
        "level_of_theory": {
            "model": (checkpoint.level_of_theory if checkpoint else "") or model_card.level_of_theory,
            "dataset": dataset_card.level_of_theory,
            "warning": functionals(model_card, selection.model.options, dataset_card, cases).warning,
        },
        "citations": {part: [asdict(citation) for citation in cited] for part, cited in citations.items()},
        "sessions": [],
    }


def new_session(selection: Selection) -> dict[str, Any]:
    """An invocation that is about to compute: versions, machine and settings; `spent` fills in the rest."""
    return {
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(selection),
        "python": platform.python_version(),
        "machine": {"platform": platform.platform(), "processor": processor_name(), "cores": usable_cores()},
        "executor": {"name": selection.executor.name, **selection.executor.options},
        "worker": {"name": selection.worker.name, **selection.worker.options},
        "records": 0,
        "wall_seconds": 0.0,
        "compute": None,
        "counters": {},
    }


def spent(
    session: Mapping[str, Any], wall_seconds: float, n_records: int, counters: Counters, facts: ComputeFacts | None
) -> dict[str, Any]:
    """A session with what it has done and cost so far."""
    return {
        **session,
        "records": n_records,
        "wall_seconds": wall_seconds,
        "compute": None if facts is None else asdict(facts),
        "counters": asdict(counters),
    }


def _versions(selection: Selection) -> dict[str, str]:
    """Of lamcore, the plugins in use, what those require, and what they name as worth recording."""
    remote = selection.model_spec.remote
    local = [choice for choice in selection.choices if choice.group != "model" or remote is None]
    distributions = ["lamcore"]
    for choice in local:
        distributions += [choice.offer.plugin.distribution, *getattr(choice.offer.spec, "packages", ())]
    return versions_of(distributions) | dict(remote.versions if remote else {})


def total_cost(sessions: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Counters and wall time of all sessions of a run together."""
    total: dict[str, float] = {"batches": 0}
    for one in sessions:
        for name, value in {**one["counters"], "wall_seconds": one["wall_seconds"]}.items():
            total[name] = total.get(name, 0) + value
    return total
