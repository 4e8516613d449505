"""The data card of a release: what is in it, how it was made, and under which licences."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from lamcore.versions import versions_of
from lamcore_crystal.release.columns import CRYSTALS, HULL_ENTRIES, RESULTS, STRUCTURES
from lamcore_crystal.store import schema
from lamcore_crystal.store.statistics import statistics
from lamcore_crystal.store.writing import now

FORMAT = 1


def describe(connection: Connection, counts: Mapping[str, int], licences: Counter[tuple[str, str]]) -> dict[str, Any]:
    """All that a card says, as JSON.

    Args:
        connection: Of the state that is released.
        counts: Rows by table.
        licences: Crystals by source and licence.
    """
    challenge = connection.execute(select(schema.challenge)).mappings().one()
    models = connection.execute(select(schema.model).order_by(schema.model.c.id)).mappings()
    return {
        "format": FORMAT,
        "name": challenge["name"],
        "licence": challenge["licence"],
        "created_at": now(),
        "versions": versions_of(["lamcore", "lamcore-crystal"]),
        "rows": dict(counts),
        "licences": [
            {"source": source, "licence": licence, "n": n} for (source, licence), n in sorted(licences.items())
        ],
        "models": [{name: row[name] for name in ("name", "sha256", "identity")} for row in models],
        "environments": _environments(connection),
        "hulls": _hulls(connection),
        "rounds": _rounds(connection),
        "reference_sets": _reference_sets(connection),
        "submissions": _submissions(connection),
        "statistics": json.loads(json.dumps(asdict(statistics(connection)))),
        "columns": {
            name: [asdict(column) for column in columns]
            for name, columns in (
                *(("crystals", CRYSTALS), ("structures", STRUCTURES)),
                *(("results", RESULTS), ("hull_entries", HULL_ENTRIES)),
            )
        },
    }


def write_cards(folder: Path, card: Mapping[str, Any]) -> None:
    """The card as JSON, for people, and the licences alone."""
    text = json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_readme(card), encoding="utf-8")
    (folder / "LICENCES.md").write_text(_licences(card), encoding="utf-8")


def _environments(connection: Connection) -> dict[str, Any]:
    """The versions of the software that relaxed, by the SHA-256 that each relaxation names."""
    table = schema.environment
    rows = connection.execute(select(table.c.sha256, table.c.content).order_by(table.c.sha256))
    return {row.sha256: row.content for row in rows}


def _hulls(connection: Connection) -> list[dict[str, Any]]:
    names = ("sha256", "kind", "name", "settings_sha256", "created_at", "n_entries")
    rows = connection.execute(select(schema.hull).order_by(schema.hull.c.id)).mappings()
    return [{name: row[name] for name in names} for row in rows]


def _rounds(connection: Connection) -> list[dict[str, Any]]:
    names = ("number", "name", "opened_at", "closed_at", "settings", "settings_sha256")
    rows = connection.execute(select(schema.round_).order_by(schema.round_.c.number)).mappings()
    # The secret of the sampling is told when nothing can be gained by it any more.
    return [
        {**{name: row[name] for name in names}, "secret": row["secret"] if row["closed_at"] is not None else None}
        for row in rows
    ]


def _reference_sets(connection: Connection) -> list[dict[str, Any]]:
    names = ("name", "licence", "citation", "in_hull", "for_novelty", "sha256")
    rows = connection.execute(select(schema.reference_set).order_by(schema.reference_set.c.name)).mappings()
    return [{name: row[name] for name in names} for row in rows]


def _submissions(connection: Connection) -> list[dict[str, Any]]:
    names = ("id", "source", "submitter", "licence", "received_at", "sha256", "n_files", "status", "gate")
    structure = schema.structure
    query = select(structure.c.submission_id, structure.c.status, func.count()).group_by(
        structure.c.submission_id, structure.c.status
    )
    by_status: dict[int, dict[str, int]] = {}
    for submission_id, status, n in connection.execute(query):
        by_status.setdefault(submission_id, {})[status] = n
    rows = connection.execute(select(schema.submission).order_by(schema.submission.c.id)).mappings()
    return [{**{name: row[name] for name in names}, "structures": by_status.get(row["id"], {})} for row in rows]


def _readme(card: Mapping[str, Any]) -> str:
    rows = "\n".join(f"| {name} | {n:,} |" for name, n in card["rows"].items())
    models = "\n".join(f"- {_cell(one['name'])}, SHA-256 of its identity `{one['sha256']}`" for one in card["models"])
    hulls = "\n".join(
        f"- {_cell(one['name'])} ({one['kind']}, {one['n_entries']:,} entries, {one['created_at']}), `{one['sha256']}`"
        for one in card["hulls"]
    )
    rounds = "\n".join(
        f"- {one['number']}: {_cell(one['name'])}, score {_cell(one['settings'].get('score', ''))}, settings "
        f"`{one['settings_sha256']}`"
        for one in card["rounds"]
    )
    tables = "\n\n".join(_table(name, columns) for name, columns in card["columns"].items())
    return f"""# {_cell(card["name"])}

Crystals that were submitted to a challenge, checked, relaxed by a machine-learning interatomic potential and compared
with a convex hull of that same potential. Released {card["created_at"]} under {_cell(card["licence"])}; each row names
its own licence, and `LICENCES.md` counts them.

    python -c "import duckdb; duckdb.read_parquet('crystals/*.parquet').limit(5).show()"
    sha256sum --check SHA256SUMS

| table | rows |
|---|---|
{rows}

`structures` has every structure that was submitted, with the code of each that was refused or failed: shares are taken
of these. `results` has every distance of a crystal to a hull that it was scored against, and what the hull is made of
there; `card.json` has the hashes of the weights and the versions of the software. Energies of two models, or against
two hulls, are not to be compared.

## Models

{models or "none"}

## Hulls

{hulls or "none"}

## Rounds

{rounds or "none"}

{tables}
"""


def _table(name: str, columns: list[Mapping[str, Any]]) -> str:
    lines = [f"## Columns of {name}", "", "| column | type | unit | meaning |", "|---|---|---|---|"]
    lines += [f"| {one['name']} | {one['kind']} | {one['unit']} | {one['meaning']} |" for one in columns]
    return "\n".join(lines)


def _licences(card: Mapping[str, Any]) -> str:
    lines = [
        f"The database as a whole: {_cell(card['licence'])}.",
        "",
        "| source | licence | crystals |",
        "|---|---|---|",
    ]
    lines += [f"| {_cell(one['source'])} | {_cell(one['licence'])} | {one['n']:,} |" for one in card["licences"]]
    lines += ["", "| reference set | licence | citation |", "|---|---|---|"]
    lines += [
        f"| {_cell(one['name'])} | {_cell(one['licence'])} | {_cell(one['citation'])} |"
        for one in card["reference_sets"]
    ]
    return "# Licences\n\n" + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text from outside, in one line, that neither ends a cell nor is read as a mark-up."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]<>|#!" else letter for letter in str(text))
    return " ".join("".join(letter if letter.isprintable() else " " for letter in escaped).split())
