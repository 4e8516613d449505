"""The formulas, on closed forms and on the numbers of LAMBench's own unit tests."""

import math

import numpy as np
import pytest
from lamcore_lambench import formulas, leaderboard
from lamcore_lambench.rules import Baseline, ForceFieldSet, PropertyTask, Rules, TypeWeights

PHONON = PropertyTask(
    domain="Inorganic Materials",
    dummy={"mae_entropy": 764.8, "mae_max_freq": 1188.3, "mae_free_energy": 125.1, "mae_heat_capacity": 547.4},
    penalty="success_rate",
)
WEIGHTS = TypeWeights({"energy": 0.45, "force": 0.45, "virial": 0.1}, {"energy": 0.5, "force": 0.5})


def make_rules(sets=None, tasks=None, **changes):
    sets = sets or {}
    return Rules(
        "test", list(dict.fromkeys(one.domain for one in sets.values())), sets, tasks or {}, WEIGHTS, **changes
    )


def force_field_set(domain="D", **baseline):
    return ForceFieldSet("a set", domain, {"any": Baseline(**baseline)})


def results(sets=None, tasks=None, **model):
    return {leaderboard.FORCE_FIELDS: sets or {}, leaderboard.PROPERTIES: tasks or {}, "model": model}


def metrics(energy, force, virial=None):
    return {"energy_rmse_natoms": energy, "force_rmse": force, "virial_rmse_natoms": virial}


@pytest.mark.parametrize(
    ("entropy", "frequency", "success", "free_energy", "heat_capacity", "expected"),
    [(45.6, 58.9, 1.0, 18.1, 12.8, 0.069314), (24.5, 51.2, 0.9, 14.3, 7.2, 0.056273)],
)
def test_downstream_scores_are_those_of_lambenchs_unit_test(
    entropy, frequency, success, free_energy, heat_capacity, expected
):
    one = {
        "mae_entropy": entropy,
        "mae_max_freq": frequency,
        "success_rate": success,
        "mae_free_energy": free_energy,
        "mae_heat_capacity": heat_capacity,
    }
    rules = make_rules(tasks={"phonon_mdr": PHONON}, clip=1.0)
    found = results(tasks={"phonon_mdr": one})
    assert leaderboard.property_error(found, ["Inorganic Materials"], rules) == pytest.approx(expected, abs=5e-6)


def test_stability_is_that_of_lambenchs_unit_test():
    steady, drifting = {"steps": 10_000, "slope": 5e-4}, {"steps": 10_000, "slope": 5e-3}
    assert formulas.instability({"a": steady, "b": drifting}) == pytest.approx(0.5)
    lost = {"steps": None, "slope": None}
    assert formulas.instability({"a": {"steps": 10_000, "slope": 0.05}, "b": lost}) == pytest.approx(3.5)


def test_efficiency_is_that_of_lambenchs_unit_test():
    assert formulas.efficiency(0.5) == pytest.approx(200)
    assert formulas.efficiency(0.8) == pytest.approx(125)


@pytest.mark.parametrize("slope", [math.nan, math.inf, None])
def test_a_drift_that_is_no_number_is_the_worst_and_is_never_left_out(slope):
    """LAMBench skips it, so that one such system beside a stable one scored 0."""
    systems = {"a": {"steps": 10_000, "slope": slope}, "b": {"steps": 10_000, "slope": 1e-5}}
    assert formulas.instability(systems) == 2.5


@pytest.mark.parametrize(
    ("steps", "slope", "expected"),
    [(10_000, 0.0, 0), (10_000, 1e-9, 0), (10_000, 1e9, 5), (9_900, 1e-5, 5), (10_000, 50.0, 5), (10_000, 5e-2, 2)],
)
def test_instability_counts_powers_of_ten_between_0_and_5(steps, slope, expected):
    assert formulas.system_instability(steps, slope) == pytest.approx(expected)


