"""Finished runs, read back: what they hold, and which folders are refused."""

import json
import shutil

import pytest

from lamcore.errors import RunFolderError
from lamcore.results import read_run, run_folders

EOS = ("task=eos", "model=emt", "dataset.elements=[Cu,Ag]", "dataset.max_cases=2")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("finished")
    subprocess.run([sys.executable, "-m", "lamcore", *EOS], cwd=folder, check=True, capture_output=True)
    (run,) = [path for path in (folder / "runs").iterdir() if path.is_dir() and not path.name.startswith(".")]
    return run


@pytest.fixture
def run_folder(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / finished.name)


def test_a_run_is_read_back_with_what_its_identity_says(run_folder):
    run = read_run(run_folder)
    assert (run.task.name, run.dataset.name, run.model.name) == ("eos", "dcdft", "emt")
    assert run.dataset.options["elements"] == ["Cu", "Ag"]
    assert len(run.dataset.content) == 64
    assert (run.max_cases, run.n_cases, run.n_failed, run.failures) == (2, 2, 0, {})
    assert run.folder == run_folder
    assert run_folder.name.endswith(run.run_id)
    assert run.task.plugin.startswith("lamcore ")


def test_metrics_come_with_what_each_case_adds(run_folder):
    metric = read_run(run_folder).metrics["mae_volume"]
    made_of = metric.contributions
    assert made_of.case_ids == ("Cu", "Ag")
    assert sum(made_of.totals) / sum(made_of.weights) == pytest.approx(metric.value)
    assert sum(made_of.dummy_totals) / sum(made_of.dummy_weights) == pytest.approx(metric.dummy)
    low, high = metric.interval
    assert low <= metric.value <= high


def test_the_dummys_run_has_the_dummys_values_everywhere(run_folder):
    run = read_run(run_folder)
    dummy = run.as_dummy()
    assert dummy.metrics["mae_volume"].value == run.metrics["mae_volume"].dummy
    assert dummy.metrics["mae_volume"].contributions.totals == run.metrics["mae_volume"].contributions.dummy_totals
    assert "success_rate" not in dummy.metrics
    assert read_run(run_folder).metrics == run.metrics


def test_the_hardware_is_named_once_however_many_sessions_there_were(run_folder):
    file = run_folder / "provenance.json"
    provenance = json.loads(file.read_text())
    provenance["sessions"] *= 3
    file.write_text(json.dumps(provenance))
    (hardware,) = read_run(run_folder).hardware
    assert hardware.endswith("cores")


@pytest.mark.parametrize("name", ["provenance.json", "metrics.json", "contributions.json", "config.yaml"])
def test_a_folder_that_lacks_a_file_is_refused_with_the_way_out(run_folder, name):
    (run_folder / name).unlink()
    with pytest.raises(RunFolderError, match=r"not a finished run with provenance.*give its command again"):
        read_run(run_folder)


def test_a_record_without_provenance_is_refused(run_folder):
    file = run_folder / "provenance.json"
    provenance = json.loads(file.read_text())
    del provenance["identity"]
    file.write_text(json.dumps(provenance))
    with pytest.raises(RunFolderError, match="identity"):
        read_run(run_folder)


def test_a_damaged_file_is_refused(run_folder):
    (run_folder / "metrics.json").write_text("{")
    with pytest.raises(RunFolderError, match="not a finished run"):
        read_run(run_folder)


def test_a_run_that_is_not_finished_is_refused(run_folder):
    file = run_folder / "metrics.json"
    summary = json.loads(file.read_text())
    summary["cases"][0]["failure"] = "not computed yet"
    file.write_text(json.dumps(summary))
    with pytest.raises(RunFolderError, match="1 of 2 cases are not computed yet; give its command again"):
        read_run(run_folder)


def test_folders_of_runs_are_found_below_any_folder_each_once(tmp_path):
    for name in ("b/run-2", "a/run-1", "a"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "records.jsonl").touch()
    found = run_folders([tmp_path, tmp_path / "a"])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a", "a/run-1", "b/run-2"]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(RunFolderError, match=r"nowhere: no such folder"):
        run_folders([tmp_path / "nowhere"])
