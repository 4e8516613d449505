"""A plugin that the tests install: a suite over made-up tasks, with domains, efficiency and published rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lamcore import SuiteSpec, hookimpl
from lamcore.resampling import draws
from lamcore.suite import Headline, PublishedRow, Score, Suite, SuiteItem

ITEMS = {"surfaces": "Metals", "molecules": "Molecules", "vibrations": "Crystals"}


class Made(Suite):
    def __init__(self, published, max_cases):
        self._published = published
        self.items = [
            SuiteItem(key, key.capitalize(), domain, key, f"{key}-data", {"protocol": "default"}, max_cases=max_cases)
            for key, domain in ITEMS.items()
        ]
        self.items.append(SuiteItem("speed", "Speed", "", "speed", "ladder", obtain="pip install lamcore-speed"))
        self.headlines = [
            Headline("M_ACC", "Accuracy", "1", "lower", "mean over domains of error / dummy's error", decimals=3),
            Headline("M_EFF", "Efficiency", "atom/µs", "higher", "atoms per microsecond", decimals=3, dummy=False),
        ]

    def score(self, runs):
        domains = []
        for key, domain in ITEMS.items():
            if key not in runs or (metric := runs[key].metrics["mae"]).dummy in (None, 0):
                continue
            made_of = metric.contributions
            drawn = draws(made_of) / metric.dummy if made_of else None
            part = Score(key, key.capitalize(), metric.value / metric.dummy, draws=drawn)
            domains.append(Score(domain, domain, part.value, draws=drawn, parts=(part,)))
        if len(domains) == len(ITEMS):
            value = float(np.mean([one.value for one in domains]))
            drawn = np.mean([one.draws for one in domains], axis=0)
            accuracy = Score("M_ACC", "Accuracy", value, draws=drawn, parts=tuple(domains))
        else:
            without = ", ".join(key for key in ITEMS if key not in runs)
            accuracy = Score("M_ACC", "Accuracy", None, parts=tuple(domains), note=f"no run of {without}")
        metric = runs["speed"].metrics.get("throughput") if "speed" in runs else None
        if metric is None:
            efficiency = Score("M_EFF", "Efficiency", None, "atom/µs", "higher", note="no run of speed")
        else:
            efficiency = Score("M_EFF", "Efficiency", metric.value, "atom/µs", "higher", context=metric.context)
        return [accuracy, efficiency]

    def published(self):
        if not self._published:
            return ()
        domains = {"M_ACC": {"Metals": 0.2, "Molecules": 0.3, "Crystals": 0.1}}
        return (
            PublishedRow(
                "Paper-1", {"M_ACC": 0.2, "M_EFF": 3.25}, domains, "A paper 2024", "https://example.org/a", "V100"
            ),
            PublishedRow("Paper-2", {"M_ACC": 0.55}, {}, "A paper 2024", "https://example.org/a"),
        )


def build(published: bool = True, at_most: int | None = None) -> Suite:
    """A suite.

    Args:
        published: With rows of a paper.
        at_most: Cases of each dataset.
    """
    return Made(published, at_most)


@hookimpl
def lamcore_suites():
    return [SuiteSpec("made-1", build, Path(__file__).parent / "suite-card.yaml")]