def test_the_log_mean_is_the_geometric_mean_and_its_weights_are_not_divided_out():
    assert formulas.log_mean([0.1, 0.4]) == pytest.approx(0.2)
    assert formulas.log_mean([0.1, 0.4], weights=[2.0, 2.0]) == pytest.approx(0.04)


def test_one_error_of_exactly_zero_makes_the_log_mean_zero_unless_there_is_a_floor():
    assert formulas.log_mean([0.0, 0.9]) == 0.0
    assert formulas.log_mean([0.0, 0.9], floor=0.001) == pytest.approx(0.03)


def test_formulas_give_for_arrays_of_draws_what_they_give_for_each_draw():
    rng = np.random.default_rng(1)
    energy, force, virial = rng.uniform(0.01, 3.0, (3, 50))

    def domain(energy, force, virial):
        ratios = {
            "energy": formulas.log_mean([formulas.ratio(energy, 0.7, 1.0), formulas.ratio(force, 2.0, 1.0)]),
            "force": formulas.normalised(force, 1.5, 1.0, 0.8),
            "virial": formulas.plain_mean([virial, formulas.efficiency(virial)]),
        }
        return formulas.mix(ratios, WEIGHTS.with_virials)

    one_by_one = [domain(*values) for values in zip(energy, force, virial, strict=True)]
    np.testing.assert_allclose(domain(energy, force, virial), one_by_one, rtol=1e-14)


def test_one_set_with_virials_changes_the_weights_of_its_whole_domain():
    rules = make_rules(
        {"a": force_field_set(energy=1.0, force=1.0, virial=1.0), "b": force_field_set(energy=1.0, force=1.0)}
    )
    found = results({"a": metrics(100, 200, 400), "b": metrics(400, 200)})
    expected = 0.45 * 0.2 + 0.45 * 0.2 + 0.1 * 0.4
    assert leaderboard.domain_error(found, "D", rules) == pytest.approx(expected)


def test_a_domain_without_virials_is_half_energy_and_half_force():
    rules = make_rules({"a": force_field_set(energy=1.0, force=1.0)})
    assert leaderboard.domain_error(results({"a": metrics(100, 300)}), "D", rules) == pytest.approx(0.2)


def test_a_model_without_stress_gets_no_domain_error_and_stops_nobody():
    """LAMBench multiplies None by 0.1 there, and no leaderboard is made."""
    rules = make_rules({"a": force_field_set(energy=1.0, force=1.0, virial=1.0)})
    both = {"with": results({"a": metrics(100, 100, 100)}), "without": results({"a": metrics(100, 100)})}
    found = {row.model: row.m_ff for row in leaderboard.rows(both, rules, {})}
    assert found["with"] == pytest.approx(0.1)
    assert found["without"] is None


def test_ratios_above_1_count_as_1_only_where_the_version_clips():
    sets = {"a": force_field_set(energy=1.0, force=1.0)}
    found = results({"a": metrics(4000, 4000)})
    assert leaderboard.domain_error(found, "D", make_rules(sets, clip=1.0)) == 1.0
    assert leaderboard.domain_error(found, "D", make_rules(sets, clip=None)) == pytest.approx(4.0)


def test_the_penalty_comes_after_the_clip_so_that_the_score_is_10_at_a_tenth_of_success():
    assert formulas.normalised(200.0, 100.0, 1.0, 0.1) == pytest.approx(10.0)


def test_a_success_rate_of_100_per_cent_counts_as_1_so_that_the_penalty_does_nothing():
    assert formulas.normalised(50.0, 100.0, 1.0, 98.0) == 0.5


def test_lambench_skips_a_metric_that_a_model_lacks_and_so_rewards_it():
    task = PropertyTask("D", {"good": 1.0, "bad": 1.0})
    rules = make_rules(tasks={"t": task}, clip=1.0)
    whole, part = results(tasks={"t": {"good": 0.2, "bad": 0.8}}), results(tasks={"t": {"good": 0.2}})
    assert leaderboard.property_error(whole, ["D"], rules) == pytest.approx(0.5)
    assert leaderboard.property_error(part, ["D"], rules) == pytest.approx(0.2)


