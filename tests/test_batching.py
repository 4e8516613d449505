"""Many sequential cases on one model: same numbers, fuller batches, failures kept apart."""

import gc
import random
import sys
import threading
import time
import warnings
import weakref

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE

from lamcore import AseModel, Model, Prediction, Scope
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.errors import (
    BadPredictionError,
    ConfigError,
    EvaluationError,
    MissingPropertyError,
    UnsupportedStructureError,
)


class Recording(Model):
    """EMT, remembering the sizes of its batches; `fault(structures)` may raise or change predictions."""

    def __init__(self, fault=None, scope=None):
        self._emt = AseModel(EMT())
        self._fault = fault
        self.batches = []
        self.scope = scope or Scope()

    def evaluate(self, structures):
        self.batches.append(len(structures))
        predictions = self._emt.evaluate(structures)
        return self._fault(structures, predictions) if self._fault else predictions


def run(model, jobs, max_cases=64, max_atoms=10_000, counters=None):
    limits = BatchLimits(max_atoms)
    limits.observe(1, 1)
    for size in (1e4, 2e4):
        for _ in range(3):
            limits.observe(size, 1e-9 * size)
    counters = counters or Counters()
    outcomes = Hub(model, limits, counters, max_cases).run(Job(work) for work in jobs)
    return sorted(outcomes, key=lambda outcome: outcome.index)


def strained_copper(n, seed=0):
    rng = np.random.default_rng(seed)
    cells = [bulk("Cu", a=3.6 * (1 + 0.02 * rng.normal()), cubic=True) for _ in range(n)]
    for cell in cells:
        cell.rattle(0.05, rng=rng)
    return cells


def relax_with_ase(atoms):
    def job(model):
        mine = atoms.copy()
        mine.calc = model.calculator()
        optimizer = FIRE(FrechetCellFilter(mine), logfile=None)
        optimizer.run(fmax=1e-2, steps=60)
        return mine.get_potential_energy(), optimizer.nsteps

    return job


def single_point(atoms):
    return lambda model: model.evaluate([atoms])[0].energy


def test_ases_own_optimizer_takes_the_same_steps_to_the_same_energy_together_as_alone():
    cells = strained_copper(4)
    together = run(Recording(), [relax_with_ase(cell) for cell in cells])
    alone = [relax_with_ase(cell)(AseModel(EMT())) for cell in cells]
    assert [outcome.output for outcome in together] == alone


def test_waiting_requests_are_merged_into_one_batch():
    model = Recording()
    run(model, [single_point(cell) for cell in strained_copper(12)])
    assert model.batches == [12]


def test_one_case_at_a_time_is_possible():
    model = Recording()
    run(model, [single_point(cell) for cell in strained_copper(5)], max_cases=1)
    assert model.batches == [1] * 5


def test_no_batch_holds_more_atoms_than_allowed():
    model = Recording()
    run(model, [lambda model, cell=cell: model.evaluate([cell] * 3) for cell in strained_copper(4)], max_atoms=8)
    assert max(model.batches) == 2
    assert sum(model.batches) == 12


def test_a_case_that_ends_makes_room_for_the_next():
    model = Recording()
    cells = strained_copper(9)

    def job(n_requests, cell):
        return lambda model: [model.evaluate([cell]) for _ in range(n_requests)]

    run(model, [job(1 + index % 3, cell) for index, cell in enumerate(cells)], max_cases=3)
    assert sum(model.batches) == 18
    assert model.batches[0] == model.batches[1] == 3


def test_an_answer_goes_to_the_case_that_asked():
    cells = strained_copper(6)
    outcomes = run(Recording(), [single_point(cell) for cell in cells])
    expected = [prediction.energy for prediction in AseModel(EMT()).evaluate(cells)]
    assert [outcome.output for outcome in outcomes] == expected
    assert len(set(expected)) == 6


def test_a_structure_that_makes_the_model_raise_fails_alone():
    def fault(structures, predictions):
        if any("Ag" in atoms.symbols for atoms in structures):
            raise ZeroDivisionError("silver")
        return predictions

    cells = strained_copper(13)
    cells[5] = bulk("Ag", cubic=True)
    outcomes = run(Recording(fault), [single_point(cell) for cell in cells])
    assert [outcome.index for outcome in outcomes if outcome.error] == [5]
    error = outcomes[5].error
    assert isinstance(error, EvaluationError)
    assert "ZeroDivisionError on Ag4 with 4 atoms: silver" in str(error)
    assert error.structure.symbols.get_chemical_formula() == "Ag4"


