"""Command-line overrides, checked before Hydra sees them, so that what is misspelt is named with the right word."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamcore.config import RUN_OPTIONS, WAYS, Group, group_options
from lamcore.errors import ConfigError, UnknownNameError
from lamcore.schema import unknown

if TYPE_CHECKING:
    from lamcore.registry import Registry


def check_arguments(arguments: Sequence[str], registry: Registry) -> None:
    """Check the overrides and the folders of configuration that the user names.

    Raises:
        UnknownNameError: A group, name, option or executor does not exist.
        ConfigError: An override cannot be parsed, or the user's own YAML holds a `_target_`.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flags in (("--config-dir", "-cd"), ("--config-path", "-cp")):
        parser.add_argument(*flags, type=Path, action="append", default=[], dest="folders")
    parsed, others = parser.parse_known_args(list(arguments))
    _refuse_free_targets(parsed.folders)
    if not parsed.folders:  # with configuration of the user's own, what can be overridden is not known here
        _check_overrides([text for text in others if "=" in text and not text.startswith("-")], registry)


def _check_overrides(overrides: Sequence[str], registry: Registry) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except OverrideParseException as error:
        raise ConfigError(f"cannot read the override {error.override!r}: {error}; write key=value") from error
    plain = [override for override in parsed if not (override.is_delete() or override.is_add())]
    chosen: dict[str, list[str]] = {"task": ["eos"], "model": ["emt"], "dataset": []}
    chosen |= {group: [next(iter(ways))] for group, ways in WAYS.items()}
    for override in plain:
        if override.key_or_group in chosen:
            values = override.sweep_string_iterator() if override.is_sweep_override() else [override.value()]
            chosen[override.key_or_group] = [str(value) for value in values]
    known = _known_keys(chosen, registry)
    for override in plain:
        key = override.key_or_group
        if key not in known and not key.startswith("hydra"):
            raise UnknownNameError(unknown(key, key, _siblings(key, known), "option"))


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
        for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
            try:
                documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
                raise ConfigError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
            if _has_target(documents):
                raise ConfigError(
                    f"{path}: holds the key '_target_', which lamcore does not allow; "
                    "choose models, datasets and tasks by name"
                )


def _has_target(tree: object) -> bool:
    if isinstance(tree, Mapping):
        return "_target_" in tree or any(_has_target(value) for value in tree.values())
    return isinstance(tree, list) and any(_has_target(item) for item in tree)
