"""What the model says of itself is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.errors import UnsupportedStructureError
from lamcore.testing.claims import Measured, Number, claim, judged, largest, not_applicable, without_problems
from lamcore.testing.structures import bond_ang, covers, dimer, element_crystal

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore.model import Model, Prediction
    from lamcore.testing.model_subject import ModelSubject

_LIKELY_OUTSIDE = ("Og", "Po", "He", "Xe", "U")
_RESOLVED = 1e-2
"""Share of a change of energy that may be missing where a floating-point type resolves the change."""


@claim
def predictions_are_as_agreed(subject: ModelSubject) -> Measured:
    """Predictions are finite, of the agreed shapes and in double precision; with stress if fully periodic."""
    problems = []
    wants_stress = "stress" in subject.model.properties
    for kind, atoms, prediction in zip(subject.structures.by_kind(), subject.mix, subject.alone, strict=True):
        if np.asarray(prediction.forces).dtype != np.float64:
            problems.append(f"{kind}: forces are {np.asarray(prediction.forces).dtype}, expected float64")
        if not isinstance(prediction.energy, float):
            problems.append(f"{kind}: energy is a {type(prediction.energy).__name__}, expected a float")
        if (prediction.stress is not None) != (wants_stress and bool(atoms.pbc.all())):
            problems.append(f"{kind}: stress is {prediction.stress}, pbc is {atoms.pbc.tolist()}")
    return without_problems(problems, ", ".join(subject.structures.by_kind()))


@claim
def card_agrees_with_the_model(subject: ModelSubject) -> Measured:
    """What the card says of elements, properties, conservativity, cut-off and floating-point type is so.

    A field that the card leaves empty is not compared; the floating-point type only where no option changes it.
    """
    card, model = subject.card, subject.model
    name = str(subject.choice.options.get("checkpoint"))
    checkpoint = card.checkpoints.get(name)
    if card.checkpoints and checkpoint is None:
        return not_applicable(f"the card does not describe the checkpoint {name}")
    elements = (checkpoint.elements if checkpoint else []) or card.elements
    properties = (checkpoint.properties if checkpoint else []) or card.properties
    conservative = checkpoint.conservative if checkpoint and checkpoint.conservative is not None else card.conservative
    cutoff = (checkpoint.cutoff_ang if checkpoint else None) or card.cutoff_ang
    problems = []
    if elements and model.scope.elements is not None and (odd := set(elements) ^ model.scope.elements):
        problems.append(f"elements in only one of card and model: {' '.join(sorted(odd))}")
    if set(properties) != model.properties:
        problems.append(f"properties: card {sorted(properties)}, model {sorted(model.properties)}")
    if conservative != model.conservative:
        problems.append(f"conservative: card {conservative}, model {model.conservative}")
    if cutoff is not None and model.cutoff_ang is not None and abs(cutoff - model.cutoff_ang) > 1e-3:
        problems.append(f"cutoff_ang: card {cutoff}, model {model.cutoff_ang}")
    options = subject.choice.offer.options()
    default = "dtype" not in options or subject.choice.options["dtype"] == options["dtype"].default
    if default and card.dtype != model.dtype:
        problems.append(f"dtype: card {card.dtype}, model {model.dtype}")
    return without_problems(problems)


@claim
def structures_of_the_scope_are_computed(subject: ModelSubject) -> Measured:
    """Small structures of every kind that the scope covers are computed; those that the model refuses are named.

    A model may refuse with `UnsupportedStructureError` what a scope cannot say. No claim is measured on such a kind,
    which is why they are named; to refuse every kind is a failure.
    """
    computed, refused = list(subject.structures.by_kind()), subject.structures.refused
    reasons = "; ".join(f"{kind}: {why}" for kind, why in refused.items())
    if not computed:
        return without_problems([f"no structure of the kit is computed: {reasons or 'the scope covers none'}"])
    if refused:
        return not_applicable(f"claims are measured without what the model refuses: {reasons}")
    return without_problems([], ", ".join(computed))


@claim
def dtype_is_as_declared(subject: ModelSubject) -> Measured:
    """The model computes in the floating-point type that it declares.

    Atoms move by 1e-7 Å and twice that. In double precision the energy follows in proportion: what is missing, over
    what is there, is below 1e-2 (rounding leaves about 1e-6). In single precision the energy of some eV cannot follow
    steps of 1e-7 eV, and what is missing is about as large as what is there: above 1e-2 of it.
    """
    declared = subject.model.dtype
    if declared not in ("float32", "float64"):
        return not_applicable(f"declares {declared}")
    rng = np.random.default_rng(51)
    missing = there = 0.0
    for atoms in subject.mix:
        if len(atoms) < 2:
            continue
        direction = rng.choice([-1.0, 1.0], size=(len(atoms), 3))
        rest, near, far = subject.energies([_moved(atoms, direction, step) for step in (0.0, 1e-7, 2e-7)])
        missing += abs(far - 2 * near + rest)
        there += abs(far - rest)
    ratio = missing / there if there > 0 else 1.0
    detail = f"declares {declared}, {missing:.1e} eV of {there:.1e} eV missing"
    if declared == "float64":
        return judged(Number("what is missing", ratio, _RESOLVED, "1"), detail=detail)
    return judged(
        Number("what is there", there / missing if missing > 0 else np.inf, 1 / _RESOLVED, "1"), detail=detail
    )


@claim
def every_element_of_the_scope_is_computed(subject: ModelSubject) -> Measured:
    """Every element that the model says it covers has finite predictions, in a crystal or in a pair.

    Moved by a vector as a whole, the structure has the same energy.
    """
    elements = subject.model.scope.elements
    if elements is None:
        return not_applicable("the model covers every element")
    structures = {}
    for symbol in sorted(elements):
        atoms = element_crystal(symbol)
        structures[symbol] = atoms if covers(subject.model, atoms) else dimer(symbol, symbol, bond_ang(symbol, symbol))
    problems = []
    here = _through_the_core(subject.model, list(structures.values()))
    there = _through_the_core(subject.model, [_translated(atoms) for atoms in structures.values()])
    worst, at = 0.0, ""
    for symbol, one, other in zip(structures, here, there, strict=True):
        if isinstance(one, Exception):
            problems.append(f"{symbol}: {one}")
        elif isinstance(other, Exception):
            problems.append(f"{symbol}, moved by a vector: {other}")
        elif not (apart := abs(one.energy - other.energy) / len(structures[symbol])) <= worst:
            worst, at = apart, f", largest for {symbol}"
    return judged(
        Number("problems", float(len(problems)), 0.0, "1"),
        Number("energy after a translation", worst, subject.limits.energy, "eV/atom"),
        detail="; ".join(problems) or f"{len(elements)} elements{at}",
    )


@claim
def an_unsupported_element_is_refused(subject: ModelSubject) -> Measured:
    """A structure with an element that the model does not cover is refused, and its neighbours are computed.

    Refused as a run does it: before anything is computed.
    """
    elements = subject.model.scope.elements
    outside = next((symbol for symbol in _LIKELY_OUTSIDE if elements is not None and symbol not in elements), None)
    if outside is None:
        return not_applicable("the model covers every element")
    strange = subject.mix[0].copy()
    strange.symbols[0] = outside
    refused, neighbour = _through_the_core(subject.model, [strange, subject.mix[0]])
    problems = []
    if not isinstance(refused, UnsupportedStructureError) or outside not in str(refused):
        problems.append(f"{outside} gave {refused!r}, expected an UnsupportedStructureError that names it")
    if isinstance(neighbour, Exception):
        problems.append(f"the neighbour failed: {neighbour}")
    return without_problems(problems, f"{outside} is refused")


@claim
def charge_is_refused_or_matters(subject: ModelSubject) -> Measured:
    """A charged structure is refused, or has another energy where the scope says that charge is covered."""
    atoms = subject.structures.molecule if subject.structures.molecule is not None else subject.mix[0]
    charged = atoms.copy()
    charged.info["charge"] = 1
    neutral, outcome = _through_the_core(subject.model, [atoms, charged])
    if isinstance(neutral, Exception):
        raise neutral
    if not subject.model.scope.charged:
        refused = isinstance(outcome, UnsupportedStructureError)
        return without_problems([] if refused else [f"charge 1 gave {outcome!r}"], "charge 1 is refused")
    if isinstance(outcome, Exception):
        raise outcome
    changed = outcome.energy - neutral.energy
    return without_problems(["charge 1 changes nothing"] if changed == 0 else [], f"charge 1 changes {changed:.4f} eV")


@claim
def input_is_not_changed(subject: ModelSubject) -> Measured:
    """Structures are left as they are: positions, cell, periodicity, info, arrays, constraints and calculator."""
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.constraints import FixAtoms

    structures = []
    for atoms in subject.mix:
        dressed = atoms.copy()
        dressed.info["note"] = {"nested": [1, 2]}
        dressed.set_array("tag_of_test", np.arange(len(dressed)))
        dressed.set_constraint(FixAtoms([0]))
        dressed.calc = SinglePointCalculator(dressed, energy=1.25)
        structures.append(dressed)
    before = [_everything(atoms) for atoms in structures]
    predictions = subject.evaluate(structures)
    if "descriptors" in subject.model.properties:
        subject.model.descriptors(structures)
    problems = [
        f"{kind}: {name} changed"
        for kind, atoms, old in zip(subject.structures.by_kind(), structures, before, strict=True)
        for name, value in _everything(atoms).items()
        if not _same(value, old[name])
    ]
    apart = subject.differences(list(zip(predictions, subject.alone, strict=True)))
    problems += [f"constraints or info change the {number.what}" for number in apart if not number.holds]
    return without_problems(problems)


@claim
def predictions_are_the_callers_own(subject: ModelSubject) -> Measured:
    """Changing a prediction does not change the next one."""
    atoms = subject.mix[0]
    (first,) = subject.evaluate([atoms])
    kept = first.forces.copy()
    if first.forces.flags.writeable:
        first.forces[:] = 1e6
    (second,) = subject.evaluate([atoms])
    error = float(np.max(np.abs(second.forces - kept)))
    return judged(Number("forces", error, subject.limits.forces, "eV/Å"))


@claim
def the_ase_calculator_gives_the_same(subject: ModelSubject) -> Measured:
    """`model.calculator()` gives ASE the same energy, forces and stress, also after an atom has moved."""
    worst = [0.0, 0.0, 0.0]
    for atoms in subject.mix:
        shown = atoms.copy()
        shown.calc = subject.model.calculator()
        for move in (0.0, 0.05):
            shown.positions[0, 1] += move
            (expected,) = subject.evaluate([shown])
            worst[0] = largest(worst[0], abs(shown.get_potential_energy() - expected.energy) / len(atoms))
            worst[1] = largest(worst[1], float(np.max(np.abs(shown.get_forces() - expected.forces))))
            if expected.stress is not None:
                worst[2] = largest(worst[2], float(np.max(np.abs(shown.get_stress() - expected.stress))))
    limits = subject.limits
    numbers = [
        Number("energy", worst[0], limits.energy, "eV/atom"),
        Number("forces", worst[1], limits.forces, "eV/Å"),
        Number("stress", worst[2], limits.stress, "eV/Å³"),
    ]
    return judged(*numbers[: 3 if "stress" in subject.model.properties else 2])


CONTRACT_CLAIMS = (
    card_agrees_with_the_model,
    predictions_are_as_agreed,
    structures_of_the_scope_are_computed,
    dtype_is_as_declared,
    every_element_of_the_scope_is_computed,
    an_unsupported_element_is_refused,
    charge_is_refused_or_matters,
    input_is_not_changed,
    predictions_are_the_callers_own,
    the_ase_calculator_gives_the_same,
)


def _through_the_core(model: Model, structures: list[Atoms]) -> list[Prediction | Exception]:
    """What a run makes of each structure, each in a case of its own: a prediction or what failed the case."""

    def job(atoms: Atoms) -> Job[Prediction]:
        return Job(lambda shown: shown.evaluate([atoms])[0])

    hub = Hub(model, BatchLimits(), Counters())
    outcomes: dict[int, Any] = {
        outcome.index: outcome.error or outcome.output for outcome in hub.run(job(atoms) for atoms in structures)
    }
    return [outcomes[index] for index in range(len(structures))]


def _translated(atoms: Atoms) -> Atoms:
    translated: Atoms = atoms.copy()
    translated.positions += [0.371, -1.234, 2.718]
    return translated


def _moved(atoms: Atoms, direction: np.ndarray[tuple[int, int], np.dtype[np.float64]], step_ang: float) -> Atoms:
    moved: Atoms = atoms.copy()
    moved.positions += step_ang * direction
    return moved


def _everything(atoms: Atoms) -> dict[str, Any]:
    import copy

    return {
        "cell": atoms.cell.array.copy(),
        "pbc": atoms.pbc.copy(),
        "info": copy.deepcopy(atoms.info),
        "constraints": [constraint.todict() for constraint in atoms.constraints],
        "calc": atoms.calc,
        "results of calc": copy.deepcopy(atoms.calc.results),
        **{f"array {name!r}": values.copy() for name, values in atoms.arrays.items()},
    }


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if isinstance(one, dict | list):
        return repr(one) == repr(other)
    return one is other
