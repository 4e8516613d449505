"""`lamcore leaderboard`: a static site from finished runs and a suite."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from lamcore import CommandSpec, hookimpl

LAMCORE_API = 1


@hookimpl
def lamcore_commands() -> Sequence[CommandSpec]:
    """Offer `lamcore leaderboard`."""
    return (CommandSpec("leaderboard", "A site that compares the models of some runs.", _arguments, _run),)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, help="folders that hold runs, at any depth")
    parser.add_argument("--suite", required=True, metavar="name", help="whose items and formulas, as in `lamcore list`")
    parser.add_argument(
        "--suite-option",
        action="append",
        default=[],
        metavar="option=value",
        help="as `lamcore show suite <name>` lists them; may be repeated",
    )
    parser.add_argument("--output", type=Path, default=Path("site"), metavar="folder", help="where the site goes")
    parser.add_argument("--certificates", type=Path, metavar="folder", help="certificates of `lamcore check model`")


def _run(arguments: argparse.Namespace) -> int:
    from lamcore_leaderboard import command

    return command.run(arguments)
