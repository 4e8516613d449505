"""Claims about loading: through the entry point, light, and without traces in the process."""

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path

import pytest
from lamcore_deepmd.build import build_deepmd, deepmd_weights


@pytest.fixture
def spec():
    (entry,) = entry_points(group="lamcore", name="deepmd")
    (spec,) = entry.load().lamcore_models()
    return spec


def run(program, *arguments):
    """What a program in a Python of its own prints, as JSON; it writes nothing to its standard error."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_weights_takes_the_options_of_build(spec):
    assert (spec.build, spec.weights) == (build_deepmd, deepmd_weights)
    options = [signature(function).parameters for function in (spec.build, spec.weights)]
    assert [(p.name, p.default, p.annotation) for p in options[0].values()] == [
        (p.name, p.default, p.annotation) for p in options[1].values()
    ]


def test_loading_the_plugin_and_finding_the_weights_imports_nothing_heavy(trained):
    program = """
import json, sys
from importlib.metadata import entry_points
(entry,) = entry_points(group="lamcore", name="deepmd")
(spec,) = entry.load().lamcore_models()
assert spec.weights(checkpoint=sys.argv[1])[0].is_file()
heavy = ["torch", "deepmd.pt", "deepmd.infer", "e3nn", "vesin", "numpy", "ase"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    assert run(program, str(trained / "model.ckpt-200.pt")) == []


def test_knowing_the_names_imports_nothing_heavy():
    program = """
import json, sys
from lamcore.errors import UnknownNameError
from lamcore_deepmd.checkpoints import checkpoint_path
try:
    checkpoint_path("no such name")
except UnknownNameError:
    print(json.dumps([name for name in ("torch", "deepmd.pt", "deepmd.infer", "numpy") if name in sys.modules]))
"""
    assert run(program) == []


def test_building_and_evaluating_leaves_the_process_as_found_and_prints_nothing(trained):
    program = """
import json, multiprocessing, os, sys, warnings
import ase.build  # ase itself changes the warning filters; that is not this plugin's doing
environment, filters = dict(os.environ), list(warnings.filters)
from lamcore_deepmd.build import build_deepmd
build_deepmd(checkpoint=sys.argv[1], device="cpu").evaluate([ase.build.bulk("Cu")])
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
        found = run(program, str(trained / "model.ckpt-200.pt"))
    import multiprocessing

    assert found == {
        "environment": True,
        "filters": True,
        "dtype": "torch.float32",
        "threads": True,
        "gradients": True,
        "start_method": multiprocessing.get_start_method(),
    }


def test_the_example_in_the_readme_prints_what_the_readme_says(capsys, trained, monkeypatch):
    monkeypatch.chdir(trained)
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    code, printed = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL).group(1) for kind in ("python", "text"))
    exec(code, {})
    assert capsys.readouterr().out == printed
