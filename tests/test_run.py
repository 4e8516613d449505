"""Whole runs through the command line, with a plugin that is installed like any other."""

import json
import random
import signal
import time

import pytest

SLOW = ("task=slow", "model=three-lines", "task.log=log")


def test_a_run_leaves_config_provenance_records_metrics_and_a_report(workplace):
    result = workplace.run(*SLOW)
    assert result.returncode == 0, result.stderr
    folder = workplace.run_folder()
    names = {path.name for path in folder.iterdir()}
    assert {"config.yaml", "provenance.json", "records.jsonl", "metrics.json", "report.html"} <= names
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["sessions"][0]["counters"]["structures"] == 12
    assert provenance["sessions"][0]["counters"]["model_builds"] == 1
    assert provenance["sessions"][0]["compute"]["device"] == "cpu"
    assert provenance["licences"]["dataset"] == "CC0-1.0"
    assert provenance["sessions"][0]["versions"]["plugin-for-tests"] == "1.0"
    assert "mean_error" in result.stdout
    assert folder.name in result.stdout


def test_the_same_command_again_computes_nothing(workplace):
    workplace.run(*SLOW)
    first = workplace.metrics()
    again = workplace.run(*SLOW)
    assert again.returncode == 0
    assert "12 of 12 cases are there" in again.stdout
    assert set(workplace.calculated().values()) == {1}
    assert workplace.metrics() == first


@pytest.mark.parametrize("change", ["task.seconds=0.001", "dataset.max_cases=11", "dataset.shift=1"])
def test_a_changed_option_is_another_run(workplace, change):
    workplace.run(*SLOW)
    workplace.run(*SLOW, change)
    assert len(list((workplace.folder / "runs").iterdir())) == 2


def test_how_it_is_run_does_not_make_another_run(workplace):
    workplace.run(*SLOW)
    workplace.run(*SLOW, "batch.max_cases=1", "executor=processes", "retry_failed=true")
    assert len(list((workplace.folder / "runs").iterdir())) == 1
    assert set(workplace.calculated().values()) == {1}


