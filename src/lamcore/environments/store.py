"""What is remembered of environments: a folder each, with the environment and a description of its models."""

from __future__ import annotations

import inspect
import json
import logging
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, Union

from lamcore.errors import PluginError
from lamcore.specs import ModelSpec, Remote
from lamcore.worker.interpreter import ENVIRONMENTS_FOLDER, variables_for

logger = logging.getLogger(__name__)

_DESCRIPTION = "description.json"
_TYPES: Mapping[str, Any] = {"bool": bool, "int": int, "float": float, "str": str, "path": Path, "null": None}


@dataclass(frozen=True)
class Environment:
    """One environment.

    Attributes:
        name: Its folder's name.
        python: Its interpreter.
        requirements: The plugins that were asked for, as uv understands them.
        models: What `lamcore.worker.describe` says of each model in it.
    """

    name: str
    folder: Path
    python: Path
    requirements: tuple[str, ...]
    models: Sequence[Mapping[str, Any]]


def environments_folder() -> Path:
    """Where environments are kept: `LAMCORE_ENVIRONMENTS`, or the platform's folder for data of programs."""
    if ENVIRONMENTS_FOLDER in os.environ:
        return Path(os.environ[ENVIRONMENTS_FOLDER])
    from platformdirs import user_data_path

    return user_data_path("lamcore") / "environments"


def remembered() -> list[Environment]:
    """All environments that can be read, by name; of a damaged one a warning is logged."""
    found = []
    for path in sorted(environments_folder().glob(f"*/{_DESCRIPTION}")):
        try:
            found.append(_read(path.parent))
        except PluginError as error:
            logger.warning("%s", error)
    return found


def unusable() -> list[Path]:
    """Folders without a description that can be read: made half, or damaged."""
    usable = {environment.folder for environment in remembered()}
    return sorted(path for path in environments_folder().glob("*") if path.is_dir() and path not in usable)


def _read(folder: Path) -> Environment:
    path = folder / _DESCRIPTION
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Environment(
            name=folder.name,
            folder=folder,
            python=Path(content["python"]),
            requirements=tuple(content["requirements"]),
            models=[{**model, "name": str(model["name"])} for model in content["models"]],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PluginError(f"{path}: damaged ({error}); `lamcore env remove {folder.name}` and add it again") from error


def remember(folder: Path, python: Path, requirements: Sequence[str]) -> Environment:
    """Ask an environment what it offers, and write that down with the cards.

    Raises:
        PluginError: The environment cannot be started, or a plugin in it is broken.
    """
    models = describe(python)
    for model in models:
        card = folder / "cards" / f"{model['name']}.yaml"
        card.parent.mkdir(exist_ok=True)
        card.write_text(model["card"], encoding="utf-8")
    content = {"python": str(python), "requirements": list(requirements), "models": models}
    temporary = folder / f"{_DESCRIPTION}.tmp"
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(temporary, folder / _DESCRIPTION)
    return _read(folder)


def describe(python: Path, *arguments: str, quiet: bool = True) -> Any:
    """What `python -m lamcore.worker.describe` answers in an environment.

    Args:
        python: Of the environment.
        arguments: What to ask; the models if nothing.
        quiet: Keep what it says on standard error for the message of a failure; otherwise the user sees it.

    Raises:
        PluginError: It cannot be started, fails, or answers something else.
    """
    command = [str(python), "-m", "lamcore.worker.describe", *arguments]
    variables = {**variables_for(python), "LAMCORE_STRICT_PLUGINS": "1"}
    stderr = subprocess.PIPE if quiet else None
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=variables, check=False)
    except OSError as error:
        raise PluginError(f"{python} cannot be started ({error}); `lamcore env check` tells more") from error
    if result.returncode != 0:
        raise PluginError(f"{python}: {(result.stderr or 'see above').strip()}; `lamcore env check` tells more")
    try:
        return json.loads(result.stdout)
    except ValueError as error:
        raise PluginError(f"{python}: answered {result.stdout[:100]!r}, expected JSON; `lamcore env check`") from error


def remembered_models() -> list[ModelSpec]:
    """Specs of all remembered models; a plugin that is installed here as well comes first and is left out."""
    environments = remembered()
    if not environments:
        return []
    here = {point.dist.name for point in metadata.entry_points(group="lamcore") if point.dist is not None}
    specs: dict[str, ModelSpec] = {}
    for environment in environments:
        for model in environment.models:
            if model["name"] in specs:
                logger.warning(
                    "model %r is in several environments; that of %s is left out", model["name"], environment.name
                )
            elif model["distribution"] not in here:
                specs[model["name"]] = _spec(environment, model)
    return list(specs.values())


def _spec(environment: Environment, model: Mapping[str, Any]) -> ModelSpec:
    remote = Remote(environment.python, model["distribution"], model["version"], model["versions"])
    return ModelSpec(
        name=model["name"],
        build=_Described(environment.python, model),
        card=environment.folder / "cards" / f"{model['name']}.yaml",
        weights=_Weights(environment.python, model["name"]) if model["has_weights"] else None,
        remote=remote,
    )


class _Described:
    """A builder in another environment, with its signature and help."""

    def __init__(self, python: Path, model: Mapping[str, Any]) -> None:
        self._python, self._name = python, model["name"]
        self.__qualname__ = f"builder of {model['name']}"
        self.__doc__ = _docstring(model["options"])
        self.__signature__ = inspect.Signature([_parameter(option) for option in model["options"]])

    def __call__(self, **options: Any) -> Any:
        """The model, in a worker process of its environment."""
        from lamcore.worker.client import WorkerModel, WorkerSettings

        return WorkerModel(WorkerSettings(self._name, options, self._python))


class _Weights:
    """The files of a model's weights, told by its own environment."""

    def __init__(self, python: Path, name: str) -> None:
        self._python, self._name = python, name

    def __call__(self, **options: Any) -> list[Path]:
        given = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
        return [Path(path) for path in describe(self._python, "weights", self._name, json.dumps(given), quiet=False)]


def _parameter(option: Mapping[str, Any]) -> inspect.Parameter:
    default = inspect.Parameter.empty if option["required"] else option["default"]
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(option["name"], kind, default=default, annotation=_annotation(option["type"]))


def _docstring(options: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"    {option['name']}: {option['help']}" for option in options if option["help"]]
    return "\n".join(["Built in another environment.", "", "Args:", *lines])


def _annotation(described: Any) -> Any:
    """A type from its description: `"int"`, `{"literal": […]}`, `{"list": …}` or `{"union": […]}`."""
    if isinstance(described, str):
        return _TYPES[described]
    ((kind, parts),) = described.items()
    if kind == "literal":
        return Literal[tuple(parts)]
    if kind == "list":
        return list[_annotation(parts)]  # type: ignore[misc]
    return Union[tuple(_annotation(part) for part in parts)]  # noqa: UP007 - made at run time
