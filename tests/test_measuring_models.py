"""What a task that measures the model itself gets: the model as it is, its memory, its hardware, its graphs."""

import dataclasses
import json

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from lamcore import AseModel, Model, Prediction, memory
from lamcore.batch_limits import BatchLimits
from lamcore.batching import Counters, Hub, Job
from lamcore.hardware import Hardware, hardware, machine, n_threads
from lamcore.memory import peak_memory
from lamcore.worker.client import WorkerModel, WorkerPool, WorkerSettings

MB = 1_000_000


class Recording(Model):
    """Keeps the sizes of the batches that reach it, and tells how long it built graphs."""

    def __init__(self, error=None):
        self.batches = []
        self.error = error

    def evaluate(self, structures):
        self.batches.append(len(structures))
        if self.error is not None:
            raise self.error
        with self.building_graphs():
            pass
        return [Prediction(0.0, np.zeros((len(atoms), 3)), np.zeros(6)) for atoms in structures]


def run(model, work):
    counters = Counters()
    (outcome,) = Hub(model, BatchLimits(max_atoms=1), counters, max_cases=1).run([Job(work)])
    return outcome, counters


def test_direct_requests_reach_the_model_whole_and_are_counted():
    model = Recording()
    structures = [bulk("Cu")] * 7
    outcome, counters = run(model, lambda asked: len(asked.direct().evaluate(structures)))
    assert (outcome.output, outcome.error) == (7, None)
    assert model.batches == [7]
    assert (counters.batches, counters.structures, counters.atoms) == (1, 7, 7)
    assert counters.model_seconds > 0
    run(model, lambda asked: asked.evaluate(structures))
    assert model.batches == [7, *[1] * 7]


def test_what_the_model_raises_directly_is_raised_as_it_is():
    error = MemoryError("no more")
    outcome, counters = run(Recording(error), lambda asked: asked.direct().evaluate([bulk("Cu")] * 4))
    assert outcome.error is error
    assert (counters.out_of_memory, counters.structures) == (1, 0)


def test_a_model_outside_of_a_run_is_direct_already():
    model = AseModel(EMT())
    assert model.direct() is model


def test_time_on_graphs_is_none_until_the_model_tells_and_then_adds_up():
    model = Recording()
    assert model.graph_seconds is None
    readings, _ = run(
        model, lambda asked: [(asked.direct().evaluate([bulk("Cu")]), asked.graph_seconds)[1] for _ in "ab"]
    )
    first, second = readings.output
    assert 0 < first < second == model.graph_seconds
    assert AseModel(EMT()).graph_seconds is None


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        (
            "0::/job/step\n",
            {"job/memory.max": "900", "job/memory.current": "700", "job/memory.stat": "inactive_file 300"},
        ),
        (
            "5:cpu:/\n4:memory:/job\n0::/\n",
            {
                "memory/job/memory.limit_in_bytes": "900",
                "memory/job/memory.usage_in_bytes": "700",
                "memory/job/memory.stat": "inactive_file 1\ntotal_inactive_file 300",
            },
        ),
    ],
)
def test_a_job_that_is_given_less_than_the_machine_has_cannot_get_more(tmp_path, monkeypatch, groups, files):
    unlimited = {"job/step/memory.max": "max", "job/step/memory.current": "700"}
    for name, text in (files | unlimited).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "groups").write_text(groups)
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_GROUP_FOLDERS", tmp_path)
    assert memory.available_bytes() == 500


def test_peak_memory_is_what_the_computation_allocates():
    kept = []
    peak = peak_memory(lambda: np.ones(25 * MB).sum(), "cpu")
    if peak is None:
        pytest.skip("this system does not tell the peak of a process")
    assert peak.kind == "process"
    assert peak.peak_bytes - peak.idle_bytes == pytest.approx(200 * MB, rel=0.05)
    small = peak_memory(lambda: kept.append(np.ones(MB)), "cpu")
    assert small.peak_bytes - small.idle_bytes < 30 * MB  # the larger one before does not count


def test_peak_memory_that_cannot_be_told_is_not_made_up():
    computed = []
    assert peak_memory(lambda: computed.append(1), "mps") is None
    assert computed == []


def test_hardware_says_what_a_time_depends_on():
    found = hardware("cpu")
    assert found.processor in found.key
    assert f"{found.cores} core" in found.key
    assert f", {n_threads()} thread" in found.key
    assert found.gpu is None
    assert dataclasses.replace(found, threads=found.threads + 1).key != found.key
    assert dataclasses.replace(found, in_worker=True).key != found.key
    on_gpu = Hardware("some processor", 8, 4, "cuda:0", gpu="some GPU", gpu_driver="1.2")
    assert on_gpu.key == "some GPU, some processor, 8 cores, 4 threads"
    assert dataclasses.replace(on_gpu, device="cuda:1").key == on_gpu.key


def test_the_machine_is_the_same_when_asked_again_and_counts_its_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert machine() == machine() == json.loads(json.dumps(machine()))
    three = machine()
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert machine() != three


@pytest.fixture
def worker(workplace):
    model = WorkerModel(WorkerSettings("three-lines", {}, timeout_s=60.0, environment=workplace.environment))
    yield model
    model.close()


def test_a_worker_tells_its_own_memory_and_hardware(worker):
    for model in (worker, WorkerPool([worker])):
        assert model.hardware() == dataclasses.replace(
            hardware("cpu"), in_worker=True, torch=model.hardware().torch, threads=model.hardware().threads
        )
        peak = model.peak_memory([bulk("Cu", cubic=True).repeat(3)])
        assert peak is None or (peak.kind == "process" and peak.peak_bytes >= peak.idle_bytes > MB)
    assert worker.graph_seconds is None
