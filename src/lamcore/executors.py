"""Where cases are calculated: in this process, or shared out among processes through `concurrent.futures`."""

from __future__ import annotations

import math
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamcore.batching import Counters
from lamcore.records import Failure, Record

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.config import Selection
    from lamcore.workbench import ComputeFacts, Workbench

_LARGEST_CHUNK = 64
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
    tried again, each alone in a process; one that kills its process again is recorded as failed.
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
            for case in suspects:
                alone: list[Case] = []
                for done in _until_a_worker_dies(selection, deque([[case]]), attempts, 1, alone):
                    spent.add(done.counters)
                    yield Progress(done.records, spent, done.facts)
                if alone:
                    died = WorkerDiedError(
                        f"the process that calculated case {case.id!r} ended without an answer, twice"
                    )
                    yield Progress(
                        [Record.failed(case.id, Failure.of(died), 0.0, attempts.get(case.id, 1))], spent, None
                    )


def _until_a_worker_dies(
    selection: Selection,
    chunks: deque[list[Case]],
    attempts: Mapping[str, int],
    workers: int,
    suspects: list[Case],
) -> Iterator[Progress]:
    """Take chunks and calculate them; when a worker dies, put the cases that were out into `suspects` and stop."""
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    out: dict[Future[Progress], list[Case]] = {}
    alive = True
    try:
        while out or (chunks and alive):
            while chunks and alive and len(out) < workers:
                try:
                    future = pool.submit(_calculate_chunk, selection.plain, chunks[0], dict(attempts))
                except BrokenProcessPool:
                    alive = False
                else:
                    out[future] = chunks.popleft()
            ready, _ = wait(out, return_when=FIRST_COMPLETED)
            for future in ready:
                chunk = out.pop(future)
                try:
                    progress = future.result()
                except BrokenProcessPool:
                    suspects += chunk
                    alive = False
                else:
                    yield progress
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_bench: tuple[Mapping[str, Any], Workbench] | None = None


def _calculate_chunk(plain: Mapping[str, Any], cases: Sequence[Case], attempts: Mapping[str, int]) -> Progress:
    """Run in a worker process; the model is built with the first chunk and kept."""
    global _bench
    from lamcore.allocator import keep_freed_memory
    from lamcore.config import select
    from lamcore.registry import load_registry
    from lamcore.workbench import Workbench

    if _bench is None or _bench[0] != plain:
        keep_freed_memory()
        _bench = (plain, Workbench(select(plain, load_registry())))
        before = Counters()
    else:
        before = _bench[1].counters.copy()
    bench = _bench[1]
    records = list(bench.calculate(cases, attempts))
    return Progress(records, bench.counters.minus(before), bench.facts)


@contextmanager
def _threads_shared_among(workers: int) -> Iterator[None]:
    """Let each worker's numerical libraries use its share of the cores, unless the user has said otherwise."""
    if "OMP_NUM_THREADS" in os.environ:
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]
