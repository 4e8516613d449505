"""Composes a run with Hydra: what is installed becomes config groups; what is composed is checked."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamcore.errors import ConfigError, LamcoreError, UnknownNameError
from lamcore.schema import REQUIRED, Option, check_options, unknown

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lamcore.registry import Offer, Registry
    from lamcore.specs import DatasetSpec, ModelSpec, TaskSpec

Group = Literal["model", "task", "dataset", "suite"]
GROUPS: tuple[Group, ...] = ("task", "model", "dataset")
"""What a run is composed of; a suite is composed of runs."""
_MAX_CASES = Option("max_cases", int | None, None)
WaysGroup = Literal["executor", "worker"]
WAYS: dict[WaysGroup, dict[str, dict[str, Option]]] = {
    "executor": {"inline": {}, "processes": {"workers": Option("workers", int, 2)}},
    "worker": {
        "none": {},
        "process": {
            "count": Option("count", int, 1),
            "timeout_s": Option("timeout_s", float, 600.0),
            "devices": Option("devices", list[str] | None, None),
        },
    },
}
"""How cases and models are run: they change where numbers are computed, not the numbers."""
_TOP_OPTIONS = {
    "runs": Option("runs", Path, "runs"),
    "retry_failed": Option("retry_failed", bool, False),
}
_BATCH_OPTIONS = {
    "max_cases": Option("max_cases", int, 256),
    "max_atoms": Option("max_atoms", int | None, None),
}
RUN_OPTIONS = (
    _TOP_OPTIONS
    | {f"batch.{name}": option for name, option in _BATCH_OPTIONS.items()}
    | {
        f"{group}.{name}": option
        for group, ways in WAYS.items()
        for way in ways.values()
        for name, option in way.items()
    }
)


@dataclass(frozen=True)
class Choice:
    """A named model, task or dataset with the options to build it."""

    group: Group
    name: str
    offer: Offer[Any]
    options: Mapping[str, Any]

    def build(self) -> Any:
        """Call the plugin's builder.

        Raises:
            ConfigError: It refuses the values of its options.
        """
        try:
            return self.offer.spec.build(**self.options)
        except ValueError as error:
            if isinstance(error, LamcoreError):
                raise
            raise ConfigError(
                f"{self.group} {self.name!r} cannot be built with these options: {error}; "
                f"`lamcore show {self.group} {self.name}` explains them"
            ) from error


@dataclass(frozen=True)
class Way:
    """An executor or a kind of worker, with its options."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """What is measured, and on what: enough to score and report a run, whatever its model was.

    Attributes:
        model_name: The model's name.
        max_cases: How many cases of the dataset to take; None for all.
        plain: The resolved configuration, as plain values; `select` makes the same of it again.
    """

    task: Choice
    dataset: Choice
    model_name: str
    max_cases: int | None
    plain: Mapping[str, Any]


@dataclass(frozen=True)
class Selection(Subject):
    """A checked configuration: what to run, and how."""

    model: Choice
    executor: Way
    worker: Way
    batch: Mapping[str, Any]
    runs: Path
    retry_failed: bool

    @property
    def choices(self) -> tuple[Choice, Choice, Choice]:
        """Task, model and dataset."""
        return self.task, self.model, self.dataset

    @property
    def dataset_spec(self) -> DatasetSpec:
        """The dataset's spec."""
        spec: DatasetSpec = self.dataset.offer.spec
        return spec

    @property
    def model_spec(self) -> ModelSpec:
        """The model's spec."""
        spec: ModelSpec = self.model.offer.spec
        return spec

    @property
    def task_spec(self) -> TaskSpec:
        """The task's spec."""
        spec: TaskSpec = self.task.offer.spec
        return spec


def conf_folder() -> Path:
    """The folder of lamcore's own YAML: inside the installed package, or at the top of a source tree."""
    installed = Path(__file__).parent / "conf"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "conf"


def group_options(group: Group, offer: Offer[Any]) -> dict[str, Option]:
    """The options that `<group>.<option>=` can set: the builder's, and lamcore's own for datasets and suites."""
    options = dict(offer.options())
    if group == "dataset":
        options["max_cases"] = Option("max_cases", _MAX_CASES.annotation, offer.spec.max_cases)
    if group == "suite":
        options["max_cases"] = _MAX_CASES
    return options


