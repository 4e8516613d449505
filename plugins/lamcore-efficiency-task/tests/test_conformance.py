"""The task and its dataset against every claim of lamcore's conformance kit."""

import os

import pytest
from lamcore_efficiency.datasets.size_ladder import SizeLadder

from lamcore.testing import DatasetConformance, TaskConformance, choose
from lamcore.testing.claim_lists import claims_about
from lamcore.testing.claims import measure_claim
from lamcore.testing.task_subject import TaskSubject


class TestEfficiency(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "efficiency", repetitions=3, time_budget_s=0.1)


class TestSizeLadder(DatasetConformance):
    @pytest.fixture
    def choice(self):
        return choose("dataset", "size-ladder")


class OnAProgrammedClock:
    """The task chosen, reading the clock of a programmed model that starts anew with every case."""

    def __init__(self, choice, model, task_for):
        self.offer, self.options, self.group, self.name = choice.offer, choice.options, choice.group, choice.name
        self.build = lambda: task_for(model)


@pytest.mark.parametrize("claim", claims_about("task"), ids=lambda claim: claim.name)
def test_with_times_that_repeat_every_claim_holds(claim, programmed, task_for, monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 0.5, 0.5))
    model = programmed(overhead_s=2.0**-6, per_atom_s=2.0**-12, limit_atoms=700, graph_share=0.25)
    model.dtype = "float32"  # differences of a clock that runs on are rounded
    cases = [case for case in SizeLadder(["Si"]).cases() if case.id in ("Si-small-2", "Si-64", "Si-216")]
    chosen = OnAProgrammedClock(choose("task", "efficiency"), model, task_for)
    finding = measure_claim(claim, TaskSubject(chosen, model, cases=cases), {})
    assert finding.verdict != "fail", (finding.detail, finding.traceback)
