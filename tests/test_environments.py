"""Which plugins go together, and what is remembered of models elsewhere."""

import json
import sys
from pathlib import Path
from typing import Literal

import pytest

from lamcore.cli import main
from lamcore.environments.commands import requirement_of
from lamcore.environments.resolve import fewest_groups
from lamcore.environments.store import _annotation, remembered_models
from lamcore.errors import ConfigError, PluginError
from lamcore.registry import load_registry
from lamcore.worker.describe import _type, describe
from lamcore.worker.interpreter import variables_for

FAR = {
    "name": "far",
    "distribution": "lamcore-far",
    "version": "1",
    "versions": {},
    "options": [],
    "card": "",
    "has_weights": False,
}
CONFLICTS = {("mace", "sevenn"), ("mace", "deepmd")}


def problem(group):
    return next((f"{one} and {two}" for one, two in CONFLICTS if {one, two} <= set(group)), None)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["sevenn", "chgnet", "orb"], [{"sevenn", "chgnet", "orb"}]),
        (["mace", "sevenn", "deepmd"], [{"mace"}, {"sevenn", "deepmd"}]),
        (["mace", "chgnet", "sevenn"], [{"mace"}, {"chgnet", "sevenn"}]),
    ],
)
def test_as_few_environments_as_the_conflicts_allow(wanted, expected):
    assert [set(group) for group in fewest_groups(wanted, problem)] == expected


def test_what_greedy_filling_would_split_in_three_is_split_in_two():
    conflicts = [{"a", "d"}, {"b", "c"}]
    groups = fewest_groups(
        ["a", "b", "c", "d"], lambda group: "no" if any(bad <= set(group) for bad in conflicts) else None
    )
    assert len(groups) == 2


def test_no_group_is_resolved_twice():
    asked = []

    def asking(group):
        asked.append(frozenset(group))
        return problem(group)

    fewest_groups(["mace", "sevenn", "deepmd", "orb"], asking)
    assert len(asked) == len(set(asked))


def test_a_plugin_that_cannot_be_installed_at_all_is_named():
    with pytest.raises(PluginError, match="mace cannot be installed, not even alone: no such version"):
        fewest_groups(["orb", "mace"], lambda group: "no such version" if "mace" in group else None)


@pytest.mark.parametrize(
    ("plugin", "requirement"),
    [("mace", "lamcore-mace"), ("lamcore-mace", "lamcore-mace"), ("lamcore-mace>=0.2", "lamcore-mace>=0.2")],
)
def test_a_name_stands_for_its_package(plugin, requirement):
    assert requirement_of(plugin) == requirement


def test_a_folder_and_a_wheel_are_given_by_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mace").mkdir()
    (tmp_path / "mace" / "pyproject.toml").touch()
    (tmp_path / "orb").mkdir()
    assert requirement_of("orb") == "lamcore-orb"
    assert requirement_of("mace") == str(tmp_path / "mace")
    assert requirement_of("orb-1.whl") == str(tmp_path / "orb-1.whl")


@pytest.mark.parametrize(
    "annotation", [int, str | None, Path | None, Literal["a", "b"], list[float] | None, list[str], bool, float, None]
)
def test_types_survive_being_written_down(annotation):
    again = _annotation(json.loads(json.dumps(_type(annotation))))
    assert again == annotation


def test_a_remembered_model_is_listed_with_options_and_card_and_starts_nothing(install_plugin, tmp_path, monkeypatch):
    install_plugin(
        "lamcore-elsewhere",
        """
        from pathlib import Path
        from lamcore import ModelSpec, hookimpl

        def build(size: int = 3, mode: str | None = None):
            "Args:\\n    size: How many."

        @hookimpl
        def lamcore_models():
            return [ModelSpec("elsewhere", build, Path(__file__).with_name("card.yaml"))]
        """,
    )
    (tmp_path / "site" / "card.yaml").write_text("summary: far away\nlicence_code: MIT\n")
    (described,) = [model for model in describe() if model["name"] == "elsewhere"]
    folder = tmp_path / "environments" / "one"
    (folder / "cards").mkdir(parents=True)
    (folder / "cards" / "elsewhere.yaml").write_text(described["card"])
    content = {"python": "/nowhere/python", "requirements": ["lamcore-elsewhere"], "models": [described]}
    (folder / "description.json").write_text(json.dumps(content))
    monkeypatch.setenv("LAMCORE_ENVIRONMENTS", str(tmp_path / "environments"))
    assert remembered_models() == []  # it is installed here as well, which comes first
    for path in (tmp_path / "site").glob("*.dist-info/*"):
        path.unlink()
    offer = load_registry({}).get("model", "elsewhere")
    assert str(offer.plugin) == "lamcore-elsewhere 1.0"
    assert offer.options()["size"].default == 3
    assert offer.options()["mode"].annotation == str | None
    assert offer.spec.remote.python == Path("/nowhere/python")
    assert offer.spec.card.read_text() == "summary: far away\nlicence_code: MIT\n"


def write_description(folder, content):
    folder.mkdir(parents=True)
    (folder / "description.json").write_text(content)


@pytest.mark.parametrize("content", ["{", "[]", '{"python": "p", "requirements": [], "models": [1]}'])
def test_a_damaged_environment_costs_itself_alone_and_can_be_removed(tmp_path, monkeypatch, capsys, content):
    monkeypatch.setenv("LAMCORE_ENVIRONMENTS", str(tmp_path))
    write_description(tmp_path / "damaged", content)
    write_description(
        tmp_path / "sound", json.dumps({"python": "/p", "requirements": ["lamcore-far"], "models": [FAR]})
    )
    assert "far" in load_registry({}).models
    assert main(["env", "list"]) == 0
    assert "damaged: damaged, or not made to the end" in capsys.readouterr().out
    assert main(["env", "remove", "damaged"]) == 0
    assert not (tmp_path / "damaged").exists()
    assert (tmp_path / "sound").exists()


def test_a_model_in_two_environments_is_offered_once(tmp_path, monkeypatch):
    monkeypatch.setenv("LAMCORE_ENVIRONMENTS", str(tmp_path))
    for name in ("one", "two"):
        write_description(tmp_path / name, json.dumps({"python": f"/{name}", "requirements": [], "models": [FAR]}))
    registry = load_registry({})
    assert registry.skipped == []
    assert registry.get("model", "far").spec.remote.python == Path("/one")


@pytest.mark.parametrize(
    ("plugin", "requirement"),
    [
        ("mace==0.2", "lamcore-mace==0.2"),
        ("mace[dispersion]", "lamcore-mace[dispersion]"),
        ("phonon-task", "lamcore-phonon-task"),
        ("lamcore_mace", "lamcore-mace"),
    ],
)
def test_no_package_of_another_name_is_ever_installed(plugin, requirement):
    assert requirement_of(plugin) == requirement


def test_what_is_no_requirement_is_refused():
    with pytest.raises(ConfigError, match="is no plugin"):
        requirement_of("mace sevenn")


def test_another_python_sees_nothing_of_this_ones_modules(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert "PYTHONPATH" not in variables_for(Path("/other/python"))
    assert variables_for(Path(sys.executable))["PYTHONPATH"] == "/elsewhere"
