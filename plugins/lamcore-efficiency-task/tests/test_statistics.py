"""Claims about repeated times and means of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from lamcore_efficiency.statistics import (
    efficiency_score,
    interval_of_mean_over_groups,
    mean_over_groups,
    pooled_deviation,
    spread,
)


def test_one_slow_evaluation_moves_neither_median_nor_deviation():
    quiet, disturbed = spread([1.0, 1.1, 0.9, 1.05, 0.95]), spread([1.0, 1.1, 0.9, 1.05, 95.0])
    assert quiet.median == 1.0
    assert disturbed.median == 1.05
    assert disturbed.median_absolute_deviation == pytest.approx(0.05)
    assert disturbed.interval[1] == 95.0


def test_spread_is_that_of_the_definitions():
    found = spread([4.0, 1.0, 2.0, 8.0, 5.0])
    assert (found.median, found.interquartile_range, found.median_absolute_deviation, found.n) == (4.0, 3.0, 2.0, 5)
    assert found.interval[0] <= found.median <= found.interval[1]


def test_the_interval_covers_the_true_median_as_often_as_it_says():
    generator = np.random.default_rng(1)
    covered = [low <= 0.0 <= high for low, high in (spread(generator.normal(size=15)).interval for _ in range(300))]
    assert 0.90 <= np.mean(covered) <= 0.99


def test_files_weigh_the_same_whatever_their_number_of_frames():
    values = {"few": [1.0, 3.0], "many": [10.0] * 8}
    assert mean_over_groups(values) == 6.0
    assert pooled_deviation(values) == pytest.approx(math.sqrt((1.0 + 0.0) / 2))


def test_a_group_without_values_is_an_error():
    with pytest.raises(ValueError, match="at least one value"):
        mean_over_groups({"a": [1.0], "b": []})


def test_the_interval_of_a_mean_is_narrower_than_those_of_its_parts():
    generator = np.random.default_rng(2)
    parts = {name: [generator.normal(10, 1, size=20)] for name in "abcd"}
    low, high = interval_of_mean_over_groups(parts)
    widths = [np.subtract(*spread(part[0]).interval[::-1]) for part in parts.values()]
    assert high - low == pytest.approx(math.sqrt(sum(width**2 for width in widths)) / 4, rel=0.25)
    assert interval_of_mean_over_groups(dict(reversed(parts.items()))) == (low, high)


@pytest.mark.parametrize(("average_time_us", "score"), [(0.5, 200.0), (0.8, 125.0)])
def test_the_score_is_100_over_microseconds_an_atom(average_time_us, score):
    assert efficiency_score(average_time_us) == pytest.approx(score)


def test_published_scores_follow_from_published_times(reference_data):
    import json

    folder = reference_data / "lambench-published" / "1.0.0"
    results = json.loads((folder / "results.json").read_text())
    published = {row["Model"]: row for row in json.loads((folder / "final_rankings.json").read_text())}
    compared = 0
    for name, row in results.items():
        time_us = row["applicability_results"]["inference_efficiency"].get("average_time")
        if name in published and time_us is not None:
            compared += 1
            assert round(efficiency_score(time_us), 3) == published[name]["Applicability-Efficiency ↑"]
    assert compared == len(published) > 5
