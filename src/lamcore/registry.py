"""Finds plugins, loads them, and keeps what they offer.

One broken plugin never stops another: it is skipped, and remembered with its version, the reason, and what mends it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar

import pluggy

from lamcore import hookspecs
from lamcore.errors import ConfigError, PluginError, UnknownNameError
from lamcore.schema import Option, did_you_mean, options_of, unknown
from lamcore.specs import CommandSpec, DatasetSpec, ModelSpec, ReportSpec, SuiteSpec, TaskSpec

Kind = Literal["model", "dataset", "task", "suite", "report", "command"]
Spec = TypeVar("Spec", ModelSpec, DatasetSpec, TaskSpec, SuiteSpec, ReportSpec, CommandSpec)

ONLY = "LAMCORE_PLUGINS"
DISABLE = "LAMCORE_DISABLE_PLUGINS"
STRICT = "LAMCORE_STRICT_PLUGINS"

HEAVY_MODULES = (
    "ase",
    "deepmd",
    "e3nn",
    "jax",
    "mace",
    "matplotlib",
    "orb_models",
    "pandas",
    "phonopy",
    "pymatgen",
    "rdkit",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
)
"""Packages that take long to import, so that a plugin imports them when it builds something, not when it is loaded."""

_HOOKS: dict[str, tuple[Kind, type]] = {
    "lamcore_models": ("model", ModelSpec),
    "lamcore_datasets": ("dataset", DatasetSpec),
    "lamcore_tasks": ("task", TaskSpec),
    "lamcore_suites": ("suite", SuiteSpec),
    "lamcore_reports": ("report", ReportSpec),
    "lamcore_commands": ("command", CommandSpec),
}
OWN_COMMANDS = ("list", "show", "report", "check", "new", "env", "help")
_PACKAGE_NAMES: dict[Kind, str] = {"model": "lamcore-{}", "task": "lamcore-{}-task", "suite": "lamcore-{}"}
"""What the package that offers something is usually called."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_RESERVED_OPTIONS = {
    "model": {"name"},
    "task": {"name"},
    "dataset": {"name", "max_cases"},
    "suite": {"name", "max_cases"},
}


@dataclass(frozen=True)
class Plugin:
    """An installed plugin: its entry point's name, its distribution and version."""

    name: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Offer(Generic[Spec]):
    """A spec, and the plugin that it comes from.

    Attributes:
        preset: The YAML file whose values replace the builder's defaults, for a named preset of the spec.
    """

    spec: Spec
    plugin: Plugin
    preset: Path | None = None

    def options(self) -> dict[str, Option]:
        """The options of a model, dataset, task or suite, with the preset's values as defaults.

        Raises:
            PluginError: The preset holds something that the builder does not take.
        """
        assert not isinstance(self.spec, ReportSpec | CommandSpec)
        options = options_of(self.spec.build)
        if self.preset is None:
            return options
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException
        from yaml import YAMLError

        try:
            given = OmegaConf.to_container(OmegaConf.load(self.preset))
            if not isinstance(given, dict):
                raise ConfigError(f"holds a {type(given).__name__}, expected options by name")
            values = {str(name): value for name, value in given.items()}
            for name in values.keys() - options.keys():
                raise ConfigError(unknown(name, name, options, "option"))
        except (OSError, YAMLError, OmegaConfBaseException, ConfigError) as error:
            raise PluginError(f"{self.preset}: not a preset of {self.spec.name!r}: {error}") from error
        return {name: replace(option, default=values.get(name, option.default)) for name, option in options.items()}


