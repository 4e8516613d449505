"""LAMBench's versions as suites: what they run, what they say is missing, and what they make of lamcore's runs."""

import copy
import json
import shutil
import sys
from pathlib import Path

import pytest
from lamcore_lambench import build_lambench_0_1, build_lambench_1_0, from_runs, leaderboard

from lamcore.errors import ConfigError, DataError

sys.path.insert(0, str(Path(__file__).parent))
from runs import make_run, plain_metric

BUILDERS = {"0.1.0": build_lambench_0_1, "1.0.0": build_lambench_1_0}


def items(suite):
    return {item.key: item for item in suite.items}


def headlines(suite, runs):
    return {score.name: score for score in suite.score(runs)}


def run_of(names, values):
    """A run whose metrics are what LAMBench published, in lamcore's names and units."""
    metrics = [
        plain_metric(conversion.metric, values[name] / conversion.factor, conversion.unit)
        for name, conversion in names.items()
        if values.get(name) is not None
    ]
    return make_run(*metrics)


def runs_of(results, rules):
    """lamcore's runs of a model that got exactly the published results."""
    force_fields, properties = results[leaderboard.FORCE_FIELDS], results[leaderboard.PROPERTIES]
    runs = {key: run_of(from_runs.FORCE_FIELD, force_fields[key]) for key in rules.sets}
    runs |= {key: run_of(names, properties[key]) for key, names in from_runs.PROPERTY.items()}
    timing = results[leaderboard.APPLICABILITY]["inference_efficiency"]
    return runs | {
        from_runs.EFFICIENCY: run_of(from_runs.TIMING, timing),
        from_runs.NVE: make_run(plain_metric("instability", 0.25, "1")),
    }


def test_runs_converted_to_lambenchs_names_and_units_give_what_the_raw_results_give(release):
    """One model of each release, through the suite and through the formulas directly."""
    if release.tag not in BUILDERS:
        pytest.skip(f"no suite of LAMBench {release.tag} is in the package")
    model = release.rankings[0]["Model"]
    results = release.results[model]
    omol = leaderboard.supports_omol(results)
    suite = build_lambench_1_0(labels="wB97") if omol else BUILDERS[release.tag]()
    scores = headlines(suite, runs_of(results, release.rules))
    assert scores["M_FF"].value == pytest.approx(leaderboard.force_field_error(results, release.rules), abs=1e-12)
    assert scores["M_E"].value == pytest.approx(100 / leaderboard.time_us_per_atom(results))
    assert scores["M_IS"].value == 0.25
    for part in scores["M_FF"].parts:
        assert part.value == pytest.approx(leaderboard.domain_error(results, part.name, release.rules), abs=1e-12)
    if release.tag == "0.1.0":
        expected = leaderboard.property_error(results, release.rules.property_domains, release.rules)
        assert scores["M_PC"].value == pytest.approx(expected, abs=1e-12)


def test_the_versions_have_lambenchs_sets_tasks_and_corrections():
    first, latest = items(build_lambench_0_1()), items(build_lambench_1_0())
    assert (len(first), len(latest)) == (17 + 2 + 2, 15 + 12 + 2)
    corrected = {key: item.dataset_options["d3"] for key, item in latest.items() if "d3" in item.dataset_options}
    assert corrected == {
        "CompressBi": "pbe-zero",
        "Carbon_growth": "pbe-zero",
        "Cu_MgO_catalysts": "pbe-zero",
        "Si_ZEO22": "pbe-bj",
    }
    assert not any("d3" in item.dataset_options for item in first.values())
    with_tasks = [item for item in (*first.values(), *latest.values()) if item.task]
    assert all(item.task_options == {"protocol": "lambench"} for item in with_tasks)


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path):
    suite = items(build_lambench_1_0())
    assert suite["AQM"].missing == "needs LAMBench's data"
    assert "suite.data=" in suite["AQM"].obtain
    assert "aissquare.com" in suite["AQM"].obtain
    elsewhere = items(build_lambench_1_0(data=tmp_path))["H_nature_2022"]
    assert elsewhere.missing == f"{tmp_path} has no H_nature_2022_PBE or H2combustion_PBE"
    assert suite["neb"].missing == "lamcore has no task for it yet"
    assert all(item.missing for item in suite.values())


