"""Claims about measurements, on a model whose cost and memory are programmed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ase.build import bulk, molecule
from lamcore_efficiency import measure
from lamcore_efficiency.limits import find_capacity, time_batches
from lamcore_efficiency.measure import time_frame, time_structure
from lamcore_efficiency.settings import EfficiencySettings

from lamcore import Prediction
from lamcore.errors import BadPredictionError, MissingPropertyError
from lamcore.memory import PeakMemory

SETTINGS = EfficiencySettings(time_budget_s=1e6)
LAMBENCH = EfficiencySettings(protocol="lambench")


def test_times_are_those_of_the_model(programmed, silicon):
    model = programmed(first_calls_s=[3.0], graph_share=0.25)
    output = time_structure(silicon, (2, 2, 2), model, SETTINGS, model.clock)
    assert output["n_atoms"] == 64
    np.testing.assert_allclose(output["times_s"], [model.cost_s(64)] * 10)
    assert output["warm_up_s"][0] == pytest.approx(3.0 + model.cost_s(64))
    assert output["steady"]
    np.testing.assert_allclose(output["graph_s"], [0.25 * model.cost_s(64)] * 10)
    assert output["peak_memory_bytes"] is None


def test_a_model_that_does_not_tell_its_graphs_has_none(programmed, silicon):
    model = programmed()
    assert time_structure(silicon, (1, 1, 1), model, SETTINGS, model.clock)["graph_s"] is None


def test_no_structure_is_asked_for_twice_and_the_moves_are_the_same_every_time(programmed, silicon):
    first, second = programmed(), programmed()
    for model in (first, second):
        time_structure(silicon, (1, 1, 1), model, SETTINGS, model.clock)
    for one, other in itertools.combinations(first.positions, 2):
        assert not np.array_equal(one, other)
    np.testing.assert_array_equal(first.positions, second.positions)
    assert np.std(first.positions[0] - silicon.positions) == pytest.approx(0.01, rel=0.5)


@pytest.mark.parametrize(
    "measure_one",
    [
        lambda cell, *how: time_structure(cell, (3, 3, 3), *how),
        lambda cell, model, _, clock: time_frame(cell, 1000, False, model, LAMBENCH, clock),
        time_batches,
        lambda cell, model, settings, clock: find_capacity(
            cell, model, EfficiencySettings(capacity_atoms=8000, time_budget_s=1e6), clock
        ),
    ],
)
def test_what_comes_before_never_leaves_the_answer_behind(programmed, measure_one):
    """ASE's calculators keep the last answer, which would make an evaluation take no time and no memory."""

    class Keeping(programmed):
        device = "cpu"
        kept, was_kept = None, False

        def evaluate(self, structures):
            for atoms in structures:
                self.was_kept |= self.kept is not None and np.array_equal(self.kept, atoms.positions)
                self.kept = atoms.positions.copy()
            return super().evaluate(structures)

        def peak_memory(self, structures):
            self.evaluate(structures)
            return PeakMemory(0, sum(map(len, structures)), "process")

    model = Keeping()
    measure_one(bulk("Si", a=5.431, cubic=True) * (1, 1, 4), model, SETTINGS, model.clock)
    assert not model.was_kept


def test_what_does_not_fit_is_told_and_kills_nothing(programmed, silicon):
    model = programmed(limit_atoms=63)
    output = time_structure(silicon, (2, 2, 2), model, SETTINGS, model.clock)
    assert not output["fits"]
    assert "Too many atoms" in output["why_not"]
    assert model.n_releases == 1


def test_other_errors_than_memory_are_raised(programmed, silicon):
    class Raising(programmed):
        def evaluate(self, structures):
            raise ZeroDivisionError("a fault of the model")

    model = Raising()
    with pytest.raises(ZeroDivisionError):
        time_structure(silicon, (1, 1, 1), model, SETTINGS, model.clock)


@pytest.mark.parametrize(
    ("prediction", "error"),
    [
        (lambda n: Prediction(np.nan, np.zeros((n, 3)), np.zeros(6)), BadPredictionError),
        (lambda n: Prediction(0.0, np.zeros((n, 3)), None), MissingPropertyError),
    ],
)
def test_a_fast_wrong_answer_is_no_answer(programmed, silicon, prediction, error):
    class Wrong(programmed):
        def evaluate(self, structures):
            return [prediction(len(atoms)) for atoms in structures]

    model = Wrong()
    with pytest.raises(error):
        time_structure(silicon, (1, 1, 1), model, SETTINGS, model.clock)


def test_on_a_cpu_a_structure_beyond_the_free_memory_is_not_tried(programmed, silicon, monkeypatch):
    class Hungry(programmed):
        device = "cpu"

        def peak_memory(self, structures):
            return PeakMemory(10_000_000, 10_000_000 + 1_000_000 * sum(map(len, structures)), "process")

    monkeypatch.setattr(measure, "available_bytes", lambda: 900_000_000)
    model = Hungry()
    output = time_structure(silicon, (5, 5, 5), model, SETTINGS, model.clock)
    assert not output["fits"]
    assert output["why_not"].startswith("not tried: 1000 atoms would take about 1000 MB")
    assert model.asked == []
    fitting = time_structure(silicon, (3, 3, 3), model, SETTINGS, model.clock)
    assert fitting["fits"]
    assert fitting["peak_memory_bytes"] - fitting["idle_memory_bytes"] == 216_000_000