def test_killed_at_any_moment_it_goes_on_and_ends_as_if_undisturbed(workplace, tmp_path):
    arguments = (*SLOW, "task.seconds=0.05", "batch.max_cases=3", "dataset.n=40")
    undisturbed = workplace.run(*arguments, "runs=undisturbed")
    assert undisturbed.returncode == 0
    (reference,) = (workplace.folder / "undisturbed").iterdir()
    (workplace.folder / "log").unlink()
    chance = random.Random(7)
    started = time.monotonic()
    workplace.run("--version")
    startup = time.monotonic() - started
    for _ in range(10):
        process = workplace.start(*arguments)
        time.sleep(startup + chance.uniform(0.1, 1.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert workplace.run(*arguments).returncode == 0
    records = [json.loads(line) for line in (workplace.run_folder() / "records.jsonl").read_text().splitlines()]
    assert sorted(record["case_id"] for record in records) == sorted(f"case-{index}" for index in range(40))
    assert workplace.metrics()["metrics"] == json.loads((reference / "metrics.json").read_text())["metrics"]


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(workplace):
    arguments = (*SLOW, "batch.max_cases=1", "task.misbehave=interrupt")
    result = workplace.run(*arguments)
    assert result.returncode == 130
    assert "3 of 12 cases are kept" in result.stdout
    assert "same command again" in result.stdout
    assert "Traceback" not in result.stderr
    assert sum(workplace.calculated().values()) == 3


def test_a_failed_case_is_recorded_and_stays_in_the_denominator(workplace):
    result = workplace.run(*SLOW, "task.misbehave=raise")
    assert result.returncode == 3
    assert "case-3: RuntimeError: the bad case" in result.stdout
    (metric,) = workplace.metrics()["metrics"]
    assert (metric["n"], metric["n_failed"]) == (12, 1)
    assert "the bad case" in (workplace.run_folder() / "report.html").read_text()


def test_a_value_that_is_not_finite_is_a_failure_wherever_it_comes_from(workplace):
    result = workplace.run(*SLOW, "task.misbehave=nan")
    assert result.returncode == 3
    assert "energy_ev" in result.stdout
    result = workplace.run(*SLOW, "model.energy_is_nan=true", "runs=other")
    assert result.returncode == 3
    assert "12 of 12 cases failed" in result.stdout
    records = next((workplace.folder / "other").iterdir()) / "records.jsonl"
    assert json.loads(records.read_text().splitlines()[0])["failure"]["structure"]["numbers"] == [29]


def test_failed_cases_are_tried_again_only_on_request(workplace):
    arguments = (*SLOW, "task.misbehave=raise")
    workplace.run(*arguments)
    assert "tries those again" in workplace.run(*arguments).stdout
    workplace.run(*arguments, "retry_failed=true")
    records = [json.loads(line) for line in (workplace.run_folder() / "records.jsonl").read_text().splitlines()]
    assert [record["attempt"] for record in records if record["case_id"] == "case-3"] == [1, 2]
    assert set(workplace.calculated().values()) == {1}


def test_a_second_process_on_the_same_run_is_refused(workplace):
    arguments = (*SLOW, "task.seconds=0.5", "batch.max_cases=1", "dataset.n=120")
    first = workplace.start(*arguments)
    deadline = time.monotonic() + 60
    while not workplace.calculated() and time.monotonic() < deadline:
        time.sleep(0.05)
    second = workplace.run(*arguments)
    first.send_signal(signal.SIGINT)
    first.communicate()
    assert second.returncode == 1
    assert "another process is computing this run" in second.stderr


def test_processes_give_the_same_metrics_as_one(workplace):
    workplace.run(*SLOW)
    one = workplace.metrics()
    result = workplace.run(*SLOW, "executor=processes", "runs=other")
    assert result.returncode == 0, result.stderr
    (other,) = (workplace.folder / "other").iterdir()
    assert json.loads((other / "metrics.json").read_text())["metrics"] == one["metrics"]
    assert json.loads((other / "provenance.json").read_text())["sessions"][0]["counters"]["structures"] == 12


def test_a_worker_that_dies_costs_only_the_case_that_killed_it(workplace):
    result = workplace.run(*SLOW, "executor=processes", "task.misbehave=kill")
    assert result.returncode == 3, result.stderr
    assert "case-3: WorkerDiedError" in result.stdout
    assert "1 of 12 cases failed" in result.stdout


def test_the_report_is_made_again_from_the_records_alone(workplace):
    workplace.run(*SLOW)
    before = workplace.metrics()
    (workplace.run_folder() / "report.html").unlink()
    (workplace.run_folder() / "metrics.json").unlink()
    result = workplace.run("report", str(workplace.run_folder()))
    assert result.returncode == 0, result.stderr
    assert workplace.metrics() == before
    assert (workplace.run_folder() / "report.html").exists()
    assert set(workplace.calculated().values()) == {1}


def test_a_report_on_changed_data_is_refused(workplace):
    workplace.run(*SLOW)
    config = workplace.run_folder() / "config.yaml"
    config.write_text(config.read_text().replace("shift: 0.0", "shift: 1.0"))
    result = workplace.run("report", str(workplace.run_folder()))
    assert result.returncode == 1
    assert "computed on other data" in result.stderr


def test_a_sweep_runs_every_combination_and_a_failing_one_does_not_stop_the_rest(workplace):
    result = workplace.run("--multirun", *SLOW, "dataset.n=0,2,3")
    assert result.returncode == 1
    assert "has no cases" in result.stderr
    assert len([path for path in (workplace.folder / "runs").iterdir() if path.name != ".sweeps"]) == 2


def test_a_truncated_records_file_loses_only_its_last_line(workplace):
    workplace.run(*SLOW)
    metrics = workplace.metrics()["metrics"]
    records = workplace.run_folder() / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-30])
    result = workplace.run(*SLOW)
    assert result.returncode == 0
    assert sorted(workplace.calculated().values()) == [1] * 11 + [2]
    assert workplace.metrics()["metrics"] == metrics


def test_a_runs_folder_that_cannot_be_made_is_named(workplace):
    (workplace.folder / "file").write_text("")
    result = workplace.run(*SLOW, "runs=file/below")
    assert result.returncode == 1
    assert "file/below" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_model_is_built_once(workplace):
    workplace.run(*SLOW, "model.builds=builds")
    assert (workplace.folder / "builds").read_text() == "built\n"


