"""Whether a model and the labels that it is compared with belong to the same exchange-correlation functional.

A model trained on r2SCAN is not wrong where it differs from PBE labels. Such a run is allowed, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamcore.cards import DatasetCard, ModelCard
    from lamcore.cases import Case


@dataclass(frozen=True)
class Functionals:
    """The functionals of a run's two sides.

    Attributes:
        model: Of the model; empty where unknown.
        references: Of the labels, each once; without those that are unknown.
    """

    model: str
    references: tuple[str, ...]

    @property
    def warning(self) -> str | None:
        """One line where some labels belong to another functional than the model; None where nothing is known to."""
        others = [name for name in self.references if _key(name) != _key(self.model)]
        if not self.model or not others:
            return None
        return (
            f"the model was trained on {self.model}, the reference is {' and '.join(others)}: "
            "what they differ by is not all the model's error"
        )


def functionals(
    model: ModelCard, options: Mapping[str, Any], dataset: DatasetCard, cases: Iterable[Case]
) -> Functionals:
    """The functionals of a model as it is built and of the labels as they are taken.

    Args:
        model: The model's card.
        options: The model's options: `checkpoint` and `modality` choose among what the card tells.
        dataset: The dataset's card.
        cases: The cases; `functional` in the settings of one goes before the card's.
    """
    found = {str(case.settings.get("functional") or dataset.functional) for case in cases}
    return Functionals(functional_of(model, options), tuple(sorted(found - {""})))


def functional_of(card: ModelCard, options: Mapping[str, Any]) -> str:
    """The model's functional; empty for a checkpoint or a modality that the card does not know."""
    name = options.get("checkpoint")
    if name is None or not card.checkpoints:
        return card.functional
    checkpoint = _find(card.checkpoints, name)
    if checkpoint is None:
        return ""
    if checkpoint.modalities:
        return _find(checkpoint.modalities, options.get("modality")) or ""
    return checkpoint.functional or card.functional


def _find(table: Mapping[str, Any], name: object) -> Any:
    return {key.casefold(): value for key, value in table.items()}.get(str(name).casefold())


def _key(functional: str) -> str:
    """r2SCAN, r²SCAN, R2-SCAN: one and the same."""
    return functional.casefold().replace("²", "2").replace("-", "").replace(" ", "")