@pytest.mark.parametrize("protocol", ["default", "lambench"])
def test_a_frame_is_guarded_in_both_protocols(programmed, silicon, monkeypatch, protocol):
    class Hungry(programmed):
        device = "cpu"

        def peak_memory(self, structures):
            return PeakMemory(0, 1_000_000 * sum(map(len, structures)), "process")

    monkeypatch.setattr(measure, "available_bytes", lambda: 900_000_000)
    settings = EfficiencySettings(protocol=protocol)
    model = Hungry()
    output = time_frame(silicon, 1000, False, model, settings, model.clock)
    if protocol == "default":
        assert (output["fits"], model.asked) == (False, [])
    else:
        assert output["n_atoms"] == 760
        assert max(map(sum, model.asked)) == 760


def test_throughput_grows_until_the_overhead_no_longer_matters(programmed, silicon):
    model = programmed(overhead_s=0.01, per_atom_s=1e-4)
    output = time_batches(silicon, model, SETTINGS, model.clock)
    assert output["stopped"] == "saturated"
    sizes = output["batch_sizes"]
    assert sizes == [2**k for k in range(len(sizes))]
    rates = [8 * size / times[0] for size, times in zip(sizes, output["times_s"], strict=True)]
    np.testing.assert_allclose(rates, [8 * size / model.cost_s(8 * size) for size in sizes])
    assert max(rates) > 0.9 / model.per_atom_s
    assert {len(request) for request in model.asked} == set(sizes)  # each batch reached the model whole


def test_batches_end_where_memory_does(programmed, silicon):
    model = programmed(overhead_s=10.0, limit_atoms=100)
    output = time_batches(silicon, model, EfficiencySettings(time_budget_s=1e9), model.clock)
    assert (output["stopped"], output["batch_sizes"]) == ("memory", [1, 2, 4, 8])
    assert model.n_releases == 1


def test_batches_of_a_slow_model_end_with_the_time_budget(programmed, silicon):
    model = programmed(overhead_s=10.0)
    output = time_batches(silicon, model, EfficiencySettings(time_budget_s=8.0), model.clock)
    assert (output["stopped"], output["batch_sizes"]) == ("time", [1])


@pytest.mark.parametrize("limit", [2, 30, 111, 1500, 20_000])
def test_the_largest_compact_size_below_the_limit_is_found(programmed, limit):
    copper = bulk("Cu")
    model = programmed(limit_atoms=limit)
    output = find_capacity(copper, model, EfficiencySettings(capacity_atoms=100_000, time_budget_s=1e9), model.clock)
    assert output["bound"] == "memory"
    assert output["fits_atoms"] <= limit < 1.55 * output["fits_atoms"]
    assert len(output["probes"]) < 15
    assert {probe["n_atoms"] for probe in output["probes"] if probe["fits"]} <= set(range(limit + 1))


def test_a_search_that_ends_at_its_cap_says_so(programmed, silicon):
    model = programmed()
    output = find_capacity(silicon, model, EfficiencySettings(capacity_atoms=1000), model.clock)
    assert (output["bound"], output["fits_atoms"], output["cap_atoms"]) == ("cap", 1000, 1000)
    slow = programmed(per_atom_s=1.0)
    assert find_capacity(silicon, slow, EfficiencySettings(capacity_atoms=100_000), slow.clock)["bound"] == "time"


def test_not_even_one_cell_fits(programmed, silicon):
    model = programmed(limit_atoms=7)
    output = find_capacity(silicon, model, EfficiencySettings(capacity_atoms=1000), model.clock)
    assert (output["bound"], output["fits_atoms"]) == ("memory", 0)


@pytest.mark.parametrize("limit", [1999, 247, 121, 100, 38, 31])
def test_frames_are_repeated_to_what_fits(programmed, limit):
    model = programmed(limit_atoms=limit)
    output = time_frame(bulk("Mg", "fcc", a=4.488512), 1000, False, model, LAMBENCH, model.clock)
    assert output["n_atoms"] == min(limit, 1000)
    np.testing.assert_allclose(output["times_s"], [model.cost_s(output["n_atoms"])])


def test_a_frame_that_fits_is_evaluated_twice_and_timed_once(programmed, silicon):
    model = programmed()
    time_frame(silicon, 1000, False, model, LAMBENCH, model.clock)
    assert model.asked == [[1000], [1000]]


def test_warm_up_frames_have_no_time(programmed, silicon):
    model = programmed()
    output = time_frame(silicon, 1000, True, model, LAMBENCH, model.clock)
    assert output["fits"]
    assert (output["times_s"], len(output["warm_up_s"])) == ([], 1)


@pytest.mark.parametrize("protocol", ["default", "lambench"])
def test_a_frame_larger_than_the_limit_is_taken_as_it_is(programmed, silicon, protocol):
    settings = EfficiencySettings(protocol=protocol)
    model = programmed()
    output = time_frame(silicon.repeat(6), 1000, False, model, settings, model.clock)
    assert (output["n_atoms"], output["fits"]) == (1728, True)
    small = programmed(limit_atoms=1000)
    lost = time_frame(silicon.repeat(6), 1000, False, small, settings, small.clock)
    assert (lost["fits"], bool(lost["why_not"])) == (False, True)


def test_a_molecule_without_periodicity_is_not_repeated(programmed):
    model = programmed()
    assert time_frame(molecule("H2O"), 1000, False, model, SETTINGS, model.clock)["n_atoms"] == 3
