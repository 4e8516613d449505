"""What a correct task is, claim by claim."""

from __future__ import annotations

import copy
import json
import logging
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.aggregate import score_cases
from lamcore.dataset import content_sha256
from lamcore.quantities import QUANTITIES
from lamcore.records import RECORDS_FILE, Record, RecordStore, read_records
from lamcore.testing.claims import Measured, Number, claim, judged, largest, not_applicable, without_problems
from lamcore.testing.registration import REGISTRATION_CLAIMS
from lamcore.testing.task_subject import NanModel, OnlyModel, RaisingModel

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.model import Model
    from lamcore.task import Metric, Task
    from lamcore.testing.task_subject import TaskSubject

_PERFECT = 1e-6
"""Of the dummy's error: a fit or an integral that recovers its reference does so to rounding, about 1e-9."""


@claim
def needs_are_quantities(subject: TaskSubject) -> Measured:
    """What the task needs of a model are quantities that models have."""
    known = QUANTITIES.keys() & {"energy", "forces", "stress", "descriptors"}
    return without_problems(
        [f"needs {name!r}, expected some of {', '.join(sorted(known))}" for name in sorted(subject.task.needs - known)],
        f"needs {', '.join(sorted(subject.task.needs))}",
    )


@claim
def cases_are_calculated(subject: TaskSubject) -> Measured:
    """Cases of the task's own dataset are calculated, or fail with a reason.

    With the model of the kit, which has no chemistry, a case may rightly fail; that all do leaves nothing to check, and
    is a failure. A task that cannot use the model of the kit is checked with another one (`--model`).
    """
    if not subject.outputs:
        return without_problems([subject.why_none])
    failures = [f"{name}: {record.failure.message}" for name, record in subject.together.items() if record.failure]
    detail = f"{len(subject.outputs)} of {len(subject.cases)} with {type(subject.model).__name__}"
    return without_problems([], "; ".join([detail, *failures]))


@claim
def cases_are_scored(subject: TaskSubject) -> Measured:
    """Cases that are calculated are scored, or it is said why not.

    A task may raise about a case that it cannot score; that it does so about all of them leaves nothing to check, and
    is a failure.
    """
    if not subject.outputs:
        return not_applicable(subject.why_none)
    calculated = [case for case in subject.cases if case.id in subject.outputs]
    scored = score_cases(subject.task, calculated, subject.together)
    reasons = sorted({one.failure for one in scored if one.failure is not None})
    if all(one.scores is None for one in scored):
        return without_problems([f"no case can be scored: {'; '.join(reasons)}"])
    n_scored = sum(one.scores is not None for one in scored)
    return without_problems([], "; ".join([f"{n_scored} of {len(calculated)}", *reasons]))


@claim
def cases_are_not_changed(subject: TaskSubject) -> Measured:
    """Calculating and scoring leave the cases as they are."""
    before = content_sha256(subject.cases)
    records = {record.case_id: record for record in subject.run(subject.model)}
    subject.task.summarize(score_cases(subject.task, subject.cases, records))
    return without_problems([] if content_sha256(subject.cases) == before else ["a case changed"])


@claim
def output_can_be_stored(subject: TaskSubject) -> Measured:
    """What `calculate` returns are JSON values and arrays, all finite, and reads back as it was."""
    if not subject.outputs:
        return not_applicable(subject.why_none)
    stored = _stored(list(subject.together.values()))
    apart = largest(*(_apart(output, stored[name].output) for name, output in subject.outputs.items()))
    return judged(Number("stored against calculated", apart, 0.0, "1"), detail=f"keys: {', '.join(_keys(subject))}")


