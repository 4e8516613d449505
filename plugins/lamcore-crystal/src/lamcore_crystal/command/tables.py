"""Tables of a challenge for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from sqlalchemy import func, select

from lamcore_crystal.codes import CODES
from lamcore_crystal.extensions import default_labels, default_rules
from lamcore_crystal.rounds import RoundSettings
from lamcore_crystal.store.schema import challenge as challenge_table
from lamcore_crystal.store.schema import crystal, hull, model, reference, reference_set, structure, submission, token

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Connection

    from lamcore_crystal.challenge import Challenge
    from lamcore_crystal.extensions import Extensions


def print_challenge(console: Console, challenge: Challenge) -> None:
    """What a challenge is made of."""
    with challenge.database.read() as connection:
        row = connection.execute(select(challenge_table)).one()
        now = challenge.open_round(connection)
        name = connection.execute(select(model.c.name).where(model.c.id == now.model_id)).scalar_one()
        frozen = connection.execute(select(hull).where(hull.c.id == now.hull_id)).first()
        sets = connection.execute(
            select(reference_set.c.name, reference_set.c.in_hull, func.count(reference.c.id).label("n"))
            .outerjoin(reference)
            .group_by(reference_set.c.id)
            .order_by(reference_set.c.id)
        ).all()
    table = _plain_table()
    table.add_row("challenge", escape(row.name))
    table.add_row("round", f"{now.number}, rules {now.settings_sha256[:12]}, score {now.settings.score}")
    table.add_row("model", escape(name))
    table.add_row(
        "references", ", ".join(f"{escape(one.name)} {one.n}{'' if one.in_hull else ' (novelty)'}" for one in sets)
    )
    if frozen is not None:
        table.add_row("hull", f"{frozen.sha256[:12]}, {frozen.n_entries} entries")
    console.print(table, highlight=False)


def print_submissions(console: Console, challenge: Challenge, submissions: Sequence[int]) -> bool:
    """What became of submissions, and why structures were not accepted.

    Returns:
        Whether everything was accepted.
    """
    accepted = True
    with challenge.database.read() as connection:
        for submission_id in submissions:
            accepted &= _print_submission(console, connection, submission_id)
    if not submissions:
        console.print("nothing to evaluate: no submission is waiting")
    return accepted


def _print_submission(console: Console, connection: Connection, submission_id: int) -> bool:
    row = connection.execute(select(submission).where(submission.c.id == submission_id)).one()
    counted = connection.execute(
        select(structure.c.status, func.count())
        .where(structure.c.submission_id == submission_id)
        .group_by(structure.c.status)
    )
    states: dict[str, int] = {status: n for status, n in counted}
    total, passed = sum(states.values()), states.get("passed", 0)
    console.print(
        f"[bold]submission {submission_id}[/bold] from {escape(row.source)}: {row.status}; {passed} of {total} "
        f"structures accepted, {states.get('refused', 0)} refused, {states.get('failed', 0)} failed in or after the "
        "relaxation",
        highlight=False,
    )
    _print_codes(console, connection, submission_id)
    best = connection.execute(
        select(crystal)
        .where(crystal.c.submission_id == submission_id)
        .order_by(crystal.c.energy_above_hull, crystal.c.id)
        .limit(5)
    ).mappings()
    print_crystals(console, [dict(one) for one in best], "lowest above the hull")
    return bool(passed == total)


def _print_codes(console: Console, connection: Connection, submission_id: int) -> None:
    codes = connection.execute(
        select(structure.c.code, func.count().label("n"))
        .where(structure.c.submission_id == submission_id, structure.c.code.is_not(None))
        .group_by(structure.c.code)
        .order_by(func.count().desc(), structure.c.code)
    ).all()
    if not codes:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("code", "n", "meaning", "what to do"):
        table.add_column(column, justify="right" if column == "n" else "left")
    for code, n in codes:
        known = CODES.get(code)  # None for a code of an extension
        table.add_row(code, str(n), *((escape(known.meaning), escape(known.advice)) if known else ("", "")))
    console.print(table, highlight=False)


def print_crystals(console: Console, rows: Sequence[Mapping[str, Any]], title: str) -> None:
    """Crystals, one a line."""
    if not rows:
        return
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in (
        "id",
        "formula",
        "space group",
        "Wyckoff",
        "above hull (eV/atom)",
        "formation (eV/atom)",
        "sites",
        "source",
    ):
        table.add_column(name, justify="left" if name in ("formula", "space group", "Wyckoff", "source") else "right")
    for row in rows:
        table.add_row(
            str(row["id"]),
            escape(row["formula_pretty"]),
            f"{row['space_group']} {escape(row['space_group_symbol'])}",
            escape(row["wyckoff_letters"]),
            _energy(row["energy_above_hull"]),
            _energy(row["formation_energy_per_atom"]),
            str(row["n_sites"]),
            escape(row["source"]),
        )
    console.print(table, highlight=False)


def print_extensions(console: Console, found: Extensions) -> None:
    """The rules, labels and scores that a round may name, from which package each comes, and what was skipped."""
    defaults = {"rule": default_rules(), "label": default_labels(), "score": (RoundSettings().score,)}
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("kind", "name", "default", "what it does", "from"):
        table.add_column(column, overflow="fold")
    for kind, offers in found.offers.items():
        for name, (one, owner) in offers.items():
            table.add_row(kind, escape(name), "yes" if name in defaults[kind] else "", escape(_purpose(one)), owner)
    console.print(table, highlight=False)
    for reason in found.skipped.values():
        console.print(reason, highlight=False, markup=False)


def _purpose(one: Any) -> str:
    """The summary of a score; of anything else the first line of what its class says."""
    lines = (getattr(one, "summary", None) or type(one).__doc__ or "").strip().splitlines()
    return lines[0] if lines else ""


def print_tokens(console: Console, connection: Connection) -> None:
    """Who has a token."""
    rows = connection.execute(select(token).order_by(token.c.created_at, token.c.name)).all()
    if not rows:
        console.print("no tokens: nobody can submit over the network")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("name", "may", "made", "revoked"):
        table.add_column(column)
    for row in rows:
        table.add_row(escape(row.name), row.may, row.created_at, row.revoked_at or "")
    console.print(table, highlight=False)


def _energy(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _plain_table() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    return table
