"""Where cases are calculated: in this process, or shared out among processes through `concurrent.futures`."""

from __future__ import annotations

import math
import multiprocessing
import multiprocessing.connection
import os
import threading
import traceback
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamcore.batching import Counters
from lamcore.cores import usable_cores
from lamcore.errors import LamcoreError
from lamcore.records import Failure, Record

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.config import Selection
    from lamcore.workbench import ComputeFacts, Workbench

_LARGEST_CHUNK = 16
_CHUNKS_PER_WORKER = 4


@dataclass(frozen=True)
class Progress:
    """Records that are ready, and what has been spent so far."""

    records: Sequence[Record]
    counters: Counters
    facts: ComputeFacts | None


class WorkerDiedError(RuntimeError):
    """A worker process ended without an answer: a crash, or the kernel's out-of-memory killer."""


def execute(selection: Selection, cases: Sequence[Case], attempts: Mapping[str, int]) -> Iterator[Progress]:
    """Calculate cases by the executor that the selection names; records come as they are ready."""
    if not cases:
        return iter(())
    if selection.executor.name == "inline":
        return _inline(selection, cases, attempts)
    return _processes(selection, cases, attempts, int(selection.executor.options["workers"]))


def _inline(selection: Selection, cases: Sequence[Case], attempts: Mapping[str, int]) -> Iterator[Progress]:
    from lamcore.workbench import Workbench

    bench = Workbench(selection)
    try:
        for record in bench.calculate(cases, attempts):
            yield Progress([record], bench.counters, bench.facts)
    finally:
        bench.close()


def _processes(
    selection: Selection, cases: Sequence[Case], attempts: Mapping[str, int], workers: int
) -> Iterator[Progress]:
    """Share chunks of cases out among worker processes.

    At most one chunk a worker is out at a time, so that a worker's death puts few cases under suspicion. Those are
    tried again, one at a time in one process; each that kills it again is recorded as failed.
    """
    size = max(1, min(_LARGEST_CHUNK, math.ceil(len(cases) / (workers * _CHUNKS_PER_WORKER))))
    chunks = deque(list(cases[start : start + size]) for start in range(0, len(cases), size))
    spent = Counters()
    with _threads_shared_among(workers):
        while chunks:
            suspects: list[Case] = []
            for done in _until_a_worker_dies(selection, chunks, attempts, workers, suspects):
                spent.add(done.counters)
                yield Progress(done.records, spent, done.facts)
            alone = deque([case] for case in suspects)
            while alone:
                culprits: list[Case] = []
                for done in _until_a_worker_dies(selection, alone, attempts, 1, culprits):
                    spent.add(done.counters)
                    yield Progress(done.records, spent, done.facts)
                for case in culprits:
                    died = WorkerDiedError(
                        f"the process that calculated case {case.id!r} ended without an answer, twice"
                    )
                    record = Record.failed(case.id, Failure.of(died), 0.0, attempts.get(case.id, 1))
                    yield Progress([record], spent, None)


def _until_a_worker_dies(
    selection: Selection,
    chunks: deque[list[Case]],
    attempts: Mapping[str, int],
    workers: int,
    suspects: list[Case],
) -> Iterator[Progress]:
    """Take chunks and calculate them; when a worker dies, put the cases that were out into `suspects` and stop."""
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_end_with_the_driver)
    out: dict[Future[Progress], list[Case]] = {}
    alive = True
    try:
        while out or (chunks and alive):
            while chunks and alive and len(out) < workers:
                of_chunk = {case.id: attempts[case.id] for case in chunks[0] if case.id in attempts}
                try:
                    future = pool.submit(_calculate_chunk, selection.plain, chunks[0], of_chunk)
                except BrokenProcessPool:
                    alive = False
                else:
                    out[future] = chunks.popleft()
            ready, _ = wait(out, return_when=FIRST_COMPLETED)
            while ready:
                future = ready.pop()
                chunk = out.pop(future)
                try:
                    progress = future.result()
                except BrokenProcessPool:
                    suspects += chunk
                    alive = False
                else:
                    del future  # it holds the outputs
                    yield progress
                    del progress
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_bench: Workbench | None = None


def _calculate_chunk(plain: Mapping[str, Any], cases: Sequence[Case], attempts: Mapping[str, int]) -> Progress:
    """Run in a worker process; the model is built with the first chunk and kept."""
    global _bench
    before = Counters()
    if _bench is None:
        _bench = _build_bench(plain)
    else:
        before = _bench.counters.copy()
    records = list(_bench.calculate(cases, attempts))
    return Progress(records, _bench.counters.minus(before), _bench.facts)


def _build_bench(plain: Mapping[str, Any]) -> Workbench:
    from lamcore.allocator import keep_freed_memory
    from lamcore.config import select
    from lamcore.registry import load_registry
    from lamcore.workbench import Workbench

    keep_freed_memory()
    try:
        return Workbench(select(plain, load_registry()))
    except LamcoreError as error:
        raise type(error)(str(error)) from None  # what a plugin attached to it may not travel between processes
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        raise RuntimeError(f"the model or the task could not be built in a worker process:\n{text}") from None


def _end_with_the_driver() -> None:
    """End this worker process when the process that started it is gone, however it went."""
    driver = multiprocessing.parent_process()
    assert driver is not None

    def watch() -> None:
        multiprocessing.connection.wait([driver.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _threads_shared_among(workers: int) -> Iterator[None]:
    """Let each worker's numerical libraries use its share of the cores, unless the user has said otherwise."""
    if "OMP_NUM_THREADS" in os.environ:
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(max(1, usable_cores() // workers))
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]
