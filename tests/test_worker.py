"""A model in a process of its own: same numbers, and trouble that stays where it arose."""

import io
import logging
import os
import signal
import time

import numpy as np
import pytest
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT

from lamcore import AseModel
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.errors import ConfigError, MissingPropertyError, PluginError, UnknownNameError
from lamcore.worker.client import WorkerError, WorkerModel, WorkerPool, WorkerSettings
from lamcore.worker.frames import frame, read_frame
from lamcore.worker.messages import arrays_to_structures, structures_to_arrays

SILVER = bulk("Ag", cubic=True)


def structures():
    slab = fcc111("Cu", (2, 2, 3), vacuum=5.0)
    slab.pbc = (True, True, False)
    strained = bulk("Cu", cubic=True)
    strained.set_cell(strained.cell @ (np.eye(3) + 0.02 * np.arange(9).reshape(3, 3) / 9), scale_atoms=True)
    strained.rattle(0.1, seed=1)
    return [bulk("Cu"), molecule("H2O"), slab, strained]


@pytest.fixture
def settings(workplace):
    def make(timeout_s=60.0, **options):
        return WorkerSettings("three-lines", options, timeout_s=timeout_s, environment=workplace.environment)

    return make


@pytest.fixture
def worker(settings):
    model = WorkerModel(settings())
    yield model
    model.close()


def run(model, atoms_of_jobs, max_atoms=10_000):
    limits = BatchLimits(max_atoms)
    limits.observe(1, 1)
    for size in (1e5, 2e5):
        for _ in range(3):
            limits.observe(size, 1e-9 * size)
    counters = Counters()
    jobs = [Job(lambda model, atoms=atoms: model.evaluate([atoms])[0].energy) for atoms in atoms_of_jobs]
    outcomes = sorted(Hub(model, limits, counters).run(jobs), key=lambda outcome: outcome.index)
    return outcomes, counters


def test_numbers_are_the_same_bit_for_bit(worker):
    here = AseModel(EMT()).evaluate(structures())
    there = worker.evaluate(structures())
    for mine, its in zip(here, there, strict=True):
        assert its.energy == mine.energy
        np.testing.assert_array_equal(its.forces, mine.forces)
        assert (its.stress is None) == (mine.stress is None)
        if mine.stress is not None:
            np.testing.assert_array_equal(its.stress, mine.stress)


def test_what_the_model_is_comes_across(worker):
    here = AseModel(EMT())
    assert (worker.properties, worker.device, worker.dtype) == (here.properties, here.device, here.dtype)
    assert worker.scope == here.scope
    with pytest.raises(MissingPropertyError):
        worker.descriptors([bulk("Cu")])


def test_options_that_the_builder_does_not_take_are_refused_with_the_right_word(workplace):
    wrong = WorkerSettings("three-lines", {"energy_is_nann": True}, environment=workplace.environment)
    with pytest.raises(UnknownNameError, match=r"did you mean 'model\.energy_is_nan'"):
        WorkerModel(wrong)
    with pytest.raises(UnknownNameError, match="did you mean 'three-lines'"):
        WorkerModel(WorkerSettings("three-line", {}, environment=workplace.environment))


def test_a_python_without_lamcore_is_named(workplace, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'No module named lamcore' >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(WorkerError, match=r"status 1; its last words:\n  No module named lamcore, while"):
        WorkerModel(WorkerSettings("three-lines", {}, python=python))


@pytest.mark.parametrize(("trouble", "message"), [("crash", "signal 11"), ("killed", "memory runs out")])
def test_a_crash_costs_only_the_structure_that_causes_it(settings, trouble, message):
    model = WorkerModel(settings(on_silver=trouble))
    outcomes, counters = run(model, [bulk("Cu"), bulk("Au"), SILVER, bulk("Al"), bulk("Pt")])
    model.close()
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, True, True]
    assert message in str(outcomes[2].error)
    assert model.n_builds > 1
    assert counters.structures == 4


