"""Rows that LAMBench published, and rows made from a results.json of the user."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamcore import PublishedRow
from lamcore.errors import DataError
from lamcore_lambench import leaderboard
from lamcore_lambench.rules import Rules, load

_INSTABILITY = "Applicability-Instability ↓"


@dataclass
class Published:
    """A release's figures, typed as published: headlines by model, and domains by headline, domain and model."""

    source: str
    url: str
    licence: str
    note: str
    rows: dict[str, dict[str, float]]
    domains: dict[str, dict[str, dict[str, float]]]


def read_published(path: Path) -> tuple[PublishedRow, ...]:
    """The rows of a file in this package, in the published order."""
    content = load(path, Published)
    return tuple(
        PublishedRow(
            model,
            values,
            {
                headline: {domain: of[model] for domain, of in domains.items() if model in of}
                for headline, domains in content.domains.items()
            },
            content.source,
            content.url,
            f"{content.note}; licence: {content.licence}",
        )
        for model, values in content.rows.items()
    )


def rows_of_results(path: Path, rules: Rules) -> tuple[PublishedRow, ...]:
    """Rows computed by the suite's formulas from raw results in LAMBench's format.

    M_IS is taken from a final_rankings.json beside the file: results.json lacks the drifts that it is made of. A model
    that lacks a whole property task, as those of another release do, has no M_PC, and no value of that task's domain:
    the mean over the others is not what the rows beside it are.

    Args:
        path: A results.json.
        rules: Of the version whose formulas are used.

    Raises:
        DataError: The file cannot be read, or is not in LAMBench's format.
    """
    results = _read(path)
    beside = path.with_name("final_rankings.json")
    m_is = {row["Model"]: row[_INSTABILITY] for row in _read_rankings(beside)} if beside.is_file() else {}
    try:
        rows = leaderboard.rows(results, rules, m_is)
        return tuple(_row(row, results[row.model], path, rules) for row in rows)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(
            f"{path}: not raw results as LAMBench {rules.version} writes them ({type(error).__name__}: {error}); "
            f"expected a mapping of models to {leaderboard.FORCE_FIELDS}, {leaderboard.PROPERTIES}, …"
        ) from error


def _row(row: leaderboard.Row, results: Mapping[str, Any], path: Path, rules: Rules) -> PublishedRow:
    absent = [key for key in rules.tasks if not leaderboard.property_metrics(results, key, rules)]
    m_pc = None if absent else leaderboard.property_error(results, rules.property_domains, rules)
    values = {"M_FF": row.m_ff, "M_PC": m_pc, "M_IS": row.m_is, "M_E": row.m_e}
    force_fields = {domain: leaderboard.domain_error(results, domain, rules) for domain in rules.domains}
    properties = {
        domain: leaderboard.property_domain_error(results, domain, rules)
        for domain in rules.property_domains
        if not any(rules.tasks[key].domain == domain for key in absent)
    }
    missing = [name for name, value in values.items() if value is None]
    note = f"missing: {', '.join(missing)}" if missing else ""
    note += f"; without results of {', '.join(absent)}" if absent else ""
    return PublishedRow(
        row.model,
        _known(values),
        {"M_FF": _known(force_fields), "M_PC": _known(properties)},
        f"{path.name} of the user, by the formulas of LAMBench {rules.version}; not re-run",
        path.absolute().as_uri(),
        note,
    )


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}; give a results.json of LAMBench") from error
    if not isinstance(content, dict) or not all(isinstance(one, dict) for one in content.values()):
        raise DataError(f"{path}: got no mapping of models to results; give a results.json of LAMBench")
    return content


def _read_rankings(path: Path) -> Sequence[Mapping[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(row["Model"], str) and isinstance(row[_INSTABILITY], int | float) for row in content):
            raise ValueError(f"a row lacks 'Model' or {_INSTABILITY!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not LAMBench's final_rankings.json: {error}; mend it or move it away") from error
    rows: Sequence[Mapping[str, Any]] = content
    return rows
