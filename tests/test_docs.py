"""What the README promises exists, and what exists is in the README."""

import re
import tomllib
from pathlib import Path

from lamcore import hookspecs
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


def test_every_package_registers_through_the_entry_point_group():
    for project in [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("examples/*/*.toml")]:
        assert tomllib.loads(project.read_text())["project"]["entry-points"]["lamcore"]


def test_commands_of_the_readme_name_what_exists():
    registry = load_registry({})
    for command in re.findall(r"^\s+(?:\$ )?(?:python -m )?lamcore (.*)$", README, flags=re.MULTILINE):
        words = command.split("#")[0].split()
        if words and words[0] in ("list", "show", "report"):
            assert words[0] in ("list", "show", "report")
        for word in words:
            key, _, _ = word.partition("=")
            assert key in {"task", "model", "dataset", "model.checkpoint", "dataset.max_cases"} or "=" not in word
    assert registry.tasks["eos"].spec.dataset == "dcdft"


def test_quantities_state_unit_shape_and_meaning():
    for quantity in QUANTITIES.values():
        assert quantity.unit
        assert quantity.meaning
