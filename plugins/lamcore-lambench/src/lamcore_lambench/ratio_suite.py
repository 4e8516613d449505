"""lamcore's own rules: to leave out a metric or a run never makes a model's numbers better.

- A failed case counts at the dummy's error; the tasks' metrics see to that. So to fail pays only on a case where the
  model would be worse than the dummy.
- A metric counts as its ratio to the dummy's, which the task computes from the labels; one that a run lacks counts 1,
  and so does an item that was not run.
- Metrics are averaged within a data set by stated weights, data sets within a task, tasks within a domain, domains
  within the headline: a task with many metrics, or many data sets, weighs no more than another.
- Draw k of every model is on the same cases, so that differences between models have intervals.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamcore import Headline, Score, Suite
from lamcore_lambench import formulas
from lamcore_lambench.suite_file import HeadlineEntry, ItemEntry, make_items, read_suite_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcore import Metric
    from lamcore.results import RunSummary

_HALF_WIDTH = 1.959964
"""Of a 95 % interval, in standard deviations of a normal distribution."""

Average = Callable[[Sequence[formulas.Value]], formulas.Value]


class RatioSuite(Suite):
    """A suite that a YAML file describes; `suite_file` says what may be in it.

    Args:
        entries: Items by key.
        headlines: Headlines by name.
        data: The folder that items with files are read from; they are not part of the suite without.
    """

    def __init__(
        self, entries: Mapping[str, ItemEntry], headlines: Mapping[str, HeadlineEntry], data: Path | None = None
    ) -> None:
        self.items = make_items(entries, data)
        self._entries = {item.key: entries[item.key] for item in self.items}
        self.headlines = tuple(
            Headline(
                name,
                entry.title,
                entry.unit,
                "higher" if entry.kind == "inverse" else "lower",
                _formula(entry, [one for one in self._entries.values() if one.headline == name]),
                entry.decimals,
                dummy=entry.kind != "inverse",
            )
            for name, entry in headlines.items()
        )
        self._rules = dict(headlines)

    @classmethod
    def from_yaml(cls, path: Path, data: Path | None = None) -> RatioSuite:
        """The suite of a YAML file.

        Raises:
            ConfigError: The file or the folder of data is not what it should be.
        """
        content = read_suite_file(path)
        return cls(content.items, content.headlines, data)

    def score(self, runs: Mapping[str, RunSummary]) -> Sequence[Score]:
        """Every headline with its domains, data sets and metrics."""
        return [self._headline(headline, runs) for headline in self.headlines]

    def _headline(self, headline: Headline, runs: Mapping[str, RunSummary]) -> Score:
        rules = self._rules[headline.name]
        keys = [key for key, entry in self._entries.items() if entry.headline == headline.name]
        if not any(key in runs for key in keys):
            return _empty(headline, "none of its runs is there" if keys else "none of its data is there")
        if rules.kind == "ratio":
            domains = dict.fromkeys(self._entries[key].domain for key in keys)
            parts = [
                self._domain(domain, [key for key in keys if self._entries[key].domain == domain], rules, runs)
                for domain in domains
            ]
            return replace(
                combined(headline.name, headline.title, parts, formulas.plain_mean), note=_absent(keys, runs)
            )
        parts = [_of_values(key, self._entries[key], rules, runs.get(key)) for key in keys]
        score = combined(headline.name, headline.title, parts, formulas.plain_mean)
        if any(part.value is None for part in parts):
            score = replace(score, value=None, draws=None)
        if rules.kind == "inverse" and score.value is not None:
            score = replace(
                score,
                value=rules.scale / score.value,
                draws=None if score.draws is None else rules.scale / score.draws,
            )
        absent = [key for key in keys if key not in runs]
        note = f"not run: {', '.join(absent)}" if absent else ""
        return replace(score, unit=headline.unit, direction=headline.direction, note=note)

    def _domain(self, domain: str, keys: Sequence[str], rules: HeadlineEntry, runs: Mapping[str, RunSummary]) -> Score:
        """The mean over tasks of the mean over their data sets."""
        parts = [_of_ratios(key, self._entries[key], rules, runs.get(key)) for key in keys]
        tasks = list(dict.fromkeys(self._entries[key].task for key in keys))
        by_task = []
        for task in tasks:
            of_task = [part for key, part in zip(keys, parts, strict=True) if self._entries[key].task == task]
            by_task.append(combined(task, task, of_task, _over_sets(rules)))
        whole = combined(domain, domain, by_task, formulas.plain_mean)
        return replace(whole, parts=tuple(parts), note=_absent(keys, runs))


def _formula(rules: HeadlineEntry, entries: Sequence[ItemEntry]) -> str:
    """A headline's formula with what it does not say: the weights, and what is missing counts."""
    weights = "; ".join(
        f"{entry.title}: {', '.join(f'{metric} {weight:g}' for metric, weight in entry.metrics.items())}"
        for entry in entries
    )
    if rules.kind == "ratio":
        missing = "A missing metric or run counts 1, as the dummy's; without any run there is no value"
    elif rules.missing is not None:
        missing = f"A missing metric or run counts {rules.missing:g}; without any run there is no value"
    else:
        missing = "Where a metric or run is missing there is no value"
    noise = (
        ""
        if rules.draws == "cases"
        else " The interval is the metric's own, and models are compared by independent draws."
    )
    return f"{rules.formula}. {missing}. Weights w: {weights}.{noise}"