def test_a_killed_session_leaves_its_versions_and_its_cost_behind(workplace):
    arguments = (*SLOW, "task.seconds=0.5", "batch.max_cases=1")
    process = workplace.start(*arguments)
    deadline = time.monotonic() + 60
    while len(workplace.calculated()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    workplace.run(*arguments)
    sessions = json.loads((workplace.run_folder() / "provenance.json").read_text())["sessions"]
    assert len(sessions) == 2
    assert all(session["versions"]["plugin-for-tests"] == "1.0" for session in sessions)


def test_a_run_that_has_nothing_left_to_do_adds_no_session(workplace):
    workplace.run(*SLOW)
    workplace.run(*SLOW)
    assert len(json.loads((workplace.run_folder() / "provenance.json").read_text())["sessions"]) == 1


def test_being_terminated_is_like_ctrl_c(workplace):
    result = workplace.run(*SLOW, "batch.max_cases=1", "task.misbehave=terminate")
    assert result.returncode == 130
    assert "3 of 12 cases are kept" in result.stdout


@pytest.mark.parametrize("executor", ["inline", "processes"])
@pytest.mark.parametrize(("how", "message"), [("none", "returned a NoneType"), ("unpicklable", "function")])
def test_an_output_that_cannot_be_stored_fails_its_case_alone(workplace, executor, how, message):
    result = workplace.run(*SLOW, f"task.misbehave={how}", f"executor={executor}")
    assert result.returncode == 3, result.stderr
    assert "1 of 12 cases failed" in result.stdout
    assert message in result.stdout


@pytest.mark.parametrize("how", ["nan-score", "array-score"])
def test_a_score_that_is_not_finite_fails_its_case_and_not_the_report(workplace, how):
    result = workplace.run(*SLOW, f"task.misbehave={how}")
    assert result.returncode == 3, result.stderr
    assert "expected finite JSON values" in result.stdout
    assert workplace.metrics()["n_failed"] == 1


def test_a_score_of_numpy_is_a_number(workplace):
    assert workplace.run(*SLOW, "task.misbehave=float32-score").returncode == 0
    assert workplace.metrics()["cases"][3]["scores"] == {"error": 1.5}


def test_a_metric_that_is_not_finite_is_named_and_the_records_are_kept(workplace):
    result = workplace.run(*SLOW, "task.misbehave=nan-metric")
    assert result.returncode == 1
    assert "metric 'mean_error' is nan" in result.stderr
    assert len((workplace.run_folder() / "records.jsonl").read_text().splitlines()) == 12


def test_a_value_that_the_builder_refuses_is_the_users_to_mend_and_leaves_no_folder(workplace):
    result = workplace.run(*SLOW, "task.seconds=101")
    assert result.returncode == 2
    assert "task 'slow' cannot be built with these options: seconds is above 100" in result.stderr
    assert not (workplace.folder / "runs").exists()


@pytest.mark.parametrize(("option", "message"), [("task.seconds=inf", "got inf"), ("task.table=nowhere", "nowhere")])
def test_a_number_without_end_and_a_file_that_is_not_there_are_refused(workplace, option, message):
    result = workplace.run(*SLOW, option)
    assert result.returncode == 2
    assert message in result.stderr


@pytest.mark.parametrize("option", ["task.table", "model.weights"])
def test_of_a_file_the_content_counts_and_not_its_place(workplace, option):
    for name, text in (("a", "one"), ("copy-of-a", "one"), ("b", "two")):
        (workplace.folder / name).write_text(text)
    for name in ("a", "copy-of-a", f"{workplace.folder}/a", "b"):
        assert workplace.run(*SLOW, f"{option}={name}").returncode == 0
    assert len([path for path in (workplace.folder / "runs").iterdir() if path.name != ".sweeps"]) == 2


def test_retried_cases_are_not_counted_as_kept(workplace):
    workplace.run(*SLOW, "task.misbehave=raise")
    result = workplace.run(*SLOW, "task.misbehave=raise", "retry_failed=true")
    assert "11 of 12 cases are there" in result.stdout
    assert "tries those again" not in result.stdout
    assert "12/12 1 failed" in result.stdout


def test_damaged_records_are_pointed_out(workplace):
    workplace.run(*SLOW)
    records = workplace.run_folder() / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-30])
    assert "not a complete record, ignored" in workplace.run(*SLOW).stderr


def test_a_report_needs_no_model_and_stops_at_no_folder_that_is_no_run(workplace):
    workplace.run(*SLOW)
    folder = workplace.run_folder()
    plugin = workplace.folder / "site" / "plugin_for_tests.py"
    plugin.write_text(plugin.read_text().replace("@hookimpl\ndef lamcore_models", "def no_models"))
    result = workplace.run("report", str(workplace.folder), str(folder))
    assert result.returncode == 1
    assert "not the folder of a run" in result.stderr
    assert "mean_error" in result.stdout


def test_workers_of_executors_end_with_the_driver(workplace):
    process = workplace.start(*SLOW, "executor=processes", "task.seconds=0.3", "dataset.n=200")
    deadline = time.monotonic() + 60
    while not workplace.calculated() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    time.sleep(1.5)
    before = sum(workplace.calculated().values())
    time.sleep(1.0)
    assert sum(workplace.calculated().values()) == before


def test_a_failed_run_of_a_sweep_weighs_more_than_failed_cases(workplace):
    result = workplace.run("--multirun", *SLOW, "task.misbehave=raise,nan-metric")
    assert result.returncode == 1
