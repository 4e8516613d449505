"""`lamcore crystal query`: conditions from the arguments, hits on the terminal or in a file."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from lamcore.errors import ConfigError
from lamcore_crystal.command.tables import print_crystals
from lamcore_crystal.store.query import CrystalQuery

if TYPE_CHECKING:
    from rich.console import Console

    from lamcore_crystal.challenge import Challenge

DONE = 0
_LISTS = ("elements", "any_of", "exclude", "only")


def query(arguments: argparse.Namespace, challenge: Challenge, console: Console) -> int:
    """Show the first hits, and write all of them where a file is named."""
    from lamcore_crystal.store.search import search

    wanted = query_of(arguments)
    if arguments.limit < 1:
        raise ConfigError(f"--limit is {arguments.limit}, expected at least 1")
    with challenge.database.read() as connection:
        page = search(connection, wanted, arguments.limit, None)
        print_crystals(console, page.rows, "")
        if not page.rows:
            console.print("no crystal fits")
        elif page.next is not None:
            of = f" of {page.total}" if page.total is not None else ""
            console.print(f"the first {len(page.rows)}{of}; --limit shows more, --output writes all", highlight=False)
        if arguments.output is not None:
            from lamcore_crystal.command.writing import write_hits

            n_written = write_hits(connection, wanted, arguments.output)
            console.print(f"{n_written} crystals in {arguments.output}", highlight=False)
    return DONE


def query_of(arguments: argparse.Namespace) -> CrystalQuery:
    """The conditions that arguments name."""
    values: dict[str, Any] = {field.name: getattr(arguments, field.name) for field in fields(CrystalQuery)}
    for name in _LISTS:
        values[name] = tuple(part.strip() for part in values[name].split(",") if part.strip())
    return CrystalQuery(**values)
