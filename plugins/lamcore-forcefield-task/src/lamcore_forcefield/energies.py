"""Energy errors of a run, after the shifts of the elements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamcore import ScoredCase
from lamcore.scoring import label_of
from lamcore_forcefield.energy_bias import (
    Composition,
    EnergyBias,
    Weights,
    determined,
    fit_energy_bias,
    halves,
    judged_by_other_half,
)


@dataclass(frozen=True)
class Energies:
    """Energies of a run's frames, by case id where they are of frames.

    Attributes:
        errors_ev: Prediction − reference, shifted. A frame whose shift is not determined for want of frames that failed
            has the dummy's.
        dummy_ev: The same for a model that knows the composition alone, shifted in the same way. Frames that are not
            here have no label, or a composition whose shift no other half determines.
        n_atoms: Of every frame.
        fits: Shifts that were fitted: of all frames, or of each half.
        note: How the shifts were made.
    """

    errors_ev: Mapping[str, float]
    dummy_ev: Mapping[str, float]
    n_atoms: Mapping[str, int]
    fits: Mapping[str, EnergyBias]
    note: str


@dataclass(frozen=True)
class _Frame:
    case_id: str
    group: str
    composition: Composition
    label_ev: float
    difference_ev: float | None


def shift_energies(scored: Sequence[ScoredCase], bias: str, weights: Weights) -> Energies:
    """Fit the shifts of the elements and take them off.

    Args:
        scored: All cases of the run.
        bias: `held-out` fits on one half of the frames and judges the other, both ways; `fit` fits on the frames that
            are judged; `none` shifts nothing, and gives the dummy the shifts of `fit`.
        weights: As for `fit_energy_bias`.
    """
    compositions = {one.case.id: composition_of(one) for one in scored}
    frames = _frames(scored, compositions)
    n_atoms = {case_id: sum(composition.values()) for case_id, composition in compositions.items()}
    if bias == "held-out":
        errors, dummy, fits, note = _held_out(frames, weights)
    else:
        errors, dummy, fits, note = _in_sample(frames, weights, shift=bias == "fit")
    return Energies(errors, dummy, n_atoms, fits, note)


def composition_of(one: ScoredCase) -> dict[str, int]:
    """Atoms of each element of a case."""
    from ase.formula import Formula

    if one.scores is None:
        return dict(Counter(one.case.structures[0].get_chemical_symbols()))
    return dict(Formula(one.scores["formula"]).count())


def _frames(scored: Sequence[ScoredCase], compositions: Mapping[str, Composition]) -> list[_Frame]:
    """Labelled frames, trajectory by trajectory, in an order that does not depend on that of the cases."""

    def place(one: ScoredCase) -> tuple[str, int, str]:
        return str(one.case.settings.get("group", "")), int(one.case.settings.get("frame", 0)), one.case.id

    frames = []
    for one in sorted(scored, key=place):
        if (label := label_of(one.case, "energy")) is not None:
            group = one.case.settings.get("group")
            frames.append(
                _Frame(
                    case_id=one.case.id,
                    group=f"frame {one.case.id}" if group is None else f"group {group}",
                    composition=compositions[one.case.id],
                    label_ev=label,
                    difference_ev=None if one.scores is None else one.scores["energy_error_ev"],
                )
            )
    return frames


def _in_sample(frames: Sequence[_Frame], weights: Weights, *, shift: bool) -> tuple[Any, Any, Any, str]:
    of_labels = fit_energy_bias([f.composition for f in frames], [f.label_ev for f in frames], weights)
    dummy = {f.case_id: of_labels.energy_ev(f.composition) - f.label_ev for f in frames}
    done = [f for f in frames if f.difference_ev is not None]
    fitted = fit_energy_bias([f.composition for f in done], [f.difference_ev or 0.0 for f in done], weights)
    errors = {f.case_id: (f.difference_ev or 0.0) - (fitted.energy_ev(f.composition) if shift else 0.0) for f in done}
    if not shift:
        return errors, dummy, {"all frames": fitted}, "no element shifts"
    note = f"element shifts from the same frames ({_described(fitted)})"
    return errors, dummy, {"all frames": fitted}, note


def _held_out(frames: Sequence[_Frame], weights: Weights) -> tuple[Any, Any, Any, str]:
    compositions = [f.composition for f in frames]
    half = halves(compositions, [f.group for f in frames]) if frames else np.zeros(0, dtype=np.int64)
    judged = judged_by_other_half(compositions, half)
    errors: dict[str, float] = {}
    dummy: dict[str, float] = {}
    fits: dict[str, EnergyBias] = {}
    n_imputed = 0
    for side, name in enumerate(("first half", "second half")):
        fitting = [f for f, where in zip(frames, half, strict=True) if where == side]
        asked = [f for f, where, ok in zip(frames, half, judged, strict=True) if where != side and ok]
        of_labels = fit_energy_bias([f.composition for f in fitting], [f.label_ev for f in fitting], weights)
        dummy |= {f.case_id: of_labels.energy_ev(f.composition) - f.label_ev for f in asked}
        done = [f for f in fitting if f.difference_ev is not None]
        fitted = fit_energy_bias([f.composition for f in done], [f.difference_ev or 0.0 for f in done], weights)
        fits[name] = fitted
        calculated = [f for f in asked if f.difference_ev is not None]
        still = determined([f.composition for f in done], [f.composition for f in calculated])
        for f, known in zip(calculated, still, strict=True):
            errors[f.case_id] = (
                (f.difference_ev or 0.0) - fitted.energy_ev(f.composition) if known else dummy[f.case_id]
            )
            n_imputed += not known
    whole = len({(f.group, int(side)) for f, side in zip(frames, half, strict=True)}) == len({f.group for f in frames})
    parts = "groups" if whole and any(f.group.startswith("group") for f in frames) else "frames"
    note = f"element shifts from the other half of the {parts} ({'; '.join(_described(fit) for fit in fits.values())})"
    if n_unjudged := int(np.sum(~judged)):
        note += f"; {n_unjudged} frames do not count: no other half determines their shift, see task.bias"
    if n_imputed:
        note += f"; {n_imputed} frames count at the dummy's error: those that determine their shift failed"
    return errors, dummy, fits, note


def _described(fit: EnergyBias) -> str:
    return f"{fit.n_frames} frames, rank {fit.rank}/{len(fit.shifts_ev)}, condition {fit.condition:.3g}"
