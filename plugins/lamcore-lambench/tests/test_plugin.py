"""What the plugin offers, what loading it costs, and the README's suite through the command line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import lamcore_lambench
import pytest

from lamcore.cards import SuiteCard, load_card
from lamcore.registry import load_registry
from lamcore.schema import option_help

README = Path(__file__).parents[1] / "README.md"


def run(folder, *arguments, **environment):
    command = [sys.executable, "-m", "lamcore", *arguments]
    surroundings = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)


def test_loading_the_plugin_imports_nothing_heavy():
    code = (
        "import sys, lamcore_lambench as p; p.lamcore_suites();"
        "print([m for m in ('numpy', 'ase', 'omegaconf', 'yaml', 'scipy', 'torch') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "[]"


def test_every_suite_has_a_valid_card_and_a_builder_whose_options_are_explained():
    registry = load_registry()
    for spec in lamcore_lambench.lamcore_suites():
        assert load_card(spec.card, SuiteCard).summary
        assert set(option_help(spec.build)) == set(registry.suites[spec.name].options())
        assert spec.build().items


def test_the_public_class_is_there_and_nothing_else_is_made_up():
    assert lamcore_lambench.RatioSuite.from_yaml
    with pytest.raises(AttributeError, match="no attribute 'RatoiSuite'"):
        lamcore_lambench.RatoiSuite  # noqa: B018


@pytest.fixture
def third_party(tmp_path):
    """The YAML file and the plugin of the README, installed as a package of somebody else."""
    (yaml,) = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    site = tmp_path / "site"
    info = site / "lamcore_bulk-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "lamcore_bulk.py").write_text(code)
    (site / "bulk.yaml").write_text(yaml)
    (site / "card.yaml").write_text("summary: bulk properties of metals\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lamcore-bulk\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lamcore]\nbulk = lamcore_bulk\n")
    return {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}


def test_the_readmes_suite_of_a_third_party_runs_resumes_and_is_what_the_file_says(third_party, tmp_path):
    result = run(tmp_path, "suite=bulk-1", "model=emt", **third_party)
    assert result.returncode == 0, result.stderr
    (file,) = tmp_path.glob("runs/suite-bulk-1-emt-*/suite.json")
    written = json.loads(file.read_text())
    metrics = json.loads((tmp_path / "runs" / written["runs"]["metals"] / "metrics.json").read_text())["metrics"]
    ratios = {one["name"]: one["value"] / one["dummy"] for one in metrics if one["dummy"]}
    (headline,) = written["scores"]
    assert headline["value"] == pytest.approx((2 * ratios["mae_volume"] + ratios["mae_bulk_modulus"]) / 3)
    low, high = headline["interval"]
    assert low < headline["value"] < high
    assert "4 of 4 cases are there" in run(tmp_path, "suite=bulk-1", "model=emt", **third_party).stdout


def test_lambench_without_its_data_runs_nothing_and_says_how_to_get_it(tmp_path):
    result = run(tmp_path, "suite=lambench-1.0", "model=emt")
    assert result.returncode == 2
    assert "none of its 29 items can be run" in result.stderr
    assert "suite.data=<folder with LAMBench's data>" in result.stderr
    assert "neb, wiggle150, elastic" in result.stderr
    assert "lamcore has no task for it yet" in result.stderr
    assert not (tmp_path / "runs").exists()
