"""From scores to metrics.

A time has no dummy that a failed case could count at. So a metric has no value where one of the cases that it is about
has none: a mean over the others would be a mean over other structures than those of other models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lamcore import Metric, ScoredCase
from lamcore.errors import RunFolderError
from lamcore.scoring import proportion
from lamcore.task import Contributions
from lamcore_efficiency.cost_model import CostModel, fit_cost_model
from lamcore_efficiency.statistics import (
    interval_of_mean_over_groups,
    mean_over_groups,
    pooled_deviation,
    spread,
)

_LARGE_ATOMS = 1000
"""A structure with more atoms than this may turn out not to fit without being a failure."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class _About:
    """The cases that a metric is about, and those of them that have what it needs."""

    cases: Sequence[ScoredCase]
    done: Sequence[ScoredCase]
    hardware: str

    @property
    def missing(self) -> list[str]:
        have = {one.case.id for one in self.done}
        return [one.case.id for one in self.cases if one.case.id not in have]


def summarize(scored: Sequence[ScoredCase], protocol: Literal["default", "lambench"]) -> list[Metric]:
    """All metrics that these cases are for.

    Raises:
        RunFolderError: Cases were measured on different hardware.
    """
    hardware = only_hardware(scored)
    builders = _lambench if protocol == "lambench" else _default
    metrics = [metric for metric in builders(scored, hardware) if metric.n]
    success = proportion(scored, name="success_rate", success=_succeeded, note="a failed case is an unsuccessful one")
    return [*metrics, success]


def only_hardware(scored: Sequence[ScoredCase]) -> str:
    """The hardware that all cases were measured on; empty where none was measured.

    Raises:
        RunFolderError: There are several.
    """
    by_hardware: dict[str, list[str]] = {}
    for one in scored:
        if one.scores is not None:
            by_hardware.setdefault(str(one.scores["hardware"]), []).append(one.case.id)
    if len(by_hardware) > 1:
        found = "; ".join(f"{key} ({len(ids)} cases, such as {ids[0]})" for key, ids in sorted(by_hardware.items()))
        raise RunFolderError(
            f"cases of this run were timed on different hardware, which cannot share a number: {found}; "
            "move the run's folder away and give its command again on one machine"
        )
    return next(iter(by_hardware), "")


def cost_model_of(scored: Sequence[ScoredCase]) -> CostModel | None:
    """The fit of time against size over all timed ladders; None where there are no two sizes of a material."""
    done = [one for one in scored if one.case.settings.get("measure") == "time" and _has(one, "median_s")]
    try:
        return fit_cost_model(
            [one.scores["n_atoms"] for one in done if one.scores],
            [one.scores["median_s"] for one in done if one.scores],
            [str(one.case.settings["group"]) for one in done],
        )
    except ValueError:
        return None


def _default(scored: Sequence[ScoredCase], hardware: str) -> list[Metric]:
    def flagged(name: str, key: str) -> _About:
        cases = [one for one in scored if one.case.settings.get(name)]
        return _About(cases, [one for one in cases if _has(one, key)], hardware)

    def of_kind(kind: str, key: str) -> _About:
        cases = [one for one in scored if one.case.settings.get("measure") == kind]
        return _About(cases, [one for one in cases if _has(one, key)], hardware)

    equal = flagged("equal_size", "time_per_atom_us")
    return [
        _mean("time_per_atom_us", "µs/atom", equal, lambda scores: scores["times_per_atom_us"], "at 501 to 1000 atoms"),
        _mean(
            "latency_ms",
            "ms",
            flagged("latency", "median_s"),
            lambda scores: [1e-3 * scores["n_atoms"] * time for time in scores["times_per_atom_us"]],
            "one small structure at a time",
        ),
        _throughput(of_kind("batch", "throughput_atoms_per_s")),
        _largest("peak_memory_mb", flagged("equal_size", "peak_memory_mb")),
        _capacity(of_kind("capacity", "fits_atoms")),
        *_cost(scored, of_kind("time", "median_s")),
        _graph_share(flagged("equal_size", "graph_share")),
    ]


