"""Two torsion profiles compared: errors, barriers, wells, ranking. Arrays in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from lamcore.quantities import KJ_MOL_PER_EV
from lamcore_torsion.wells import SAME_WELL_DEG, Wells, find_wells, interpolated, is_full_turn, matched, wrapped_deg

KCAL_MOL_PER_EV: Final = KJ_MOL_PER_EV / 4.184
"""1 eV in kcal/mol (23.06055), with the thermochemical calorie of exactly 4.184 J."""
KCAL_MOL_PER_HARTREE: Final = 27.211386245981 * KCAL_MOL_PER_EV
"""1 Hartree in kcal/mol (627.5095); CODATA 2022, doi:10.1103/RevModPhys.97.025002."""
LAMBENCH_KCAL_MOL_PER_EV: Final = 23.0609
"""What LAMBench multiplies with."""
BARRIER_OFF_KCAL_PER_MOL: Final = 1.0
"""A barrier with a larger error counts as off."""
SAME_ENERGY_KCAL_PER_MOL: Final = 0.1
"""Wells of the reference closer in energy than this, such as mirror images, are not ranked."""


@dataclass(frozen=True)
class WellErrors:
    """How the wells of a predicted profile compare with those of the reference.

    Attributes:
        n_wells: Wells of the reference.
        n_missed: Those of them that the prediction has no partner for.
        n_spurious: Wells of the prediction without a partner.
        position_error_sum_deg: Sum over the reference's wells of the distance to the partner; a missed well counts
            `SAME_WELL_DEG`, the farthest that a partner can be.
        energy_error_sum_kcal_per_mol: Sum over the reference's wells of |prediction − reference|, profiles aligned at
            their means; for a missed well the prediction is taken where the reference has its well.
        n_pairs: Pairs of the reference's wells that differ in energy.
        n_pairs_in_order: Pairs among them that the prediction has in the same order.
        lowest_found: Whether the deepest well of the prediction is the partner of a deepest well of the reference.
    """

    n_wells: int
    n_missed: int
    n_spurious: int
    position_error_sum_deg: float
    energy_error_sum_kcal_per_mol: float
    n_pairs: int
    n_pairs_in_order: int
    lowest_found: bool


def relative_to_mean(energies: ArrayLike) -> NDArray[np.float64]:
    """A profile about its mean.

    The difference of two profiles about their means is the least, in the sense of squares, that an offset can make it.
    """
    values = np.asarray(energies, dtype=np.float64)
    relative: NDArray[np.float64] = values - values.mean()
    return relative


def relative_to_minimum(energies: ArrayLike) -> NDArray[np.float64]:
    """A profile above its own lowest point, as LAMBench takes it.

    An error at one of the two lowest points then is part of the error of every point.
    """
    values = np.asarray(energies, dtype=np.float64)
    relative: NDArray[np.float64] = values - values.min()
    return relative


def barrier(energies: ArrayLike) -> float:
    """The highest point of a profile above its lowest, over the points that were computed."""
    return float(np.ptp(np.asarray(energies, dtype=np.float64)))


def rank_correlation(predicted: ArrayLike, reference: ArrayLike) -> float | None:
    """Spearman's rank correlation of two profiles.

    Returns:
        Zero for a flat prediction, which ranks nothing; None for a flat reference, which has nothing to rank.

    Source:
        C. Spearman, Am. J. Psychol. 15, 72 (1904), doi:10.2307/1412159; ties share their mean rank.
    """
    ranks, expected = (relative_to_mean(rankdata(values)) for values in (predicted, reference))
    if not expected.any():
        return None
    if not ranks.any():
        return 0.0
    return float(ranks @ expected / np.sqrt((ranks @ ranks) * (expected @ expected)))


def rmse_by_conformer_index(errors: ArrayLike) -> float:
    """The mean of the root mean square errors of the first conformers, of the second ones, and so on.

    This is what LAMBench calls RMSE. It is never above the root mean square over all conformers.

    Args:
        errors: Errors, shape (n_fragments, n_conformers).
    """
    return float(np.sqrt(np.mean(np.square(np.asarray(errors, dtype=np.float64)), axis=0)).mean())


def well_errors(angles_deg: ArrayLike, predicted: ArrayLike, reference: ArrayLike) -> WellErrors | None:
    """Compare the wells of two profiles.

    Args:
        angles_deg: Dihedral angles, degrees, ascending, within one turn, all different, shape (n,).
        predicted: Energies, kcal/mol, shape (n,).
        reference: Energies, kcal/mol, shape (n,).

    Returns:
        None where the angles do not go all the way round or the reference has no well.
    """
    if not is_full_turn(angles_deg):
        return None
    prediction, label = relative_to_mean(predicted), relative_to_mean(reference)
    wells, found = find_wells(angles_deg, label), find_wells(angles_deg, prediction)
    if not len(wells.angles_deg):
        return None
    partners = dict(matched(wells, found))
    energies = _bottoms(angles_deg, prediction, wells, found, partners)
    apart = [
        abs(float(wrapped_deg(found.angles_deg[partners[i]] - wells.angles_deg[i]))) if i in partners else SAME_WELL_DEG
        for i in range(len(wells.angles_deg))
    ]
    n_pairs, n_in_order = _pairs_in_order(energies, wells.energies)
    return WellErrors(
        n_wells=len(wells.angles_deg),
        n_missed=len(wells.angles_deg) - len(partners),
        n_spurious=len(found.angles_deg) - len(partners),
        position_error_sum_deg=float(np.sum(apart)),
        energy_error_sum_kcal_per_mol=float(np.abs(energies - wells.energies).sum()),
        n_pairs=n_pairs,
        n_pairs_in_order=n_in_order,
        lowest_found=_lowest_found(wells, found, partners),
    )


def _bottoms(
    angles_deg: ArrayLike, prediction: NDArray[np.float64], wells: Wells, found: Wells, partners: dict[int, int]
) -> NDArray[np.float64]:
    """The predicted energy of each well of the reference."""
    spline = interpolated(angles_deg, prediction)
    first = float(spline.x[0])
    energies: NDArray[np.float64] = np.array(
        [
            found.energies[partners[i]] if i in partners else spline(first + (angle - first) % 360.0)
            for i, angle in enumerate(wells.angles_deg)
        ],
        dtype=np.float64,
    )
    return energies


def _pairs_in_order(energies: NDArray[np.float64], reference: NDArray[np.float64]) -> tuple[int, int]:
    """How many pairs of wells differ in the reference, and how many of these the prediction has in the same order."""
    upper = np.triu_indices(len(reference), k=1)
    expected, got = (np.subtract.outer(values, values)[upper] for values in (reference, energies))
    differ = np.abs(expected) > SAME_ENERGY_KCAL_PER_MOL
    return int(differ.sum()), int((expected * got > 0)[differ].sum())


def _lowest_found(wells: Wells, found: Wells, partners: dict[int, int]) -> bool:
    if not len(found.angles_deg):
        return False
    deepest = int(np.argmin(found.energies))
    lowest = np.flatnonzero(wells.energies - wells.energies.min() <= SAME_ENERGY_KCAL_PER_MOL)
    return any(partners.get(int(i)) == deepest for i in lowest)
