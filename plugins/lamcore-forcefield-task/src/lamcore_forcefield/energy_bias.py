"""What one element costs in one method and not in another: shifts by least squares, fitted and scored apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Weights = Literal["frame", "atom"]
Composition = Mapping[str, int]

RCOND = 1e-10
"""Singular values below this share of the largest count as zero."""
_OUTSIDE = 1e-6


@dataclass(frozen=True)
class EnergyBias:
    """Energy shifts of the elements.

    Attributes:
        shifts_ev: eV per atom, by element; the minimum-norm solution where the frames do not determine them.
        rank: How many combinations of shifts the frames determine, at most the number of elements.
        n_frames: Frames of the fit.
        condition: Largest over smallest singular value that is not zero.
    """

    shifts_ev: Mapping[str, float]
    rank: int
    n_frames: int
    condition: float

    def energy_ev(self, composition: Composition) -> float:
        """What the shifts add up to, eV."""
        return sum(count * self.shifts_ev.get(symbol, 0.0) for symbol, count in composition.items())


def composition_matrix(compositions: Sequence[Composition]) -> tuple[list[str], NDArray[np.float64]]:
    """Elements in alphabetical order, and how many atoms of each there are, shape (n_frames, n_elements)."""
    symbols = sorted({symbol for composition in compositions for symbol in composition})
    column = {symbol: index for index, symbol in enumerate(symbols)}
    matrix = np.zeros((len(compositions), len(symbols)))
    for row, composition in zip(matrix, compositions, strict=True):
        for symbol, count in composition.items():
            row[column[symbol]] = count
    return symbols, matrix


def fit_energy_bias(
    compositions: Sequence[Composition], differences_ev: Sequence[float], weights: Weights = "atom"
) -> EnergyBias:
    """Shifts b of the elements such that Σ_Z n_Z b_Z is as close as can be to the differences.

    Args:
        compositions: Atoms of each element, one for each frame.
        differences_ev: Energies to be described, such as prediction − reference, eV, same order.
        weights: `frame` minimises the residuals of total energies, `atom` those of energies per atom.

    Returns:
        The solution of smallest norm, by singular value decomposition with `RCOND`.
    """
    symbols, matrix = composition_matrix(compositions)
    if not len(matrix):
        return EnergyBias({}, 0, 0, 1.0)
    scale = _scale(matrix, weights)
    solution, _, rank, singular = np.linalg.lstsq(
        matrix * scale[:, None], np.asarray(differences_ev, dtype=np.float64) * scale, rcond=RCOND
    )
    return EnergyBias(
        shifts_ev=dict(zip(symbols, solution.tolist(), strict=True)),
        rank=int(rank),
        n_frames=len(matrix),
        condition=float(singular[0] / singular[rank - 1]),
    )


def determined(fitted: Sequence[Composition], judged: Sequence[Composition]) -> NDArray[np.bool_]:
    """Whether the shifts fitted on some frames say what the shift of each other frame is.

    They do where its composition is a linear combination of theirs; a new element, or a new ratio of elements that
    have always gone together, is not.

    Returns:
        One truth value for each composition of `judged`.
    """
    _, matrix = composition_matrix([*fitted, *judged])
    known, asked = matrix[: len(fitted)], matrix[len(fitted) :]
    if not len(known) or not len(asked):
        return np.zeros(len(asked), dtype=bool)
    _, singular, vectors = np.linalg.svd(np.unique(known, axis=0), full_matrices=False)
    basis = vectors[singular > RCOND * singular[0]]
    outside = np.linalg.norm(asked - asked @ basis.T @ basis, axis=1)
    return np.asarray(outside <= _OUTSIDE * np.linalg.norm(asked, axis=1), dtype=bool)


def halves(compositions: Sequence[Composition], groups: Sequence[str]) -> NDArray[np.int64]:
    """Deal frames into two halves, one to fit and one to judge.

    Groups stay whole where each half then determines the shifts of the other. They are dealt from the rarest element
    on, so that an element of two groups is in both halves. Where groups cannot stay whole, or there is only one, each
    is cut in two in the order of its frames, since neighbours in a trajectory are alike.

    Args:
        compositions: Atoms of each element, one for each frame.
        groups: What each frame belongs to; frames that are independent have a group each.

    Returns:
        0 or 1 for each frame.
    """
    whole = _whole_groups(compositions, groups)
    if len(set(groups)) > 1 and judged_by_other_half(compositions, whole).all():
        return whole
    cut = _cut_groups(groups)
    if len(set(groups)) > 1:
        n_whole, n_cut = (judged_by_other_half(compositions, half).sum() for half in (whole, cut))
        return whole if n_whole >= n_cut else cut
    return cut


def judged_by_other_half(compositions: Sequence[Composition], half: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each frame's shift is determined by the frames of the other half."""
    verdict = np.zeros(len(half), dtype=bool)
    for judged in (0, 1):
        fitted = [composition for composition, side in zip(compositions, half, strict=True) if side != judged]
        asked = [composition for composition, side in zip(compositions, half, strict=True) if side == judged]
        verdict[half == judged] = determined(fitted, asked)
    return verdict


def _whole_groups(compositions: Sequence[Composition], groups: Sequence[str]) -> NDArray[np.int64]:
    elements: dict[str, set[str]] = {}
    kinds: dict[str, set[tuple[tuple[str, int], ...]]] = {}
    for composition, group in zip(compositions, groups, strict=True):
        elements.setdefault(group, set()).update(composition)
        kinds.setdefault(group, set()).add(tuple(sorted(composition.items())))
    n_groups = Counter(symbol for symbols in elements.values() for symbol in symbols)
    rarest = {group: min(symbols, key=lambda symbol: (n_groups[symbol], symbol)) for group, symbols in elements.items()}
    kind = {group: tuple(sorted(found)) for group, found in kinds.items()}
    n_frames = Counter(groups)
    dealt: dict[str, int] = {}
    # How many groups of the same compositions, groups with the rarest element, and frames a half has already.
    same: tuple[Counter[object], ...] = (Counter(), Counter())
    with_element: tuple[Counter[str], ...] = (Counter(), Counter())
    size = [0, 0]
    for group in sorted(elements, key=lambda group: (n_groups[rarest[group]], rarest[group], kind[group])):
        half = min(
            (0, 1),
            key=lambda side: (same[side][kind[group]], with_element[side][rarest[group]], size[side], side),
        )
        dealt[group] = half
        same[half][kind[group]] += 1
        with_element[half].update(elements[group])
        size[half] += n_frames[group]
    return np.array([dealt[group] for group in groups], dtype=np.int64)


def _cut_groups(groups: Sequence[str]) -> NDArray[np.int64]:
    """The first half of each group's frames, and the rest; groups of an odd number take turns with the larger part."""
    total, seen = Counter(groups), Counter[str]()
    larger_first = {group: index % 2 == 0 for index, group in enumerate(dict.fromkeys(groups))}
    half = np.zeros(len(groups), dtype=np.int64)
    for index, group in enumerate(groups):
        n_first = (total[group] + larger_first[group]) // 2
        half[index] = int(seen[group] >= n_first)
        seen[group] += 1
    return half


def _scale(matrix: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    return np.ones(len(matrix)) if weights == "frame" else 1 / matrix.sum(axis=1)
