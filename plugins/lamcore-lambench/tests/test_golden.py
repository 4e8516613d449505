"""Fed LAMBench's own raw results, the formulas give LAMBench's own rankings, bars, radar and scatter."""

import copy
import math
from pathlib import Path

import lamcore_lambench
import pytest
from lamcore_lambench import leaderboard
from lamcore_lambench.rules import Rules, load

HALF = {2: 0.005, 3: 0.0005}
ROUNDING_MEV = 0.05
"""results.json is rounded to 0.1 meV."""


def published_instability(release):
    return {row["Model"]: row["Applicability-Instability ↓"] for row in release.rankings}


def by_model(rows):
    return {row["Model"]: row for row in rows}


def shifted(results, mev):
    """Every force-field error moved by up to the rounding of the file."""
    moved = copy.deepcopy(results)
    for one in moved.values():
        for metrics in one[leaderboard.FORCE_FIELDS].values():
            for name, value in (metrics or {}).items():
                if value is not None:
                    metrics[name] = max(value + mev, 0.0)
    return moved


def interval(release, value_of):
    """What a value can be, given that results.json is rounded: the errors, and so the means, are monotonic in them."""
    low, high = shifted(release.results, -ROUNDING_MEV), shifted(release.results, ROUNDING_MEV)
    return {model: (value_of(low[model]), value_of(high[model])) for model in release.results}


def made(release):
    return leaderboard.rows(release.results, release.rules, published_instability(release))


def test_the_order_of_the_published_ranking_is_reproduced(release):
    table = leaderboard.rankings(made(release), release.rules)
    assert [row["Model"] for row in table] == [row["Model"] for row in release.rankings]
    assert [list(row) for row in table] == [list(row) for row in release.rankings]


def test_property_errors_and_efficiencies_equal_the_published_ones_at_three_decimals(release):
    table = by_model(leaderboard.rankings(made(release), release.rules))
    for row in release.rankings:
        for column in (release.rules.property_column, "Applicability-Efficiency ↑"):
            assert table[row["Model"]][column] == row[column], (row["Model"], column)


def test_force_field_errors_are_within_what_the_rounding_of_the_raw_results_allows(release):
    bounds = interval(release, lambda one: leaderboard.force_field_error(one, release.rules))
    for row in release.rankings:
        low, high = bounds[row["Model"]]
        published = row["Generalizability-FF Error ↓"]
        assert low - HALF[3] <= published <= high + HALF[3], row["Model"]
    table = by_model(leaderboard.rankings(made(release), release.rules))
    differences = [
        abs(table[row["Model"]]["Generalizability-FF Error ↓"] - row["Generalizability-FF Error ↓"])
        for row in release.rankings
    ]
    assert max(differences) < 0.0015


def test_every_bar_that_is_published_is_within_its_rounding_and_the_empty_ones_are_empty(release):
    bars = leaderboard.barplot(release.results, release.rules)
    assert list(bars) == list(release.bars)
    for domain, published in release.bars.items():
        bounds = interval(release, lambda one, domain=domain: leaderboard.domain_error(one, domain, release.rules))
        assert list(bars[domain]) == list(published)
        for model, bar in published.items():
            if bar is None:
                assert bars[domain][model] is None
                continue
            low, high = bounds[model]
            assert low - HALF[2] <= bar <= high + HALF[2], (domain, model)


def test_bars_of_the_property_domains_are_equal_to_the_published_ones(release):
    if release.pc_bars is None:
        pytest.skip(f"LAMBench {release.tag} has no pc_barplot.json")
    assert leaderboard.pc_barplot(release.results, release.rules) == release.pc_bars
    assert list(leaderboard.pc_barplot(release.results, release.rules)) == list(release.pc_bars)


def test_the_radar_is_identical_given_the_published_bars(release):
    assert leaderboard.radar(release.bars) == release.radar


def test_the_scatter_is_the_published_one_up_to_rounding_edges_of_the_error(release):
    points = leaderboard.scatter(release.results, made(release))
    bounds = interval(release, lambda one: leaderboard.force_field_error(one, release.rules))
    assert [point["name"] for point in points] == [point["name"] for point in release.scatter]
    for point, published in zip(points, release.scatter, strict=True):
        assert {**point, "generalizability error": 0} == {**published, "generalizability error": 0}
        low, high = bounds[point["name"]]
        assert low - HALF[2] <= published["generalizability error"] <= high + HALF[2]


