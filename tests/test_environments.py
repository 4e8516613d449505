"""Which plugins go together, and what is remembered of models elsewhere."""

import json
from pathlib import Path
from typing import Literal

import pytest

from lamcore.environments.commands import requirement_of
from lamcore.environments.resolve import fewest_groups
from lamcore.environments.store import _annotation, remembered_models
from lamcore.errors import PluginError
from lamcore.registry import load_registry
from lamcore.worker.describe import _type, describe

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
    (tmp_path / "orb-1.whl").touch()
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


def test_a_damaged_description_skips_the_environments_and_says_what_to_do(tmp_path, monkeypatch):
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "description.json").write_text("{")
    monkeypatch.setenv("LAMCORE_ENVIRONMENTS", str(tmp_path))
    registry = load_registry({})
    assert "emt" in registry.models
    (skipped,) = registry.skipped
    assert "lamcore env remove one" in skipped.reason
