"""What is known of models, tasks and datasets: from their cards where installed, else from the provenance of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamcore.cards import DatasetCard, ModelCard, TaskCard, load_card
from lamcore.functionals import functional_of

if TYPE_CHECKING:
    from lamcore.registry import Registry
    from lamcore.results import RunSummary
    from lamcore.suite import SuiteItem

UNSTATED = "not stated"


@dataclass(frozen=True)
class Citation:
    """A publication: what to read, where it is, and the entry to paste."""

    text: str
    doi: str = ""
    bibtex: str = ""


@dataclass(frozen=True)
class ModelFacts:
    """What a reader should know of a model before its numbers.

    Attributes:
        summary: In a sentence.
        properties: What it gives, such as `stress`; empty where not known.
        conservative: Whether forces are derivatives of the energy; None where not known.
        licence_code: Of the code.
        licence_weights: Of the weights.
        level_of_theory: Of its training data.
        functional: By its name alone.
        training_data: In words.
        cutoff_ang: Of its neighbourhoods, Å.
        homepage: Its address.
        elements: Symbols that it covers; empty where not known.
        citations: Publications.
        known_failures: Claims that its author knows not to hold, and why.
        warnings: Where labels are of another functional than the model.
        hardware: What its runs were made on.
    """

    summary: str = ""
    properties: tuple[str, ...] = ()
    conservative: bool | None = None
    licence_code: str = UNSTATED
    licence_weights: str = UNSTATED
    level_of_theory: str = UNSTATED
    functional: str = ""
    training_data: str = ""
    cutoff_ang: float | None = None
    homepage: str = ""
    elements: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    known_failures: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    hardware: tuple[str, ...] = ()


@dataclass(frozen=True)
class ItemFacts:
    """What a reader should know of an item of a suite before its numbers.

    Attributes:
        task: The task's card; None where it is not installed.
        dataset: The dataset's card; None where it is not installed.
        options: Every option of the task and dataset in its runs, `task.` or `dataset.` before its name.
        content: SHA-256 of the cases; empty without runs.
        licence: Of the dataset.
        level_of_theory: Of the labels.
        citations: Publications of task and dataset.
        plugins: Distributions and versions that the runs were made with.
        missing: Why nothing was run; empty where something was or could be.
    """

    task: TaskCard | None
    dataset: DatasetCard | None
    options: Mapping[str, Any]
    content: str
    licence: str
    level_of_theory: str
    citations: tuple[Citation, ...]
    plugins: tuple[str, ...]
    missing: str


def model_facts(runs: Sequence[RunSummary], registry: Registry) -> ModelFacts:
    """What is known of the model of some runs, of which there is at least one."""
    newest = runs[-1]
    provenance, name = newest.provenance, newest.model.name
    common: dict[str, Any] = {
        "licence_code": provenance["licences"].get("model code") or UNSTATED,
        "licence_weights": provenance["licences"].get("model weights") or UNSTATED,
        "level_of_theory": provenance["level_of_theory"].get("model") or UNSTATED,
        "citations": _citations(provenance["citations"].get("model", [])),
        "warnings": tuple(
            dict.fromkeys(warning for run in runs if (warning := run.provenance["level_of_theory"].get("warning")))
        ),
        "hardware": tuple(dict.fromkeys(one for run in runs for one in run.hardware)),
    }
    offers = registry.of_kind("model")
    if name not in offers:
        return ModelFacts(**common)
    card = load_card(offers[name].spec.card, ModelCard)
    return ModelFacts(**common, **_of_card(card, newest.model.options))


def item_facts(item: SuiteItem, runs: Sequence[RunSummary], registry: Registry) -> ItemFacts:
    """What is known of an item and of its runs, of which there may be none."""
    tasks, datasets = registry.of_kind("task"), registry.of_kind("dataset")
    task = load_card(tasks[item.task].spec.card, TaskCard) if item.task in tasks else None
    dataset = load_card(datasets[item.dataset].spec.card, DatasetCard) if item.dataset in datasets else None
    options: dict[str, Any] = {f"task.{key}": value for key, value in item.task_options.items()}
    options |= {f"dataset.{key}": value for key, value in item.dataset_options.items()}
    licence = level = ""
    cited: list[Mapping[str, Any]] = []
    if runs:
        newest = runs[-1]
        options |= {f"task.{key}": value for key, value in newest.task.options.items()}
        options |= {f"dataset.{key}": value for key, value in newest.dataset.options.items()}
        licence = newest.provenance["licences"].get("dataset", "")
        level = newest.provenance["level_of_theory"].get("dataset", "")
        cited = [*newest.provenance["citations"].get("task", []), *newest.provenance["citations"].get("dataset", [])]
    citations = _citations(cited) or tuple(
        Citation(one.text, one.doi or "", one.bibtex) for card in (task, dataset) if card for one in card.citations
    )
    missing = item.missing
    for kind, name, there in (("task", item.task, task), ("dataset", item.dataset, dataset)):
        if there is None and not runs:
            missing = missing or f"{kind} {name!r} is not installed"
    return ItemFacts(
        task=task,
        dataset=dataset,
        options=options,
        content=runs[-1].dataset.content if runs else "",
        licence=licence or (dataset.licence if dataset else UNSTATED),
        level_of_theory=level or (dataset.level_of_theory if dataset else UNSTATED),
        citations=citations,
        plugins=tuple(dict.fromkeys(part.plugin for run in runs for part in (run.task, run.dataset))),
        missing=missing,
    )


def _of_card(card: ModelCard, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a card tells of a model as it was built; a checkpoint's own fields go before the card's."""
    named = str(options.get("checkpoint", "")).casefold()
    checkpoint = {key.casefold(): value for key, value in card.checkpoints.items()}.get(named)

    def told(name: str) -> Any:
        own = None if checkpoint is None else getattr(checkpoint, name)
        return getattr(card, name) if own in (None, "", [], {}) else own

    return {
        "summary": " ".join(part for part in (card.summary, checkpoint.summary if checkpoint else "") if part),
        "properties": tuple(told("properties")),
        "conservative": told("conservative"),
        "functional": functional_of(card, options),
        "training_data": told("training_data"),
        "cutoff_ang": told("cutoff_ang"),
        "homepage": card.homepage,
        "elements": tuple(told("elements")),
        "known_failures": {**card.known_failures, **(checkpoint.known_failures if checkpoint else {})},
    }


def _citations(plain: Sequence[Mapping[str, Any]]) -> tuple[Citation, ...]:
    found = [Citation(one.get("text") or "", one.get("doi") or "", one.get("bibtex") or "") for one in plain]
    return tuple(one for one in dict.fromkeys(found) if one.text or one.doi)
