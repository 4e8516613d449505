"""Command-line overrides, checked before Hydra sees them, so that what is misspelt is named with the right word."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamcore.config import RUN_OPTIONS, WAYS, Group, conf_folder, group_options
from lamcore.errors import ConfigError, UnknownNameError
from lamcore.schema import unknown

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

    from lamcore.registry import Registry


def check_arguments(arguments: Sequence[str], registry: Registry) -> None:
    """Check the overrides and the folders of configuration that the user names.

    Raises:
        UnknownNameError: A group, name, option or executor does not exist.
        ConfigError: An override cannot be parsed, or the user's own YAML holds a `_target_`.
    """
    folders, overrides = _split(arguments)
    _refuse_free_targets(folders)
    if not folders:  # with configuration of the user's own, what can be overridden is not known here
        _check_overrides(overrides, registry)


_FLAGS = {"--multirun": 0, "-m": 0, "--resolve": 0, "--hydra-help": 0, "--run": 0, "-r": 0, "--cfg": 1, "-c": 1}
_FLAGS |= {
    "--package": 1,
    "-p": 1,
    "--info": 1,
    "-i": 1,
    "--config-dir": 1,
    "-cd": 1,
    "--shell-completion": 0,
    "-sc": 0,
}
"""Hydra's flags that lamcore lets through, and how many words follow each."""


def _split(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The user's configuration folders and the overrides.

    Raises:
        UnknownNameError: A flag is not one of Hydra's, is abbreviated, or would replace lamcore's own configuration.
        ConfigError: An override would let Hydra read configuration that is not looked through here.
    """
    folders, overrides = [], []
    words = iter(arguments)
    for word in words:
        if not word.startswith("-"):
            if word.lstrip("+~").startswith("hydra.searchpath"):
                raise ConfigError(f"{word}: give folders of your own configuration with --config-dir")
            overrides.append(word)
            continue
        flag, equals, value = word.partition("=")
        if flag not in _FLAGS:
            raise UnknownNameError(unknown(flag, flag, _FLAGS, "flag"))
        if _FLAGS[flag] and not equals:
            value = next(words, "")
        if flag in ("--config-dir", "-cd"):
            folders.append(Path(value))
    return folders, overrides


def parse_overrides(overrides: Sequence[str]) -> list[Override]:
    """Overrides as Hydra reads them.

    Raises:
        ConfigError: One cannot be parsed.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except OverrideParseException as error:
        raise ConfigError(f"cannot read the override {error.override!r}: {error}; write key=value") from error


def _check_overrides(overrides: Sequence[str], registry: Registry) -> None:
    parsed = parse_overrides(overrides)
    plain = [override for override in parsed if not (override.is_delete() or override.is_add())]
    chosen: dict[str, list[str]] = {**_defaults(), "dataset": []}
    for override in plain:
        if override.key_or_group in chosen:
            values = override.sweep_string_iterator() if override.is_sweep_override() else [override.value()]
            chosen[override.key_or_group] = [str(value) for value in values]
    known = _known_keys(chosen, registry)
    for override in plain:
        key = override.key_or_group
        if key not in known and not key.startswith("hydra"):
            raise UnknownNameError(unknown(key, key, _siblings(key, known), "option"))


def _defaults() -> dict[str, list[str]]:
    """What conf/config.yaml chooses where the user does not."""
    import yaml

    chosen = yaml.safe_load((conf_folder() / "config.yaml").read_text(encoding="utf-8"))["defaults"]
    return {group: [name] for entry in chosen if isinstance(entry, dict) for group, name in entry.items()}


def _known_keys(chosen: Mapping[str, Sequence[str]], registry: Registry) -> set[str]:
    """Every key that an override may name, given what is chosen; a chosen name that does not exist is an error."""
    known = {name for name in RUN_OPTIONS if name.split(".")[0] not in WAYS} | set(WAYS)
    datasets = chosen["dataset"] or [f"of-{task}" for task in chosen["task"]]
    names_of: dict[Group, Sequence[str]] = {"task": chosen["task"], "model": chosen["model"], "dataset": datasets}
    for group, names in names_of.items():
        known.add(group)
        for name in names:
            task = name.removeprefix("of-") if group == "dataset" and name.startswith("of-") else None
            offer = (
                registry.get("dataset", registry.get("task", task).spec.dataset) if task else registry.get(group, name)
            )
            known |= {f"{group}.{option}" for option in group_options(group, offer)}
    for way_group, ways in WAYS.items():
        for name in chosen[way_group]:
            if name not in ways:
                raise UnknownNameError(unknown(name, name, ways, way_group))
            known |= {f"{way_group}.{option}" for option in ways[name]}
    return known


def _siblings(key: str, known: set[str]) -> list[str]:
    """The options of the same group, or all where the group does not exist either."""
    group = key.split(".")[0] + "."
    return [name for name in known if name.startswith(group)] or sorted(known)


def _refuse_free_targets(folders: Iterable[Path]) -> None:
    """Refuse the user's own YAML when it holds a `_target_`: names go through the registry only.

    Hydra would call whatever such a key names, for instance as a callback, before lamcore sees the configuration.

    Raises:
        ConfigError: A file has one, or is not YAML.
    """
    import yaml

    for folder in folders:
        for path in sorted(_yaml_below(folder)):
            try:
                documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
                raise ConfigError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
            if _has_target(documents):
                raise ConfigError(
                    f"{path}: holds the key '_target_', which lamcore does not allow; "
                    "choose models, datasets and tasks by name"
                )


def _yaml_below(folder: Path) -> Iterator[Path]:
    """YAML files of a folder and all below it, links followed, as Hydra reads them."""
    for parent, _, names in os.walk(folder, followlinks=True):
        yield from (Path(parent) / name for name in names if name.endswith((".yaml", ".yml")))


def _has_target(tree: object) -> bool:
    if isinstance(tree, Mapping):
        return "_target_" in tree or any(_has_target(value) for value in tree.values())
    return isinstance(tree, list) and any(_has_target(item) for item in tree)
