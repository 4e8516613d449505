"""The suite: one run, and one number made of its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean

import numpy as np

from lamcore import Headline, Score, Suite, SuiteItem
from lamcore.results import RunSummary

METRICS = ("mean_delta", "mae_volume", "mae_bulk_modulus")


class Metals(Suite):
    """Errors of equations of state, each divided by the error of the dummy."""

    items = (SuiteItem("eos", "Equations of state", domain="Metals", task="eos", dataset="dcdft", max_cases=7),)
    headlines = (Headline("M", "Mean error ratio", "1", "lower", "mean of error / dummy's error over three metrics"),)

    def score(self, runs: Mapping[str, RunSummary]) -> Sequence[Score]:
        """The mean of the ratios, with an interval; no value where the run is not there."""
        (headline,) = self.headlines
        if "eos" not in runs:
            return [Score(headline.name, headline.title, None, note="eos was not run")]
        parts = [_ratio(runs["eos"], name) for name in METRICS]
        values, drawn = [part.value for part in parts], [part.draws for part in parts]
        if None in values:
            return [Score(headline.name, headline.title, None, parts=tuple(parts), note="a part has no value")]
        return [Score(headline.name, headline.title, mean(values), draws=np.mean(drawn, axis=0), parts=tuple(parts))]


def _ratio(run: RunSummary, name: str) -> Score:
    """A metric divided by the dummy's, on the cases and on resamplings of them."""
    from lamcore.resampling import draws

    metric, dummy = run.metrics[name], run.as_dummy().metrics[name]
    if not metric.value or not dummy.value or metric.contributions is None or dummy.contributions is None:
        return Score(name, name, None, note="no ratio: no value, or a dummy without error")
    return Score(name, name, metric.value / dummy.value, draws=draws(metric.contributions) / draws(dummy.contributions))
