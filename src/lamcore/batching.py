"""Many cases at once on one model: each is sequential code in a greenlet, and what they ask is merged into batches.

When a case asks the model for something it is parked. When every live case is parked, all that they asked for goes to
the model in as few batches as the limits allow, and each case goes on with its own answer. It is one thread and one
deterministic order.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import greenlet

from lamcore.batch_limits import BatchLimits, graph_size
from lamcore.errors import CaseError, EvaluationError, LamcoreError
from lamcore.model import Model, Prediction, check_descriptors, check_prediction
from lamcore.surroundings import Surroundings

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore.hardware import Hardware
    from lamcore.memory import PeakMemory

Output = TypeVar("Output")
Kind = Literal["evaluate", "descriptors"]
Work = tuple[list["Atoms"], list[float]]
"""The structures of a batch and their sizes."""

logger = logging.getLogger(__name__)


@dataclass
class Counters:
    """What a run cost."""

    model_builds: int = 0
    batches: int = 0
    structures: int = 0
    atoms: int = 0
    out_of_memory: int = 0
    build_seconds: float = 0.0
    model_seconds: float = 0.0
    other_seconds: float = 0.0

    def add(self, other: Counters) -> None:
        """Add what another process or chunk cost."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)

    def minus(self, earlier: Counters) -> Counters:
        """What was spent since `earlier`."""
        return Counters(**{name: value - getattr(earlier, name) for name, value in asdict(self).items()})

    def copy(self) -> Counters:
        """The counters as they are now."""
        return replace(self)


@dataclass(frozen=True)
class Job(Generic[Output]):
    """Sequential code that asks a model.

    Attributes:
        work: Called with the model.
        seed: Of the global random numbers that the work may draw, so that they do not depend on its neighbours.
    """

    work: Callable[[Model], Output]
    seed: int = 0


@dataclass(frozen=True)
class Outcome(Generic[Output]):
    """What became of a job: its output, or the exception that ended it.

    Attributes:
        index: The job's place in the order in which jobs were given.
        seconds: Its own time and its share of the batches that it took part in.
    """

    index: int
    output: Output | None
    error: Exception | SystemExit | None
    seconds: float


@dataclass
class _Live(Generic[Output]):
    """A job under way."""

    index: int
    thread: greenlet.greenlet
    surroundings: Surroundings
    seconds: float = 0.0
    output: Output | None = None
    error: Exception | SystemExit | None = None


@dataclass
class _Request:
    """What a parked job waits for."""

    kind: Kind
    structures: Sequence[Atoms]
    sizes: list[float]
    answers: list[Any] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def n_atoms(self) -> int:
        return sum(len(atoms) for atoms in self.structures)


class _DirectModel(Model):
    """The model as it is, for a job that measures it; only what it costs is counted."""

    def __init__(self, model: Model, counters: Counters) -> None:
        self._model = model
        self._counters = counters
        self.scope = model.scope
        self.properties = model.properties
        self.conservative = model.conservative
        self.cutoff_ang = model.cutoff_ang
        self.device = model.device
        self.dtype = model.dtype

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        with self._counted(structures):
            return self._model.evaluate(structures)

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[Any]]:
        with self._counted(structures):
            return self._model.descriptors(structures)

    @property
    def graph_seconds(self) -> float | None:
        return self._model.graph_seconds

    def peak_memory(self, structures: Sequence[Atoms]) -> PeakMemory | None:
        with self._counted(structures):
            return self._model.peak_memory(structures)

    def hardware(self) -> Hardware:
        return self._model.hardware()

    def release_memory(self) -> None:
        self._model.release_memory()

    @contextmanager
    def _counted(self, structures: Sequence[Atoms]) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        except Exception as error:
            self._counters.out_of_memory += is_out_of_memory(error)
            raise
        else:
            self._counters.batches += 1
            self._counters.structures += len(structures)
            self._counters.atoms += sum(len(atoms) for atoms in structures)
        finally:
            self._counters.model_seconds += time.perf_counter() - started