def _lambench(scored: Sequence[ScoredCase], hardware: str) -> list[Metric]:
    """Mean of the means of files over the frames that have a time; none where a file has no frame with one."""
    timed = [one for one in scored if one.case.settings.get("measure") == "frame" and not _is_warm_up(one)]
    done = [one for one in timed if _has(one, "time_per_atom_us")]
    about = _About(timed, done, hardware)
    files = {str(one.case.settings["group"]) for one in timed}
    values = _by_group(done, "time_per_atom_us")
    without = sorted(files - values.keys())
    note = "LAMBench's: mean of the files' means, over frames that did not fail; one repetition"
    if without:
        note += f"; no value, since no frame of {', '.join(without)} has a time"
    has_value = bool(files) and not without
    return [
        _metric(
            "time_per_atom_us",
            "µs/atom",
            about,
            mean_over_groups(values) if has_value else None,
            note=note,
            contributions=_contributions(done, "time_per_atom_us") if has_value else None,
        ),
        _metric(
            "time_per_atom_deviation_us",
            "µs/atom",
            about,
            pooled_deviation(values) if has_value else None,
            note="root of the mean of the files' variances",
        ),
    ]


def _mean(
    name: str, unit: str, about: _About, repetitions: Callable[[Mapping[str, Any]], list[float]], what: str
) -> Metric:
    """Mean over groups of the medians of repetitions, with the interval of the timing."""
    if about.missing or not about.cases:
        return _metric(name, unit, about, None, note=_why_none(about))
    repeated: dict[str, list[list[float]]] = {}
    for one in about.done:
        assert one.scores is not None
        repeated.setdefault(_group(one), []).append(repetitions(one.scores))
    medians = {group: [spread(times).median for times in cases] for group, cases in repeated.items()}
    value = mean_over_groups(medians)
    low, high = interval_of_mean_over_groups(repeated)
    return _metric(
        name,
        unit,
        about,
        value,
        interval=(min(low, value), max(high, value)),
        note=f"{what}; the interval is that of the repetitions",
        contributions=_contributions(about.done, "time_per_atom_us") if name == "time_per_atom_us" else None,
    )


def _throughput(about: _About) -> Metric:
    name, unit = "throughput_atoms_per_s", "atoms/s"
    if about.missing or not about.cases:
        return _metric(name, unit, about, None, direction="higher", note=_why_none(about))
    rates = {one.case.id: [one.scores["best_rates_atoms_per_s"]] for one in about.done if one.scores}
    value = mean_over_groups({case_id: [spread(one[0]).median] for case_id, one in rates.items()})
    low, high = interval_of_mean_over_groups(rates)
    ended = sorted({str(one.scores["stopped"]) for one in about.done if one.scores})
    why = {"saturated": "more copies gave no more", "memory": "larger batches did not fit"}
    return _metric(
        name,
        unit,
        about,
        value,
        interval=(min(low, value), max(high, value)),
        direction="higher",
        note="the best batch; " + " and ".join(why.get(one, f"at least: batches ended by {one}") for one in ended),
    )


def _largest(name: str, about: _About) -> Metric:
    """Peak memory: the largest over the cases."""
    if not about.missing and about.cases:
        value = max(float(one.scores[name]) for one in about.done if one.scores)
        return _metric(name, "MB", about, value, note="beyond the idle model, at the same sizes as the time per atom")
    measured = [one for one in about.cases if one.scores is not None and one.scores.get("fits")]
    unknown = len(measured) == len(about.cases)
    note = "the system does not tell, or the device is not CUDA with torch" if unknown else _why_none(about)
    return _metric(name, "MB", about, None, note=note)


def _capacity(about: _About) -> Metric:
    name, unit = "atoms_that_fit", "atoms"
    if about.missing or not about.cases:
        return _metric(name, unit, about, None, direction="higher", note=_why_none(about))
    scores = [one.scores for one in about.done if one.scores]
    least = min(scores, key=lambda one: int(one["fits_atoms"]))
    bounds = {"memory": "memory is the limit", "time": "at least: the search ended by time"}
    note = bounds.get(str(least["bound"]), f"at least: the search ended at its cap of {least['cap_atoms']} atoms")
    return _metric(name, unit, about, float(least["fits_atoms"]), direction="higher", note=note)


