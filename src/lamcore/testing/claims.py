"""What a claim is, and what becomes of one when it is measured."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Subject = TypeVar("Subject")
Verdict = Literal["pass", "fail", "not applicable"]


@dataclass(frozen=True)
class Number:
    """A measured number and the limit that it must not exceed.

    Attributes:
        what: Such as `energy`.
        value: In `unit`.
        limit: In `unit`.
        unit: Such as `eV/atom`; `1` for a pure number or a count.
    """

    what: str
    value: float
    limit: float
    unit: str

    @property
    def holds(self) -> bool:
        """Whether the value is a number within the limit."""
        return math.isfinite(self.value) and self.value <= self.limit


@dataclass(frozen=True)
class Measured:
    """What measuring a claim gave.

    Attributes:
        verdict: `not applicable` where the claim has no meaning for this subject; numbers are then for information.
        numbers: None or several.
        detail: What was found, in words.
    """

    verdict: Verdict
    numbers: tuple[Number, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Claim(Generic[Subject]):
    """A claim about a model, a task or a dataset.

    Attributes:
        name: A name for tests and certificates.
        statement: A sentence.
        measure: Finds out.
    """

    name: str
    statement: str
    measure: Callable[[Subject], Measured]


@dataclass(frozen=True)
class Finding:
    """What became of a claim.

    Attributes:
        known: Why the author knows that it fails; None where it was not declared, or where measuring it raised, which
            no reason excuses.
        traceback: Of the exception that measuring it raised, if it did.
        seconds: How long measuring took.
    """

    claim: str
    statement: str
    verdict: Verdict
    numbers: tuple[Number, ...]
    detail: str
    known: str | None
    traceback: str
    seconds: float


def claim(function: Callable[[Subject], Measured]) -> Claim[Subject]:
    """Make a claim of a function: its name, and the first line of its docstring as the statement.

    The rest of the docstring says how it is measured and why the limits are what they are.
    """
    assert function.__doc__
    return Claim(function.__name__, function.__doc__.splitlines()[0], function)


def judged(*numbers: Number, detail: str = "") -> Measured:
    """Pass where every number is within its limit; without numbers there was nothing to apply the claim to."""
    if not numbers:
        return not_applicable(detail or "nothing to measure")
    return Measured("pass" if all(number.holds for number in numbers) else "fail", numbers, detail)


def not_applicable(why: str, *numbers: Number) -> Measured:
    """The claim has no meaning here; `numbers` are reported without being judged, unless one is not finite."""
    finite = all(math.isfinite(number.value) for number in numbers)
    return Measured("not applicable" if finite else "fail", numbers, why)


def largest(*values: float) -> float:
    """The largest of several values, at least zero, and NaN where one of them is: Python's `max` would lose it."""
    return math.nan if any(math.isnan(value) for value in values) else max(0.0, *values)


def without_problems(problems: Sequence[str], detail: str = "") -> Measured:
    """Pass where no problem was found; the detail names those that were."""
    number = Number("problems", float(len(problems)), 0.0, "1")
    return judged(number, detail="; ".join(problems) or detail)


def measure_claims(
    claims: Iterable[Claim[Subject]], subject: Subject, known_failures: Mapping[str, str]
) -> Iterator[Finding]:
    """Measure claims one after the other.

    An exception fails the claim that raised it; it is kept with its traceback.

    Args:
        claims: What to measure.
        subject: The model, task or dataset.
        known_failures: Why a claim is known to fail, by the claim's name.
    """
    for one in claims:
        yield measure_claim(one, subject, known_failures)


def measure_claim(one: Claim[Subject], subject: Subject, known_failures: Mapping[str, str]) -> Finding:
    """Measure one claim; arguments as for `measure_claims`."""
    started = time.perf_counter()
    trace = ""
    try:
        measured = one.measure(subject)
    except Exception as error:  # a plugin may raise anything: that is the finding
        measured = Measured("fail", detail=f"raised {type(error).__name__}: {error}")
        trace = traceback.format_exc()
    return Finding(
        claim=one.name,
        statement=one.statement,
        verdict=measured.verdict,
        numbers=measured.numbers,
        detail=measured.detail,
        known=None if trace else known_failures.get(one.name),
        traceback=trace,
        seconds=time.perf_counter() - started,
    )
