"""Claims about loading: through the entry point, light, in the order that works, and without traces in the process."""

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path

import pytest
from lamcore_mace.build import build_mace, mace_weights


@pytest.fixture
def spec():
    (entry,) = entry_points(group="lamcore", name="mace")
    (spec,) = entry.load().lamcore_models()
    return spec


def run(program, *arguments):
    """Run a program in a Python of its own and return what it prints as JSON."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_weights_takes_the_options_of_build(spec):
    assert (spec.build, spec.weights) == (build_mace, mace_weights)
    options = [signature(function).parameters for function in (spec.build, spec.weights)]
    assert [(p.name, p.default, p.annotation) for p in options[0].values()] == [
        (p.name, p.default, p.annotation) for p in options[1].values()
    ]


def test_loading_the_plugin_and_finding_the_weights_imports_nothing_heavy(checkpoint):
    program = """
import json, sys
from importlib.metadata import entry_points
(entry,) = entry_points(group="lamcore", name="mace")
(spec,) = entry.load().lamcore_models()
assert spec.weights(checkpoint=sys.argv[1])[0].is_file()
heavy = ["torch", "mace", "e3nn", "matscipy", "ase", "torch_dftd", "pymatgen"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    assert run(program, str(checkpoint)) == []


LEAVES_AS_FOUND = """
import json, logging, multiprocessing, os, sys, warnings
import ase.build, ase.calculators.calculator
if sys.argv[2] == "torch first":
    import torch
properties = list(ase.calculators.calculator.BaseCalculator.implemented_properties)
environment, filters = dict(os.environ), list(warnings.filters)
from lamcore_mace.build import build_mace
build_mace(checkpoint=sys.argv[1], device="cpu").evaluate([ase.build.bulk("Si")])
import torch
print(json.dumps({
    "environment": dict(os.environ) == environment,
    "filters": warnings.filters == filters,
    "dtype": str(torch.get_default_dtype()),
    "threads": torch.get_num_threads(),
    "gradients": torch.is_grad_enabled(),
    "start_method": multiprocessing.get_start_method(allow_none=True),
    "properties": ase.calculators.calculator.BaseCalculator.implemented_properties == properties,
    "handlers": len(logging.getLogger().handlers),
}))
"""


@pytest.mark.parametrize("order", ["torch first", "torch not loaded"])
def test_building_and_evaluating_leaves_the_process_as_found_and_prints_nothing(checkpoint, order):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", raising=False)
        found = run(LEAVES_AS_FOUND, str(checkpoint), order)
    assert found == {
        "environment": True,
        "filters": True,
        "dtype": "torch.float32",
        "threads": 1,
        "gradients": True,
        "start_method": None,
        "properties": True,
        "handlers": 0,
    }


def test_unsafe_loading_stays_off_for_others(checkpoint):
    # mace switches it on for the whole process, which would run code from anybody's file.
    program = """
import json, sys
from lamcore_mace.build import build_mace
build_mace(checkpoint=sys.argv[1], device="cpu")
import torch
try:
    torch.load(sys.argv[1])
except Exception as error:
    print(json.dumps("weights_only" in str(error)))
else:
    print(json.dumps("loaded"))
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", raising=False)
        assert run(program, str(checkpoint)) is True


def test_the_example_in_the_readme_runs_and_prints_what_the_readme_says(checkpoint, tmp_path, monkeypatch, capsys):
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    code, printed = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL).group(1) for kind in ("python", "text"))
    (tmp_path / "my.model").write_bytes(checkpoint.read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert capsys.readouterr().out == printed


def test_the_readme_lists_every_checkpoint_with_its_licence():
    from lamcore_mace.checkpoints import FOUNDATIONS

    rows = [row for row in (Path(__file__).parents[1] / "README.md").read_text().splitlines() if row.startswith("|")]
    for name, foundation in FOUNDATIONS.items():
        (row,) = [row for row in rows if f"`{name}`" in row]
        assert row.rstrip("| ").endswith("MIT" if foundation.commercial else "ASL")
