"""What is installed, as text: `lamcore --help`, `lamcore list` and `lamcore show`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Final

from lamcore.cards import CARD_OF, load_card, summary_of
from lamcore.config import GROUPS, RUN_OPTIONS, WAYS, Group, group_options
from lamcore.registry import Offer, Registry
from lamcore.schema import REQUIRED, Option, option_help
from lamcore.specs import CommandSpec

_USAGE: Final = """\
lamcore measures, compares and puts to work large atomic models.

  python -m lamcore task=<task> model=<model> [dataset=<dataset>] [<option>=<value> ...]
  python -m lamcore --multirun task=a,b model=c,d      every combination, one after the other
  python -m lamcore suite=<suite> model=<model>        all runs of a suite, and what they make together
  lamcore <command>

The same command again continues a run: finished cases are never computed twice."""

_SHOWN: Final[tuple[Group, ...]] = (*GROUPS, "suite")
_WAYS_HELP: Final = {
    "executor": "where cases are calculated",
    "worker": "whether the model has processes of its own",
}

_RUN_HELP: Final = {
    "runs": "folder under which each run gets a folder of its own",
    "retry_failed": "try failed cases of an earlier session again",
    "batch.max_cases": "cases under way at once; 1 runs them one after the other",
    "batch.max_atoms": "atoms in one batch; null: found by timing the model",
    "executor.workers": "processes that share the cases, with executor=processes",
    "worker.count": "processes that hold the model and compute batches at the same time, with worker=process",
    "worker.timeout_s": "wall-clock limit of one call to the model; a call that takes longer is ended",
    "worker.devices": "the model's device option in each process, such as [cuda:0, cuda:1]",
    "dataset.max_cases": "how many cases to take; null for all",
    "suite.max_cases": "cases of each dataset, for a cheap rehearsal that is marked as such; null: as the suite says",
}


def help_text(registry: Registry, commands: Mapping[str, CommandSpec]) -> str:
    """Every installed task, model, dataset, suite and option, with its default."""
    lines = [_USAGE, "", "commands:", *_columns((name, spec.summary) for name, spec in commands.items())]
    for group in _SHOWN:
        for name, offer in registry.of_kind(group).items():
            lines += ["", f"{group}={name}   {summary_of(offer.spec.card)}", *_option_lines(group, offer)]
    lines += [
        "",
        *(f"{group}={'|'.join(ways)}   {_WAYS_HELP[group]}" for group, ways in WAYS.items()),
        "",
        "every run:",
    ]
    lines += _columns((_assignment(name, option), _RUN_HELP[name]) for name, option in RUN_OPTIONS.items())
    lines += ["", "Hydra's own flags (--cfg job, --config-dir, --multirun, ...): lamcore --hydra-help"]
    return "\n".join([*lines, *_problems(registry)])


def list_text(registry: Registry) -> str:
    """Plugins, models, tasks, datasets and suites with a line each; what is broken, why, and what mends it."""
    lines = ["plugins:", *_columns((plugin.name, str(plugin)) for plugin in registry.plugins)]
    for group in _SHOWN:
        rows = [(name, summary_of(offer.spec.card)) for name, offer in sorted(registry.of_kind(group).items())]
        lines += ["", f"{group}s:", *_columns(rows)]
    if registry.disabled:
        lines += ["", "disabled:", *_columns((plugin.name, str(plugin)) for plugin in registry.disabled)]
    return "\n".join([*lines, *_problems(registry)])


def show_text(registry: Registry, group: Group, name: str) -> str:
    """The card and the options of one model, task, dataset or suite.

    Raises:
        UnknownNameError: There is none of this name.
        PluginError: Its card is not valid.
    """
    offer = registry.get(group, name)
    card = load_card(offer.spec.card, CARD_OF[group])
    lines = [f"{group}={name}   from {offer.plugin}", ""]
    lines += _card_lines(card, "")
    return "\n".join([*lines, "", "options:", *(_option_lines(group, offer) or ["  none"])])


def _option_lines(group: Group, offer: Offer[Any]) -> list[str]:
    own = f"{group}.max_cases"
    texts = option_help(offer.spec.build) | ({"max_cases": _RUN_HELP[own]} if own in _RUN_HELP else {})
    options = group_options(group, offer)
    return _columns((_assignment(f"{group}.{name}", option), texts.get(name, "")) for name, option in options.items())


def _assignment(key: str, option: Option) -> str:
    """`model.device=auto   (str)`: a key, its default and its type."""
    default = (
        {None: "null", True: "true", False: "false"}.get(option.default, option.default)
        if _is_plain(option)
        else option.default
    )
    return f"{key}={'<required>' if default == REQUIRED else default}   ({option.type_name})"


def _is_plain(option: Option) -> bool:
    return option.default is None or isinstance(option.default, bool)


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Two columns; the second starts on a line of its own where the first is long."""
    width = 26
    lines = []
    for first, second in rows:
        if len(first) > width and second:
            lines += [f"  {first}", f"  {'':{width}}  {second}"]
        else:
            lines.append(f"  {first:{width}}  {second}".rstrip())
    return lines


def _card_lines(value: Any, indent: str) -> list[str]:
    """A card's fields that say something, nested ones indented."""
    lines = []
    items = (
        [(field.name, getattr(value, field.name)) for field in fields(value)] if is_dataclass(value) else value.items()
    )
    for name, item in items:
        if item in (None, "", [], {}):
            continue
        if is_dataclass(item) or isinstance(item, dict):
            lines += [f"{indent}{name}:", *_card_lines(item, indent + "  ")]
        elif isinstance(item, list) and is_dataclass(item[0]):
            for entry in item:
                lines += [f"{indent}{name}:", *_card_lines(entry, indent + "  ")]
        elif isinstance(item, list):
            lines.append(f"{indent}{name}: {' '.join(map(str, item))}")
        else:
            first, *rest = str(item).strip().splitlines()
            lines += [f"{indent}{name}: {first}", *(f"{indent}  {line}" for line in rest)]
    return lines


def _problems(registry: Registry) -> list[str]:
    lines = ["", *registry.warnings] if registry.warnings else []
    if registry.slow:
        lines += ["", "slow:"]
    for name, modules in registry.slow.items():
        lines += _columns([(name, f"imports {', '.join(modules)} while loading, which slows every command down")])
    if registry.skipped:
        lines += ["", "skipped:"]
    for skipped in registry.skipped:
        lines += [
            f"  {skipped.plugin.name}  {skipped.plugin}",
            f"    why:  {skipped.reason}",
            f"    mend: {skipped.remedy}",
        ]
    return lines