class _ParkingModel(Model):
    """The model as a job sees it: asking parks the job until the hub has the answer."""

    def __init__(self, model: Model, counters: Counters) -> None:
        self.scope = model.scope
        self.properties = model.properties
        self.conservative = model.conservative
        self.cutoff_ang = model.cutoff_ang
        self.device = model.device
        self.dtype = model.dtype
        self._thread = threading.get_ident()
        self._direct = _DirectModel(model, counters)

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        return self._ask("evaluate", structures)

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[Any]]:
        if "descriptors" not in self.properties:
            return super().descriptors(structures)
        return self._ask("descriptors", structures)

    @property
    def graph_seconds(self) -> float | None:
        return self._direct.graph_seconds

    def direct(self) -> Model:
        return self._direct

    def peak_memory(self, structures: Sequence[Atoms]) -> PeakMemory | None:
        return self._direct.peak_memory(structures)

    def hardware(self) -> Hardware:
        return self._direct.hardware()

    def _ask(self, kind: Kind, structures: Sequence[Atoms]) -> list[Any]:
        if threading.get_ident() != self._thread:
            raise RuntimeError("the model was asked from a second thread; ask it from the code of the case itself")
        if len(structures) == 0:
            return []
        for atoms in structures:
            self.scope.check(atoms)
        hub = greenlet.getcurrent().parent
        assert hub is not None
        answers: list[Any] = hub.switch(
            _Request(kind, structures, [graph_size(atoms, self.cutoff_ang) for atoms in structures])
        )
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers


