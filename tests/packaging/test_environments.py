"""Two model plugins that cannot be installed together, used by one command, with the real uv."""

import json
import shutil

import pytest

PROJECT = """
[build-system]
requires = ["hatchling>=1.24"]
build-backend = "hatchling.build"

[project]
name = "lamcore-{name}"
version = "1.0.{patch}"
dependencies = ["lamcore>=0.1", "six==1.{patch}.0"]

[project.entry-points.lamcore]
{name} = "lamcore_{name}"

[tool.hatch.build.targets.wheel]
packages = ["lamcore_{name}"]
"""
MODULE = '''
from pathlib import Path
from typing import Literal
from lamcore import ModelSpec, hookimpl

def weights(flavour: Literal["plain", "asap"] = "plain", scale: float | None = None, where: Path | None = None):
    return [Path(__file__).with_name("card.yaml")]

def build(flavour: Literal["plain", "asap"] = "plain", scale: float | None = None, where: Path | None = None):
    """Build it.

    Args:
        flavour: Which of the two.
    """
    import six
    from ase.calculators.emt import EMT
    assert six.__version__ == "1.{patch}.0"
    return EMT(asap_cutoff=flavour == "asap")

@hookimpl
def lamcore_models():
    return [ModelSpec("{name}", build, Path(__file__).with_name("card.yaml"), weights=weights, packages=("six",))]
'''


@pytest.fixture(scope="module")
def conflicting(tmp_path_factory, run):
    """Wheels of two plugins that need different versions of the same package."""
    folder = tmp_path_factory.mktemp("conflicting")
    for name, patch in (("left", 16), ("right", 17)):
        package = folder / name / f"lamcore_{name}"
        package.mkdir(parents=True)
        (folder / name / "pyproject.toml").write_text(PROJECT.format(name=name, patch=patch))
        (package / "__init__.py").write_text(MODULE.replace("{patch}", str(patch)).replace("{name}", name))
        (package / "card.yaml").write_text(f"summary: EMT from the {name}\nlicence_code: LGPL-2.1-or-later\n")
    wheels = folder / "wheels"
    run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, folder / "left", folder / "right")
    return sorted(wheels.glob("*.whl"))


def test_models_that_exclude_each_other_run_by_one_command(wheels, conflicting, fresh_environment, tmp_path, run):
    python = fresh_environment("tasks", wheels["lamcore"], "uv")
    remembered = {"LAMCORE_ENVIRONMENTS": str(tmp_path / "environments")}

    def lamcore(*arguments):
        return run(python, "-m", "lamcore", *arguments, cwd=tmp_path, **remembered)

    added = lamcore("env", "add", *conflicting)
    assert "models left" in added
    assert "models right" in added
    assert len(list((tmp_path / "environments").iterdir())) == 2

    listing = lamcore("list")
    assert "EMT from the left" in listing
    assert "EMT from the right" in listing
    shown = lamcore("show", "model", "left")
    assert "from lamcore-left 1.0.16" in shown
    assert "model.flavour=plain   ('plain' | 'asap')" in shown
    assert "Which of the two." in shown

    lamcore("--multirun", "task=eos", "model=left,right,emt", "dataset.max_cases=2")
    folders = {path.name.split("-")[1]: path for path in (tmp_path / "runs").iterdir() if path.name != ".sweeps"}
    metrics = {name: json.loads((folder / "metrics.json").read_text())["metrics"] for name, folder in folders.items()}
    assert metrics["left"] == metrics["right"] == metrics["emt"]
    provenance = json.loads((folders["left"] / "provenance.json").read_text())
    assert provenance["sessions"][0]["versions"]["six"] == "1.16.0"
    assert provenance["identity"]["model"]["plugin"] == "lamcore-left 1.0.16"
    assert provenance["identity"]["model"]["weights"][0]["file"] == "card.yaml"

    again = lamcore("env", "add", conflicting[0])
    assert "installing" in again
    assert again.count("unchanged") == 1  # the environment of the plugin that was not named
    assert "works, models left" in lamcore("env", "check")
    name = next(path.name for path in (tmp_path / "environments").iterdir() if "left" in path.name)
    lamcore("env", "remove", name)
    assert "EMT from the left" not in lamcore("list")


def test_without_uv_the_user_is_told_how_to_get_it(wheels, fresh_environment, tmp_path, run):
    if shutil.which("uv", path="/usr/bin:/bin"):
        pytest.skip("uv is installed for the whole system")
    python = fresh_environment("bare", wheels["lamcore"])
    message = run(
        python, "-m", "lamcore", "env", "add", "mace", cwd=tmp_path, status=1, PATH=f"{python.parent}:/usr/bin:/bin"
    )
    assert "pip install uv" in message
