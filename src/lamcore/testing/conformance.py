"""The claims of the kit as pytest classes to inherit: one test for each claim, one fixture to supply.

    from lamcore.testing import ModelConformance, choose

    class TestMorse(ModelConformance):
        @pytest.fixture
        def choice(self):
            return choose("model", "morse", r0_ang=2.9)

A claim that is known not to hold is declared with its reason, in the card (`known_failures:`) or, where it depends on
options, in the class. It is then an expected failure, and an error once it holds, or where measuring it raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pytest

from lamcore.testing.check import dataset_subject, known_failures, model_subject
from lamcore.testing.claim_lists import claim_names, claims_about
from lamcore.testing.claims import Claim, Finding, measure_claim
from lamcore.testing.table import number_text

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.config import Choice, Group
    from lamcore.testing.dataset_claims import DatasetSubject
    from lamcore.testing.model_subject import ModelSubject
    from lamcore.testing.task_subject import TaskSubject


_SUBJECT = pytest.StashKey[Any]()
Subject = TypeVar("Subject")


def _once_a_class(request: pytest.FixtureRequest, build: Callable[[], Subject]) -> Subject:
    """What `build` returns, called for the first test of a class and kept for the others."""
    stash = request.node.getparent(pytest.Class).stash
    if _SUBJECT not in stash:
        stash[_SUBJECT] = build()
    subject: Subject = stash[_SUBJECT]
    return subject


def _by_name(group: Group) -> pytest.MarkDecorator:
    claims = claims_about(group)
    return pytest.mark.parametrize("claim", claims, ids=[claim.name for claim in claims])


class _Conformance:
    """What the three classes share.

    Attributes:
        known_failures: Why claims are known to fail, by name, beside those of the card.
    """

    known_failures: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def choice(self) -> Choice:
        """What to check: supply this one.

        Raises:
            NotImplementedError: The class that inherits does not.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `choice`: return lamcore.testing.choose(...)")

    def _judge(self, claim: Claim[Any], subject: Any) -> None:
        unknown = sorted(self.known_failures.keys() - claim_names(subject.choice.group))
        if unknown:
            pytest.fail(f"{type(self).__name__}.known_failures: no claim {', '.join(unknown)}", pytrace=False)
        known = {**known_failures(subject.choice, subject.card), **self.known_failures}
        finding = measure_claim(claim, subject, known)
        if finding.verdict == "not applicable":
            pytest.skip(f"not applicable: {finding.detail}")
        if finding.verdict == "fail" and finding.known is not None:
            pytest.xfail(f"{finding.known} ({_said(finding)})")
        if finding.verdict == "fail":
            pytest.fail(f"{finding.statement}\n{_said(finding)}\n{finding.traceback}".rstrip(), pytrace=False)
        if finding.known is not None:
            pytest.fail(f"holds, but is declared as a known failure: {finding.known}; remove that", pytrace=False)


class ModelConformance(_Conformance):
    """Every claim about a model; supply the fixture `choice`."""

    @pytest.fixture
    def subject(self, choice: Choice, request: pytest.FixtureRequest) -> ModelSubject:
        """The model, built once for the class."""
        return _once_a_class(request, lambda: model_subject(choice))

    @_by_name("model")
    def test_claim(self, claim: Claim[ModelSubject], subject: ModelSubject) -> None:
        """One claim."""
        self._judge(claim, subject)


class TaskConformance(_Conformance):
    """Every claim about a task; supply the fixture `choice`, and others where the defaults do not suit.

    Attributes:
        n_cases: How many cases of the task's own dataset to take.
    """

    n_cases: ClassVar[int] = 2

    @pytest.fixture
    def cases(self) -> Sequence[Case] | None:
        """Cases to take; the first of the task's own dataset where this is None."""
        return None

    @pytest.fixture
    def model(self) -> Any:
        """The `lamcore.Model` to calculate with; a pair potential for all elements where this is not replaced."""
        from lamcore.testing.pair_model import PairModel

        return PairModel()

    @pytest.fixture
    def subject(
        self, choice: Choice, model: Any, cases: Sequence[Case] | None, request: pytest.FixtureRequest
    ) -> TaskSubject:
        """The task with its cases and model, built once for the class."""
        from lamcore.testing.task_subject import TaskSubject

        return _once_a_class(request, lambda: TaskSubject(choice, model, self.n_cases, cases))

    @_by_name("task")
    def test_claim(self, claim: Claim[TaskSubject], subject: TaskSubject) -> None:
        """One claim."""
        self._judge(claim, subject)


class DatasetConformance(_Conformance):
    """Every claim about a dataset; supply the fixture `choice`."""

    @pytest.fixture
    def subject(self, choice: Choice, request: pytest.FixtureRequest) -> DatasetSubject:
        """The dataset, built once for the class."""
        return _once_a_class(request, lambda: dataset_subject(choice))

    @_by_name("dataset")
    def test_claim(self, claim: Claim[DatasetSubject], subject: DatasetSubject) -> None:
        """One claim."""
        self._judge(claim, subject)


def _said(finding: Finding) -> str:
    numbers = [f"{number.what}: {number_text(number)}" for number in finding.numbers]
    return "; ".join([*numbers, *filter(None, [finding.detail])])
