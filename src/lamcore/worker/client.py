"""A model that lives in a worker process, seen as any other model."""

from __future__ import annotations

import fcntl
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from lamcore import errors
from lamcore.errors import LamcoreError, PluginError
from lamcore.hardware import Hardware
from lamcore.memory import PeakMemory
from lamcore.model import Model, Prediction, Scope
from lamcore.worker.frames import frame, read_frame
from lamcore.worker.interpreter import variables_for
from lamcore.worker.messages import PROTOCOL, arrays_to_predictions, structures_to_arrays

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

_PIPE_BYTES = 1 << 20
_LINES_SHOWN = 10
_BUILD_SECONDS = 600.0
_STARTS_TRIED = 2


class WorkerError(RuntimeError):
    """The model raised in its process, or the process ended or took too long."""


class WorkerMemoryError(WorkerError, MemoryError):
    """The model's process ran out of memory: it said so, or the system killed it."""


class WorkerTimeoutError(WorkerError, TimeoutError):
    """A call took longer than the limit."""


@dataclass(frozen=True)
class WorkerSettings:
    """How to start a worker.

    Attributes:
        model: The model's name in the worker's environment.
        options: For its builder.
        python: The Python that holds it.
        timeout_s: Wall-clock limit of one call; a call that takes longer is ended.
        environment: Environment variables beside those of this process.
    """

    model: str
    options: Mapping[str, Any]
    python: Path = Path(sys.executable)
    timeout_s: float = 600.0
    environment: Mapping[str, str] | None = None


class WorkerModel(Model):
    """One worker process, started at once and again after it died."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._process: _Process | None = None
        self._closed = False
        self._failed_starts = 0
        self.n_builds = 0
        facts = self._started().facts
        elements = facts["elements"]
        self.scope = Scope(
            elements=None if elements is None else frozenset(elements),
            boundaries=frozenset(facts["boundaries"]),
            charged=facts["charged"],
        )
        self.properties = frozenset(facts["properties"])
        self.conservative = facts["conservative"]
        self.cutoff_ang = facts["cutoff_ang"]
        self.device = facts["device"]
        self.dtype = facts["dtype"]
        self._hardware = Hardware(**(facts["hardware"] | {"in_worker": True}))

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure.

        Raises:
            WorkerError: The model raised, its process died, or it took longer than the limit.
        """
        if not structures:
            return []
        info, arrays = structures_to_arrays(structures)
        _, answer = self._ask({"request": "evaluate", "info": info}, arrays)
        return arrays_to_predictions(structures, answer)

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """Per-atom descriptors of each structure."""
        if "descriptors" not in self.properties:
            return super().descriptors(structures)
        info, arrays = structures_to_arrays(structures)
        _, answer = self._ask({"request": "descriptors", "info": info}, arrays)
        return np.split(answer["descriptors"], np.cumsum(arrays["n_atoms"])[:-1])

    def peak_memory(self, structures: Sequence[Atoms]) -> PeakMemory | None:
        """The memory that one evaluation of these structures takes in the worker; None where that is not known."""
        info, arrays = structures_to_arrays(structures)
        header, _ = self._ask({"request": "peak_memory", "info": info}, arrays)
        return None if header["peak"] is None else PeakMemory(**header["peak"])

    def hardware(self) -> Hardware:
        """What the worker computes on."""
        return self._hardware

    def close(self) -> None:
        """End the process for good."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def _started(self) -> _Process:
        if self._closed:
            raise WorkerError(f"the worker of model {self._settings.model!r} is closed")
        if self._process is None:
            try:
                self._process = _Process(self._settings)
            except WorkerError as error:
                self._failed_starts += 1
                if self._failed_starts < _STARTS_TRIED:
                    raise
                raise PluginError(f"model {self._settings.model!r} cannot be built again: {error}") from error
            self._failed_starts = 0
            self.n_builds += 1
        return self._process

    def _ask(
        self, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        process = self._started()
        try:
            answer, values = process.ask(header, arrays, self._settings.timeout_s)
        except (WorkerMemoryError, WorkerTimeoutError, _GoneError) as error:
            if process.gone:
                self._drop()
            if isinstance(error, _GoneError):
                raise WorkerError(str(error)) from error
            raise
        except KeyboardInterrupt:
            self._drop()  # an answer half read would be taken for the next one's
            raise
        if (seconds := answer.get("graph_seconds")) is not None:
            self._graph_seconds = (self._graph_seconds or 0.0) + seconds
        return answer, values


class WorkerPool(Model):
    """Several workers with the same model, each with its own batch at a time."""

    def __init__(self, workers: Sequence[WorkerModel]) -> None:
        self._workers = list(workers)
        self._free: SimpleQueue[WorkerModel] = SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)
        first = self._workers[0]
        self.lanes = self.n_builds = len(self._workers)
        self.scope, self.properties, self.cutoff_ang = first.scope, first.properties, first.cutoff_ang
        self.conservative = first.conservative
        self.device = ", ".join(dict.fromkeys(worker.device for worker in self._workers))
        self.dtype = first.dtype

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Ask the next free worker; may be called from as many threads as there are workers."""
        predictions: list[Prediction] = self._with_worker(lambda worker: worker.evaluate(structures))
        return predictions

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """Ask the next free worker."""
        features: list[NDArray[np.float64]] = self._with_worker(lambda worker: worker.descriptors(structures))
        return features

    @property
    def graph_seconds(self) -> float | None:
        """That of all workers together."""
        known = [worker.graph_seconds for worker in self._workers if worker.graph_seconds is not None]
        return sum(known) if known else None

    def peak_memory(self, structures: Sequence[Atoms]) -> PeakMemory | None:
        """Ask the next free worker."""
        peak: PeakMemory | None = self._with_worker(lambda worker: worker.peak_memory(structures))
        return peak

    def hardware(self) -> Hardware:
        """What the first worker computes on."""
        return self._workers[0].hardware()

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.close()

    def _with_worker(self, call: Callable[[WorkerModel], Any]) -> Any:
        worker = self._free.get()
        try:
            return call(worker)
        finally:
            self.n_builds = sum(one.n_builds for one in self._workers)
            self._free.put(worker)


