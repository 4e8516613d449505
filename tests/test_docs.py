"""What the README promises exists, and what exists is in the README."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from lamcore import hookspecs
from lamcore.cli import main
from lamcore.config import RUN_OPTIONS, conf_folder, group_options
from lamcore.overrides import check_arguments
from lamcore.quantities import QUANTITIES
from lamcore.registry import load_registry

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_hook_is_documented_and_every_documented_hook_exists():
    hooks = {name for name in vars(hookspecs) if name.startswith("lamcore_")}
    assert hooks == set(re.findall(r"^\| `(lamcore_\w+)`", README, flags=re.MULTILINE))
    assert all(getattr(hookspecs, name).__doc__ for name in hooks)


def test_the_model_plugin_of_the_readme_works(install_plugin):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    install_plugin("lamcore-morse-of-readme", code)
    offer = load_registry({"LAMCORE_PLUGINS": "lamcore-morse-of-readme"}).get("model", "morse")
    assert list(offer.options()) == ["epsilon_ev", "r0_ang"]
    assert "energy" in offer.spec.build(r0_ang=2.9).implemented_properties


def test_every_plugin_of_the_repository_is_in_the_table():
    for project in ROOT.glob("plugins/*/pyproject.toml"):
        assert f"(plugins/{project.parent.name}/README.md)" in README
        assert (project.parent / "README.md").exists()


def test_every_package_registers_through_an_entry_point_group():
    for project in [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("examples/*/*.toml")]:
        groups = tomllib.loads(project.read_text())["project"]["entry-points"]
        assert groups.get("lamcore") or groups.get("lamcore_crystal")  # the second extends a plugin


def test_every_command_of_the_readme_is_accepted(capsys):
    registry = load_registry({})
    commands = re.findall(r"^ {4}(?:\$ )?(?:python -m )?lamcore(?: (.*?))?(?: +#.*)?$", README, flags=re.MULTILINE)
    runs = [words for words in map(str.split, commands) if words and ("=" in words[0] or words[0] == "--multirun")]
    assert len(runs) >= 3
    for words in runs:
        chosen = {name for word in words if word.startswith("model=") for name in word[6:].split(",")}
        suites = [word for word in words if word.startswith("suite")]
        if chosen <= set(registry.models) and "phonon" in registry.tasks:
            check_arguments([word for word in words if word not in suites], registry)
        for name in (word[6:] for word in suites if word.startswith("suite=")):
            if name in registry.suites:
                known = {f"suite.{option}" for option in group_options("suite", registry.suites[name])}
                assert {word.partition("=")[0] for word in suites} - {"suite"} <= known
    for command in (words for words in commands if words.startswith(("list", "show", "--help"))):
        assert main(command.split()) == 0 or "sevennet" in command


def test_the_first_run_of_the_readme_prints_what_it_says(tmp_path):
    (block,) = re.findall(r"\$ python -m lamcore\n(.*?)\n\n", README, flags=re.DOTALL)
    expected = [_without_what_changes(line[4:]) for line in block.splitlines()]
    result = subprocess.run([sys.executable, "-m", "lamcore"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [_without_what_changes(line).rstrip() for line in result.stdout.splitlines()] == expected


def _without_what_changes(line):
    """A line without the speed, and without the run's id, which changes with every version."""
    return re.sub(r"-[0-9a-f]{12}", "-<id>", re.sub(r"\S+ structures/s", "<speed>", line))


def test_code_on_the_page_for_authors_is_that_of_the_examples():
    page = (ROOT / "docs" / "plugins.md").read_text()
    blocks = re.findall(r"^`(examples/[^`]+)`\n\n```\w+\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == len(re.findall(r"^```\w+$", page, flags=re.MULTILINE)) >= 9
    for path, code in blocks:
        assert code == (ROOT / path).read_text(), path


def test_the_page_for_authors_names_hooks_fields_and_modules_that_exist():
    page = (ROOT / "docs" / "plugins.md").read_text()
    for module in set(re.findall(r"`lamcore\.([a-z_]+)", page)) - {"relax", "molecular_dynamics"}:
        assert (ROOT / "src" / "lamcore" / f"{module}.py").exists() or (ROOT / "src" / "lamcore" / module).is_dir()
    assert f"LAMCORE_API = {hookspecs.API_VERSION}" in page


def test_quantities_state_unit_shape_and_meaning():
    for quantity in QUANTITIES.values():
        assert quantity.unit
        assert quantity.meaning


def test_defaults_of_the_yaml_are_those_of_the_schema():
    root = yaml.safe_load((conf_folder() / "config.yaml").read_text())
    for name, option in RUN_OPTIONS.items():
        group, _, key = name.rpartition(".")
        if group in ("executor", "worker"):
            way = {"executor": "processes", "worker": "process"}[group]
            assert yaml.safe_load((conf_folder() / group / f"{way}.yaml").read_text())[key] == option.default
        else:
            assert (root[group][key] if group else root[key]) == option.default