@claim
def batched_is_serial(subject: TaskSubject) -> Measured:
    """Cases calculated together give what each gives alone, one structure at a time.

    The model's own batches are the subject of claims about models; here it is the task that must not carry anything
    from one case to the next. The limit is relative to the largest number under each name of the output.
    """
    if not subject.outputs:
        return not_applicable(subject.why_none)
    serial = {record.case_id: record for record in subject.run(subject.model, max_cases=1, max_atoms=1)}
    if any(record.status != subject.together[name].status for name, record in serial.items()):
        return without_problems(["other cases fail when they are calculated one after the other"])
    apart = largest(*(_apart(output, serial[name].output) for name, output in subject.outputs.items()))
    return judged(
        Number("together against alone, relative", apart, 1e-6 if subject.model.dtype == "float64" else 1e-3, "1")
    )


@claim
def score_is_pure_and_repeatable(subject: TaskSubject) -> Measured:
    """Scoring again, by a new task, and from the stored output gives the same JSON and changes nothing.

    What cannot be scored raises, which fails the case; then it raises the same again.
    """
    if not subject.outputs:
        return not_applicable(subject.why_none)
    stored = _stored(list(subject.together.values()))
    problems = []
    another = subject.choice.build()
    for case in reversed([case for case in subject.cases if case.id in subject.outputs]):
        output = stored[case.id].output
        assert output is not None
        kept, case_before = copy.deepcopy(output), content_sha256([case])
        scores = _score(subject.task, case, output)
        if _differ(kept, output):
            problems.append(f"{case.id}: score changes the output")
        if content_sha256([case]) != case_before:
            problems.append(f"{case.id}: score changes the case")
        try:
            json.dumps(scores, allow_nan=False)
        except (TypeError, ValueError) as error:
            problems.append(f"{case.id}: the scores are not JSON: {error}")
        for how, again in (
            ("again", _score(subject.task, case, output)),
            ("by a new task", _score(another, case, output)),
            ("from what calculate returned", _score(subject.task, case, subject.outputs[case.id])),
        ):
            if _differ(scores, again):
                problems.append(f"{case.id}: other scores {how}")
    return without_problems(problems, f"scores: {', '.join(map(str, scores))}")


