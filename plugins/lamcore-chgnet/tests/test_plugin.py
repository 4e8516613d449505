"""Claims about loading: through the entry point, light, and without traces in the process."""

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path

import pytest
from lamcore_chgnet.build import build_chgnet, chgnet_weights


@pytest.fixture
def spec():
    (entry,) = entry_points(group="lamcore", name="chgnet")
    (spec,) = entry.load().lamcore_models()
    return spec


def run(program):
    """Run a program in a Python of its own and return what it prints as JSON."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_weights_takes_the_options_of_build(spec):
    assert (spec.build, spec.weights) == (build_chgnet, chgnet_weights)
    options = [signature(function).parameters for function in (spec.build, spec.weights)]
    assert [(p.name, p.default, p.annotation) for p in options[0].values()] == [
        (p.name, p.default, p.annotation) for p in options[1].values()
    ]


def test_loading_the_plugin_and_finding_the_weights_imports_nothing_heavy():
    program = """
import json, sys
from importlib.metadata import entry_points
(entry,) = entry_points(group="lamcore", name="chgnet")
(spec,) = entry.load().lamcore_models()
assert spec.weights()[0].is_file()
heavy = ["torch", "chgnet.model", "pymatgen", "ase"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    assert run(program) == []


def test_building_and_evaluating_leaves_the_process_as_found_and_prints_nothing():
    program = """
import json, multiprocessing, os, warnings
import ase.build  # ase itself changes the warning filters; that is not this plugin's doing
environment, filters = dict(os.environ), list(warnings.filters)
from lamcore_chgnet.build import build_chgnet
build_chgnet(device="cpu").evaluate([ase.build.bulk("Si")])
import torch
print(json.dumps({
    "environment": dict(os.environ) == environment,
    "filters": warnings.filters == filters,
    "dtype": str(torch.get_default_dtype()),
    "threads": torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"]),
    "gradients": torch.is_grad_enabled(),
    "start_method": multiprocessing.get_start_method(),
}))
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        found = run(program)
    import multiprocessing

    assert found == {
        "environment": True,
        "filters": True,
        "dtype": "torch.float32",
        "threads": True,
        "gradients": True,
        "start_method": multiprocessing.get_start_method(),
    }


def test_the_example_in_the_readme_prints_what_the_readme_says(capsys):
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    code, printed = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL).group(1) for kind in ("python", "text"))
    exec(code, {})
    assert capsys.readouterr().out == printed
