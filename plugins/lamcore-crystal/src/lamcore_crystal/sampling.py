"""The gate: a part of a submission, drawn by chance, decides whether the rest is evaluated."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cache
from statistics import NormalDist
from typing import Any, Literal, TypeVar

from lamcore_crystal.rounds import SamplingRules

Id = TypeVar("Id", bound=Hashable)


@dataclass(frozen=True)
class GateResult:
    """What the sample says so far.

    Attributes:
        decision: `undecided` while more of the sample has to be looked at.
        n_planned: Structures in the sample.
        n_drawn: Those that have an outcome, failures to read or to relax among them.
        n_passed: Those that passed.
        share: n_passed / n_drawn; 0 where there is none.
        low: Lower end of the Wilson interval of the share.
        high: Upper end of it.
        confidence: Of the interval.
        threshold: Share that has to pass.
    """

    decision: Literal["pass", "fail", "undecided"]
    n_planned: int
    n_drawn: int
    n_passed: int
    share: float
    low: float
    high: float
    confidence: float
    threshold: float

    def as_json(self) -> dict[str, Any]:
        """As kept in the database."""
        return asdict(self)


def draw(ids: Sequence[Id], strata: Sequence[str | None], secret: str, submission_sha256: str, size: int) -> list[Id]:
    """The sample, in the order in which it is looked at.

    The same arguments give the same sample, and nobody without the secret can tell which. Each member of a stratum is
    drawn with the same probability, and any beginning of the sample holds of each stratum about its share: the j-th of
    the n members of a stratum, in the order of a keyed hash, has rank (j + u)/n with one u in [0, 1) for the stratum,
    and the smallest ranks are taken.

    Args:
        ids: Of everything submitted, unreadable files among them, in any order; distinct also as text.
        strata: Formula of each, or None where it has none.
        secret: Of the round; published when it is closed.
        submission_sha256: Of what was submitted.
        size: Most to draw; all are drawn where there are fewer.

    Raises:
        ValueError: An empty secret, a size below one, as many strata as ids are not given, or an id is there twice.
    """
    if not secret:
        raise ValueError("the sample cannot be drawn with an empty secret: anybody could tell it beforehand")
    if size < 1:
        raise ValueError(f"the size of the sample is {size}, expected at least 1")
    if len(ids) != len(strata):
        raise ValueError(f"{len(ids)} ids but {len(strata)} strata; expected one stratum for each id")
    if len({str(one) for one in ids}) != len(ids):
        raise ValueError("an id is given twice; expected distinct ids")

    def chance(kind: str, name: str) -> float:
        message = f"{submission_sha256}\0{kind}\0{name}".encode()
        number = hmac.digest(secret.encode(), message, hashlib.sha256)[:7]
        return (int.from_bytes(number, "big") >> 3) / 2**53

    members: dict[str, list[tuple[float, str, Id]]] = {}
    for one, stratum in zip(ids, strata, strict=True):
        name = "none" if stratum is None else f"formula {stratum}"
        members.setdefault(name, []).append((chance("member", str(one)), str(one), one))
    ranked = []
    for name, held in members.items():
        shift = chance("stratum", name)
        for place, (luck, text, one) in enumerate(sorted(held, key=lambda member: member[:2])):
            ranked.append(((place + shift) / len(held), luck, text, one))
    ranked.sort(key=lambda member: member[:3])
    return [one for *_, one in ranked[:size]]


def wilson(passed: int, n: int, confidence: float) -> tuple[float, float]:
    """The Wilson score interval of a share, without correction for continuity; (0, 1) where n is 0.

    Raises:
        ValueError: More passed than there are, or the confidence is not between 0 and 1.

    Source:
        E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927), doi:10.1080/01621459.1927.10502953.
    """
    if not 0 <= passed <= n:
        raise ValueError(f"{passed} of {n} passed; expected between 0 and {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"the confidence is {confidence}, expected between 0 and 1")
    if n == 0:
        return 0.0, 1.0
    z2 = _z(confidence) ** 2
    share = passed / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2) / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # Where all or none passed an end is 1 or 0, whatever rounding makes of it.
    return (0.0 if passed == 0 else middle - half), (1.0 if passed == n else middle + half)


def needed(n: int, threshold: float) -> int:
    """How many of n must pass: the smallest count whose share is at least the threshold, taken as it is written."""
    return math.ceil(Fraction(repr(threshold)) * n)


def gate(outcomes_so_far: Sequence[bool], n_planned: int, rules: SamplingRules) -> GateResult:
    """Whether the sample passes, fails, or is still undecided.

    It is decided when the rest of the sample cannot change whether the threshold is reached, or, before, when a Wilson
    interval leaves the threshold. As that is looked at after each structure, the interval that stops is wider than the
    one that is published: its error, one minus its confidence, is divided by the number of looks (Bonferroni), so that
    all looks together err as rarely as one.

    Args:
        outcomes_so_far: Whether each passed, in the order drawn; what could not be read did not pass.
        n_planned: Structures in the sample. None at all never pass.
        rules: Threshold and confidence.

    Raises:
        ValueError: There are more outcomes than were planned.
    """
    n_drawn, n_passed = len(outcomes_so_far), sum(outcomes_so_far)
    if n_drawn > n_planned:
        raise ValueError(f"{n_drawn} outcomes of a sample of {n_planned}")
    low, high = wilson(n_passed, n_drawn, rules.confidence)
    return GateResult(
        _decision(n_passed, n_drawn, n_planned, rules),
        n_planned,
        n_drawn,
        n_passed,
        n_passed / n_drawn if n_drawn else 0.0,
        low,
        high,
        rules.confidence,
        rules.threshold,
    )


def pass_probability(n: int, true_share: float, threshold: float) -> float:
    """Probability that a sample of n passes when this share of all would: that of a binomial tail."""
    from scipy.stats import binom

    return float(binom.sf(needed(n, threshold) - 1, n, true_share))


def _decision(
    n_passed: int, n_drawn: int, n_planned: int, rules: SamplingRules
) -> Literal["pass", "fail", "undecided"]:
    if n_planned == 0:
        return "fail"
    enough = needed(n_planned, rules.threshold)
    if n_passed + n_planned - n_drawn < enough:
        return "fail"
    # A share that is sure to be reached still needs one that was looked at: a threshold of 0 passes after the first.
    if n_passed >= enough and n_drawn:
        return "pass"
    low, high = wilson(n_passed, n_drawn, 1 - (1 - rules.confidence) / n_planned)
    if low > rules.threshold:
        return "pass"
    return "fail" if high < rules.threshold else "undecided"


@cache
def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)