@claim
def metrics_are_described(subject: TaskSubject) -> Measured:
    """Every metric has a name, a unit, a direction, and a dummy or a note; its interval holds its value."""
    metrics = _metrics(subject, subject.together)
    problems = [
        f"metric {metric.name!r} {problem}" for metric in metrics for problem in _faults(metric, len(subject.cases))
    ]
    names = [metric.name for metric in metrics]
    problems += [f"two metrics are called {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    if not metrics:
        problems.append("there are no metrics")
    return without_problems(problems, ", ".join(f"{metric.name} ({metric.unit})" for metric in metrics))


@claim
def order_does_not_matter(subject: TaskSubject) -> Measured:
    """The metrics do not depend on the order of the cases."""
    scored = score_cases(subject.task, subject.cases, subject.together)
    forward, backward = subject.task.summarize(scored), subject.task.summarize(scored[::-1])
    apart = [_apart(_numbers(one), _numbers(other)) for one, other in zip(forward, backward, strict=True)]
    return judged(Number("forward against backward, relative", largest(*apart) if apart else np.nan, 1e-12, "1"))


@claim
def a_perfect_model_makes_no_error(subject: TaskSubject) -> Measured:
    """The reference itself scores zero error, and full marks where higher is better.

    For tasks whose labels determine what `calculate` would return (`Task.perfect_output`).
    """
    records = {}
    for case in subject.cases:
        output = subject.task.perfect_output(case)
        if output is None:
            return not_applicable("the task cannot be fed its reference (Task.perfect_output is None)")
        records[case.id] = Record.done(case.id, output, 0.0)
    records = dict(_stored(list(records.values())))
    problems = [
        f"{one.case.id}: {one.failure}" for one in score_cases(subject.task, subject.cases, records) if one.failure
    ]
    if problems:
        return without_problems(problems)
    numbers = []
    for metric in _metrics(subject, records):
        value = np.nan if metric.value is None else metric.value
        if metric.direction == "lower":
            numbers.append(Number(metric.name, abs(value), _PERFECT * (metric.dummy or 1.0), metric.unit))
        elif metric.unit == "1":
            numbers.append(Number(f"1 − {metric.name}", abs(1 - value), _PERFECT, metric.unit))
    return judged(*numbers)


@claim
def a_model_that_raises_fails_every_case_and_scores_worst(subject: TaskSubject) -> Measured:
    """A model that raises gives a failure record for each case, and no metric better than the dummy's."""
    return _all_fail(subject, RaisingModel(subject.model))


@claim
def a_model_that_returns_nan_fails_every_case_and_scores_worst(subject: TaskSubject) -> Measured:
    """A model that returns NaN gives a failure record for each case, and no metric better than the dummy's."""
    return _all_fail(subject, NanModel(subject.model))


@claim
def a_model_without_what_is_needed_fails_every_case(subject: TaskSubject) -> Measured:
    """A model that lacks a property that the task needs gives failure records, not numbers.

    A run refuses such a model before it begins; here it gets past that.
    Stress and descriptors can be lacking; energy and forces are part of every prediction.
    """
    lacking = sorted(subject.task.needs & {"stress", "descriptors"})
    if not lacking:
        return not_applicable(f"needs only {', '.join(sorted(subject.task.needs))}, which every model gives")
    problems = []
    for name in lacking:
        model = OnlyModel(subject.model, subject.model.properties - {name})
        records = {record.case_id: record for record in subject.run(model)}
        problems += [
            f"without {name}, {case} is not failed" for case, record in records.items() if record.failure is None
        ]
        problems += _worst_problems(subject, records)
    return without_problems(problems, f"without {', '.join(lacking)}")


@claim
def needs_are_complete(subject: TaskSubject) -> Measured:
    """A model that gives what the task says it needs, and no more, is enough."""
    if not subject.outputs:
        return not_applicable(subject.why_none)
    lean = {r.case_id: r for r in subject.run(OnlyModel(subject.model, frozenset(subject.task.needs)))}
    problems = [
        f"{name} fails: {record.failure.message}"
        for name, record in lean.items()
        if record.failure is not None and name in subject.outputs
    ]
    if problems:
        return without_problems(problems)
    apart = max(_apart(output, lean[name].output) for name, output in subject.outputs.items())
    return judged(Number("lean against full model, relative", apart, 1e-6, "1"))


@claim
def one_failed_case_costs_itself_alone(subject: TaskSubject) -> Measured:
    """Where the model fails on one case, the others have the same output, and the metrics count the failed one."""
    if not subject.outputs:
        return not_applicable(subject.why_none)
    victim = next(iter(subject.outputs))

    def shown(case: Case, model: Model) -> Model:
        return RaisingModel(model) if case.id == victim else model

    records = {record.case_id: record for record in subject.run(subject.model, shown=shown)}
    problems = [] if records[victim].failure is not None else [f"{victim} did not fail"]
    for name, output in subject.outputs.items():
        if name != victim and (records[name].output is None or not _apart(output, records[name].output) <= 1e-6):
            problems.append(f"{name} changed when {victim} failed")
    before = {metric.name: metric for metric in _metrics(subject, subject.together)}
    after = {metric.name: metric for metric in _metrics(subject, records)}
    problems += [f"metric {name!r} is gone" for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        if after[name].n != before[name].n:
            problems.append(f"metric {name!r} has n {after[name].n}, was {before[name].n}")
        if before[name].n == len(subject.cases) and after[name].n_failed != before[name].n_failed + 1:
            problems.append(f"metric {name!r} has n_failed {after[name].n_failed}, was {before[name].n_failed}")
    return without_problems(problems, f"{victim} failed")


@claim
def a_killed_run_goes_on(subject: TaskSubject) -> Measured:
    """A run killed after its first case, half a line written, goes on with the others to the same metrics."""
    first, *others = subject.run(subject.model)
    calculated = [first.case_id]
    with tempfile.TemporaryDirectory() as folder:
        with RecordStore(Path(folder)) as store:
            store.append(first)
        with (Path(folder) / RECORDS_FILE).open("a", encoding="utf-8") as file:
            file.write('{"case_id": "half a li')
        with _expecting_a_damaged_line(), RecordStore(Path(folder)) as store:
            todo = [case for case in subject.cases if case.id not in store.finished(retry_failed=False)]
            for record in subject.run(subject.model, cases=todo):
                store.append(record)
                calculated.append(record.case_id)
        with _expecting_a_damaged_line():
            resumed = dict(read_records(Path(folder)))  # all of them now, since the folder goes
    problems = [] if sorted(calculated) == sorted(case.id for case in subject.cases) else [f"calculated {calculated}"]
    whole = {record.case_id: record for record in (first, *others)}
    expected, found = _metrics(subject, whole), _metrics(subject, resumed)
    values = [{metric.name: metric.value for metric in metrics} for metrics in (expected, found)]
    apart = Number("resumed against whole, relative", _apart(*values), 1e-6, "1")
    return judged(Number("problems", float(len(problems)), 0.0, "1"), apart, detail="; ".join(problems))


TASK_CLAIMS = (
    *REGISTRATION_CLAIMS,
    needs_are_quantities,
    cases_are_calculated,
    cases_are_scored,
    cases_are_not_changed,
    output_can_be_stored,
    batched_is_serial,
    score_is_pure_and_repeatable,
    metrics_are_described,
    order_does_not_matter,
    a_perfect_model_makes_no_error,
    a_model_that_raises_fails_every_case_and_scores_worst,
    a_model_that_returns_nan_fails_every_case_and_scores_worst,
    a_model_without_what_is_needed_fails_every_case,
    needs_are_complete,
    one_failed_case_costs_itself_alone,
    a_killed_run_goes_on,
)


def _metrics(subject: TaskSubject, records: Mapping[str, Record]) -> list[Metric]:
    return subject.task.summarize(score_cases(subject.task, subject.cases, records))


def _numbers(metric: Metric) -> dict[str, Any]:
    """The numbers of a metric; its value may cancel to much less than the dummy, and is compared on the same scale."""
    return {"value and dummy": [metric.value, metric.dummy], "n": metric.n, "n_failed": metric.n_failed}


def _score(task: Task, case: Case, output: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of a case, or what scoring raised."""
    try:
        return dict(task.score(case, output))
    except Exception as error:  # a task may raise about a case that it cannot score
        return {f"raised {type(error).__name__}": str(error)}


def _keys(subject: TaskSubject) -> list[str]:
    return sorted(next(iter(subject.outputs.values())))


def _stored(records: Sequence[Record]) -> dict[str, Record]:
    """Records written to a file and read again."""
    with tempfile.TemporaryDirectory() as folder:
        with RecordStore(Path(folder)) as store:
            for record in records:
                store.append(record)
        return dict(read_records(Path(folder)))  # all of them now, since the folder goes


@contextmanager
def _expecting_a_damaged_line() -> Iterator[None]:
    """Keep the warning about it from the user."""
    logger = logging.getLogger("lamcore.records")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _all_fail(subject: TaskSubject, model: Model) -> Measured:
    records = {record.case_id: record for record in subject.run(model)}
    problems = [f"{case.id} has no record" for case in subject.cases if case.id not in records]
    problems += [f"{name} did not fail" for name, record in records.items() if record.failure is None]
    _stored(list(records.values()))
    problems += _worst_problems(subject, records)
    return without_problems(problems, f"{len(records)} failure records")


def _worst_problems(subject: TaskSubject, records: Mapping[str, Record]) -> list[str]:
    """How metrics of a run in which all failed are better than the dummy, or drop cases."""
    problems = []
    normal = {metric.name: metric for metric in _metrics(subject, subject.together)}
    failed = {metric.name: metric for metric in _metrics(subject, records)}
    problems += [f"metric {name!r} is gone" for name in normal.keys() - failed.keys()]
    for name, metric in failed.items():
        if name in normal and metric.n != normal[name].n:
            problems.append(f"metric {name!r} has n {metric.n}, expected {normal[name].n}")
        if metric.n_failed != metric.n:
            problems.append(f"metric {name!r} has n_failed {metric.n_failed} of {metric.n}")
        if metric.value is None:
            if not metric.note and metric.n > 0:
                problems.append(f"metric {name!r} has no value and no note")
            continue
        sign = 1 if metric.direction == "lower" else -1
        worst = metric.dummy if metric.dummy is not None else (None if metric.direction == "lower" else 0.0)
        if worst is None:
            if not metric.note:
                problems.append(f"metric {name!r} has neither dummy nor note")
        elif sign * (metric.value - worst) < -1e-9 * max(1.0, abs(worst)):
            problems.append(f"metric {name!r} is {metric.value}, better than {worst}")
    return problems


def _faults(metric: Metric, n_cases: int) -> list[str]:
    faults = []
    if not metric.name or any(letter.isspace() for letter in metric.name):
        faults.append("has spaces in its name, or none")
    if not metric.unit.strip():
        faults.append("has no unit; a pure number has unit 1")
    if metric.direction not in ("lower", "higher"):
        faults.append(f"has direction {metric.direction!r}")
    if metric.value is not None and not math.isfinite(metric.value):
        faults.append(f"is {metric.value}")
    if metric.dummy is None and not metric.note and metric.value is not None:
        faults.append("has neither a dummy nor a note")
    if not 0 <= metric.n_failed <= metric.n <= n_cases:
        faults.append(f"has n {metric.n} and n_failed {metric.n_failed} of {n_cases} cases")
    if metric.interval is not None and metric.value is not None:
        low, high = metric.interval
        slack = 1e-9 * max(abs(low), abs(high), 1.0)
        if not low - slack <= metric.value <= high + slack:
            faults.append(f"is {metric.value}, outside its interval {metric.interval}")
    return faults


def _differ(one: Any, other: Any) -> bool:
    """Whether two nested values differ at all."""
    return not _apart(one, other) <= 0.0


def _apart(one: Any, other: Any) -> float:
    """The largest difference between two nested values, relative to the largest magnitude under the same name.

    NaN where a number is NaN, infinite where the values are not alike.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            return math.inf
        return largest(*(_apart(one[key], other[key]) for key in one))
    difference = _difference(one, other)
    return difference if difference == 0 or math.isinf(difference) else difference / _magnitude(one, other)


def _difference(one: Any, other: Any) -> float:
    """The largest absolute difference; infinite where the values are not alike, or texts that differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            return math.inf
        return largest(*(_difference(one[key], other[key]) for key in one))
    if isinstance(one, str | bool | None) or isinstance(other, str | bool | None):
        return 0.0 if one == other else math.inf
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return math.inf
        return largest(*(_difference(a, b) for a, b in zip(one, other, strict=True)))
    first, second = np.asarray(one), np.asarray(other)
    if first.shape != second.shape:
        return math.inf
    if first.dtype.kind in "USb" or second.dtype.kind in "USb":
        return 0.0 if np.array_equal(first, second) else math.inf
    return float(np.max(np.abs(first - second), initial=0.0))


def _magnitude(*values: Any) -> float:
    """The largest absolute value of the numbers in nested values."""
    found = 0.0
    for value in values:
        if isinstance(value, Mapping):
            found = largest(found, _magnitude(*value.values()))
        elif isinstance(value, list | tuple):
            found = largest(found, _magnitude(*value))
        elif np.asarray(value).dtype.kind in "iufc":
            found = largest(found, float(np.max(np.abs(value), initial=0.0)))
    return found