def _cost(scored: Sequence[ScoredCase], about: _About) -> list[Metric]:
    """L and τ of t = L + N·τ."""
    small = [one for one in about.cases if one.case.id in about.missing and not _beyond(one)]
    fit = None if small or not about.cases else cost_model_of(scored)
    note = _why_none(about) if small else "fewer than two sizes were timed"
    if fit is None:
        return [
            _metric("overhead_ms", "ms", about, None, note=note),
            _metric("marginal_time_per_atom_us", "µs/atom", about, None, note=note),
        ]
    note = f"of t = L + N·τ; the fit is off by at most {100 * fit.worst_relative_residual:.0f} %"
    return [
        _metric(
            "overhead_ms",
            "ms",
            about,
            1e3 * fit.overhead_s,
            interval=_times(fit.overhead_interval_s, 1e3),
            note=f"L {note}",
        ),
        _metric(
            "marginal_time_per_atom_us",
            "µs/atom",
            about,
            1e6 * fit.mean_seconds_per_atom,
            interval=_times(fit.mean_interval_s, 1e6),
            note=f"τ {note}",
        ),
    ]


def _graph_share(about: _About) -> Metric:
    if not about.missing and about.cases:
        value = mean_over_groups(_by_group(about.done, "graph_share"))
        return _metric("graph_share", "1", about, value, note="of the time at the same sizes as the time per atom")
    timed = [one for one in about.cases if _has(one, "median_s")]
    note = "the model does not tell" if len(timed) == len(about.cases) else _why_none(about)
    return _metric("graph_share", "1", about, None, note=note)


def _metric(
    name: str,
    unit: str,
    about: _About,
    value: float | None,
    *,
    interval: Interval | None = None,
    direction: Literal["lower", "higher"] = "lower",
    note: str,
    contributions: Contributions | None = None,
) -> Metric:
    return Metric(
        name=name,
        value=value,
        unit=unit,
        direction=direction,
        dummy=None,
        interval=interval,
        n=len(about.cases),
        n_failed=sum(one.scores is None or not one.scores.get("fits", True) for one in about.cases),
        note=f"{note}; on {about.hardware}" if about.hardware else note,
        context=about.hardware,
        contributions=contributions,
    )


def _contributions(done: Sequence[ScoredCase], key: str) -> Contributions:
    """Each group weighs the same, whatever its number of cases."""
    groups = [_group(one) for one in done]
    weights = tuple(1.0 / groups.count(group) for group in groups)
    values = [float(one.scores[key]) for one in done if one.scores]
    return Contributions(
        case_ids=tuple(one.case.id for one in done),
        totals=tuple(value * weight for value, weight in zip(values, weights, strict=True)),
        weights=weights,
        groups=tuple(groups),
    )


def _by_group(done: Sequence[ScoredCase], key: str) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for one in done:
        assert one.scores is not None
        values.setdefault(_group(one), []).append(float(one.scores[key]))
    return values


def _group(one: ScoredCase) -> str:
    return str(one.case.settings.get("group", one.case.id))


def _has(one: ScoredCase, key: str) -> bool:
    return one.scores is not None and one.scores.get(key) is not None


def _is_warm_up(one: ScoredCase) -> bool:
    return bool(one.case.settings.get("warm_up", False))


def _beyond(one: ScoredCase) -> bool:
    """Whether it is a large structure that turned out not to fit in memory."""
    return one.scores is not None and not one.scores.get("fits", True) and one.scores["n_atoms"] > _LARGE_ATOMS


def _succeeded(one: ScoredCase) -> bool:
    return one.scores is not None and (bool(one.scores.get("fits", True)) or _beyond(one))


def _why_none(about: _About) -> str:
    if not about.cases:
        return "no case is for this"
    shown = ", ".join(about.missing[:3]) + (", …" if len(about.missing) > 3 else "")
    return f"no value, since these have none: {shown}"


def _times(interval: Interval | None, factor: float) -> Interval | None:
    return None if interval is None else (factor * interval[0], factor * interval[1])
