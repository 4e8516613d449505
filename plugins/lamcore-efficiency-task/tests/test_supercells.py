"""Claims about repeating cells and searching sizes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from lamcore_efficiency.supercells import (
    compact_repeats,
    even_factors,
    growing_steps,
    largest_that_passes,
    n_copies,
    repeats_along_axes,
)


@pytest.mark.parametrize(
    ("number", "factors"),
    [(27, (3, 3, 3)), (13, (1, 1, 13)), (16, (2, 2, 4)), (728, (7, 8, 13)), (1, (1, 1, 1)), (1000, (10, 10, 10))],
)
def test_factors_are_those_of_lambench(number, factors):
    assert even_factors(number) == factors


def test_no_other_product_of_three_is_more_even():
    for number in range(1, 300):
        factors = even_factors(number)
        assert math.prod(factors) == number
        assert list(factors) == sorted(factors)
        divisors = [d for d in range(1, number + 1) if number % d == 0]
        spreads = [
            max(a, b, number // a // b) - min(a, b, number // a // b)
            for a in divisors
            for b in divisors
            if number % (a * b) == 0
        ]
        assert factors[-1] - factors[0] == min(spreads)


def test_factors_of_what_is_no_positive_number_are_refused():
    with pytest.raises(ValueError, match=r"even_factors\(0, 3\)"):
        even_factors(0)


@pytest.mark.parametrize("lengths", list(itertools.permutations((3.0, 5.0, 9.0))))
def test_shorter_axes_get_larger_factors_in_every_order_of_axes(lengths):
    # Sorting once instead of ranking gives two of the six orders wrong.
    repeats = repeats_along_axes(24, lengths)
    assert sorted(repeats) == [2, 3, 4]
    assert [count for _, count in sorted(zip(lengths, repeats, strict=True))] == [4, 3, 2]


def test_open_directions_are_not_repeated():
    assert repeats_along_axes(6, (4.0, 2.0, 30.0), (True, True, False)) == (2, 3, 1)
    assert repeats_along_axes(7, (9.0, 9.0, 9.0), (False, False, True)) == (1, 1, 7)
    assert repeats_along_axes(7, (0.0, 0.0, 0.0), (False, False, False)) == (1, 1, 1)


def test_a_structure_larger_than_the_size_asked_for_is_taken_once():
    assert [n_copies(n, 1000) for n in (1, 3, 501, 1000, 1001, 20000)] == [1000, 333, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("limit", "found"), [(1999, 1000), (247, 247), (121, 121), (100, 100), (38, 38), (31, 31), (1, 1), (0, 0)]
)
def test_the_search_finds_the_true_limit_in_few_trials(limit, found):
    trials = []

    def fits(number):
        trials.append(number)
        return number <= limit

    assert largest_that_passes(fits, 1000) == found
    assert len(trials) <= 11
    assert len(trials) == len(set(trials))
    assert (limit < 1000) or len(trials) == 1


def test_compact_repeats_grow_by_one_plane_at_a_time():
    assert compact_repeats(12) == [(1, 1, 1), (1, 1, 2), (1, 2, 2), (2, 2, 2), (2, 2, 3)]
    counts = [math.prod(repeats) for repeats in compact_repeats(5000)]
    assert counts == sorted(set(counts))
    assert max(np.divide(counts[20:], counts[19:-1])) < 1.2


def test_steps_grow_by_the_factor_and_end_at_the_largest():
    assert growing_steps([1, 2, 8, 9, 16, 70, 80], 8) == [0, 2, 5, 6]
    assert growing_steps([5], 8) == [0]
    assert growing_steps([], 8) == []