def test_a_call_that_hangs_is_ended_and_costs_only_its_structure(settings):
    model = WorkerModel(settings(timeout_s=3.0, on_silver="hang"))
    outcomes, _ = run(model, [bulk("Cu"), SILVER])
    model.close()
    assert outcomes[0].error is None
    assert "took longer than 3 s, and was ended" in str(outcomes[1].error)


def test_an_exception_keeps_its_kind_and_message_and_the_worker_lives_on(settings):
    model = WorkerModel(settings(on_silver="raise"))
    with pytest.raises(WorkerError, match="ZeroDivisionError in the worker of model 'three-lines': silver"):
        model.evaluate([SILVER])
    assert model.evaluate([bulk("Cu")])[0].energy == AseModel(EMT()).evaluate([bulk("Cu")])[0].energy
    assert model.n_builds == 1
    model.close()


def test_a_worker_that_runs_out_of_memory_says_so_and_the_batch_is_halved(settings):
    model = WorkerModel(settings(on_silver="memory"))
    outcomes, counters = run(model, [bulk("Cu"), SILVER])
    model.close()
    assert counters.out_of_memory == 2
    assert outcomes[0].error is None
    assert "does not fit in memory" in str(outcomes[1].error)


def test_what_the_model_prints_reaches_the_log_and_not_the_answers(settings, caplog):
    model = WorkerModel(settings(on_silver="print"))
    with caplog.at_level(logging.INFO, logger="lamcore"):
        prediction = model.evaluate([SILVER])[0]
        model.close()
    assert prediction.energy == AseModel(EMT()).evaluate([SILVER])[0].energy
    assert "three-lines: said on standard output" in caplog.messages
    assert "three-lines: and written past Python" in caplog.messages


def test_a_worker_ends_when_its_driver_is_gone(workplace):
    driver = workplace.start("task=slow", "model=three-lines", "worker=process", "task.seconds=5", "task.log=log")
    deadline = time.monotonic() + 60
    workers = []
    while not workers and time.monotonic() < deadline:
        time.sleep(0.1)
        workers = children(driver.pid)
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}/exe") for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers
    assert not [pid for pid in workers if alive(pid)]


def test_a_worker_that_hangs_in_its_model_ends_when_its_driver_is_gone(workplace):
    arguments = ("task=slow", "model=three-lines", "worker=process", "model.on_copper=hang", "task.log=log")
    driver = workplace.start(*arguments)
    deadline = time.monotonic() + 60
    workers = []
    while not workers and time.monotonic() < deadline:
        time.sleep(0.1)
        workers = children(driver.pid)
    time.sleep(3)  # so that it is in the model
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    time.sleep(2)
    assert workers
    assert not [pid for pid in workers if alive(pid)]


def test_a_batch_that_gets_its_worker_killed_makes_the_next_ones_smaller(settings):
    model = WorkerModel(settings(kill_above_atoms=4))
    cells = [bulk("Cu", a=3.5 + 0.01 * index) for index in range(12)]
    limits = BatchLimits()
    limits.observe(1, 1)
    for size in (1e4, 2e4):
        for _ in range(3):
            limits.observe(size, 1e-9 * size)
    counters = Counters()
    jobs = [Job(lambda model, atoms=atoms: [model.evaluate([atoms])[0].energy for _ in range(10)]) for atoms in cells]
    outcomes = list(Hub(model, limits, counters).run(jobs))
    model.close()
    assert all(outcome.error is None for outcome in outcomes)
    assert counters.structures == 120
    assert model.n_builds <= 6
    assert counters.out_of_memory == model.n_builds - 1


def test_answers_of_the_wrong_shape_are_refused_and_never_cut_to_fit(settings):
    model = WorkerModel(settings(on_silver="reshape"))
    outcomes, _ = run(model, [bulk("Cu"), SILVER, bulk("Cu", a=3.7)])
    model.close()
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert "forces has shape (3, 3), expected (4, 3)" in str(outcomes[1].error)