@pytest.mark.parametrize("quantity", ["energy", "forces", "stress"])
def test_a_value_that_is_not_finite_fails_the_case_that_got_it_and_keeps_the_structure(quantity):
    def fault(structures, predictions):
        index = next((i for i, atoms in enumerate(structures) if "Ag" in atoms.symbols), None)
        if index is not None:
            values = vars(predictions[index]) | {quantity: vars(predictions[index])[quantity] * np.nan}
            predictions[index] = Prediction(**values)
        return predictions

    cells = [*strained_copper(3), bulk("Ag", cubic=True)]
    outcomes = run(Recording(fault), [single_point(cell) for cell in cells])
    assert [outcome.error is None for outcome in outcomes] == [True, True, True, False]
    assert isinstance(outcomes[3].error, BadPredictionError)
    assert quantity in str(outcomes[3].error)
    assert len(outcomes[3].error.structure) == 4


def test_a_stress_of_the_wrong_shape_is_refused_with_the_function_that_mends_it():
    def fault(structures, predictions):
        return [Prediction(p.energy, p.forces, np.zeros((3, 3))) for p in predictions]

    (outcome,) = run(Recording(fault), [single_point(bulk("Cu"))])
    assert "shape (3, 3), expected (6,)" in str(outcome.error)
    assert "full_3x3_to_voigt_6_stress" in str(outcome.error)


def test_running_out_of_memory_halves_the_batch_and_loses_nothing():
    def fault(structures, predictions):
        if len(structures) > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return predictions

    model, counters = Recording(fault), Counters()
    outcomes = run(model, [single_point(cell) for cell in strained_copper(11)], counters=counters)
    assert all(outcome.error is None for outcome in outcomes)
    assert counters.out_of_memory > 0
    assert counters.structures == 11


def test_a_model_that_answers_too_few_structures_is_blamed():
    (outcome,) = run(Recording(lambda s, p: p[1:]), [single_point(bulk("Cu"))])
    assert "answered 0 of 1 structures; the fault is in the model's plugin" in str(outcome.error)


def test_what_the_model_does_not_cover_is_refused_before_it_is_asked():
    model = Recording(scope=Scope(elements=frozenset({"Cu"})))
    outcomes = run(model, [single_point(bulk("Cu")), single_point(bulk("Ag"))])
    assert outcomes[0].error is None
    assert isinstance(outcomes[1].error, UnsupportedStructureError)
    assert "does not cover Ag" in str(outcomes[1].error)
    assert model.batches == [1]


def test_charge_and_periodicity_outside_the_scope_are_refused():
    ion = molecule("OH")
    ion.info["charge"] = -1
    model = Recording(scope=Scope(boundaries=frozenset({"none"})))
    outcomes = run(model, [single_point(ion), single_point(bulk("Cu")), single_point(molecule("H2O"))])
    assert "charge is -1" in str(outcomes[0].error)
    assert "pbc is [True, True, True]" in str(outcomes[1].error)
    assert outcomes[2].error is None


def test_an_error_of_a_case_is_its_own_outcome():
    def failing(model):
        model.evaluate([bulk("Cu")])
        raise OSError("no such table")

    outcomes = run(Recording(), [single_point(bulk("Cu")), failing, single_point(bulk("Ag"))])
    assert [type(outcome.error).__name__ for outcome in outcomes] == ["NoneType", "OSError", "NoneType"]


def test_a_case_may_handle_the_models_error_and_go_on():
    def careful(model):
        try:
            model.evaluate([bulk("Ag")])
        except UnsupportedStructureError:
            return model.evaluate([bulk("Cu")])[0].energy

    (outcome,) = run(Recording(scope=Scope(elements=frozenset({"Cu"}))), [careful])
    assert outcome.output == pytest.approx(AseModel(EMT()).evaluate([bulk("Cu")])[0].energy)


def test_descriptors_that_the_model_does_not_have_are_refused_by_name():
    (outcome,) = run(Recording(), [lambda model: model.descriptors([bulk("Cu")])])
    assert isinstance(outcome.error, MissingPropertyError)


def test_asking_from_another_thread_is_refused():
    def threaded(model):
        caught = []

        def ask():
            try:
                model.evaluate([bulk("Cu")])
            except RuntimeError as error:
                caught.append(str(error))

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        return caught

    (outcome,) = run(Recording(), [threaded])
    assert "second thread" in outcome.output[0]


def test_ctrl_c_in_a_case_ends_the_run():
    def interrupted(model):
        model.evaluate([bulk("Cu")])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Recording(), [interrupted, single_point(bulk("Cu"))])


def test_counters_add_up():
    counters = Counters()
    run(Recording(), [single_point(cell) for cell in strained_copper(7)], counters=counters)
    assert (counters.batches, counters.structures, counters.atoms) == (1, 7, 28)
    assert counters.model_seconds > 0


def test_a_coordinate_that_is_not_a_number_is_refused_before_the_model_takes_it_for_a_lone_atom():
    broken = bulk("Cu", cubic=True)
    broken.positions[2, 1] = np.nan
    model = Recording()
    (outcome,) = run(model, [single_point(broken)])
    assert "atom 2 is at" in str(outcome.error)
    assert model.batches == []


def test_a_collapsed_cell_is_refused_before_its_neighbours_fill_the_memory():
    model = Recording()
    (outcome,) = run(model, [single_point(bulk("Cu", a=0.5))])
    assert "atoms/Å³" in str(outcome.error)
    assert model.batches == []


