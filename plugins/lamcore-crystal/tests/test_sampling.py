from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest
from lamcore_crystal.rounds import SamplingRules
from lamcore_crystal.sampling import draw, gate, needed, pass_probability, wilson
from scipy.stats import binom, binomtest

RULES = SamplingRules()
SHA = "0" * 64
# Share of submissions that pass, by n and by their true share: published with two to three digits.
TABLE = {
    50: {0.20: 0.06, 0.25: 0.25, 0.30: 0.55, 0.35: 0.81, 0.40: 0.95},
    100: {0.20: 0.01, 0.25: 0.15, 0.30: 0.54, 0.35: 0.88, 0.40: 0.985},
    200: {0.20: 0.000, 0.25: 0.06, 0.30: 0.53, 0.35: 0.94, 0.40: 0.999},
    400: {0.20: 0.000, 0.25: 0.01, 0.30: 0.52, 0.35: 0.985, 0.40: 1.0},
}


@pytest.mark.parametrize("n", TABLE)
def test_the_gate_passes_as_often_as_the_binomial_table_says(n):
    for share, expected in TABLE[n].items():
        probability = pass_probability(n, share, 0.30)
        assert probability == pytest.approx(expected, abs=0.006)
        by_hand = sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(3 * n // 10, n + 1))
        assert probability == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize(("passed", "n"), [(0, 1), (1, 1), (3, 10), (60, 200), (199, 200), (0, 200), (200, 200)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_the_wilson_interval_is_scipys(passed, n, confidence):
    expected = binomtest(passed, n).proportion_ci(confidence, method="wilson")
    assert wilson(passed, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_drawn_says_nothing_and_nonsense_is_refused():
    assert wilson(0, 0, 0.95) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2 passed"):
        wilson(3, 2, 0.95)
    with pytest.raises(ValueError, match=r"confidence is 1\.5"):
        wilson(1, 2, 1.5)


def test_the_threshold_is_the_number_that_is_written():
    assert [needed(n, 0.30) for n in (1, 10, 50, 100, 200, 201)] == [1, 3, 15, 30, 60, 61]
    assert needed(10, 0.7) == 7  # 0.7 * 10 is more than 7 in binary
    assert needed(100, 0.29) == 29


def passes_in_sequence(n, share, rules):
    """Probability that a sample passes when it is looked at one by one, by following all paths."""
    alive, passed, expected_draws = {0: 1.0}, 0.0, 0.0
    for drawn in range(1, n + 1):
        after = Counter()
        for count, probability in alive.items():
            after[count] += probability * (1 - share)
            after[count + 1] += probability * share
        alive = {}
        for count, probability in after.items():
            decision = gate([True] * count + [False] * (drawn - count), n, rules).decision
            passed += probability * (decision == "pass")
            expected_draws += drawn * probability * (decision != "undecided")
            if decision == "undecided":
                alive[count] = probability
    assert not alive
    return passed, expected_draws


@pytest.mark.parametrize("share", [0.20, 0.25, 0.30, 0.35, 0.40])
def test_stopping_early_hardly_changes_who_passes_and_never_favours_the_bad(share):
    passed, draws = passes_in_sequence(200, share, RULES)
    assert passed == pytest.approx(pass_probability(200, share, 0.30), abs=0.02)
    assert draws < 200


def test_a_very_bad_and_a_very_good_submission_are_decided_soon():
    assert passes_in_sequence(200, 0.02, RULES)[1] < 45
    assert passes_in_sequence(200, 0.90, RULES)[1] < 15


def test_two_lucky_structures_do_not_pass_a_submission():
    result = gate([True, True], 200, RULES)
    assert result.decision == "undecided"
    assert result.low > RULES.threshold  # the published interval alone would have stopped here


def test_the_whole_sample_is_always_decided_by_the_threshold():
    for n in (1, 2, 7, 50, 200):
        for count in range(n + 1):
            decided = gate([True] * count + [False] * (n - count), n, RULES)
            assert decided.decision in ("pass", "fail")
            if n <= 10:
                assert (decided.decision == "pass") == (count >= 0.3 * n - 1e-9)
    assert gate([False] * 140 + [True] * 60, 200, RULES).decision == "pass"
    assert gate([False] * 141 + [True] * 59, 200, RULES).decision == "fail"


def test_an_empty_submission_fails_and_too_many_outcomes_are_refused():
    empty = gate([], 0, RULES)
    assert (empty.decision, empty.n_drawn, empty.low, empty.high) == ("fail", 0, 0.0, 1.0)
    with pytest.raises(ValueError, match="3 outcomes of a sample of 2"):
        gate([True] * 3, 2, RULES)


def test_a_threshold_of_nothing_or_of_everything_works():
    assert gate([], 5, replace(RULES, threshold=0.0)).decision == "undecided"
    assert gate([False], 5, replace(RULES, threshold=0.0)).decision == "pass"
    assert gate([True] * 4, 5, replace(RULES, threshold=1.0)).decision == "undecided"
    assert gate([True] * 4 + [False], 5, replace(RULES, threshold=1.0)).decision == "fail"
    assert gate([True] * 5, 5, replace(RULES, threshold=1.0)).decision == "pass"


def test_the_sample_is_repeatable_whatever_the_order_and_changes_with_secret_and_submission():
    ids = list(range(1000))
    strata = [f"F{k % 37}" for k in ids]
    sample = draw(ids, strata, "secret", SHA, 200)
    assert len(set(sample)) == 200
    assert draw(ids[::-1], strata[::-1], "secret", SHA, 200) == sample
    assert draw(ids, strata, "secret", SHA, 50) == sample[:50]
    for other in (draw(ids, strata, "other", SHA, 200), draw(ids, strata, "secret", "1" * 64, 200)):
        # Two samples of 200 of 1000 share 40 by chance.
        assert 15 < len(set(other) & set(sample)) < 75


def test_any_beginning_of_the_sample_holds_each_formula_by_its_share():
    strata = ["common"] * 600 + ["rare"] * 300 + [None] * 100
    ids = list(range(1000))
    for size in (20, 100, 200):
        sample = draw(ids, strata, "secret", SHA, size)
        held = Counter(strata[one] for one in sample)
        for stratum, share in (("common", 0.6), ("rare", 0.3), (None, 0.1)):
            assert abs(held[stratum] - share * size) <= 2


def test_everything_is_drawn_where_there_is_less_than_the_sample_and_unreadable_files_count():
    assert sorted(draw([1, 2, 3], ["A", None, None], "s", SHA, 200)) == [1, 2, 3]


def test_each_structure_is_drawn_with_the_same_probability():
    strata = ["big"] * 16 + ["one", "two", "three", "four"]
    drawn = Counter()
    n = 2000
    for k in range(n):
        drawn.update(draw(range(20), strata, f"secret {k}", SHA, 5))
    # Binomial with p = 1/4: five standard deviations.
    spread = 5 * binom.std(n, 0.25)
    assert all(abs(drawn[k] - n / 4) < spread for k in range(20))


def test_what_cannot_be_drawn_from_is_refused():
    with pytest.raises(ValueError, match="empty secret"):
        draw([1], ["A"], "", SHA, 1)
    with pytest.raises(ValueError, match="size of the sample is 0"):
        draw([1], ["A"], "s", SHA, 0)
    with pytest.raises(ValueError, match="2 ids but 1 strata"):
        draw([1, 2], ["A"], "s", SHA, 1)
    with pytest.raises(ValueError, match="given twice"):
        draw([1, 1], ["A", "A"], "s", SHA, 1)