def test_data_are_found_by_key_or_by_lambenchs_own_name(tmp_path):
    for name in ("AQM_wB97", "HEA25S", "MDR_PBE_phonon", "efficiency"):
        (tmp_path / name).mkdir()
    (tmp_path / "nve_md.extxyz").write_text("")
    suite = items(build_lambench_1_0(data=tmp_path, labels="wB97"))
    there = {key: item.dataset_options["path"].name for key, item in suite.items() if not item.missing}
    assert there == {
        "AQM": "AQM_wB97",
        "HEA25_S": "HEA25S",
        "phonon_mdr": "MDR_PBE_phonon",
        "nve_md": "nve_md.extxyz",
        "inference_efficiency": "efficiency",
    }
    assert items(build_lambench_1_0(data=tmp_path))["AQM"].missing


def test_a_folder_of_data_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"suite.data: .*nowhere is not a folder"):
        build_lambench_0_1(data=tmp_path / "nowhere")


def test_a_headline_has_no_value_while_a_part_of_it_is_missing_and_says_which():
    errors = {name: 50.0 for name in from_runs.FORCE_FIELD}
    phonons = {"mae_max_freq": 118.83, "mae_entropy": 76.48, "mae_heat_capacity": 54.74, "mae_free_energy": 12.51}
    runs = {
        "AQM": run_of(from_runs.FORCE_FIELD, errors),
        "phonon_mdr": run_of(from_runs.PROPERTY["phonon_mdr"], {**phonons, "success_rate": 1.0}),
    }
    scores = headlines(build_lambench_1_0(), runs)
    assert [scores[name].value for name in ("M_FF", "M_PC", "M_IS", "M_E")] == [None] * 4
    molecules = scores["M_FF"].parts[0]
    assert (molecules.value, molecules.note) == (None, "needs H_nature_2022, AIMD_Chig")
    assert molecules.parts[0].name == "AQM"
    inorganic = scores["M_PC"].parts[0]
    assert inorganic.value == pytest.approx(0.1)
    assert "elastic" in inorganic.note
    assert "LAMBench would average what is there: 0.100" in scores["M_PC"].note


def test_a_model_without_stress_gets_no_force_field_error_and_a_reason():
    errors = {name: 50.0 for name in from_runs.FORCE_FIELD if not name.startswith("virial")}
    suite = build_lambench_1_0()
    scores = headlines(suite, {"HEA25_S": run_of(from_runs.FORCE_FIELD, errors)})
    inorganic = scores["M_FF"].parts[1]
    assert inorganic.value is None
    assert "virial_rmse_natoms" in inorganic.parts[0].note


def test_a_metric_that_a_run_lacks_is_skipped_as_lambench_does_and_said():
    torsions = run_of(from_runs.PROPERTY["torsionnet"], {"MAE": 0.24939})
    task = headlines(build_lambench_1_0(), {"torsionnet": torsions})["M_PC"].parts[1].parts[0]
    assert task.value == pytest.approx(0.1)
    assert [part.value for part in task.parts[1:]] == [None, None]
    assert all("skip" in part.note for part in task.parts[1:])


def test_a_metric_in_another_unit_is_refused():
    run = make_run(plain_metric("rmse_forces", 50.0, "meV/Å"))
    with pytest.raises(ConfigError, match=r"'rmse_forces' is in 'meV/Å', expected 'eV/Å'"):
        build_lambench_1_0().score({"AQM": run})


def test_times_carry_the_hardware_they_were_measured_on():
    time = plain_metric("time_per_atom_us", 400.0, "µs/atom", context="one NVIDIA V100")
    efficiency = headlines(build_lambench_1_0(), {from_runs.EFFICIENCY: make_run(time)})["M_E"]
    assert (efficiency.value, efficiency.context) == (0.25, "one NVIDIA V100")