def combined(name: str, title: str, parts: Sequence[Score], average: Average) -> Score:
    """An average of parts, and of their draws; parts without a value are left out.

    A part without draws is the same in every draw.
    """
    known = [part for part in parts if part.value is not None]
    values = [part.value for part in known if part.value is not None]
    contexts = "; ".join(dict.fromkeys(part.context for part in known if part.context))
    if not values:
        return Score(name, title, None, parts=tuple(parts), note="no part of it has a value", context=contexts)
    drawn = None
    if any(part.draws is not None for part in known):
        drawn = np.asarray(average([part.value if part.draws is None else part.draws for part in known]))  # type: ignore[misc]
    return Score(name, title, float(average(values)), draws=drawn, parts=tuple(parts), context=contexts)


def ratio_to_dummy(metric: Metric, clip: float | None) -> Score:
    """A metric over the dummy's on the same cases, clipped, with its draws.

    Where the dummy makes no error, as on a single case, there is no ratio, for any model.
    """
    if metric.direction != "lower":
        return Score(metric.name, metric.name, None, note="not an error: higher is better; left out")
    if not metric.dummy:
        why = "has none" if metric.dummy is None else "makes no error on these cases"
        return Score(metric.name, metric.name, None, note=f"left out: the dummy {why}")
    if metric.value is None:
        return Score(metric.name, metric.name, 1.0, note="has no value; counts as the dummy's")
    note = f"{metric.value:.4g} {metric.unit}, dummy {metric.dummy:.4g}"
    if metric.n_failed:
        note += f"; {metric.n_failed} of {metric.n} cases failed and count at the dummy's error"
    if clip is not None and metric.value > clip * metric.dummy:
        note += f"; worse than {'the dummy' if clip == 1 else f'{clip:g} times the dummy'}, counts {clip:g}"
    value = float(formulas.ratio(metric.value, metric.dummy, clip))
    return Score(metric.name, metric.name, value, draws=_ratio_draws(metric, clip), note=note)


def _ratio_draws(metric: Metric, clip: float | None) -> NDArray[np.float64]:
    """The ratio on resampled cases, numerator and denominator on the same ones.

    NaN throughout where there is nothing to resample: then nothing can be said of how certain the value is.
    """
    made_of = metric.contributions
    dummy: NDArray[np.float64] | float = metric.dummy or np.nan
    if made_of is not None and made_of.dummy_totals is not None and made_of.dummy_weights is not None:
        made_of_dummy = replace(made_of, totals=made_of.dummy_totals, weights=made_of.dummy_weights)
        dummy = _resampled(replace(metric, contributions=made_of_dummy))
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = _resampled(metric) / dummy
    return quotient if clip is None else np.minimum(quotient, clip)


