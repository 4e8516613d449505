"""Cards: what a model, a dataset or a task is, where it comes from and under which licence.

A card is a YAML file beside the plugin's code, read only when somebody asks for it. It is checked against the classes
here: an unknown key, a missing one or a wrong type is an error that names the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from lamcore.errors import PluginError


@dataclass
class Citation:
    """A publication: `doi` without the resolver's address, and the BibTeX entry to print."""

    doi: str | None = None
    bibtex: str = ""
    text: str = ""


@dataclass
class Checkpoint:
    """What sets one checkpoint of a model apart; empty fields are as in the model's card."""

    summary: str = ""
    licence_weights: str = ""
    level_of_theory: str = ""
    functional: str = ""
    modalities: dict[str, str] = field(default_factory=dict)
    """Where the option `modality` chooses among several levels of theory: the functional of each."""
    training_data: str = ""
    citations: list[Citation] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    conservative: bool | None = None
    cutoff_ang: float | None = None
    known_failures: dict[str, str] = field(default_factory=dict)


@dataclass
class ModelCard:
    """A model: what it is, under which licences, what it was trained on and what it gives."""

    summary: str
    licence_code: str
    licence_weights: str = "none: the model has no weights"
    homepage: str = ""
    citations: list[Citation] = field(default_factory=list)
    training_data: str = ""
    level_of_theory: str = ""
    functional: str = ""
    """The exchange-correlation functional by its name alone (`PBE`, `PBEsol`, `r2SCAN`), to be compared with that of
    the labels; empty where there is none or it is not known."""
    elements: list[str] = field(default_factory=list)
    """Symbols that the model covers; empty where it depends on the checkpoint or the options."""
    properties: list[str] = field(default_factory=lambda: ["energy", "forces", "stress"])
    conservative: bool = True
    """Whether forces and stress are derivatives of the energy."""
    cutoff_ang: float | None = None
    dtype: str = "float64"
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    known_failures: dict[str, str] = field(default_factory=dict)
    """Claims of the conformance kit that are known not to hold, and why."""


@dataclass
class TaskCard:
    """A task: what it measures and the publications behind it."""

    summary: str
    citations: list[Citation] = field(default_factory=list)
    protocols: dict[str, str] = field(default_factory=dict)
    """Named ways to run it, with a sentence each."""
    known_failures: dict[str, str] = field(default_factory=dict)
    """Claims of the conformance kit that are known not to hold, and why."""


@dataclass
class DataFile:
    """A file of a dataset. Without `url` the file is in the plugin's package or given by the user."""

    sha256: str
    url: str | None = None
    bytes: int | None = None


@dataclass
class DatasetCard:
    """A dataset: version, licence, citation, level of theory, units, and the hash of each file."""

    version: str
    summary: str
    licence: str
    level_of_theory: str
    units: dict[str, str]
    functional: str = ""
    """As for models; a case may have its own as `functional` in its settings."""
    citations: list[Citation] = field(default_factory=list)
    files: dict[str, DataFile] = field(default_factory=dict)
    notes: str = ""
    known_failures: dict[str, str] = field(default_factory=dict)
    """Claims of the conformance kit that are known not to hold, and why."""


@dataclass
class SuiteCard:
    """A suite: what it compares, by which rules, and where those come from."""

    summary: str
    citations: list[Citation] = field(default_factory=list)
    licence: str = ""
    """Of the data that come with the suite, such as published results."""
    notes: str = ""


CARD_OF: Final = {"model": ModelCard, "task": TaskCard, "dataset": DatasetCard, "suite": SuiteCard}

AnyCard = TypeVar("AnyCard", ModelCard, TaskCard, DatasetCard, SuiteCard)


def load_card(path: Path, kind: type[AnyCard]) -> AnyCard:
    """Read and check a card.

    Args:
        path: The YAML file.
        kind: `ModelCard`, `TaskCard`, `DatasetCard` or `SuiteCard`.

    Returns:
        The card.

    Raises:
        PluginError: The file is missing, is not YAML, or does not fit the class.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        loaded: Any = OmegaConf.merge(OmegaConf.structured(kind), OmegaConf.load(path))
        card = OmegaConf.to_object(loaded)
    except (OSError, ValueError, OmegaConfBaseException, YAMLError) as error:
        reason = " ".join(str(error).split())
        raise PluginError(f"{path}: not a valid {kind.__name__}: {reason}; lamcore.cards lists the fields") from error
    assert isinstance(card, kind)
    return card


def summary_of(path: Path) -> str:
    """The `summary` of a card, read without checking the rest: quick enough for listings."""
    import yaml

    try:
        with path.open(encoding="utf-8") as text:
            card = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return str(card["summary"])
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
        return f"(card {path.name} cannot be read: {error})"
