"""What the command line says, to right input and wrong."""

import json
import subprocess
import sys

import pytest

WRONG = {
    ("task=slwo",): "unknown task 'slwo'; did you mean 'slow'?",
    ("task=slow", "model=thre-lines"): "did you mean 'three-lines'?",
    ("task=slow", "dataset=sqares"): "did you mean 'squares'?",
    ("task=slow", "task.secnds=1"): "did you mean 'task.seconds'?",
    ("tsk=slow",): "did you mean 'task'?",
    ("task=slow", "task.seconds=long"): "task.seconds: got 'long', expected float",
    ("task=slow", "dataset=dcdft"): "not for 'slow'; datasets for 'slow': numbers, squares",
    ("executor=proceses",): "did you mean 'processes'?",
    ("executor=processes", "executor.workers=0"): "executor.workers: got 0",
    ("dataset.max_cases=-1",): "dataset.max_cases: got -1",
    ("lst",): "unknown command 'lst'; did you mean 'list'?",
    ("show", "model", "three-line"): "did you mean 'three-lines'?",
    ("task=[",): "cannot read the override",
    ("+anything=1",): "unknown option 'anything'",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_input_is_named_with_the_right_word_and_a_non_zero_exit(workplace, arguments):
    result = workplace.run(*arguments)
    assert result.returncode == 2
    assert WRONG[arguments] in result.stderr
    assert "Traceback" not in result.stderr
    assert not (workplace.folder / "runs").exists()


def test_help_shows_every_installed_name_and_option_with_its_default(workplace):
    text = workplace.run("--help").stdout
    for expected in (
        "task=slow",
        "model=three-lines",
        "dataset=squares",
        "task.seconds=0.0",
        "model.energy_is_nan=false",
    ):
        assert expected in text
    assert "executor.workers=2" in text


def test_list_shows_what_is_broken_and_exits_well(workplace, install_plugin):
    install_plugin("lamcore-broken", "import package_that_does_not_exist")
    workplace.environment["LAMCORE_PLUGINS"] += ",lamcore-broken"
    result = workplace.run("list")
    assert result.returncode == 0
    assert "lamcore-broken 1.0" in result.stdout
    assert "package_that_does_not_exist" in result.stdout
    assert "pip install" in result.stdout


def test_show_prints_the_card_and_the_options(workplace):
    text = workplace.run("show", "dataset", "squares").stdout
    assert "licence: CC0-1.0" in text
    assert "dataset.shift=0.0   (float)" in text


def test_a_broken_card_is_named_before_anything_is_computed(workplace):
    (workplace.folder / "site" / "squares.yaml").write_text("version: '1'\nlicense: MIT\n")
    result = workplace.run("task=slow", "model=three-lines", "task.log=log")
    assert result.returncode == 1
    assert "squares.yaml" in result.stderr
    assert "license" in result.stderr
    assert not workplace.calculated()


@pytest.mark.parametrize("below", ["evil.yaml", "group/evil.yml", "linked/evil.yaml"])
def test_yaml_of_the_user_cannot_reach_a_free_target(workplace, below):
    conf = workplace.folder / "conf"
    elsewhere = workplace.folder / "elsewhere"
    elsewhere.mkdir()
    conf.mkdir()
    (conf / "linked").symlink_to(elsewhere)
    path = conf / below
    path.parent.mkdir(exist_ok=True)
    path.write_text('hydra:\n  callbacks:\n    x: {"_target\\x5f": os.abort}\n')
    result = workplace.run("--config-dir", str(conf), "task=slow")
    assert result.returncode == 2
    assert below in result.stderr
    assert "_target_" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--config-path", "conf"), ("--config-di=conf",), ("--config-name=evil",), ("hydra.searchpath=[file:///conf]",)],
)
def test_no_other_way_leads_to_yaml_of_the_user(workplace, arguments):
    result = workplace.run(*arguments, "task=slow", "model=three-lines")
    assert result.returncode == 2
    assert "--config-dir" in result.stderr
    assert not (workplace.folder / "runs").exists()


def test_yaml_of_the_user_can_hold_options_of_registered_names(workplace):
    group = workplace.folder / "conf" / "task"
    group.mkdir(parents=True)
    (group / "mine.yaml").write_text("name: slow\nlog: log\n")
    result = workplace.run("--config-dir", str(group.parent), "task=mine", "model=three-lines", "dataset=squares")
    assert result.returncode == 0, result.stderr
    assert sum(workplace.calculated().values()) == 12


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["show", "model", "emt"]])
def test_listing_every_installed_plugin_loads_nothing_heavy(arguments):
    code = (
        "import json, sys\nfrom lamcore.cli import main\n"
        f"status = main({arguments!r})\n"
        "print(json.dumps([status, sorted({name.split('.')[0] for name in sys.modules})]), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, loaded = json.loads(result.stderr.splitlines()[-1])
    assert status == 0
    heavy = {"torch", "pymatgen", "phonopy", "sevenn", "chgnet", "matplotlib", "scipy", "ase", "rdkit"}
    assert heavy.isdisjoint(loaded)