def _of_ratios(key: str, entry: ItemEntry, rules: HeadlineEntry, run: RunSummary | None) -> Score:
    """A data set: the weighted mean of its metrics' ratios."""
    if run is None:
        return Score(key, entry.title, 1.0, note="not run: counts as the dummy's")
    parts = []
    for name in entry.metrics:
        if name in run.metrics:
            parts.append(ratio_to_dummy(run.metrics[name], rules.clip))
        else:
            parts.append(Score(name, name, 1.0, note="the run has no such metric; counts as the dummy's"))
    return combined(
        key, entry.title, parts, _weighted([entry.metrics[part.name] for part in parts if part.value is not None])
    )


def _of_values(key: str, entry: ItemEntry, rules: HeadlineEntry, run: RunSummary | None) -> Score:
    """A data set: the weighted mean of its metrics as they are."""
    if run is None:
        note = "not run" if rules.missing is None else f"not run: counts {rules.missing:g}, the worst"
        return Score(key, entry.title, rules.missing, note=note)
    parts = []
    for name in entry.metrics:
        metric = run.metrics.get(name)
        if metric is None or metric.value is None:
            why = "the run has no such metric" if metric is None else metric.note
            counts = "" if rules.missing is None else f"; counts {rules.missing:g}"
            unit = metric.unit if metric is not None else rules.unit if rules.kind == "mean" else "1"
            parts.append(Score(name, name, rules.missing, unit, note=f"{why}{counts}"))
            continue
        drawn = _spread(metric, run.run_id) if rules.draws == "metric" else _resampled(metric)
        parts.append(
            Score(
                name, name, metric.value, metric.unit, metric.direction, drawn, note=metric.note, context=metric.context
            )
        )
    if rules.missing is None and any(part.value is None for part in parts):
        return Score(key, entry.title, None, parts=tuple(parts), note="a metric of it has no value")
    score = combined(key, entry.title, parts, _weighted([entry.metrics[part.name] for part in parts]))
    return replace(score, unit=parts[0].unit, direction=parts[0].direction)


def _resampled(metric: Metric) -> NDArray[np.float64]:
    """The metric on resampled cases; NaN throughout where there is nothing to resample."""
    from lamcore.resampling import N_DRAWS, draws

    made_of = metric.contributions
    if made_of is None or len(set(made_of.groups or made_of.case_ids)) < 2:
        return np.full(N_DRAWS, np.nan)
    return draws(made_of)


def _spread(metric: Metric, run_id: str) -> NDArray[np.float64]:
    """Draws of a positive number that have the metric's own 95 % interval, independent between runs.

    Log-normal on either side of the value, with the deviation that the end of the interval on that side says. NaN
    throughout where there is no interval, or one that reaches 0: then the value is not known to a factor.
    """
    from lamcore.resampling import N_DRAWS

    if metric.interval is None or metric.value is None or metric.interval[0] <= 0:
        return np.full(N_DRAWS, np.nan)
    seed = hashlib.sha256(f"{run_id} {metric.name}".encode()).digest()
    deviates = np.random.default_rng(list(seed)).standard_normal(N_DRAWS) / _HALF_WIDTH
    low, high = (abs(math.log(end / metric.value)) for end in metric.interval)
    return metric.value * np.exp(np.where(deviates < 0, low, high) * deviates)


def _weighted(weights: Sequence[float]) -> Average:
    def average(values: Sequence[formulas.Value]) -> formulas.Value:
        total: formulas.Value = sum((w * v for w, v in zip(weights, values, strict=True)), start=0.0)
        return total / sum(weights)

    return average


def _over_sets(rules: HeadlineEntry) -> Average:
    if rules.mean == "arithmetic":
        return formulas.plain_mean
    return lambda values: formulas.log_mean(values, floor=rules.floor)


def _absent(keys: Sequence[str], runs: Mapping[str, RunSummary]) -> str:
    absent = [key for key in keys if key not in runs]
    return f"not run, at the dummy's value: {', '.join(absent)}" if absent else ""


def _empty(headline: Headline, note: str) -> Score:
    return Score(headline.name, headline.title, None, headline.unit, headline.direction, note=note)
