"""Claims about cases, scores and metrics, on a model whose cost is programmed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from lamcore_efficiency import hardware_key
from lamcore_efficiency.datasets.size_ladder import SizeLadder

from lamcore import Case, ScoredCase, Task
from lamcore.aggregate import score_cases
from lamcore.errors import RunFolderError, UnsupportedStructureError
from lamcore.model import Scope
from lamcore.records import Failure, Record

LADDER = list(SizeLadder().cases())


def run(task: Task, model, cases):
    """Records as a run makes them."""
    records = {}
    for case in cases:
        try:
            records[case.id] = Record.done(case.id, task.calculate(case, model), 0.0)
        except Exception as error:
            records[case.id] = Record.failed(case.id, Failure.of(error), 0.0)
    return records


def metrics_of(task, model, cases):
    records = run(task, model, cases)
    return {metric.name: metric for metric in task.summarize(score_cases(task, cases, records))}


@pytest.fixture
def measured(programmed, task_for):
    def measure(cases=LADDER, capacity_atoms=None, **model_options):
        model = programmed(**model_options)
        return metrics_of(task_for(model, capacity_atoms=capacity_atoms), model, cases)

    return measure


def test_metrics_recover_what_the_model_was_programmed_with(measured):
    metrics = measured(overhead_s=4e-3, per_atom_s=2e-4, first_calls_s=[7.0], graph_share=0.2)
    assert metrics["overhead_ms"].value == pytest.approx(4.0, rel=1e-6)
    assert metrics["marginal_time_per_atom_us"].value == pytest.approx(200.0, rel=1e-6)
    assert metrics["time_per_atom_us"].value == pytest.approx(200.0 + 4e3 / 1000, rel=1e-6)
    assert metrics["time_per_atom_us"].note.startswith(
        "at 1000 atoms; the interval is that of the 3 repetitions, too few for 95 %"
    )
    assert "that of the 5 repetitions" in metrics["throughput_atoms_per_s"].note
    assert metrics["latency_ms"].value == pytest.approx(4.0 + 0.4, rel=1e-6)
    assert metrics["graph_share"].value == pytest.approx(0.2, rel=1e-6)
    assert metrics["throughput_atoms_per_s"].value == pytest.approx(1 / 2e-4, rel=0.1)
    assert metrics["success_rate"].value == 1.0


def test_every_metric_carries_its_hardware_and_its_unit(measured):
    metrics = measured()
    for name, metric in metrics.items():
        if name != "success_rate":
            assert metric.context
            assert metric.context in metric.note
            assert metric.dummy is None
    units = {name: metric.unit for name, metric in metrics.items()}
    assert units == {
        "time_per_atom_us": "µs/atom",
        "latency_ms": "ms",
        "throughput_atoms_per_s": "atoms/s",
        "peak_memory_mb": "MB",
        "atoms_that_fit": "atoms",
        "overhead_ms": "ms",
        "marginal_time_per_atom_us": "µs/atom",
        "graph_share": "1",
        "success_rate": "1",
    }


def test_what_cannot_be_told_is_none_with_a_reason_and_no_failure(measured):
    metrics = measured()
    assert (metrics["graph_share"].value, metrics["graph_share"].n_failed) == (None, 0)
    assert "does not tell" in metrics["graph_share"].note
    assert (metrics["peak_memory_mb"].value, metrics["peak_memory_mb"].n_failed) == (None, 0)


def test_atoms_that_fit_is_the_limit_of_the_model(measured):
    limit = 5000
    metrics = measured(limit_atoms=limit, capacity_atoms=100_000)
    assert 0.8 * limit < metrics["atoms_that_fit"].value <= limit
    assert metrics["atoms_that_fit"].note.startswith("memory is the limit")
    capped = measured()["atoms_that_fit"]
    assert capped.note.startswith("at least")


def test_what_the_ladder_has_shown_to_fit_fits_whatever_ended_the_search(programmed, task_for):
    # An evaluation takes 14 s at 144 atoms, so that the search ends by time before it reaches 1000.
    model = programmed(per_atom_s=0.1)
    metrics = metrics_of(task_for(model, time_budget_s=1.0), model, LADDER)
    assert metrics["atoms_that_fit"].value == 1000.0
    assert metrics["atoms_that_fit"].note.startswith("at least: the search ended by time")


def test_a_mean_over_some_of_the_materials_is_not_given(measured):
    # NaCl at 1000 atoms fails, so a mean over silicon alone would compare unlike with like.
    metrics = measured(limit_atoms=999)
    assert metrics["time_per_atom_us"].value is None
    assert (metrics["time_per_atom_us"].n, metrics["time_per_atom_us"].n_failed) == (2, 2)
    assert "Si-1000" in metrics["time_per_atom_us"].note
    assert metrics["latency_ms"].value is not None
    assert metrics["overhead_ms"].value is None
    assert metrics["success_rate"].value == pytest.approx(10 / 12)


def test_large_structures_that_do_not_fit_are_no_failures(measured):
    cases = list(SizeLadder(["Si"], max_atoms=8000).cases())
    metrics = measured(cases=cases, limit_atoms=2000, overhead_s=1e-3, per_atom_s=1e-4)
    assert metrics["success_rate"].value == 1.0
    assert metrics["overhead_ms"].value == pytest.approx(1.0, rel=1e-6)
    assert metrics["time_per_atom_us"].value == pytest.approx(101.0, rel=1e-6)


def test_a_model_that_does_not_cover_a_material_fails_its_cases_and_gets_no_mean(programmed, task_for):
    model = programmed()
    model.scope = Scope(elements=frozenset(("Si",)))
    metrics = metrics_of(task_for(model), model, LADDER)
    assert (metrics["time_per_atom_us"].value, metrics["time_per_atom_us"].n_failed) == (None, 1)
    assert metrics["throughput_atoms_per_s"].value is not None
    assert metrics["success_rate"].value == pytest.approx(7 / 12)


def test_hardware_is_never_mixed(programmed, task_for):
    model = programmed()
    task = task_for(model)
    cases = LADDER[:3]
    scored = score_cases(task, cases, run(task, model, cases))
    other = dataclasses.replace(scored[1], scores={**scored[1].scores, "hardware": "another processor, 4 cores"})
    with pytest.raises(RunFolderError, match=r"different hardware.*another processor, 4 cores \(1 cases, such as Si-8"):
        task.summarize([scored[0], other, scored[2]])


def test_the_key_of_an_output_is_its_hardware(programmed, task_for):
    model = programmed()
    output = task_for(model).calculate(LADDER[0], model)
    assert hardware_key(output) == model.hardware().key
    with pytest.raises(ValueError, match="no hardware"):
        hardware_key({"n_atoms": 3})


def test_a_run_of_this_task_depends_on_the_machine_and_takes_cases_alone(programmed, task_for):
    task = task_for(programmed())
    assert task.alone
    assert task.depends_on_machine
    assert task.needs == {"energy", "forces", "stress"}


def frames(n_by_file, n_atoms=8):
    """Cases as the dataset of frames makes them."""
    structure = bulk("Si", a=5.431, cubic=True)
    return [
        Case(
            f"{name}#{index}",
            (structure,),
            {},
            {"measure": "frame", "group": name, "max_atoms": 80, "warm_up": index < int(0.1 * n), "equal_size": True},
        )
        for name, n in n_by_file.items()
        for index in range(n)
    ]


def with_times(cases, times_us):
    """Scored cases with given times per atom; None for a failed one."""
    return [
        ScoredCase(case, None, "failed")
        if time is None
        else ScoredCase(case, {"hardware": "h", "fits": True, "time_per_atom_us": time, "n_atoms": 80}, None)
        for case, time in zip(cases, times_us, strict=True)
    ]


def test_lambench_is_the_mean_of_the_means_of_files_without_warm_up_frames(programmed, task_for):
    task = task_for(programmed(), protocol="lambench")
    cases = frames({"a.traj": 10, "b.traj": 3})
    # The first frame of a.traj warms up; b.traj is too short for one. A frame of each fails.
    times = [900.0, None, *[1.0] * 4, *[3.0] * 4, 10.0, None, 20.0]
    scored = with_times(cases, times)
    scored[0] = ScoredCase(cases[0], {"hardware": "h", "fits": True, "time_per_atom_us": None, "n_atoms": 80}, None)
    metrics = {metric.name: metric for metric in task.summarize(scored)}
    average = metrics["time_per_atom_us"]
    assert average.value == pytest.approx((2.0 + 15.0) / 2)
    assert (average.n, average.n_failed) == (12, 2)
    assert metrics["time_per_atom_deviation_us"].value == pytest.approx(np.sqrt((1.0 + 25.0) / 2))
    assert metrics["success_rate"].value == pytest.approx(11 / 13)
    made_of = average.contributions
    assert sum(made_of.totals) / sum(made_of.weights) == pytest.approx(average.value)


def test_a_file_without_any_time_leaves_lambench_without_a_number(programmed, task_for):
    task = task_for(programmed(), protocol="lambench")
    scored = with_times(frames({"a.traj": 2, "b.traj": 2}), [1.0, 1.0, None, None])
    average = task.summarize(scored)[0]
    assert average.value is None
    assert "b.traj" in average.note


def test_lambench_times_every_frame_once_on_one_model(programmed, task_for):
    model = programmed(overhead_s=8e-3, per_atom_s=1e-4)
    metrics = metrics_of(task_for(model, protocol="lambench"), model, frames({"a.traj": 10}))
    assert metrics["time_per_atom_us"].value == pytest.approx(100.0 + 8e3 / 80)
    assert metrics["time_per_atom_deviation_us"].value == pytest.approx(0.0, abs=1e-6)
    assert len(model.asked) == 20


def test_lambench_refuses_cases_that_are_no_frames(programmed, task_for):
    model = programmed()
    with pytest.raises(ValueError, match="efficiency-frames"):
        task_for(model, protocol="lambench").calculate(LADDER[0], model)


def test_frames_in_the_default_protocol_weigh_files_equally(measured):
    metrics = measured(cases=frames({"a.traj": 4, "b.traj": 1}), overhead_s=8e-3, per_atom_s=1e-4)
    assert metrics["time_per_atom_us"].value == pytest.approx(200.0)
    assert "overhead_ms" not in metrics


def test_a_structure_without_settings_is_timed_as_it_is(programmed, task_for):
    model = programmed()
    case = Case("mine", (bulk("Cu", cubic=True),))
    task = task_for(model)
    scores = task.score(case, task.calculate(case, model))
    assert scores["n_atoms"] == 4
    assert scores["median_s"] == pytest.approx(model.cost_s(4))
    with pytest.raises(ValueError, match="measure is 'speed', expected"):
        task.calculate(Case("other", case.structures, {}, {"measure": "speed"}), model)


def test_a_structure_that_is_no_structure_is_refused_before_it_is_timed(programmed, task_for):
    model = programmed()
    with pytest.raises(UnsupportedStructureError):
        task_for(model).calculate(Case("broken", (Atoms("Cu", [[np.nan, 0, 0]]),)), model)
    assert model.asked == []
