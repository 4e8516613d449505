"""The kit finds what is wrong with a task or a dataset, and nothing wrong with a right one."""

import itertools

import numpy as np
import pytest
from ase.build import bulk

from lamcore import Case, Dataset, DatasetSpec, Task, TaskSpec
from lamcore.config import Choice
from lamcore.registry import Offer, Plugin
from lamcore.scoring import mean_absolute_error, success_rate
from lamcore.testing.claims import measure_claim
from lamcore.testing.dataset_claims import DATASET_CLAIMS, DatasetSubject
from lamcore.testing.pair_model import PairModel
from lamcore.testing.task_claims import TASK_CLAIMS
from lamcore.testing.task_subject import TaskSubject

TASK = {claim.name: claim for claim in TASK_CLAIMS}
DATASET = {claim.name: claim for claim in DATASET_CLAIMS}
PLUGIN = Plugin("made-up", "made-up", "1.0")
CASES = [Case(symbol, (bulk(symbol),), {"energy_ev": float(i)}) for i, symbol in enumerate(("Cu", "Ag", "Au"))]


class Energies(Task):
    """The energy of a crystal: a right task."""

    needs = frozenset(("energy",))

    def calculate(self, case, model):
        return {"energy_ev": model.evaluate([case.atoms])[0].energy}

    def score(self, case, output):
        return {"error_ev": output["energy_ev"] - case.reference["energy_ev"]}

    def perfect_output(self, case):
        return {"energy_ev": case.reference["energy_ev"]}

    def summarize(self, scored):
        error = mean_absolute_error(scored, name="mae", error="error_ev", label="energy_ev", unit="eV")
        return [error, success_rate(scored)]


class SwallowsErrors(Energies):
    def calculate(self, case, model):
        try:
            return super().calculate(case, model)
        except Exception:
            return {"energy_ev": 0.0}


class DropsFailedCases(Energies):
    def summarize(self, scored):
        return super().summarize([case for case in scored if case.scores is not None])


class CrashesWithoutScores(Energies):
    def summarize(self, scored):
        return super().summarize([case for case in scored if case.scores["error_ev"] is not None])


class ChangesTheCase(Energies):
    def calculate(self, case, model):
        case.structures[0].rattle(0.01)
        return super().calculate(case, model)


class CountsItsScores(Energies):
    counter = itertools.count()

    def score(self, case, output):
        return {"error_ev": float(next(self.counter))}


class RemembersTheLastCase(Energies):
    last = 0.0

    def calculate(self, case, model):
        before = self.last
        self.last = model.evaluate([case.atoms])[0].energy
        return {"energy_ev": self.last + before}


class NeedsMoreThanItSays(Energies):
    def calculate(self, case, model):
        return {"energy_ev": float(model.evaluate([case.atoms])[0].stress[0])}


class NeedsStressAndForgets(Energies):
    needs = frozenset(("energy", "stress"))


class IsOffByOne(Energies):
    def score(self, case, output):
        return {"error_ev": output["energy_ev"] - case.reference["energy_ev"] + 1}


class HasNoUnit(Energies):
    def summarize(self, scored):
        return [mean_absolute_error(scored, name="mae", error="error_ev", label="energy_ev", unit="")]


class ReturnsAnObject(Energies):
    def calculate(self, case, model):
        return {**super().calculate(case, model), "atoms": case.atoms}


class FailsAlways(Energies):
    def calculate(self, case, model):
        raise RuntimeError("cannot use this model")


class ScoresNothing(Energies):
    def score(self, case, output):
        raise KeyError("no such label")


class RemembersALittle(Energies):
    """Adds a thousandth of what it had before, in numbers that are small."""

    last = 0.0

    def calculate(self, case, model):
        before = self.last
        self.last = 1e-6 * model.evaluate([case.atoms])[0].energy
        return {"energy_mev": [self.last + 1e-2 * before]}


class GivesNaN(Energies):
    def calculate(self, case, model):
        return {"energies_ev": [1.0, float("nan"), 1.0]}