class Hub:
    """Runs jobs together on one model.

    Args:
        model: Computes the batches.
        limits: How large a batch may be.
        counters: Where costs are added up.
        max_cases: How many jobs may be under way at once; fewer are when they fill a batch.
    """

    def __init__(self, model: Model, limits: BatchLimits, counters: Counters, max_cases: int = 256) -> None:
        self._model = model
        self._limits = limits
        self._counters = counters
        self._max_cases = max_cases
        self._shown = _ParkingModel(model, counters)
        self._books = threading.Lock()  # several lanes write into the counters and the limits

    def run(self, jobs: Iterable[Job[Output]]) -> Iterator[Outcome[Output]]:
        """Run all jobs; outcomes come as they are ready.

        An exception of a job is its outcome; `KeyboardInterrupt` ends the run.
        """
        outcomes = self._run(jobs)
        while True:
            started, model_seconds = time.perf_counter(), self._counters.model_seconds
            outcome = next(outcomes, None)
            elapsed = time.perf_counter() - started
            self._counters.other_seconds += elapsed - (self._counters.model_seconds - model_seconds)
            if outcome is None:
                return
            yield outcome

    def _run(self, jobs: Iterable[Job[Output]]) -> Iterator[Outcome[Output]]:
        queue = enumerate(jobs)
        waiting: list[tuple[_Live[Output], _Request]] = []
        exhausted = False
        while True:
            while not exhausted and len(waiting) < self._max_cases and self._has_room(waiting):
                item = next(queue, None)
                if item is None:
                    exhausted = True
                    break
                yield from self._advance(self._start(*item), None, waiting)
            if not waiting:
                return
            asked, waiting = deque(waiting), []
            self._answer([request for _, request in asked])
            while asked:
                live, request = asked.popleft()
                live.seconds += request.seconds
                yield from self._advance(live, request.answers, waiting)

    def _has_room(self, waiting: list[tuple[_Live[Output], _Request]]) -> bool:
        if not waiting:
            return True
        lanes, cap = self._model.lanes, self._limits.max_atoms
        full = sum(sum(request.sizes) for _, request in waiting) >= lanes * self._limits.target
        capped = cap is not None and sum(request.n_atoms for _, request in waiting) >= lanes * cap
        return not (full or capped)

    def _start(self, index: int, job: Job[Output]) -> _Live[Output]:
        def work() -> None:
            try:
                live.output = job.work(self._shown)
            except (Exception, SystemExit) as error:  # the outcome of this job, whatever it is; its neighbours go on
                live.error = error

        live: _Live[Output] = _Live(index, greenlet.greenlet(work), Surroundings(job.seed))
        return live

    def _advance(
        self, live: _Live[Output], answers: list[Any] | None, waiting: list[tuple[_Live[Output], _Request]]
    ) -> Iterator[Outcome[Output]]:
        """Let a job go on until it asks again or ends."""
        started = time.perf_counter()
        with live.surroundings:
            request = live.thread.switch() if answers is None else live.thread.switch(answers)
        live.seconds += time.perf_counter() - started
        if live.thread.dead:
            yield Outcome(live.index, live.output, live.error, live.seconds)
        else:
            waiting.append((live, request))

    def _answer(self, requests: list[_Request]) -> None:
        """Compute all that was asked for and hand the answers to the requests."""
        for kind in ("evaluate", "descriptors"):
            chosen = [request for request in requests if request.kind == kind]
            structures = [atoms for request in chosen for atoms in request.structures]
            sizes = [size for request in chosen for size in request.sizes]
            batches = self._limits.pack(sizes, [len(atoms) for atoms in structures])
            work = ((structures[batch], sizes[batch]) for batch in batches)
            answers = self._compute_in_lanes(kind, work) if self._model.lanes > 1 else self._compute_in_turn(kind, work)
            start = 0
            for request in chosen:
                mine = answers[start : start + len(request.structures)]
                start += len(request.structures)
                request.answers = [answer for answer, _ in mine]
                request.seconds = sum(seconds for _, seconds in mine)

    def _compute_in_turn(self, kind: Kind, work: Iterator[Work]) -> list[tuple[Any, float]]:
        return [answer for structures, sizes in work for answer in self._compute(kind, structures, sizes)]

    def _compute_in_lanes(self, kind: Kind, work: Iterator[Work]) -> list[tuple[Any, float]]:
        """Keep every lane of the model busy with a batch until no work is left."""
        before, started = self._counters.model_seconds, time.perf_counter()
        futures: list[Future[list[tuple[Any, float]]]] = []
        busy: set[Future[list[tuple[Any, float]]]] = set()
        with ThreadPoolExecutor(self._model.lanes) as lanes:
            try:
                for structures, sizes in work:
                    futures.append(lanes.submit(self._compute, kind, structures, sizes))
                    busy.add(futures[-1])
                    if len(busy) == self._model.lanes:
                        _, busy = wait(busy, return_when=FIRST_COMPLETED)
                answers = [answer for future in futures for answer in future.result()]
            except BaseException:
                self._model.close()  # calls under way end at once, and do not begin again
                raise
        with self._books:
            self._counters.model_seconds = before + time.perf_counter() - started  # lanes share the clock on the wall
        return answers

    def _release_memory(self) -> None:
        try:
            self._model.release_memory()
        except Exception as error:  # the structure has failed already; the run goes on with what memory there is
            logger.warning("releasing memory raised %s: %s", type(error).__name__, error)

    def _compute(self, kind: Kind, structures: list[Atoms], sizes: list[float]) -> list[tuple[Any, float]]:
        """Answers and their share of the time; a batch that fails is halved until the structures at fault are alone."""
        started = time.perf_counter()
        try:
            values = self._ask_model(kind, structures)
        except Exception as error:  # any model may raise anything; the structure at fault gets it
            if isinstance(error, LamcoreError) and not isinstance(error, CaseError):
                raise  # not a structure's fault: no other would fare better
            seconds, out_of_memory = time.perf_counter() - started, is_out_of_memory(error)
            with self._books:
                self._counters.model_seconds += seconds
                self._counters.out_of_memory += out_of_memory
                if out_of_memory or isinstance(error, TimeoutError):
                    self._limits.shrink(sum(sizes))
            if out_of_memory:
                self._release_memory()
            if len(structures) == 1:
                return [(_as_case_error(error, structures[0], out_of_memory), seconds)]
            half = len(structures) // 2
            return [
                *self._compute(kind, structures[:half], sizes[:half]),
                *self._compute(kind, structures[half:], sizes[half:]),
            ]
        seconds, total = time.perf_counter() - started, sum(sizes)
        with self._books:
            self._limits.observe(total, seconds)
            self._counters.batches += 1
            self._counters.structures += len(structures)
            self._counters.atoms += sum(len(atoms) for atoms in structures)
            self._counters.model_seconds += seconds
        check = check_prediction if kind == "evaluate" else check_descriptors
        checked = [_checked(check, value, atoms) for value, atoms in zip(values, structures, strict=True)]
        return [(value, seconds * size / total) for value, size in zip(checked, sizes, strict=True)]

    def _ask_model(self, kind: Kind, structures: list[Atoms]) -> list[Any]:
        model = self._model
        values: list[Any] = model.evaluate(structures) if kind == "evaluate" else model.descriptors(structures)
        if len(values) != len(structures):
            raise EvaluationError(
                f"{type(model).__name__} answered {len(values)} of {len(structures)} structures; "
                "the fault is in the model's plugin"
            )
        return values


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception says that memory ran out, on any device, without importing the package that raised it."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        sign in text
        for sign in ("out of memory", "can't allocate memory", "cannot allocate memory", "resource_exhausted")
    )


def _checked(check: Callable[[Any, Atoms], None], value: Any, atoms: Atoms) -> Any:
    """The value, or the error that says what is wrong with it."""
    try:
        check(value, atoms)
    except Exception as error:  # a model may answer with anything, and the fault is that one structure's
        return _as_case_error(error, atoms, out_of_memory=False)
    return value


def _as_case_error(error: Exception, atoms: Atoms, out_of_memory: bool) -> CaseError:
    if isinstance(error, CaseError):
        error.structure = atoms.copy()
        return error
    formula = atoms.get_chemical_formula()
    if out_of_memory:
        message = f"{formula} with {len(atoms)} atoms does not fit in memory alone: {error}"
    else:
        message = f"the model raised {type(error).__name__} on {formula} with {len(atoms)} atoms: {error}"
    wrapped = EvaluationError(message, atoms.copy())
    wrapped.__cause__ = error
    return wrapped