def test_the_weighted_rows_are_equal(release):
    compared = 0
    for model, one in release.results.items():
        published = one[leaderboard.FORCE_FIELDS].get("Weighted")
        row = leaderboard.weighted(one, release.rules)
        assert (row is None) == (published is None or all(value is None for value in published.values())), model
        if row is not None:
            assert row == published, model
            compared += 1
    assert compared >= 10


def test_instability_is_reproduced_where_one_drift_or_one_failure_implies_it(release):
    """Orb-v2: all nine systems drift alike; SevenNet-0: one of nine fails, the others are stable."""
    from lamcore_lambench.formulas import instability, system_instability

    published = published_instability(release)
    drift = release.results["Orb-v2"]["applicability_results"]["nve_md"]["slope"]
    assert round(system_instability(10_000, drift), 3) == published["Orb-v2"] == 2.649
    if "SevenNet-0" in published:
        systems = {f"{n}": {"steps": 10_000, "slope": 1e-6} for n in range(8)} | {"8": {"steps": 400, "slope": None}}
        assert round(instability(systems), 3) == published["SevenNet-0"] == 0.556


def test_the_published_instability_is_at_least_that_of_the_mean_drift(release):
    """max(0, log10) is convex in log10, so the mean over systems is no less than at the geometric mean drift."""
    from lamcore_lambench.formulas import system_instability

    for model, value in published_instability(release).items():
        drift = release.results[model]["applicability_results"]["nve_md"]
        if drift["success_rate"] == 1.0:
            assert value >= round(system_instability(10_000, drift["slope"]), 3) - HALF[3], model


def test_the_rules_in_the_package_are_those_of_the_releases_own_files(release):
    packaged = Path(lamcore_lambench.__file__).parent / "versions" / f"lambench-{release.tag[:3]}.yaml"
    if not packaged.exists():
        pytest.skip(f"no suite of LAMBench {release.tag} is in the package")
    ours = load(packaged, Rules)
    assert ours.version == release.tag
    assert ours.domains == list(release.bars)
    for key, one in release.rules.sets.items():
        assert (ours.sets[key].domain, ours.sets[key].baselines) == (one.domain, one.baselines)
    for key, task in release.rules.tasks.items():
        got = ours.tasks[key]
        assert (got.domain, got.dummy, got.penalty) == (task.domain, task.dummy, task.penalty)
    assert (list(ours.sets), list(ours.tasks)) == (list(release.rules.sets), list(release.rules.tasks))
    assert (ours.clip, ours.type_weights, ours.property_column, ours.tolerance) == (
        release.rules.clip,
        release.rules.type_weights,
        release.rules.property_column,
        release.rules.tolerance,
    )
    assert ours.drop_incomplete_domains == release.rules.drop_incomplete_domains


@pytest.mark.parametrize("reading", ["no clip", "no virials", "arithmetic", "omol baseline"])
def test_other_readings_of_the_formulas_do_not_reproduce_the_ranking(release, reading, monkeypatch):
    """What the golden tests could not tell apart, they would not test."""
    from lamcore_lambench import formulas

    if release.tag.startswith("0.1.") and reading in ("no clip", "omol baseline"):
        pytest.skip("LAMBench 0.1 has neither a clip nor a second set of labels")
    rules = copy.deepcopy(release.rules)
    if reading == "no clip":
        rules.clip = None
    if reading == "no virials":
        rules.type_weights.with_virials = rules.type_weights.without_virials
    if reading == "arithmetic":
        monkeypatch.setattr(formulas, "log_mean", lambda ratios, decimals: formulas.plain_mean(ratios))
    if reading == "omol baseline":
        monkeypatch.setattr(leaderboard, "supports_omol", lambda results: False)
    found = {model: leaderboard.force_field_error(one, rules) for model, one in release.results.items()}
    wrong = [
        row["Model"]
        for row in release.rankings
        if not math.isclose(found[row["Model"]], row["Generalizability-FF Error ↓"], abs_tol=0.0015)
    ]
    assert wrong