def register_groups(registry: Registry) -> None:
    """Make everything installed known to Hydra: groups `task`, `model`, `dataset`, and each task's own dataset."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    for group in GROUPS:
        for name, offer in registry.of_kind(group).items():
            store.store(group=group, name=name, node=_node(group, name, offer), provider=str(offer.plugin))
    for name, offer in registry.tasks.items():
        dataset = offer.spec.dataset
        if dataset in registry.datasets:
            node = _node("dataset", dataset, registry.datasets[dataset])
            store.store(group="dataset", name=f"of-{name}", node=node, provider=str(offer.plugin))


def _node(group: Group, name: str, offer: Offer[Any]) -> dict[str, Any]:
    return {"name": name} | {key: option.default for key, option in group_options(group, offer).items()}


def compose(overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration that overrides lead to, as on the command line; `register_groups` comes first.

    Raises:
        ConfigError: Hydra refuses an override.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    with hydra.initialize_config_dir(str(conf_folder().absolute()), version_base="1.3"):
        try:
            config = hydra.compose("config", list(overrides))
        except HydraException as error:
            raise ConfigError(f"the configuration cannot be composed: {error}") from error
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def select(config: DictConfig | Mapping[str, Any], registry: Registry) -> Selection:
    """Check a composed configuration.

    Args:
        config: As composed by Hydra, or as read back from a run's folder.
        registry: What is installed.

    Raises:
        UnknownNameError: A name or an option does not exist.
        ConfigError: A value does not fit, or the dataset is not one for the task.
    """
    plain = _resolved(config)
    subject = read_subject(plain, registry)
    top = {key: value for key, value in plain.items() if key not in (*GROUPS, *WAYS, "batch")}
    run = check_options(_TOP_OPTIONS, top, "")
    model = _choose("model", plain, registry)
    batch = check_options(_BATCH_OPTIONS, _section(plain, "batch"), "batch.")
    for name, value in batch.items():
        _check_positive(f"batch.{name}", value)
    return Selection(
        **vars(subject),
        model=model,
        executor=_way("executor", plain),
        worker=_way("worker", plain),
        batch=batch,
        runs=run["runs"],
        retry_failed=run["retry_failed"],
    )


def read_subject(config: Mapping[str, Any], registry: Registry) -> Subject:
    """What a configuration measures, and on what; neither model nor executor need be installed.

    Raises:
        UnknownNameError: A name or an option does not exist.
        ConfigError: A value does not fit, or the dataset is not one for the task.
    """
    max_cases = check_options({"max_cases": _MAX_CASES}, _only(_section(config, "dataset"), "max_cases"), "dataset.")
    _check_positive("dataset.max_cases", max_cases["max_cases"])
    task, dataset = _choose("task", config, registry), _choose("dataset", config, registry)
    if task.offer.spec.name not in dataset.offer.spec.tasks:
        usable = [name for name, offer in registry.datasets.items() if task.offer.spec.name in offer.spec.tasks]
        raise ConfigError(
            f"dataset {dataset.name!r} is for the tasks {', '.join(dataset.offer.spec.tasks)}, not for {task.name!r}; "
            f"datasets for {task.name!r}: {', '.join(sorted(usable)) or 'none is installed'}"
        )
    plain = copy.deepcopy(dict(config))
    for choice in (task, dataset):  # so that the run can be reported from another folder
        plain[choice.group] |= {
            key: str(value.absolute()) for key, value in choice.options.items() if isinstance(value, Path)
        }
    model_name = str(_section(config, "model").get("name", REQUIRED))
    return Subject(task, dataset, model_name, max_cases["max_cases"], plain)


def _resolved(config: DictConfig | Mapping[str, Any]) -> dict[str, Any]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        tree = OmegaConf.to_container(OmegaConf.create(dict(config)), resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"the configuration cannot be resolved: {error}") from error
    assert isinstance(tree, dict)
    return {str(key): value for key, value in tree.items() if key != "hydra"}


def _section(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = tree.get(name)
    if not isinstance(section, dict):
        raise ConfigError(f"{name}: got {section!r}, expected the options of a {name}; choose one with {name}=<name>")
    return dict(section)


def _only(section: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: section[name] for name in names if name in section}


def _choose(group: Group, tree: Mapping[str, Any], registry: Registry) -> Choice:
    given = _section(tree, group)
    name = str(given.pop("name", REQUIRED))
    if group == "dataset":
        given.pop("max_cases", None)
    offer = registry.get(group, name)
    return Choice(group, name, offer, check_options(offer.options(), given, f"{group}."))


def _way(group: WaysGroup, tree: Mapping[str, Any]) -> Way:
    given = _section(tree, group)
    name = str(given.pop("name", REQUIRED))
    if name not in WAYS[group]:
        raise UnknownNameError(unknown(name, name, WAYS[group], group))
    options = check_options(WAYS[group][name], given, f"{group}.")
    for key, value in options.items():
        if isinstance(value, int | float):
            _check_positive(f"{group}.{key}", value)
    return Way(name, options)


def _check_positive(name: str, value: object) -> None:
    if isinstance(value, int | float) and value <= 0:
        raise ConfigError(f"{name}: got {value!r}, expected a number above 0")
