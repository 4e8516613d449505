"""What other packages may add to challenges: rules, labels and scores.

An extension is a module named by an entry point in the group `lamcore_crystal`, with functions of these names marked
`@hookimpl`. It imports nothing heavy and returns objects that hold no state. An extension that cannot be used is
skipped, named, and never stops another; whoever asks for what it would have offered is told why it is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from lamcore.errors import PluginError, UnknownNameError
from lamcore.schema import unknown

if TYPE_CHECKING:
    from lamcore_crystal.labels import Label
    from lamcore_crystal.rounds import RoundSettings
    from lamcore_crystal.rules import Rule
    from lamcore_crystal.scores import Score

GROUP = "lamcore_crystal"
BUILTIN = "builtin"
Kind = Literal["rule", "label", "score"]

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def crystal_rules() -> Sequence[Rule]:  # type: ignore[empty-body]
    """Offer checks, one for each name in `round.rules`."""


@hookspec
def crystal_labels() -> Sequence[Label]:  # type: ignore[empty-body]
    """Offer descriptions, one for each name in `round.labels`."""


@hookspec
def crystal_scores() -> Sequence[Score]:  # type: ignore[empty-body]
    """Offer scores, one for each `round.score`; the name carries the version."""


_HOOKS: dict[str, tuple[Kind, str]] = {
    "crystal_rules": ("rule", "validate"),
    "crystal_labels": ("label", "describe"),
    "crystal_scores": ("score", "__call__"),
}


@dataclass
class Extensions:
    """Everything that the loaded extensions offer.

    Attributes:
        offers: By kind and name, with the extension that each comes from.
        skipped: Why an extension is not used, by its name.
    """

    offers: dict[Kind, dict[str, tuple[Any, str]]] = field(
        default_factory=lambda: {kind: {} for kind, _ in _HOOKS.values()}
    )
    skipped: dict[str, str] = field(default_factory=dict)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """What can be asked for."""
        return tuple(self.offers[kind])

    def get(self, kind: Kind, name: str) -> Any:
        """The rule, label or score of this name.

        Raises:
            UnknownNameError: There is none; the message names the nearest right one, and what was skipped.
        """
        if name in self.offers[kind]:
            return self.offers[kind][name][0]
        message = unknown(name, name, self.offers[kind], kind)
        raise UnknownNameError("\n".join([message, *map(str, self.skipped.values())]))


@cache
def extensions() -> Extensions:
    """Load every installed extension, the built-in one first; once a process."""
    return load_extensions()


def load_extensions() -> Extensions:
    """Load every installed extension anew."""
    found = Extensions()
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(_module())
    points = metadata.entry_points(group=GROUP)
    for point in sorted(points, key=lambda one: (one.name != BUILTIN, _owner(one), one.name)):
        owner = _owner(point)
        try:
            offers = _offers(point, manager)
            _refuse_taken(offers, found)
        except Exception as error:  # whatever is wrong with one extension must not stop another
            found.skipped[owner] = f"{owner} was skipped ({type(error).__name__}: {error})"
            continue
        for kind, one in offers:
            found.offers[kind][one.name] = (one, owner)
    return found


def rule(name: str) -> Rule:
    """The rule of this name; `UnknownNameError` where there is none."""
    found: Rule = extensions().get("rule", name)
    return found


def label(name: str) -> Label:
    """The label of this name; `UnknownNameError` where there is none."""
    found: Label = extensions().get("label", name)
    return found


def score(name: str) -> Score:
    """The score of this name; `UnknownNameError` where there is none."""
    found: Score = extensions().get("score", name)
    return found


def default_rules() -> tuple[str, ...]:
    """Names of the rules of a round that names none: those of this package, in their order."""
    from lamcore_crystal.builtin import DEFAULT_RULES

    return DEFAULT_RULES


def default_labels() -> tuple[str, ...]:
    """Names of the labels of a round that names none: the quick ones, as far as their packages are installed."""
    from importlib.util import find_spec

    from lamcore_crystal.builtin import DEFAULT_LABELS

    return tuple(name for name in DEFAULT_LABELS if name != "smact" or find_spec("smact") is not None)


def check_names(settings: RoundSettings) -> None:
    """See that everything that the settings name is there.

    Raises:
        UnknownNameError: A rule, a label or the score is not.
    """
    for kind, names in (("rule", settings.rules), ("label", settings.labels), ("score", (settings.score,))):
        for name in names:
            extensions().get(kind, name)  # type: ignore[arg-type]


def _module() -> ModuleType:
    import sys

    return sys.modules[__name__]


def _owner(point: metadata.EntryPoint) -> str:
    return f"{point.name} ({point.dist.name} {point.dist.version})" if point.dist else point.name


def _offers(point: metadata.EntryPoint, manager: pluggy.PluginManager) -> list[tuple[Kind, Any]]:
    """What one extension offers, checked; all of it or an exception."""
    module = point.load()
    for name in dir(module):
        if manager.parse_hookimpl_opts(module, name) is not None and name not in _HOOKS:
            raise PluginError(unknown(name, name, _HOOKS, "hook"))
    manager.register(module, point.value)
    offers: list[tuple[Kind, Any]] = []
    for hook, (kind, method) in _HOOKS.items():
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            if implementation.plugin is not module:
                continue
            for one in implementation.function():
                if not isinstance(getattr(one, "name", None), str) or not callable(getattr(one, method, None)):
                    raise PluginError(f"{hook} offers a {type(one).__name__}, expected a `name` and `{method}`")
                offers.append((kind, one))
    return offers


def _refuse_taken(offers: list[tuple[Kind, Any]], found: Extensions) -> None:
    seen: set[tuple[Kind, str]] = set()
    for kind, one in offers:
        taken = found.offers[kind].get(one.name)
        if taken is not None or (kind, one.name) in seen:
            other = "itself, twice" if taken is None else taken[1]
            raise PluginError(f"it offers {kind} {one.name!r}, which is also offered by {other}; uninstall one of them")
        seen.add((kind, one.name))