class _GoneError(Exception):
    """The process died."""


class _Process:
    """A running worker with its model built."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._name = settings.model
        self._last_lines: deque[str] = deque(maxlen=_LINES_SHOWN)
        self._process = subprocess.Popen(
            [str(settings.python), "-m", "lamcore.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**variables_for(settings.python), **(settings.environment or {})},
            start_new_session=True,  # Ctrl-C goes to the driver alone, which ends its workers
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        for pipe in (self._requests, self._answers):
            _widen(pipe)
        os.set_blocking(self._requests.fileno(), False)  # so that a worker that does not read cannot hold us up
        self.gone = False
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()
        request = {
            "request": "build",
            "protocol": PROTOCOL,
            "lamcore": metadata.version("lamcore"),
            "model": settings.model,
            "options": _plain(settings.options),
        }
        try:
            header, _ = self.ask(request, {}, max(_BUILD_SECONDS, settings.timeout_s))
        except (_GoneError, WorkerMemoryError, WorkerTimeoutError) as gone:
            self.end()
            raise WorkerError(f"{gone}, while the model was built") from gone
        except BaseException:
            self.end()
            raise
        self.facts: dict[str, Any] = header["facts"]

    def ask(
        self, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], timeout_s: float
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Send a request and wait for its answer.

        Raises:
            LamcoreError: What the other side raised, where it is one of lamcore's own errors.
            WorkerError: What else the other side raised.
            WorkerMemoryError: The system killed the process.
            WorkerTimeoutError: It took too long, and was ended.
            _GoneError: The process died.
        """
        deadline = time.monotonic() + timeout_s
        try:
            self._write(frame(header, arrays), deadline)
            answer, values = read_frame(lambda size: self._read(size, deadline))
        except (BrokenPipeError, EOFError) as error:
            status = self._process.wait()
            self.gone = True
            died = WorkerMemoryError if status == -signal.SIGKILL else _GoneError
            raise died(self._obituary(status)) from error
        except TimeoutError as error:
            self.end()
            raise WorkerTimeoutError(
                f"the worker of model {self._name!r} took longer than {timeout_s:g} s, and was ended"
            ) from error
        if "error" in answer:
            raise _as_exception(answer["error"], self._name)
        return answer, values

    def end(self) -> None:
        """End the process at once."""
        self.gone = True
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            with suppress(BrokenPipeError):  # what was not yet written has no reader any more
                pipe.close()
        self._listener.join(timeout=1)

    def _read(self, size: int, deadline: float) -> bytes:
        parts, missing = [], size
        descriptor = self._answers.fileno()
        while missing:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            part = os.read(descriptor, min(missing, _PIPE_BYTES))
            if not part:
                raise EOFError
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _write(self, content: bytes, deadline: float) -> None:
        descriptor, left = self._requests.fileno(), memoryview(content)
        while left:
            _, ready, _ = select.select([], [descriptor], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            left = left[os.write(descriptor, left[:_PIPE_BYTES]) :]

    def _obituary(self, status: int) -> str:
        how = f"signal {-status}" if status < 0 else f"status {status}"
        hint = ", as the system does when memory runs out" if status == -9 else ""
        self._listener.join(timeout=1)
        said = "".join(f"\n  {line}" for line in self._last_lines)
        return f"the worker of model {self._name!r} ended with {how}{hint}{'; its last words:' + said if said else ''}"

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                text = line.decode(errors="replace").rstrip()
                self._last_lines.append(text)
                logger.info("%s: %s", self._name, text)


def _as_exception(described: Mapping[str, Any], model: str) -> Exception:
    kind = getattr(errors, described["kind"], None)
    if isinstance(kind, type) and issubclass(kind, LamcoreError):
        return kind(described["message"])
    error = WorkerMemoryError if described["out_of_memory"] else WorkerError
    logger.info("%s: %s", model, described["traceback"])
    return error(f"{described['kind']} in the worker of model {model!r}: {described['message']}")


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}


def _widen(pipe: IO[bytes]) -> None:
    """Room for a whole batch in the pipe, where the system allows it."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            logger.debug("the pipe keeps its size")