@dataclass(frozen=True)
class Skipped:
    """A plugin that is not used, why, and the command that mends it.

    Attributes:
        offers: The names that it would have offered, as far as known.
    """

    plugin: Plugin
    reason: str
    remedy: str
    offers: tuple[tuple[Kind, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.plugin} was skipped ({self.reason}); to mend it: {self.remedy}"


@dataclass
class Registry:
    """Everything that the loaded plugins offer, by kind and name."""

    plugins: list[Plugin] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    slow: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Heavy packages that a plugin imports while loading, by the plugin's name; the first to import one is named."""
    disabled: list[Plugin] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    models: dict[str, Offer[ModelSpec]] = field(default_factory=dict)
    datasets: dict[str, Offer[DatasetSpec]] = field(default_factory=dict)
    tasks: dict[str, Offer[TaskSpec]] = field(default_factory=dict)
    suites: dict[str, Offer[SuiteSpec]] = field(default_factory=dict)
    reports: dict[str, Offer[ReportSpec]] = field(default_factory=dict)
    commands: dict[str, Offer[CommandSpec]] = field(default_factory=dict)

    def of_kind(self, kind: Kind) -> dict[str, Offer[Any]]:
        """All offers of a kind, by name."""
        offers: dict[str, Offer[Any]] = getattr(self, f"{kind}s")
        return offers

    def get(self, kind: Kind, name: str) -> Offer[Any]:
        """The offer of this name.

        Raises:
            UnknownNameError: There is none, or two plugins claim it. The message names the nearest right one, and the
                plugins that were skipped.
        """
        claimed = [skipped for skipped in self.skipped if (kind, name) in skipped.offers]
        offers = self.of_kind(kind)
        if name in offers and not claimed:
            return offers[name]
        if claimed:
            raise UnknownNameError(f"{kind} {name!r} cannot be used: " + "; ".join(map(str, claimed)))
        message = unknown(name, name, offers, kind) + "; `lamcore list` shows more"
        if kind in _PACKAGE_NAMES and not did_you_mean(name, offers):
            package = _PACKAGE_NAMES[kind].format(name)
            environment = f" or, beside what it excludes, `lamcore env add {name}`" if kind == "model" else ""
            message += f"; if a plugin offers it, install that: `pip install {package}`{environment}"
        likely = sorted(self.skipped, key=lambda one: name not in (one.plugin.name, one.plugin.distribution))
        disabled = [f"{plugin} is disabled by {ONLY} or {DISABLE}" for plugin in self.disabled]
        raise UnknownNameError("\n".join([message, *map(str, likely), *disabled, *self.warnings]))


def load_registry(environment: Mapping[str, str] | None = None) -> Registry:
    """Load every installed plugin.

    Args:
        environment: Where to look for `LAMCORE_PLUGINS` (load only these entry points, comma-separated; the built-in
            ones always load), `LAMCORE_DISABLE_PLUGINS` (leave these out) and `LAMCORE_STRICT_PLUGINS` (a broken plugin
            is an error). `os.environ` by default.

    Raises:
        PluginError: A plugin is broken and `LAMCORE_STRICT_PLUGINS` is set.
    """
    environment = os.environ if environment is None else environment
    only = _names(environment[ONLY]) if ONLY in environment else None
    disabled = _names(environment.get(DISABLE, ""))
    registry = Registry()
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    for entry_point in _entry_points():
        plugin = _plugin(entry_point)
        names = {plugin.name, plugin.distribution}
        if names & disabled or (only is not None and not names & only and plugin.distribution != "lamcore"):
            registry.disabled.append(plugin)
            continue
        _load(entry_point, plugin, manager, registry)
    known = {name for one in _entry_points() for name in (one.name, _plugin(one).distribution)}
    for variable, names in ((ONLY, only or set()), (DISABLE, disabled)):
        registry.warnings += [f"{variable} names {name!r}, which is not installed" for name in sorted(names - known)]
    if registry.skipped and environment.get(STRICT, "") not in ("", "0"):
        raise PluginError(f"{STRICT} is set and " + "; ".join(map(str, registry.skipped)))
    return registry


def _names(text: str) -> set[str]:
    return {name.strip() for name in text.split(",") if name.strip()}


def _entry_points() -> Iterable[metadata.EntryPoint]:
    """Those of lamcore itself first, then by distribution and name, so that the order is always the same."""
    return sorted(
        metadata.entry_points(group=hookspecs.GROUP),
        key=lambda point: (_plugin(point).distribution != "lamcore", _plugin(point).distribution, point.name),
    )


def _plugin(entry_point: metadata.EntryPoint) -> Plugin:
    distribution = entry_point.dist
    if distribution is None:
        return Plugin(entry_point.name, entry_point.value, "unknown")
    return Plugin(entry_point.name, distribution.name, distribution.version)


def _load(entry_point: metadata.EntryPoint, plugin: Plugin, manager: pluggy.PluginManager, registry: Registry) -> None:
    """Take over all that a plugin offers, or nothing and the reason why."""
    offers: list[tuple[Kind, str, Offer[Any]]] = []
    there = {name for name in HEAVY_MODULES if name in sys.modules}
    try:
        _check_requirement(entry_point)
        module = _import(entry_point)
        _check_contract(module, manager)
        try:
            manager.register(module, f"{plugin.distribution}/{plugin.name}")
        except (pluggy.PluginValidationError, ValueError) as error:
            raise _Unusable(" ".join(str(error).split())) from error
        offers = _with_presets(_collect(module, manager), plugin)
        _check_offers(offers, registry)
    except Exception as error:  # whatever is wrong with one plugin must not stop another
        problem = error if isinstance(error, _Unusable) else _Unusable(f"{type(error).__name__}: {error}")
        names = tuple((kind, name) for kind, name, _ in offers)
        remedy = problem.remedy.format(distribution=plugin.distribution, name=plugin.name)
        registry.skipped.append(Skipped(plugin, str(problem), remedy, names))
        return
    registry.plugins.append(plugin)
    for kind, name, offer in offers:
        registry.of_kind(kind)[name] = offer
    if imported := tuple(name for name in HEAVY_MODULES if name in sys.modules and name not in there):
        registry.slow[plugin.name] = imported


class _Unusable(Exception):
    """Why a plugin cannot be used, and the command that mends it."""

    def __init__(self, reason: str, remedy: str = "pip install --upgrade {distribution}") -> None:
        super().__init__(reason)
        self.remedy = remedy


def _check_requirement(entry_point: metadata.EntryPoint) -> None:
    """Compare the `lamcore` requirement of the plugin's distribution with the installed version."""
    distribution = entry_point.dist
    if distribution is None or not distribution.requires:
        return
    mine = [text for text in distribution.requires if re.match(r"lamcore(?![\w-])", text)]
    if not mine:
        return
    from packaging.requirements import Requirement

    installed = metadata.version("lamcore")
    for text in mine:
        specifier = Requirement(text).specifier
        if not specifier.contains(installed, prereleases=True):
            raise _Unusable(
                f"it needs lamcore{specifier}, installed is {installed}", f"pip install 'lamcore{specifier}'"
            )


def _import(entry_point: metadata.EntryPoint) -> ModuleType:
    """Import the plugin's module; whatever it raises is the reason for skipping it."""
    try:
        module = entry_point.load()
    except ImportError as error:
        missing = f"pip install --force-reinstall {{distribution}}  # brings {error.name}" if error.name else None
        raise _Unusable(f"cannot be imported: {error}", missing or "pip install --upgrade {distribution}") from error
    except (Exception, SystemExit) as error:
        raise _Unusable(f"raised {type(error).__name__} on import: {error}") from error
    if not isinstance(module, ModuleType):
        raise _Unusable(f"its entry point names a {type(module).__name__}, expected a module")
    return module


def _check_contract(module: ModuleType, manager: pluggy.PluginManager) -> None:
    """Refuse a plugin for another version of the contract, or with hooks that do not exist."""
    wanted = getattr(module, "LAMCORE_API", 1)
    if not isinstance(wanted, int):
        raise _Unusable(f"its LAMCORE_API is {wanted!r}, expected a whole number")
    if wanted != hookspecs.API_VERSION:
        newer = (
            "pip install --upgrade lamcore"
            if wanted > hookspecs.API_VERSION
            else "pip install --upgrade {distribution}"
        )
        raise _Unusable(f"it is written for plugin API {wanted}, this lamcore has {hookspecs.API_VERSION}", newer)
    hooks = [name for name in dir(module) if manager.parse_hookimpl_opts(module, name) is not None]
    for name in hooks:
        if name not in _HOOKS:
            raise _Unusable(unknown(name, name, _HOOKS, "hook"))


def _collect(module: ModuleType, manager: pluggy.PluginManager) -> list[tuple[Kind, Any]]:
    """Call the plugin's hooks and check the type of what they return."""
    offers: list[tuple[Kind, Any]] = []
    for hook, (kind, spec_type) in _HOOKS.items():
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            if implementation.plugin is not module:
                continue
            try:
                specs = list(implementation.function())
            except (Exception, SystemExit) as error:
                raise _Unusable(f"{hook} raised {type(error).__name__}: {error}") from error
            for spec in specs:
                if not isinstance(spec, spec_type):
                    raise _Unusable(f"{hook} returned a {type(spec).__name__}, expected {spec_type.__name__}")
                offers.append((kind, spec))
    return offers


def _with_presets(specs: list[tuple[Kind, Any]], plugin: Plugin) -> list[tuple[Kind, str, Offer[Any]]]:
    """The specs by name, and each of their presets as `<name>-<preset>`."""
    offers: list[tuple[Kind, str, Offer[Any]]] = []
    for kind, spec in specs:
        remote = getattr(spec, "remote", None)
        owner = plugin if remote is None else Plugin(plugin.name, remote.distribution, remote.version)
        for name in ("card", "presets"):
            if not isinstance(getattr(spec, name, None), Path | None):
                raise _Unusable(
                    f"{kind} {spec.name!r}: {name} is a {type(getattr(spec, name)).__name__}, expected a Path"
                )
        offers.append((kind, spec.name, Offer(spec, owner)))
        presets = getattr(spec, "presets", None)
        if presets is not None:
            offers += [
                (kind, f"{spec.name}-{path.stem}", Offer(spec, plugin, path)) for path in sorted(presets.glob("*.yaml"))
            ]
    return offers


def _check_offers(offers: list[tuple[Kind, str, Offer[Any]]], registry: Registry) -> None:
    """Refuse bad names, names that are taken, and builders whose options cannot be configured."""
    seen: set[tuple[Kind, str]] = set()
    for kind, name, offer in offers:
        if not _NAME.fullmatch(name):
            raise _Unusable(f"{kind} name {name!r} is not made of letters, digits and _ . + -")
        taken = registry.of_kind(kind).get(name)
        if taken is not None or (kind, name) in seen:
            owner = "itself, twice" if taken is None else str(taken.plugin)
            raise _Unusable(
                f"it offers {kind} {name!r}, which is also offered by {owner}",
                f"set {DISABLE}={{name}}, or uninstall one of the two",
            )
        seen.add((kind, name))
        if kind == "command" and name in OWN_COMMANDS and offer.plugin.distribution != "lamcore":
            raise _Unusable(f"it offers the command {name!r}, a name that lamcore keeps for itself")
        if kind in _RESERVED_OPTIONS:
            try:
                options = offer.options()
            except PluginError as error:
                raise _Unusable(f"{kind} {name!r}: {error}") from error
            if clash := set(options) & _RESERVED_OPTIONS[kind]:
                raise _Unusable(f"{kind} {name!r}: option {min(clash)!r} is a name that lamcore keeps for itself")