def test_global_random_numbers_of_a_case_do_not_depend_on_its_neighbours():
    def drawing(model):
        first = np.random.rand()
        model.evaluate([bulk("Cu")])
        return first, np.random.rand(), random.random()

    def outputs(n, max_cases):
        hub = Hub(AseModel(EMT()), BatchLimits(), Counters(), max_cases)
        return [outcome.output for outcome in hub.run(Job(drawing, seed) for seed in range(n))]

    before = np.random.get_state()[1].copy()
    together = sorted(outputs(5, 64))
    assert together == sorted(outputs(5, 1))
    assert outputs(1, 1)[0] in together
    assert len(set(together)) == 5
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_a_seed_that_a_case_sets_is_its_own():
    def seeding(model):
        np.random.seed(1)
        model.evaluate([bulk("Cu")])
        return np.random.rand()

    alone = run(Recording(), [seeding])[0].output
    assert [outcome.output for outcome in run(Recording(), [seeding] * 3)] == [alone] * 3


def test_warning_filters_of_a_case_do_not_reach_its_neighbours_or_the_process():
    before = list(warnings.filters)

    def silencing(model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.evaluate([bulk("Cu")])
            return warnings.filters[0][0]

    def looking(model):
        model.evaluate([bulk("Cu")])
        return warnings.filters[0][0]

    outcomes = run(Recording(), [silencing, looking, silencing])
    assert [outcome.output for outcome in outcomes] == ["ignore", before[0][0], "ignore"]
    assert warnings.filters == before


def test_an_exit_in_a_case_is_that_cases_failure():
    outcomes = run(Recording(), [lambda model: sys.exit(0), single_point(bulk("Cu"))])
    assert isinstance(outcomes[0].error, SystemExit)
    assert outcomes[1].error is None


@pytest.mark.parametrize("answer", [None, Prediction(None, np.zeros((1, 3))), "energy", Prediction(1.0, "none")])
def test_an_answer_that_is_no_prediction_fails_that_case_alone(answer):
    def fault(structures, predictions):
        return [answer if "Ag" in atoms.symbols else p for atoms, p in zip(structures, predictions, strict=True)]

    outcomes = run(Recording(fault), [single_point(bulk("Ag")), single_point(bulk("Cu"))])
    assert outcomes[0].error is not None
    assert outcomes[1].error is None


def test_descriptors_that_are_not_finite_fail_the_case():
    class Described(Recording):
        properties = frozenset(("energy", "forces", "descriptors"))

        def descriptors(self, structures):
            return [np.full((len(atoms), 2), np.nan) for atoms in structures]

    (outcome,) = run(Described(), [lambda model: model.descriptors([bulk("Cu")])])
    assert isinstance(outcome.error, BadPredictionError)


def test_an_ase_calculator_without_forces_is_refused_when_it_is_wrapped():
    class EnergyOnly(EMT):
        implemented_properties = ("energy",)

    with pytest.raises(ConfigError, match="EnergyOnly gives no forces"):
        AseModel(EnergyOnly())


def test_time_is_either_the_models_or_other_and_adds_up():
    counters = Counters()
    started = time.perf_counter()
    run(Recording(), [lambda model: model.evaluate([bulk("Cu")] * 300)], max_atoms=1, counters=counters)
    elapsed = time.perf_counter() - started
    assert counters.model_seconds + counters.other_seconds == pytest.approx(elapsed, rel=0.2)
    assert counters.batches == 300


def test_a_jobs_structures_and_output_die_with_its_outcome():
    structures, outputs = [], []

    class Output(dict):
        pass

    def job(model):
        atoms = bulk("Cu", cubic=True)
        structures.append(weakref.ref(atoms))
        output = Output(energy=model.evaluate([atoms])[0].energy)
        outputs.append(weakref.ref(output))
        return output

    n_jobs, n_outcomes, together = 40, 0, 4
    hub = Hub(Recording(), BatchLimits(10_000), Counters(), max_cases=together)
    gc.disable()
    try:
        for outcome in hub.run(Job(job) for _ in range(n_jobs)):
            n_outcomes += 1
            assert outcome.error is None
            assert sum(one() is not None for one in structures) <= 2 * together
            assert sum(one() is not None for one in outputs) <= 2
        del outcome
        assert n_outcomes == n_jobs
        assert not any(one() for one in structures + outputs)
    finally:
        gc.enable()


def test_what_a_calculator_left_half_done_when_it_raised_is_not_believed_later():
    class RaisesAfterwards(EMT):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            raise ZeroDivisionError("afterwards")

    cells = strained_copper(5)
    outcomes = run(AseModel(RaisesAfterwards()), [lambda model, cell=cell: model.evaluate([cell]) for cell in cells])
    assert ["ZeroDivisionError" in str(outcome.error) for outcome in outcomes] == [True] * 5
