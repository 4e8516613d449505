"""Measure all claims about something installed, and sum them up in a certificate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamcore.adapters import as_model
from lamcore.config import Choice, Group
from lamcore.data_files import sha256
from lamcore.errors import ConfigError
from lamcore.registry import load_registry
from lamcore.schema import check_options
from lamcore.testing.certificate import Certificate, certify, describe
from lamcore.testing.claim_lists import claims_about
from lamcore.testing.claims import Finding, measure_claims
from lamcore.testing.pair_model import PairModel

if TYPE_CHECKING:
    from lamcore.cards import DatasetCard, ModelCard, TaskCard
    from lamcore.testing.dataset_claims import DatasetSubject
    from lamcore.testing.model_subject import ModelSubject
    from lamcore.testing.task_subject import TaskSubject

Watch = Callable[[Finding], None]


def choose(group: Group, name: str, /, **options: Any) -> Choice:
    """Something installed, by name, with options.

    Args:
        group: `model`, `task` or `dataset`.
        name: As written on the command line.
        options: As its builder takes them; those that are not given keep their defaults.

    Raises:
        UnknownNameError: The name or an option does not exist.
        ConfigError: A value does not fit, or the model is in another environment.
    """
    offer = load_registry().get(group, name)
    remote = getattr(offer.spec, "remote", None)
    if remote is not None:
        raise ConfigError(
            f"model {name!r} is in another environment; check it there: {remote.python} -m lamcore check model {name}"
        )
    return Choice(group, name, offer, check_options(offer.options(), options, f"{group}."))


def check_model(choice: Choice, watch: Watch | None = None) -> Certificate:
    """Measure every claim about a model.

    Args:
        choice: The model and its options.
        watch: Is told each finding when it is there.
    """
    return _check(choice, model_subject(choice), watch)


def check_task(
    choice: Choice, model: Choice | None = None, n_cases: int = 2, watch: Watch | None = None
) -> Certificate:
    """Measure every claim about a task.

    Args:
        choice: The task and its options.
        model: The model that it calculates with; a pair potential of the kit if not given.
        n_cases: How many cases of the task's own dataset to take.
        watch: Is told each finding when it is there.
    """
    subject = task_subject(choice, model, n_cases)
    used = [one for one in (model, subject.dataset) if one is not None]
    return _check(
        choice,
        subject,
        watch,
        used,
        model={"name": "the pair potential of the kit"} if model is None else describe(model),
        dataset=None if subject.dataset is None else describe(subject.dataset),
        cases=[case.id for case in subject.cases],
    )


def check_dataset(choice: Choice, watch: Watch | None = None) -> Certificate:
    """Measure every claim about a dataset; arguments as for `check_model`."""
    subject = dataset_subject(choice)
    certificate = _check(choice, subject, watch, card_version=subject.card.version)
    # Not before: a file may be downloaded when the cases are read for the first time.
    files = {name: sha256(path) for name, path in subject.dataset.files.items() if path.is_file()}
    return replace(certificate, about={**certificate.about, "files_sha256": files})


def model_subject(choice: Choice) -> ModelSubject:
    """A model, built, with what the claims need."""
    from lamcore.testing.model_subject import ModelSubject

    return ModelSubject(choice)


def task_subject(choice: Choice, model: Choice | None = None, n_cases: int = 2) -> TaskSubject:
    """A task, built, with cases and a model; arguments as for `check_task`."""
    from lamcore.testing.task_subject import TaskSubject

    built = PairModel() if model is None else as_model(model.build(), model.name)
    return TaskSubject(choice, built, n_cases)


def dataset_subject(choice: Choice) -> DatasetSubject:
    """A dataset, built."""
    from lamcore.testing.dataset_claims import DatasetSubject

    return DatasetSubject(choice)


def known_failures(choice: Choice, card: ModelCard | TaskCard | DatasetCard) -> Mapping[str, str]:
    """The known failures of the card, and of the checkpoint that was chosen."""
    checkpoint = getattr(card, "checkpoints", {}).get(str(choice.options.get("checkpoint")))
    return {**card.known_failures, **(checkpoint.known_failures if checkpoint else {})}


def _check(
    choice: Choice,
    subject: ModelSubject | TaskSubject | DatasetSubject,
    watch: Watch | None,
    used: Sequence[Choice] = (),
    **more: Any,
) -> Certificate:
    started = time.perf_counter()
    findings = []
    for finding in measure_claims(claims_about(choice.group), subject, known_failures(choice, subject.card)):
        findings.append(finding)
        if watch is not None:
            watch(finding)
    return certify(choice, findings, getattr(subject, "model", None), time.perf_counter() - started, used, **more)
