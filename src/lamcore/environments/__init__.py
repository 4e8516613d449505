"""Models in environments of their own, for model packages that cannot be installed together.

`lamcore env add mace sevenn` makes the fewest environments that hold these plugins and remembers what they offer. The
models then appear in `lamcore list` and run in worker processes, by name, from the environment where the tasks are.
Cards and options are read from what was remembered, so that nothing is started until a model is used.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from lamcore.environments.store import remembered_models
from lamcore.hookspecs import hookimpl
from lamcore.specs import CommandSpec, ModelSpec

LAMCORE_API = 1


@hookimpl
def lamcore_models() -> Sequence[ModelSpec]:
    """What the remembered environments offer, but for plugins that are installed here."""
    return remembered_models()


@hookimpl
def lamcore_commands() -> Sequence[CommandSpec]:
    """Offer `lamcore env`."""
    return [CommandSpec("env", "Environments for model packages that exclude each other.", _arguments, _run)]


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="make the fewest environments that hold these model plugins")
    add.add_argument("plugins", nargs="+", help="a name (mace is lamcore-mace), a wheel, or a source folder")
    add.add_argument("--constraint", action="append", default=[], help="a pip constraints file; may be repeated")
    add.add_argument("--python", default=None, help="the Python version to use, such as 3.12; this one's by default")
    actions.add_parser("list", help="the environments, their plugins and models")
    actions.add_parser("check", help="start each environment and look whether its models are still there")
    remove = actions.add_parser("remove", help="delete environments")
    remove.add_argument("names", nargs="+", help="as `lamcore env list` names them")


def _run(arguments: argparse.Namespace) -> int:
    from lamcore.environments import commands

    if arguments.action == "add":
        return commands.add(arguments.plugins, arguments.constraint, arguments.python)
    if arguments.action == "remove":
        return commands.remove(arguments.names)
    return commands.check() if arguments.action == "check" else commands.list_environments()
