"""What makes a run the run it is: the same command gives the same id, and any change that matters another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.data_files import sha256
from lamcore.dataset import content_sha256
from lamcore.errors import ConfigError

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.config import Choice, Selection

RunIdentity = Mapping[str, Any]


def identify(selection: Selection, cases: Sequence[Case], machine: Mapping[str, Any] | None = None) -> RunIdentity:
    """Everything that the numbers of a run depend on, as JSON.

    That is the task, the dataset's content and the model, each with its options and its plugin's version, the SHA-256
    of the model's weights, and lamcore's version. Of files the content counts, not where they lie. How cases are
    batched and where they run is not in it, unless the numbers depend on the machine.

    Args:
        selection: What is run.
        cases: The cases of the run.
        machine: `lamcore.hardware.machine()`, for a task whose numbers depend on it.

    Raises:
        ConfigError: A file that an option names does not exist.
    """
    spec = selection.model_spec
    weights = [Path(path) for path in spec.weights(**selection.model.options)] if spec.weights is not None else []
    identity = {
        "lamcore": metadata.version("lamcore"),
        "task": _part(selection.task, ()),
        # A dataset's files are there as the content of its cases.
        "dataset": _part(selection.dataset, (), with_paths=False) | {"content_sha256": content_sha256(cases)},
        "model": _part(selection.model, weights)
        | {"weights": [{"file": path.name, "sha256": sha256(path)} for path in weights]},
    }
    return identity if machine is None else identity | {"machine": dict(machine)}


def run_id(identity: RunIdentity) -> str:
    """The first 12 hexadecimal digits of the identity's SHA-256; names of files do not enter."""
    model = dict(identity["model"])
    model["weights"] = [file["sha256"] for file in model["weights"]]
    return hashlib.sha256(json.dumps({**identity, "model": model}, sort_keys=True).encode()).hexdigest()[:12]


def _part(choice: Choice, weights: Sequence[Path], with_paths: bool = True) -> dict[str, Any]:
    """A choice's name, plugin and the options that have a value; paths are replaced by what they lead to."""
    options = {}
    for name, value in choice.options.items():
        if value is None:
            continue  # so that a file that is found is the same as one that is named
        if (
            weights
            and isinstance(value, str | Path)
            and Path(value).absolute() in [path.absolute() for path in weights]
        ):
            options[name] = "one of the weights"
        elif not isinstance(value, Path):
            options[name] = value
        elif with_paths:
            options[name] = content_of(value, f"{choice.group}.{name}")
    return {"name": choice.offer.spec.name, "options": options, "plugin": str(choice.offer.plugin)}


def content_of(path: Path, option: str) -> Any:
    """The SHA-256 of a file, or of each file of a folder by its name within."""
    if path.is_file():
        return sha256(path)
    if path.is_dir():
        return {str(file.relative_to(path)): sha256(file) for file in sorted(path.rglob("*")) if file.is_file()}
    raise ConfigError(f"{option}: {path} does not exist; give the path of a file or folder")
