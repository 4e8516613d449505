"""A version of LAMBench as data: its domains, sets, weights, baselines, property tasks and penalties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lamcore.errors import ConfigError

KINDS = ("energy", "force", "virial")
METRIC_OF = {"energy": "energy_rmse_natoms", "force": "force_rmse", "virial": "virial_rmse_natoms"}
"""The metric of a force-field set that is scored, by kind."""
OMOL, DEFAULT = "wB97", "PBE"
"""Two sets of labels: the first for models that support OMol25's level of theory, the second for the others."""

Loaded = TypeVar("Loaded")


@dataclass
class Baseline:
    """Errors of a model that knows only the composition: eV/atom, eV/Å, eV/atom; None where a kind is not scored."""

    energy: float | None = None
    force: float | None = None
    virial: float | None = None


@dataclass
class ForceFieldSet:
    """Labelled frames: the baseline by set of labels, all under `any` where there is only one."""

    title: str
    domain: str
    baselines: dict[str, Baseline]
    folders: dict[str, str] = field(default_factory=dict)
    """The name of the folder in LAMBench's own data, by set of labels."""
    dispersion: str | None = None
    """Damping of the D3 correction that is added to the model: `zero` or `bj`."""

    def labels(self, supports_omol: bool) -> str:
        """Which set of labels a model is scored on."""
        if "any" in self.baselines:
            return "any"
        return OMOL if supports_omol else DEFAULT


@dataclass
class PropertyTask:
    """A property task: the dummy's value of each metric that is scored, and whether a success rate divides them."""

    domain: str
    dummy: dict[str, float]
    title: str = ""
    penalty: str | None = None
    level_of_theory: str = ""
    """Of the labels, where the files do not tell."""


@dataclass
class TypeWeights:
    """Weights of the kinds in a domain where some set has virials, and where none has."""

    with_virials: dict[str, float]
    without_virials: dict[str, float]


@dataclass
class Rules:
    """What a version fixes beside the formulas.

    Attributes:
        version: LAMBench's tag.
        domains: Of force fields, in the order of the published files.
        sets: Force-field sets by key.
        tasks: Property tasks by key.
        type_weights: Of the kinds of error.
        clip: The largest ratio to a baseline; None for none.
        drop_incomplete_domains: Whether a property domain in which some model has nothing is dropped for every model;
            LAMBench 0.1 averages for each model what it has.
        tolerance: Of the drift in molecular dynamics.
        property_column: Title of M_PC in the published rankings.
        source: Where this is from.
    """

    version: str
    domains: list[str]
    sets: dict[str, ForceFieldSet]
    tasks: dict[str, PropertyTask]
    type_weights: TypeWeights
    clip: float | None = None
    drop_incomplete_domains: bool = True
    tolerance: float = 5e-4
    property_column: str = "Generalizability-PC Error ↓"
    source: str = ""

    def kind_weights(self, domain: str) -> Mapping[str, float]:
        """Weights of the kinds in a domain: one set with virials changes them for the whole domain."""
        has_virials = any(
            baseline.virial is not None
            for one in self.sets.values()
            if one.domain == domain
            for baseline in one.baselines.values()
        )
        return self.type_weights.with_virials if has_virials else self.type_weights.without_virials

    @property
    def property_domains(self) -> list[str]:
        """Domains of the property tasks, in the order in which they appear."""
        return list(dict.fromkeys(task.domain for task in self.tasks.values()))


def load(path: Path, kind: type[Loaded], content: Mapping[str, Any] | None = None) -> Loaded:
    """A YAML file as a dataclass.

    Args:
        path: The file.
        kind: The dataclass.
        content: What the file says, where it has been read.

    Raises:
        ConfigError: The file is missing, is not YAML, or has a key or a type that the class has not.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    said = read_mapping(path) if content is None else dict(content)
    try:
        merged: Any = OmegaConf.merge(OmegaConf.structured(kind), OmegaConf.create(said))
        loaded = OmegaConf.to_object(merged)
    except (ValueError, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"{path}: not a valid {kind.__name__}: {reason}; {kind.__module__} lists the fields"
        ) from error
    assert isinstance(loaded, kind)
    return loaded


def from_lambench(folder: Path, tag: str) -> Rules:
    """The rules of any release from its own files, for those that are not in this package.

    Args:
        folder: With `direct_task_weights.yml` and `downstream_tasks_metrics.yml` of LAMBench's `lambench/metrics`.
        tag: Of the release, such as 0.3.1; ratios are clipped at 1 since 0.2.0.

    Raises:
        ConfigError: A file is missing or is not what it should be.
    """
    weights = read_mapping(folder / "direct_task_weights.yml")
    tasks = read_mapping(folder / "downstream_tasks_metrics.yml")
    try:
        sets = {
            key: ForceFieldSet(title=key, domain=one["domain"], baselines=_baselines(one))
            for key, one in weights.items()
        }
        properties = {
            key: PropertyTask(
                domain=one["domain"],
                dummy={name: float(one["dummy"][name]) for name in one["metrics"]},
                penalty=one.get("penalty"),
            )
            for key, one in tasks.items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{folder}: not the metrics files of a LAMBench release ({type(error).__name__}: {error}); give the folder "
            "with direct_task_weights.yml and downstream_tasks_metrics.yml of github.com/deepmodeling/LAMBench"
        ) from error
    first = tag.startswith("0.1.")
    return Rules(
        version=tag,
        domains=_domain_order(sets),
        sets=sets,
        tasks=properties,
        type_weights=TypeWeights({"energy": 0.45, "force": 0.45, "virial": 0.1}, {"energy": 0.5, "force": 0.5}),
        clip=None if first else 1.0,
        drop_incomplete_domains=not first,
        property_column="Generalizability-DS Error ↓" if first else "Generalizability-PC Error ↓",
        source=str(folder),
    )


def _domain_order(sets: Mapping[str, ForceFieldSet]) -> list[str]:
    """The domains in the order of first appearance, as in the published files."""
    return list(dict.fromkeys(one.domain for one in sets.values()))


def _baselines(one: Mapping[str, Any]) -> dict[str, Baseline]:
    """LAMBench's `<kind>_std`, one or by set of labels; a kind without weight is not scored."""
    found: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        if one[f"{kind}_weight"] is None:
            continue
        given = one[f"{kind}_std"]
        for labels, value in (given if isinstance(given, Mapping) else {"any": given}).items():
            found.setdefault(str(labels), {})[kind] = float(value)
    return {labels: Baseline(**values) for labels, values in found.items()}


def read_mapping(path: Path) -> dict[str, Any]:
    """A YAML file as it is.

    Raises:
        ConfigError: It cannot be read, or holds something else than a mapping.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: got a {type(content).__name__}, expected a mapping")
    return content
