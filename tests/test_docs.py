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
        if words and words[0] in ("list", "show", "report", "check", "new"):
            continue
        for word in words:
            key, _, _ = word.partition("=")
            assert key in {"task", "model", "dataset", "model.checkpoint", "dataset.max_cases"} or "=" not in word
    assert registry.tasks["eos"].spec.dataset == "dcdft"


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
