"""How many of what was submitted are stable, unique and novel.

Denominators are everything that was submitted, unreadable files among them.

Source: S.U.N. with 0.1 eV/atom is of C. Zeni et al., Nature 639, 624 (2025), doi:10.1038/s41586-025-08628-5, who let
unique mean no repetition among what was generated and novel absence from a reference set. LeMat-GenBench
(https://github.com/LeMaterial/lemat-genbench) puts the limit of S.U.N. at 0 and counts as MetaSUN what lies above 0 and
not above 0.1 eV/atom, so that its two counts never share a structure. Both are given here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

STABLE = 0.0
METASTABLE = 0.1


@dataclass(frozen=True)
class Outcome:
    """What became of one submitted structure.

    Attributes:
        is_valid: It was read, checked, relaxed and scored.
        is_unique: It is the first of its kind in its submission.
        is_novel: It is in no reference set.
        energy_above_hull: Signed, eV/atom; None where it has none.
    """

    is_valid: bool
    is_unique: bool
    is_novel: bool
    energy_above_hull: float | None


@dataclass(frozen=True)
class NoveltyCounts:
    """Of a submission or a source.

    Attributes:
        n_submitted: Everything, what could not be read among it.
        n_valid: Read, checked, relaxed and scored.
        n_unique: Valid, and the first of their kind.
        n_novel: Valid, and in no reference set.
        n_stable: Valid, energy above hull at most 0.
        n_metastable: Valid, energy above hull above 0 and at most 0.1 eV/atom.
        n_sun: Stable, unique and novel, stable at 0 eV/atom (LeMat-GenBench).
        n_metasun: Metastable, unique and novel; none of these is in n_sun (LeMat-GenBench).
        n_sun_within_100_mev: Unique, novel and at most 0.1 eV/atom above the hull (MatterGen): the sum of both.
    """

    n_submitted: int
    n_valid: int
    n_unique: int
    n_novel: int
    n_stable: int
    n_metastable: int
    n_sun: int
    n_metasun: int
    n_sun_within_100_mev: int

    def shares(self) -> dict[str, float]:
        """Each count over everything that was submitted; empty where nothing was."""
        if self.n_submitted == 0:
            return {}
        counts: dict[str, int] = asdict(self)
        return {
            name.removeprefix("n_") + "_share": n / self.n_submitted
            for name, n in counts.items()
            if name != "n_submitted"
        }


def count_novelty(outcomes: Iterable[Outcome]) -> NoveltyCounts:
    """The counts of what was submitted.

    Raises:
        ValueError: Something valid has an energy above hull that is no finite number.
    """
    counts = dict.fromkeys(("submitted", "valid", "unique", "novel", "stable", "metastable", "sun", "metasun"), 0)
    for one in outcomes:
        counts["submitted"] += 1
        if not one.is_valid:
            continue
        height = one.energy_above_hull
        if height is not None and not abs(height) < float("inf"):
            raise ValueError(
                f"the energy above hull of a valid structure is {height}, expected a finite number or None"
            )
        stable = height is not None and height <= STABLE
        metastable = height is not None and STABLE < height <= METASTABLE
        both = one.is_unique and one.is_novel
        counts["valid"] += 1
        counts["unique"] += one.is_unique
        counts["novel"] += one.is_novel
        counts["stable"] += stable
        counts["metastable"] += metastable
        counts["sun"] += both and stable
        counts["metasun"] += both and metastable
    return NoveltyCounts(
        **{f"n_{name}": n for name, n in counts.items()}, n_sun_within_100_mev=counts["sun"] + counts["metasun"]
    )
