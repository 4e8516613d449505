"""Files are checked in processes of their own, with limits on time and memory, so that none of them can stop a run."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from lamcore.errors import LamcoreError
from lamcore_crystal.codes import finding
from lamcore_crystal.intake.checking import Checked
from lamcore_crystal.intake.worker import BROKEN, CHECKED, COUNTED, DONE, NO_MEMORY, READY, serve

if TYPE_CHECKING:
    from lamcore_crystal.findings import Finding
    from lamcore_crystal.rounds import RoundSettings

Key = TypeVar("Key", bound=Hashable)

_START_SECONDS = 120.0
_END_SECONDS = 2.0
_MOST_FAILURES_A_FILE = 3
_AHEAD_A_WORKER = 16


class CheckingError(LamcoreError):
    """The checking processes themselves cannot work."""


@dataclass
class _Task(Generic[Key]):
    """A file on its way.

    Attributes:
        n_blocks: How many structures it holds; None while that is not known.
        n_failures: How often it cost a worker.
    """

    key: Key
    data: bytes
    split_blocks: bool
    results: list[Checked] = field(default_factory=list)
    n_blocks: int | None = None
    n_failures: int = 0
    is_done: bool = False


@dataclass(eq=False)
class _Worker:
    """A process, the file that it is at, and until when it has to say something."""

    process: Any
    pipe: Connection
    deadline: float
    is_ready: bool = False
    task: _Task[Any] | None = None


class CheckingPool:
    """Persistent processes that check files.

    A structure that takes longer than `limits.seconds` or more than `limits.memory_mib`, or that crashes its process,
    gets E_TIMEOUT, E_MEMORY or E_CRASH; the process is replaced, and the file goes on with its next structure.

    Args:
        settings: Of the round.
        supported: Symbols of the elements that the model knows; None where it takes all.
        workers: Processes; as many as cores are available by default.
    """

    def __init__(self, settings: RoundSettings, supported: frozenset[str] | None, workers: int | None = None) -> None:
        from lamcore.cores import usable_cores

        self._settings = settings
        self._supported = supported
        self._n_workers = workers or usable_cores()
        # A fresh interpreter: threads and locks of this one do not survive a fork.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            # One that is at a file, since the caller stopped half-way, or not up yet, is not waited for.
            worker.process.join(0 if worker.task or not worker.is_ready else _END_SECONDS)
            _end(worker)
        self._workers.clear()

    def check_all(self, items: Iterable[tuple[Key, bytes, bool]]) -> Iterator[tuple[Key, list[Checked]]]:
        """Check files, and give what was found in the order of the files.

        Args:
            items: Of each file a key, its bytes, and whether each of its blocks is a structure of its own. They are
                taken as they are needed.

        Raises:
            CheckingError: The processes cannot be started.
        """
        waiting = iter(items)
        order: deque[_Task[Key]] = deque()
        ready: deque[_Task[Key]] = deque()
        ahead = _AHEAD_A_WORKER * self._n_workers
        is_more = True
        while is_more or order:
            while is_more and len(order) < ahead:
                item = next(waiting, None)
                if item is None:
                    is_more = False
                else:
                    order.append(_Task(*item))
                    ready.append(order[-1])
            self._hand_out(ready)
            if order:
                self._listen(ready)
            while order and order[0].is_done:
                task = order.popleft()
                yield task.key, task.results

    def _hand_out(self, ready: deque[_Task[Any]]) -> None:
        while len(self._workers) < min(
            self._n_workers, len(ready) + sum(one.task is not None for one in self._workers)
        ):
            self._workers.append(self._start())
        for worker in self._workers:
            if ready and worker.is_ready and worker.task is None:
                task = ready.popleft()
                try:
                    worker.pipe.send((task.data, task.split_blocks, len(task.results)))
                except OSError:  # it died while it had nothing to do; the file is no cause, and waits for the next
                    ready.appendleft(task)
                    self._replace(worker)
                    return
                worker.task = task
                worker.deadline = time.monotonic() + self._settings.limits.seconds

    def _listen(self, ready: deque[_Task[Any]]) -> None:
        """Take one message of each worker that has one, and end those whose time is over."""
        busy: dict[object, _Worker] = {
            worker.pipe: worker for worker in self._workers if worker.task or not worker.is_ready
        }
        first_deadline = min((worker.deadline for worker in busy.values()), default=time.monotonic())
        for pipe in wait(
            [worker.pipe for worker in busy.values()], timeout=max(0.0, first_deadline - time.monotonic())
        ):
            worker = busy.pop(pipe)
            try:
                kind, value = worker.pipe.recv()
            except (EOFError, OSError):
                self._died(worker, ready)
            else:
                self._heard(worker, kind, value, ready)
        now = time.monotonic()
        for worker in [one for one in busy.values() if one.deadline <= now and not one.pipe.poll()]:
            if not worker.is_ready:
                raise CheckingError(f"a checking process did not start within {_START_SECONDS:g} s; try fewer workers")
            seconds = self._settings.limits.seconds
            message = f"reading and checking took longer than {seconds:g} s"
            self._failed(worker, finding("E_TIMEOUT", message, seconds=seconds), ready)

    def _heard(self, worker: _Worker, kind: int, value: Any, ready: deque[_Task[Any]]) -> None:
        worker.deadline = time.monotonic() + self._settings.limits.seconds
        task = worker.task
        if kind == READY:
            worker.is_ready = True
        elif kind == BROKEN:
            raise CheckingError(value)
        elif task is None:
            raise CheckingError(f"a checking process sent message {kind} without a file")
        elif kind == COUNTED:
            task.n_blocks = value
        elif kind == CHECKED:
            task.results.append(value)
        elif kind == NO_MEMORY:
            memory = self._settings.limits.memory_mib
            message = f"reading and checking needed more than {memory} MiB of memory"
            self._failed(worker, finding("E_MEMORY", message, memory_mib=memory), ready)
        elif kind == DONE:
            task.is_done = True
            worker.task = None

    def _died(self, worker: _Worker, ready: deque[_Task[Any]]) -> None:
        worker.process.join(_END_SECONDS)
        code = worker.process.exitcode
        if not worker.is_ready:
            raise CheckingError(
                f"a checking process ended with status {code} as it started; its traceback is above. It imports the "
                "script that was run, which calls things below `if __name__ == '__main__':` alone"
            )
        how = f"signal {-code}" if code is not None and code < 0 else f"status {code}"
        self._failed(worker, finding("E_CRASH", f"the process that read the file ended with {how}", status=code), ready)

    def _failed(self, worker: _Worker, refusal: Finding, ready: deque[_Task[Any]]) -> None:
        """Refuse the structure that a worker was at, replace the worker, and go on with the file's next structure."""
        task = worker.task
        self._replace(worker)
        if task is None:
            return
        task.n_failures += 1
        task.results.append(Checked(len(task.results), "", None, (refusal,)))
        n_blocks = task.n_blocks or 1
        if task.n_failures >= _MOST_FAILURES_A_FILE:
            while len(task.results) < n_blocks:
                task.results.append(Checked(len(task.results), "", None, (refusal,)))
        task.is_done = len(task.results) >= n_blocks
        if not task.is_done:
            ready.appendleft(task)

    def _replace(self, worker: _Worker) -> None:
        """End a worker; another is started when there is a file for it."""
        self._workers.remove(worker)
        worker.pipe.close()
        _end(worker)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._settings, self._supported), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours, time.monotonic() + _START_SECONDS)


def _end(worker: _Worker) -> None:
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join()
    worker.process.close()