def test_a_worker_that_does_not_read_is_ended_by_the_limit_too(settings):
    model = WorkerModel(settings(timeout_s=2.0))
    os.kill(model._process._process.pid, signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(WorkerError, match="took longer than 2 s"):
        model.evaluate([bulk("Cu", cubic=True) * (20, 20, 20)] * 3)
    assert time.monotonic() - started < 20
    model.close()


def test_a_worker_that_cannot_start_again_ends_the_run_and_not_case_by_case(settings, tmp_path):
    model = WorkerModel(settings(builds=str(tmp_path / "builds")))
    model._process.end()
    model._drop()
    (tmp_path / "builds").unlink()
    (tmp_path / "builds").mkdir()  # the builder now fails
    jobs = [Job(lambda model, a=a: model.evaluate([bulk("Cu", a=a)])) for a in (3.5, 3.6, 3.7, 3.8)]
    with pytest.raises(PluginError, match="cannot be built again"):
        list(Hub(model, BatchLimits(1), Counters()).run(jobs))


def test_a_worker_with_another_lamcore_is_refused(workplace, settings):
    info = next((workplace.folder / "site").glob("plugin_for_tests*.dist-info"))
    other = workplace.folder / "other"
    (other / "lamcore-99.dist-info").mkdir(parents=True)
    (other / "lamcore-99.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: lamcore\nVersion: 99\n")
    path = f"{other}{os.pathsep}{workplace.environment['PYTHONPATH']}"
    assert info.exists()
    with pytest.raises(ConfigError, match="has lamcore 99, the run has"):
        WorkerModel(WorkerSettings("three-lines", {}, environment={**workplace.environment, "PYTHONPATH": path}))


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as listed:
        return [int(child) for child in listed.read().split()]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_several_workers_share_one_queue(settings):
    pool = WorkerPool([WorkerModel(settings()), WorkerModel(settings())])
    outcomes, counters = run(pool, [bulk("Cu", a=3.5 + 0.01 * index) for index in range(9)], max_atoms=2)
    pool.close()
    expected = [p.energy for p in AseModel(EMT()).evaluate([bulk("Cu", a=3.5 + 0.01 * i) for i in range(9)])]
    assert [outcome.output for outcome in outcomes] == expected
    assert counters.structures == 9
    assert pool.n_builds == 2


def test_a_run_has_the_same_numbers_with_and_without_worker(workplace):
    arguments = ("task=slow", "model=three-lines", "task.log=log")
    assert workplace.run(*arguments).returncode == 0
    result = workplace.run(*arguments, "worker=process", "worker.count=2", "runs=other")
    assert result.returncode == 0, result.stderr
    (here,) = (workplace.folder / "runs").iterdir()
    (there,) = (workplace.folder / "other").iterdir()
    assert here.name == there.name
    assert (here / "metrics.json").read_text() == (there / "metrics.json").read_text()


def test_a_devices_option_is_refused_for_a_model_that_has_no_device(workplace):
    result = workplace.run("task=slow", "model=three-lines", "worker=process", "worker.devices=[cpu]")
    assert result.returncode == 2
    assert "model 'three-lines' has no option device" in result.stderr


def test_structures_come_across_as_they_are():
    sent = structures()
    sent[0].info["charge"] = np.int64(1)
    sent[3].set_initial_magnetic_moments([1.0, 0.0, -1.0, 0.5])
    info, arrays = structures_to_arrays(sent)
    stream = io.BytesIO(frame({"info": info}, arrays))
    header, arrays = read_frame(stream.read)
    for before, after in zip(sent, arrays_to_structures(header["info"], arrays), strict=True):
        assert after.numbers.tolist() == before.numbers.tolist()
        np.testing.assert_array_equal(after.positions, before.positions)
        np.testing.assert_array_equal(after.cell.array, before.cell.array)
        np.testing.assert_array_equal(after.pbc, before.pbc)
        np.testing.assert_array_equal(after.get_initial_magnetic_moments(), before.get_initial_magnetic_moments())
        assert after.info.get("charge") == before.info.get("charge")


def test_an_array_of_objects_is_never_read():
    stream = io.BytesIO(b"")
    text = b'{"header": {}, "arrays": {"x": ["|O", [1]]}}'
    stream.write(len(text).to_bytes(8, "little") + text + b"12345678")
    stream.seek(0)
    with pytest.raises(ValueError, match=r"has type '\|O'"):
        read_frame(stream.read)
