"""The leaderboard for machines: two CSV tables and one JSON document, every number with its unit."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

from lamcore.provenance import total_cost

if TYPE_CHECKING:
    from lamcore.results import RunSummary
    from lamcore_leaderboard.entries import Board, Column, Row

FORMAT = "lamcore-leaderboard"
VERSION = 1


def standings_csv(board: Board) -> str:
    """The table of the front page, a line for each row."""
    header = ["model", "kind"]
    for column in board.columns:
        name = column_name(column)
        header += [name, f"{name} 95 % low", f"{name} 95 % high", f"{name} best place", f"{name} worst place"]
    header += ["cases", "failed cases", "rehearsal", "items without run", "run ids", "source"]
    return _csv(header, (_standing(board, row) for row in board.rows))


def metrics_csv(board: Board) -> str:
    """Every metric of every run, a line for each."""
    header = ["model", "item", "task", "dataset", "metric", "value", "unit", "better", "95 % low", "95 % high"]
    header += ["dummy", "cases", "failed cases", "context", "note", "run id", "dataset sha256"]
    return _csv(header, _metrics(board))


def document(board: Board) -> dict[str, Any]:
    """Everything, with the provenance of each number."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "made_with": {name: metadata.version(name) for name in ("lamcore", "lamcore-leaderboard")},
        "suite": {
            "name": board.name,
            "plugin": board.plugin,
            "card": asdict(board.card),
            "headlines": [asdict(headline) for headline in board.suite.headlines],
            "items": [_item(one) for one in (item.item for item in board.items)],
        },
        "columns": [
            {"key": one.key, "headline": one.headline.name, "unit": one.headline.unit, "context": one.context}
            for one in board.columns
        ],
        "rows": [_row(row) for row in board.rows],
        "refused": [{"folder": str(one.folder), "reason": one.reason} for one in board.refused],
    }


def column_name(column: Column) -> str:
    """`M_E [atoms/(100 µs)], AMD EPYC`: a headline with its unit and context."""
    name = f"{column.headline.name} [{column.headline.unit}]"
    return f"{name}, {column.context}" if column.context else name


def _standing(board: Board, row: Row) -> list[Any]:
    line: list[Any] = [row.name, _kind(row)]
    for column in board.columns:
        cell = row.cells.get(column.key)
        if cell is None:
            line += [""] * 5
        else:
            line += [cell.value, *(cell.interval or ("", "")), *(cell.place or ("", ""))]
    runs = [] if row.standing is None or row.kind == "dummy" else list(row.standing.runs.values())
    return [
        *line,
        row.n_cases,
        row.n_failed,
        ("yes" if row.rehearsal else "no") if row.kind == "measured" else "",
        " ".join(row.missing or ()),
        " ".join(run.run_id for run in runs),
        row.published.source if row.published else "",
    ]


def _metrics(board: Board) -> Iterator[list[Any]]:
    for row in board.measured:
        assert row.standing is not None
        for key, run in row.standing.runs.items():
            for one in run.metrics.values():
                yield [
                    row.name,
                    key,
                    run.task.name,
                    run.dataset.name,
                    one.name,
                    one.value,
                    one.unit,
                    one.direction,
                    *(one.interval or ("", "")),
                    one.dummy,
                    one.n,
                    one.n_failed,
                    one.context,
                    one.note,
                    run.run_id,
                    run.dataset.content,
                ]


def _row(row: Row) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "model": row.name,
        "kind": _kind(row),
        "cells": {
            key: {"value": cell.value, "interval": cell.interval, "place": cell.place, "note": cell.note}
            for key, cell in row.cells.items()
        },
    }
    if row.published is not None:
        plain |= {"source": row.published.source, "url": row.published.url, "note": row.published.note}
        plain |= {
            "values": dict(row.published.values),
            "domains": {k: dict(v) for k, v in row.published.domains.items()},
        }
    if row.standing is not None:
        plain["scores"] = [score.plain() for score in row.standing.scores.values()]
    if row.kind == "measured" and row.standing is not None and row.facts is not None:
        plain |= {
            "rehearsal": row.rehearsal,
            "missing": dict(row.missing or {}),
            "licences": {"code": row.facts.licence_code, "weights": row.facts.licence_weights},
            "gives": row.facts.properties,
            "conservative": row.facts.conservative,
            "runs": {key: _run(run) for key, run in row.standing.runs.items()},
        }
    return plain


def _run(run: RunSummary) -> dict[str, Any]:
    sessions = run.provenance["sessions"]
    return {
        "run_id": run.run_id,
        "identity": run.provenance["identity"],
        "max_cases": run.max_cases,
        "n_cases": run.n_cases,
        "n_failed": run.n_failed,
        "failures": dict(run.failures),
        "hardware": run.hardware,
        "versions": sessions[-1]["versions"],
        "started_at": [session["started_at"] for session in sessions],
        "cost": total_cost(sessions),
        "metrics": [
            {
                "name": one.name,
                "value": one.value,
                "unit": one.unit,
                "direction": one.direction,
                "interval": one.interval,
                "dummy": one.dummy,
                "n": one.n,
                "n_failed": one.n_failed,
                "context": one.context,
                "note": one.note,
            }
            for one in run.metrics.values()
        ],
    }


def _item(item: Any) -> dict[str, Any]:
    plain = asdict(item)
    for key in ("task_options", "dataset_options"):
        plain[key] = {name: value if _is_json(value) else str(value) for name, value in plain[key].items()}
    return plain


def _is_json(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list | dict)


def _kind(row: Row) -> str:
    return "as published, not re-run" if row.kind == "published" else row.kind


def _csv(header: Sequence[str], lines: Iterator[list[Any]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    for line in lines:
        writer.writerow(["" if value is None else value for value in line])
    return buffer.getvalue()