def test_lambench_drops_a_domain_that_one_model_lacks_for_every_model_where_the_version_does():
    tasks = {"easy": PropertyTask("A", {"m": 1.0}), "hard": PropertyTask("B", {"m": 1.0})}
    models = {
        "whole": results(tasks={"easy": {"m": 0.1}, "hard": {"m": 0.9}}),
        "part": results(tasks={"easy": {"m": 0.3}}),
    }
    now = {row.model: row.m_pc for row in leaderboard.rows(models, make_rules(tasks=tasks), {})}
    assert now == pytest.approx({"whole": 0.1, "part": 0.3})
    first = {
        row.model: row.m_pc
        for row in leaderboard.rows(models, make_rules(tasks=tasks, drop_incomplete_domains=False), {})
    }
    assert first == pytest.approx({"whole": 0.5, "part": 0.3})


def test_lambench_averages_all_metrics_of_a_domain_alike_however_many_a_task_has():
    tasks = {"four": PropertyTask("D", dict.fromkeys("abcd", 1.0)), "one": PropertyTask("D", {"m": 1.0})}
    found = results(tasks={"four": dict.fromkeys("abcd", 0.1), "one": {"m": 0.6}})
    assert leaderboard.property_error(found, ["D"], make_rules(tasks=tasks)) == pytest.approx(0.2)


def test_models_that_support_omol25_are_scored_against_another_baseline_than_the_others():
    one = ForceFieldSet("a set", "D", {"PBE": Baseline(1.0, 1.0), "wB97": Baseline(2.0, 2.0)})
    rules = make_rules({"a": one})
    errors = {"a": metrics(400, 400)}
    assert leaderboard.domain_error(results(errors, supports_omol=True), "D", rules) == pytest.approx(0.2)
    assert leaderboard.domain_error(results(errors), "D", rules) == pytest.approx(0.4)


@pytest.mark.parametrize("values", [[], ()])
def test_the_mean_of_nothing_is_an_error_and_not_a_number(values):
    with pytest.raises(ValueError, match="not defined"):
        formulas.log_mean(values)
    with pytest.raises(ValueError, match="not defined"):
        formulas.plain_mean(values)


def test_among_equals_in_all_errors_the_more_efficient_model_is_first():
    rows = [leaderboard.Row("slow", 0.2, 0.3, 0.0, 0.1), leaderboard.Row("fast", 0.2, 0.3, 0.0, 0.4)]
    assert [row["Model"] for row in leaderboard.rankings(rows, make_rules())] == ["fast", "slow"]


def test_a_task_with_a_penalty_counts_nothing_without_its_success_rate():
    rules = make_rules(tasks={"phonon_mdr": PHONON})
    good = {"mae_entropy": 76.48, "mae_max_freq": 118.83, "mae_free_energy": 12.51, "mae_heat_capacity": 54.74}
    whole = leaderboard.property_metrics(
        results(tasks={"phonon_mdr": {**good, "success_rate": 0.5}}), "phonon_mdr", rules
    )
    assert list(whole.values()) == pytest.approx([0.2] * 4)
    for lost in ({}, {"success_rate": None}, {"success_rate": 0.0}):
        assert leaderboard.property_metrics(results(tasks={"phonon_mdr": {**good, **lost}}), "phonon_mdr", rules) == {}


def test_torsions_are_scored_by_lambenchs_definitions_and_not_by_lamcores():
    """Above each profile's own minimum; the RMSE as a mean over the conformers' index."""
    from lamcore_lambench.from_runs import PROPERTY

    names = {name: conversion.metric for name, conversion in PROPERTY["torsionnet"].items()}
    assert names["MAE"] == "mae_own_minimum"
    assert names["RMSE"] == "rmse_by_conformer_index"