FAULTS = {
    FailsAlways: "cases_are_calculated",
    ScoresNothing: "cases_are_scored",
    RemembersALittle: "batched_is_serial",
    GivesNaN: "batched_is_serial",
    SwallowsErrors: "a_model_that_raises_fails_every_case_and_scores_worst",
    DropsFailedCases: "a_model_that_returns_nan_fails_every_case_and_scores_worst",
    CrashesWithoutScores: "one_failed_case_costs_itself_alone",
    ChangesTheCase: "cases_are_not_changed",
    CountsItsScores: "score_is_pure_and_repeatable",
    RemembersTheLastCase: "batched_is_serial",
    NeedsMoreThanItSays: "needs_are_complete",
    NeedsStressAndForgets: "a_model_without_what_is_needed_fails_every_case",
    IsOffByOne: "a_perfect_model_makes_no_error",
    HasNoUnit: "metrics_are_described",
    ReturnsAnObject: "output_can_be_stored",
}


@pytest.fixture
def task_of(tmp_path):
    def make(build):
        card = tmp_path / "task.yaml"
        card.write_text("summary: energies\n")
        choice = Choice("task", "made-up", Offer(TaskSpec("made-up", build, card, "none"), PLUGIN), {})
        return TaskSubject(choice, PairModel(), cases=CASES)

    return make


@pytest.mark.parametrize("task", FAULTS, ids=lambda task: task.__name__)
def test_a_fault_of_a_task_fails_the_claim_that_names_it(task_of, task):
    finding = measure_claim(TASK[FAULTS[task]], task_of(task), {})
    assert finding.verdict == "fail", finding


@pytest.mark.parametrize("name", [name for name in TASK if name != "registration_is_light"])
def test_a_right_task_fails_no_claim(task_of, name):
    finding = measure_claim(TASK[name], task_of(Energies), {})
    assert finding.verdict != "fail", finding


class Crystals(Dataset):
    """A right dataset."""

    def cases(self):
        yield from CASES


class SameIdTwice(Dataset):
    def cases(self):
        yield from (CASES[0], CASES[0])


class OtherOrderEachTime(Dataset):
    turns = itertools.count()

    def cases(self):
        yield from CASES[:: -1 if next(self.turns) % 2 else 1]


class NotANumber(Dataset):
    def cases(self):
        yield Case("Cu", (bulk("Cu"),), {"energy_ev": float("nan")})


class AtomsOnTopOfEachOther(Dataset):
    def cases(self):
        atoms = bulk("Cu", cubic=True)
        atoms.positions[1] = atoms.positions[0] + [0.1, 0, 0]
        yield Case("Cu", (atoms,), {"energy_ev": 1.0})


class UnitOfSomethingElse(Dataset):
    def cases(self):
        yield Case("Cu", (bulk("Cu"),), {"forces_ev_ang": np.zeros((1, 3))})


DATASET_FAULTS = {
    SameIdTwice: "ids_are_unique",
    OtherOrderEachTime: "cases_are_stable",
    NotANumber: "every_case_is_readable",
    AtomsOnTopOfEachOther: "every_case_is_readable",
    UnitOfSomethingElse: "units_are_declared",
}


@pytest.fixture
def dataset_of(tmp_path):
    def make(build):
        card = tmp_path / "card.yaml"
        card.write_text(
            "{version: '1', summary: s, licence: MIT, level_of_theory: none, units: {energy_ev: eV},"
            " citations: [{text: nobody}]}"
        )
        spec = DatasetSpec("made-up", build, card, ("eos",))
        return DatasetSubject(Choice("dataset", "made-up", Offer(spec, PLUGIN), {}))

    return make


@pytest.mark.parametrize("dataset", DATASET_FAULTS, ids=lambda dataset: dataset.__name__)
def test_a_fault_of_a_dataset_fails_the_claim_that_names_it(dataset_of, dataset):
    finding = measure_claim(DATASET[DATASET_FAULTS[dataset]], dataset_of(dataset), {})
    assert finding.verdict == "fail", finding


@pytest.mark.parametrize("name", ["card_is_complete", "units_are_declared", "ids_are_unique", "every_case_is_readable"])
def test_a_right_dataset_fails_no_claim(dataset_of, name):
    assert measure_claim(DATASET[name], dataset_of(Crystals), {}).verdict == "pass"


def test_that_no_case_can_be_calculated_or_scored_is_told_with_the_reason(task_of):
    assert "cannot use this model" in measure_claim(TASK["cases_are_calculated"], task_of(FailsAlways), {}).detail
    assert "no such label" in measure_claim(TASK["cases_are_scored"], task_of(ScoresNothing), {}).detail
