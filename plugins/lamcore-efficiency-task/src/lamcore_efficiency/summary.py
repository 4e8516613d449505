"""From scores to metrics.

A time has no dummy that a failed case could count at. So a metric has no value where one of the cases that it is about
has none: a mean over the others would be a mean over other structures than those of other models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from lamcore import Metric, ScoredCase
from lamcore.errors import RunFolderError
from lamcore.scoring import proportion
from lamcore_efficiency.about import (
    About,
    Interval,
    beyond,
    by_group,
    contributions_of,
    group_of,
    has,
    metric_about,
    why_none,
)
from lamcore_efficiency.cost_model import CostModel, fit_cost_model
from lamcore_efficiency.statistics import (
    interval_of_mean_over_groups,
    mean_over_groups,
    pooled_deviation,
    spread,
)

_ENOUGH_FOR_INTERVAL = 6


def summarize(scored: Sequence[ScoredCase], protocol: Literal["default", "lambench"]) -> list[Metric]:
    """All metrics that these cases are for.

    Raises:
        RunFolderError: Cases were measured on different hardware.
    """
    hardware = only_hardware(scored)
    builders = _lambench if protocol == "lambench" else _default
    metrics = [metric for metric in builders(scored, hardware) if metric.n]
    success = proportion(
        scored,
        name="success_rate",
        success=lambda one: one.failure is None,
        note="a failed case is an unsuccessful one",
    )
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
    done = [one for one in scored if one.case.settings.get("measure") == "time" and has(one, "median_s")]
    try:
        return fit_cost_model(
            [one.scores["n_atoms"] for one in done if one.scores],
            [one.scores["median_s"] for one in done if one.scores],
            [str(one.case.settings["group"]) for one in done],
        )
    except ValueError:
        return None


def _default(scored: Sequence[ScoredCase], hardware: str) -> list[Metric]:
    def flagged(name: str, key: str) -> About:
        cases = [one for one in scored if one.case.settings.get(name)]
        return About(cases, [one for one in cases if has(one, key)], hardware)

    def of_kind(kind: str, key: str) -> About:
        cases = [one for one in scored if one.case.settings.get("measure") == kind]
        return About(cases, [one for one in cases if has(one, key)], hardware)

    equal = flagged("equal_size", "time_per_atom_us")
    return [
        _mean("time_per_atom_us", "µs/atom", equal, lambda scores: scores["times_per_atom_us"], _at_sizes(equal)),
        _mean(
            "latency_ms",
            "ms",
            flagged("latency", "median_s"),
            lambda scores: [1e-3 * scores["n_atoms"] * time for time in scores["times_per_atom_us"]],
            "one small structure at a time",
        ),
        _throughput(of_kind("batch", "throughput_atoms_per_s")),
        _largest("peak_memory_mb", flagged("equal_size", "peak_memory_mb")),
        _capacity(scored, of_kind("capacity", "fits_atoms")),
        *_cost(scored, of_kind("time", "median_s")),
        _graph_share(flagged("equal_size", "graph_share")),
    ]


def _lambench(scored: Sequence[ScoredCase], hardware: str) -> list[Metric]:
    """Mean of the means of files over the frames that have a time; none where a file has no frame with one."""
    timed = [one for one in scored if one.case.settings.get("measure") == "frame" and not _is_warm_up(one)]
    done = [one for one in timed if has(one, "time_per_atom_us")]
    about = About(timed, done, hardware)
    files = {str(one.case.settings["group"]) for one in timed}
    values = by_group(done, "time_per_atom_us")
    without = sorted(files - values.keys())
    note = "LAMBench's: mean of the files' means, over frames that did not fail; one repetition"
    if without:
        note += f"; no value, since no frame of {', '.join(without)} has a time"
    has_value = bool(files) and not without
    return [
        metric_about(
            "time_per_atom_us",
            "µs/atom",
            about,
            mean_over_groups(values) if has_value else None,
            note=note,
            contributions=contributions_of(done, "time_per_atom_us") if has_value else None,
        ),
        metric_about(
            "time_per_atom_deviation_us",
            "µs/atom",
            about,
            pooled_deviation(values) if has_value else None,
            note="root of the mean of the files' variances",
        ),
    ]


def _mean(
    name: str, unit: str, about: About, repetitions: Callable[[Mapping[str, Any]], list[float]], what: str
) -> Metric:
    """Mean over groups of the medians of repetitions, with the interval of the timing."""
    if about.missing or not about.cases:
        return metric_about(name, unit, about, None, note=why_none(about))
    repeated: dict[str, list[list[float]]] = {}
    for one in about.done:
        assert one.scores is not None
        repeated.setdefault(group_of(one), []).append(repetitions(one.scores))
    medians = {group: [spread(times).median for times in cases] for group, cases in repeated.items()}
    value = mean_over_groups(medians)
    low, high = interval_of_mean_over_groups(repeated)
    return metric_about(
        name,
        unit,
        about,
        value,
        interval=(min(low, value), max(high, value)),
        note=f"{what}; the interval is that of {_repetitions(repeated)}",
        contributions=contributions_of(about.done, "time_per_atom_us") if name == "time_per_atom_us" else None,
    )


def _throughput(about: About) -> Metric:
    name, unit = "throughput_atoms_per_s", "atoms/s"
    if about.missing or not about.cases:
        return metric_about(name, unit, about, None, direction="higher", note=why_none(about))
    rates = {one.case.id: [one.scores["best_rates_atoms_per_s"]] for one in about.done if one.scores}
    value = mean_over_groups({case_id: [spread(one[0]).median] for case_id, one in rates.items()})
    low, high = interval_of_mean_over_groups(rates)
    ended = sorted({str(one.scores["stopped"]) for one in about.done if one.scores})
    why = {"saturated": "more copies gave no more", "memory": "larger batches did not fit"}
    return metric_about(
        name,
        unit,
        about,
        value,
        interval=(min(low, value), max(high, value)),
        direction="higher",
        note="the best batch; "
        + " and ".join(why.get(one, f"at least: batches ended by {one}") for one in ended)
        + f"; the interval is that of {_repetitions(rates)}",
    )


def _largest(name: str, about: About) -> Metric:
    """Peak memory: the largest over the cases."""
    if not about.missing and about.cases:
        value = max(float(one.scores[name]) for one in about.done if one.scores)
        return metric_about(
            name, "MB", about, value, note="beyond the idle model, at the same sizes as the time per atom"
        )
    measured = [one for one in about.cases if one.scores is not None and one.scores.get("fits")]
    unknown = len(measured) == len(about.cases)
    note = "the system does not tell, or the device is not CUDA with torch" if unknown else why_none(about)
    return metric_about(name, "MB", about, None, note=note)


def _capacity(scored: Sequence[ScoredCase], about: About) -> Metric:
    """The largest size that fitted, of the search or of the ladder of the same material; the least over materials."""
    name, unit = "atoms_that_fit", "atoms"
    if about.missing or not about.cases:
        return metric_about(name, unit, about, None, direction="higher", note=why_none(about))
    timed: dict[str, int] = {}
    for one in scored:
        if has(one, "median_s") and one.scores:
            timed[group_of(one)] = max(timed.get(group_of(one), 0), int(one.scores["n_atoms"]))
    found = [
        (max(int(one.scores["fits_atoms"]), timed.get(group_of(one), 0)), one.scores)
        for one in about.done
        if one.scores
    ]
    atoms, least = min(found, key=lambda one: one[0])
    notes = {"memory": "memory is the limit", "time": "at least: the search ended by time"}
    note = notes.get(str(least["bound"]), f"at least: the search ended at its cap of {least['cap_atoms']} atoms")
    return metric_about(name, unit, about, float(atoms), direction="higher", note=note)


def _cost(scored: Sequence[ScoredCase], about: About) -> list[Metric]:
    """L and τ of t = L + N·τ."""
    small = [one for one in about.cases if one.case.id in about.missing and not beyond(one)]
    fit = None if small or not about.cases else cost_model_of(scored)
    note = why_none(about) if small else "fewer than two sizes were timed"
    if fit is None:
        return [
            metric_about("overhead_ms", "ms", about, None, note=note),
            metric_about("marginal_time_per_atom_us", "µs/atom", about, None, note=note),
        ]
    note = f"of t = L + N·τ; the fit is off by at most {100 * fit.worst_relative_residual:.0f} %"
    return [
        metric_about(
            "overhead_ms",
            "ms",
            about,
            1e3 * fit.overhead_s,
            interval=_times(fit.overhead_interval_s, 1e3),
            note=f"L {note}",
        ),
        metric_about(
            "marginal_time_per_atom_us",
            "µs/atom",
            about,
            1e6 * fit.mean_seconds_per_atom,
            interval=_times(fit.mean_interval_s, 1e6),
            note=f"τ {note}",
        ),
    ]


def _graph_share(about: About) -> Metric:
    if not about.missing and about.cases:
        value = mean_over_groups(by_group(about.done, "graph_share"))
        return metric_about("graph_share", "1", about, value, note="of the time at the same sizes as the time per atom")
    timed = [one for one in about.cases if has(one, "median_s")]
    note = "the model does not tell" if len(timed) == len(about.cases) else why_none(about)
    return metric_about("graph_share", "1", about, None, note=note)


def _is_warm_up(one: ScoredCase) -> bool:
    return bool(one.case.settings.get("warm_up", False))


def _repetitions(repeated: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """How many repetitions an interval is of; even the whole range of five holds the median 94 times in 100 only."""
    numbers = [len(times) for cases in repeated.values() for times in cases]
    shown = f"{min(numbers)}" if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)}"
    few = ", too few for 95 %" if min(numbers) < _ENOUGH_FOR_INTERVAL else ""
    return f"the {shown} repetitions{few}"


def _at_sizes(about: About) -> str:
    sizes = [int(one.scores["n_atoms"]) for one in about.done if one.scores]
    if not sizes:
        return ""
    return f"at {min(sizes)} atoms" if min(sizes) == max(sizes) else f"at {min(sizes)} to {max(sizes)} atoms"


def _times(interval: Interval | None, factor: float) -> Interval | None:
    return None if interval is None else (factor * interval[0], factor * interval[1])
