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

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.config import Choice, Selection

RunIdentity = Mapping[str, Any]


def identify(selection: Selection, cases: Sequence[Case]) -> RunIdentity:
    """Everything that the numbers of a run depend on, as JSON.

    That is the task, the dataset's content and the model, each with its options and its plugin's version, the SHA-256
    of the model's weights, and lamcore's version. Where files lie, how cases are batched and where they run is not.
    """
    model = selection.model_spec
    weights = () if model.weights is None else model.weights(**selection.model.options)
    return {
        "lamcore": metadata.version("lamcore"),
        "task": _part(selection.task),
        "dataset": _part(selection.dataset) | {"content_sha256": content_sha256(cases)},
        "model": _part(selection.model) | {"weights_sha256": {path.name: sha256(path) for path in weights}},
    }


def run_id(identity: RunIdentity) -> str:
    """The first 12 hexadecimal digits of the identity's SHA-256."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def _part(choice: Choice) -> dict[str, Any]:
    # The content of files counts, not where they lie.
    options = {name: value for name, value in choice.options.items() if not isinstance(value, Path)}
    return {"name": choice.offer.spec.name, "options": options, "plugin": str(choice.offer.plugin)}
