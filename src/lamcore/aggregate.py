"""From records to scores: cheap, and repeated whenever somebody asks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamcore.task import ScoredCase

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.records import Record
    from lamcore.task import Task


def score_cases(task: Task, cases: Sequence[Case], records: Mapping[str, Record]) -> list[ScoredCase]:
    """Score every case of a run; one that failed, or has no record yet, is there with the reason."""
    return [_score(task, case, records.get(case.id)) for case in cases]


def _score(task: Task, case: Case, record: Record | None) -> ScoredCase:
    if record is None:
        return ScoredCase(case, None, "not computed yet")
    if record.failure is not None:
        return ScoredCase(case, None, f"{record.failure.kind}: {record.failure.message}")
    assert record.output is not None
    try:
        scores = _finite(task.score(case, record.output))
        return ScoredCase(case, scores, task.failure(scores))
    except Exception as error:  # a task that cannot score one case must not lose the others
        return ScoredCase(case, None, f"scoring raised {type(error).__name__}: {error}")


def _finite(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Scores as JSON values.

    Raises:
        ValueError: One is not finite, or has no plain form.
    """
    plain = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in scores.items()}
    for name, value in plain.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"score {name!r} is {value!r}, expected finite JSON values") from error
    return plain
