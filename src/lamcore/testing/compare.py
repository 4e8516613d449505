"""Two settings of one model on the same structures: do they agree?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.adapters import as_model
from lamcore.schema import check_options
from lamcore.testing.certificate import Certificate, certify
from lamcore.testing.claims import Claim, Finding, Measured, Number, judged, measure_claim, not_applicable
from lamcore.testing.limits import limits_of
from lamcore.testing.model_subject import ModelSubject, describe_checked, evaluate_checked, largest_differences

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.config import Choice
    from lamcore.model import Model, Prediction


class Comparison:
    """Two settings of a model, built, and what each says of the same structures.

    The structures are those of the claims, and each of them with atoms displaced by 0.1 Å, where rounding differs.

    Args:
        choice: The model and its options.
        changed: The options of the other setting that differ.
    """

    def __init__(self, choice: Choice, changed: Mapping[str, Any]) -> None:
        self.choice = choice
        self.changed = dict(changed)
        options = check_options(choice.offer.options(), {**choice.options, **changed}, "model.")
        self.other_choice = replace(choice, options=options)
        subject = ModelSubject(choice)
        self.model = subject.model
        self.other = as_model(self.other_choice.build(), choice.name)
        coarser = "float64" if {self.model.dtype, self.other.dtype} == {"float64"} else "float32"
        self.limits = limits_of(coarser)
        rng = np.random.default_rng(61)
        self.structures: list[Atoms] = list(subject.mix)
        for atoms in subject.mix:
            moved = atoms.copy()
            moved.positions += rng.normal(scale=0.1, size=(len(atoms), 3))
            self.structures.append(moved)
        self.predictions = subject.evaluate(self.structures)
        self.other_predictions: list[Prediction] = evaluate_checked(self.other, self.structures)


def compare_models(choice: Choice, changed: Mapping[str, Any]) -> Certificate:
    """Compare a model with itself at other options: energies, forces, stresses and descriptors.

    The limits are those of two evaluations of the same physics in the coarser of the two floating-point types.

    Args:
        choice: The model and its options.
        changed: The options of the other setting that differ, such as `{"dtype": "float64"}`.

    Raises:
        UnknownNameError: The model has no such option.
    """
    started = time.perf_counter()
    comparison = Comparison(choice, changed)
    findings: list[Finding] = [measure_claim(one, comparison, {}) for one in _CLAIMS]
    return certify(choice, findings, comparison.model, time.perf_counter() - started, against=comparison.changed)


def _energies(comparison: Comparison) -> Measured:
    found = largest_differences(_pairs(comparison))
    return judged(
        Number("energy", found.energy, comparison.limits.energy, "eV/atom"),
        detail=f"{len(comparison.structures)} structures, {comparison.model.dtype} against {comparison.other.dtype}",
    )


def _forces(comparison: Comparison) -> Measured:
    return judged(Number("forces", largest_differences(_pairs(comparison)).forces, comparison.limits.forces, "eV/Å"))


def _stresses(comparison: Comparison) -> Measured:
    found = largest_differences(_pairs(comparison)).stress
    if found is None:
        return not_applicable("the model gives no stress")
    return judged(Number("stress", found, comparison.limits.stress, "eV/Å³"))


def _descriptors(comparison: Comparison) -> Measured:
    if "descriptors" not in comparison.model.properties & comparison.other.properties:
        return not_applicable("the model has no descriptors")
    one, other = (_all_descriptors(model, comparison.structures) for model in (comparison.model, comparison.other))
    if one.shape != other.shape:
        return Measured("fail", detail=f"shapes {one.shape} and {other.shape} differ")
    worst = float(np.max(np.abs(one - other))) / float(np.max(np.abs(one)))
    return judged(Number("descriptors, of the largest", worst, comparison.limits.descriptors, "1"))


_CLAIMS: Sequence[Claim[Comparison]] = (
    Claim("energies_agree", "Energies are the same in both settings.", _energies),
    Claim("forces_agree", "Forces are the same in both settings.", _forces),
    Claim("stresses_agree", "Stresses are the same in both settings.", _stresses),
    Claim("descriptors_agree", "Descriptors are the same in both settings.", _descriptors),
)


def _pairs(comparison: Comparison) -> list[tuple[Prediction, Prediction]]:
    return list(zip(comparison.predictions, comparison.other_predictions, strict=True))


def _all_descriptors(model: Model, structures: Sequence[Atoms]) -> NDArray[np.float64]:
    return np.concatenate(describe_checked(model, structures))