def test_published_rows_are_those_of_the_rankings_and_bars(release):
    if release.tag not in BUILDERS:
        pytest.skip(f"no suite of LAMBench {release.tag} is in the package")
    rows = BUILDERS[release.tag]().published()
    assert [row.model for row in rows] == [row["Model"] for row in release.rankings]
    for row, published in zip(rows, release.rankings, strict=True):
        assert list(row.values.values()) == list(published.values())[1:]
        assert row.domains["M_FF"] == {domain: bars[row.model] for domain, bars in release.bars.items()}
        if release.pc_bars is not None:
            assert row.domains["M_PC"] == {domain: bars[row.model] for domain, bars in release.pc_bars.items()}
        assert "as published, not re-run" in row.source
        assert row.url.endswith(f"/tree/{release.tag}/lambench/metrics/results")


def test_a_users_own_results_go_through_the_same_formulas_and_are_marked(release, tmp_path):
    if release.tag not in BUILDERS:
        pytest.skip(f"no suite of LAMBench {release.tag} is in the package")
    file = tmp_path / "results.json"
    file.write_text(json.dumps(release.results))
    suite = BUILDERS[release.tag](published_results=file)
    own = [row for row in suite.published() if "of the user" in row.source]
    assert [row.model for row in own] == list(release.results)
    for row in own:
        expected = leaderboard.force_field_error(release.results[row.model], release.rules)
        assert row.values.get("M_FF") == expected
        assert "M_IS" not in row.values
        assert "M_IS" in row.note
    shutil.copy(release.folder / "final_rankings.json", tmp_path)
    with_rankings = BUILDERS[release.tag](published_results=file).published()
    assert any(row.values.get("M_IS") == 2.649 for row in with_rankings if "of the user" in row.source)


def test_results_of_another_release_get_no_property_error_from_the_tasks_that_they_have(release, tmp_path):
    """Over the two tasks of 0.1.0 SevenNet-0 would have 0.428 by the rules of 1.0.0, ahead of half of its models."""
    file = tmp_path / "results.json"
    file.write_text(json.dumps(release.results))
    own = [row for row in build_lambench_1_0(published_results=file).published() if "of the user" in row.source]
    assert own
    for row in own:
        if release.tag == "1.0.0":
            assert "M_PC" in row.values
        else:
            assert "M_PC" not in row.values
            assert row.domains["M_PC"] == {}
            assert "without results of" in row.note
            assert "neb, wiggle150" in row.note


def test_a_user_s_row_does_not_depend_on_what_another_lacks(release, tmp_path):
    """LAMBench drops a domain for every model where one has nothing in it; beside published rows that is no M_PC."""
    if release.tag != "1.0.0":
        pytest.skip("one release is enough")
    results = copy.deepcopy(release.results)
    file = tmp_path / "results.json"
    file.write_text(json.dumps(results))
    whole = {row.model: row.values.get("M_PC") for row in build_lambench_1_0(published_results=file).published()[10:]}
    del results["Orb-v2"][leaderboard.PROPERTIES]["neb"]
    file.write_text(json.dumps(results))
    part = {row.model: row.values.get("M_PC") for row in build_lambench_1_0(published_results=file).published()[10:]}
    assert part == {**whole, "Orb-v2": None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[1, 2]", "got no mapping of models"),
        ('{"a": 1}', "got no mapping of models"),
        ('{"a": {"b": 1}}', "not raw results as LAMBench 1.0.0 writes them"),
    ],
)
def test_results_that_are_none_are_refused_with_what_is_expected(tmp_path, content, message):
    file = tmp_path / "results.json"
    file.write_text(content)
    with pytest.raises(DataError, match=message):
        build_lambench_1_0(published_results=file)


def test_a_file_of_results_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere.json: cannot be read"):
        build_lambench_1_0(published_results=tmp_path / "nowhere.json")


def test_rankings_beside_a_users_results_that_are_none_are_refused(tmp_path):
    (tmp_path / "results.json").write_text("{}")
    (tmp_path / "final_rankings.json").write_text('[{"Model": "x"}]')
    with pytest.raises(DataError, match=r"not LAMBench's final_rankings.json"):
        build_lambench_1_0(published_results=tmp_path / "results.json")


def test_scoring_changes_nothing_of_the_runs(release):
    if release.tag != "1.0.0":
        pytest.skip("one release is enough")
    runs = runs_of(release.results["Orb-v2"], release.rules)
    before = copy.deepcopy({key: dict(run.metrics) for key, run in runs.items()})
    build_lambench_1_0().score(runs)
    assert {key: dict(run.metrics) for key, run in runs.items()} == before
