"""The subcommand `lamcore new`: a plugin package that works as it is, to be changed into something else."""

from __future__ import annotations

import argparse
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lamcore.errors import ConfigError
from lamcore.registry import load_registry

SUMMARY = "A new plugin package with a model, task or dataset, ready to install and to be changed."
DONE = 0
_TEMPLATES: Final = Path(__file__).parent / "templates" / "new"
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TAKEN_BY_IMPORTS: Final = ("case", "dataset", "metric", "model", "prediction", "scope", "task")
_SUFFIX: Final = {"model": "", "task": "-task", "dataset": "-data"}


@dataclass(frozen=True)
class NewPlugin:
    """The names that a new package needs.

    Attributes:
        kind: `model`, `task` or `dataset`.
        name: As written on the command line, such as `morse`.
    """

    kind: str
    name: str

    @property
    def distribution(self) -> str:
        """Such as `lamcore-dimer-task`."""
        return f"lamcore-{self.name}{_SUFFIX[self.kind]}"

    def words(self) -> Mapping[str, str]:
        """What the templates are filled with."""
        plain = self.name.replace("-", "_")
        return {
            "name": self.name,
            "identifier": plain,
            "ClassName": "".join(part.capitalize() for part in self.name.split("-")),
            "distribution": self.distribution,
            "module": f"lamcore_{plain}",
            "title": self.name.replace("-", " "),
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("kind", choices=list(_SUFFIX))
    parser.add_argument("name", help="as users will write it: lower-case letters, digits and hyphens")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the package's folder goes; here by default")


def run(arguments: argparse.Namespace) -> int:
    """Write the package and say what to do with it."""
    plugin = NewPlugin(arguments.kind, arguments.name)
    taken = load_registry().of_kind(arguments.kind).get(plugin.name)
    if taken is not None:
        raise ConfigError(f"{plugin.kind} {plugin.name!r} is already offered by {taken.plugin}; choose another name")
    folder = write_plugin(plugin, arguments.folder)
    print(f"{folder}\n\n  pip install -e {folder}\n  lamcore check {plugin.kind} {plugin.name}\n  pytest {folder}")
    return DONE


def write_plugin(plugin: NewPlugin, parent: Path) -> Path:
    """Write a package into a folder of its own.

    Args:
        plugin: What it is called.
        parent: Where the folder goes.

    Returns:
        The folder.

    Raises:
        ConfigError: The name is not one, or the folder exists.
    """
    if not _NAME.fullmatch(plugin.name) or keyword.iskeyword(plugin.name):
        raise ConfigError(f"name is {plugin.name!r}, expected lower-case letters, digits and single hyphens")
    if plugin.name in _TAKEN_BY_IMPORTS:
        raise ConfigError(f"name is {plugin.name!r}, which lamcore calls something else; choose another name")
    folder = parent.expanduser() / plugin.distribution
    if folder.exists():
        raise ConfigError(f"{folder} exists; choose another name or --folder")
    for relative, text in render_plugin(plugin).items():
        path = folder / relative
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error}); choose another --folder") from error
    return folder


def render_plugin(plugin: NewPlugin) -> dict[Path, str]:
    """The package's files, by their path in it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = _TEMPLATES / plugin.kind
    environment = Environment(
        loader=FileSystemLoader(templates), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    words = plugin.words()
    files = {}
    for path in sorted(templates.rglob("*")):
        if path.is_file():
            name = path.relative_to(templates).as_posix()
            target = name.removesuffix(".jinja").replace("MODULE", words["module"]).replace("NAME", words["identifier"])
            files[Path(target)] = environment.get_template(name).render(words)
    return files
