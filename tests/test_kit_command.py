"""`lamcore check` and `lamcore new` as a plugin author uses them."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from ase.build import bulk

from lamcore import Case, Dataset, DatasetSpec, new_command
from lamcore.config import Choice
from lamcore.errors import ConfigError
from lamcore.new_command import NewPlugin, render_plugin, write_plugin
from lamcore.registry import Offer, Plugin
from lamcore.testing import check_dataset, choose

ROOT = Path(__file__).parents[1]
EXAMPLES = [NewPlugin("model", "morse"), NewPlugin("task", "dimer"), NewPlugin("dataset", "noble-metals")]


def lamcore(*arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "lamcore", *map(str, arguments)],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


def test_a_certificate_holds_every_number_and_what_it_depends_on(tmp_path):
    done = lamcore("check", "model", "lj", "sigma_ang=3.0", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "certificates").iterdir()
    assert str(path.relative_to(tmp_path)) in done.stdout
    certificate = json.loads(path.read_text())
    assert certificate["passed"] is True
    assert certificate["options"]["sigma_ang"] == 3.0
    assert (certificate["device"], certificate["dtype"]) == ("cpu", "float64")
    assert certificate["versions"]["ase"]
    (slopes,) = [claim for claim in certificate["claims"] if claim["claim"] == "forces_are_slopes_of_the_energy"]
    assert slopes["numbers"][0]["value"] < slopes["numbers"][0]["limit"]


def test_the_certificate_of_a_task_names_the_model_the_dataset_and_the_cases(tmp_path):
    done = lamcore("check", "task", "eos", "--model", "emt", "--output", "eos.json", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    certificate = json.loads((tmp_path / "eos.json").read_text())
    assert (certificate["name"], certificate["model"]["name"], certificate["dataset"]["name"]) == (
        "eos",
        "emt",
        "dcdft",
    )
    assert certificate["model"]["plugin"].startswith("lamcore")
    assert certificate["model"]["options"].keys() == choose("model", "emt").options.keys()
    assert certificate["cases"] == [case.id for case in islice(choose("dataset", "dcdft").build().cases(), 2)]


def test_the_certificate_of_a_dataset_has_the_version_of_its_card_and_the_hashes_of_its_files(tmp_path):
    class FromAFile(Dataset):
        def __init__(self):
            self.files = {"numbers.txt": tmp_path / "numbers.txt"}

        def cases(self):
            value = float(self.files["numbers.txt"].read_text())
            yield Case("Cu", (bulk("Cu"),), {"energy_ev": value})

    (tmp_path / "numbers.txt").write_bytes(b"1.5")
    (tmp_path / "card.yaml").write_text(
        "{version: '7', summary: s, licence: MIT, level_of_theory: none, units: {energy_ev: eV}}"
    )
    spec = DatasetSpec("from-a-file", FromAFile, tmp_path / "card.yaml", ("eos",))
    about = check_dataset(Choice("dataset", "from-a-file", Offer(spec, Plugin("mine", "lamcore", "1")), {})).about
    assert about["card_version"] == "7"
    assert about["files_sha256"] == {"numbers.txt": hashlib.sha256(b"1.5").hexdigest()}


def test_each_comparison_is_written_before_the_next_is_begun(tmp_path):
    arguments = ("--against", "smooth=false", "--against", "sigma_ang=-1", "--output", "lj.json")
    done = lamcore("check", "model", "lj", *arguments, folder=tmp_path)
    assert done.returncode not in (0, 3)
    assert json.loads((tmp_path / "lj.json").read_text())["against"] == {"smooth": False}


def test_a_claim_that_fails_gives_a_non_zero_exit_and_the_reason_that_its_author_knows(tmp_path):
    done = lamcore("check", "model", "emt", "--output", tmp_path / "emt.json", folder=tmp_path)
    assert done.returncode == 3
    assert "fails: energy_and_force_are_smooth_across_the_cutoff" in done.stdout
    assert "known to its author: EMT lets interactions fade" in done.stdout
    certificate = json.loads((tmp_path / "emt.json").read_text())
    assert certificate["passed"] is False
    (failed,) = [claim for claim in certificate["claims"] if claim["verdict"] == "fail"]
    assert "Fermi" in failed["known"]


def test_settings_of_a_model_are_compared_with_each_other(tmp_path):
    arguments = ("--against", "smooth=false", "--against", "smooth=true", "--output", "lj.json")
    done = lamcore("check", "model", "lj", *arguments, folder=tmp_path)
    assert done.returncode == 3
    different, same = (json.loads((tmp_path / name).read_text()) for name in ("lj.json", "lj-2.json"))
    assert different["against"] == {"smooth": False}
    assert not different["passed"]
    assert same["passed"]


WRONG = {
    ("check", "model", "emtt"): "did you mean 'emt'?",
    ("check", "model", "lj", "sigma=3"): "did you mean 'model.sigma_ang'?",
    ("check", "task", "eos", "--against", "recentre=false"): "--against is for models",
    ("new", "model", "Bad Name"): "expected lower-case letters",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_input_is_named_with_the_right_word(tmp_path, arguments):
    done = lamcore(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert WRONG[arguments] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("plugin", EXAMPLES, ids=lambda plugin: plugin.distribution)
def test_the_examples_are_what_lamcore_new_writes(plugin):
    folder = ROOT / "examples" / plugin.distribution
    for path, text in render_plugin(plugin).items():
        assert (folder / path).read_text() == text, path


@pytest.mark.parametrize("kind", ["model", "task", "dataset"])
def test_a_new_package_passes_its_check_as_it_is(tmp_path, kind):
    plugin = NewPlugin(kind, "my-own")
    folder = write_plugin(plugin, tmp_path)
    module = plugin.words()["module"]
    info = folder / "src" / f"{module}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {plugin.distribution}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[lamcore]\nmy-own = {module}\n")
    path = os.pathsep.join([str(folder / "src"), *filter(None, sys.path)])
    done = lamcore("check", kind, "my-own", folder=tmp_path, PYTHONPATH=path, LAMCORE_PLUGINS="my-own")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 fail" in done.stdout


def test_nothing_is_overwritten(tmp_path):
    arguments = argparse.Namespace(kind="model", name="mine", folder=tmp_path)
    assert new_command.run(arguments) == 0
    with pytest.raises(ConfigError, match="exists"):
        new_command.run(arguments)
