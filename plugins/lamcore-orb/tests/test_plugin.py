"""Claims about loading: through the entry point, light, and without traces in the process."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path

import cached_path
import pytest
from cached_path.util import resource_to_filename
from lamcore_orb.build import build_orb, orb_weights
from lamcore_orb.checkpoints import NAMED, SERVER


@pytest.fixture
def spec():
    (entry,) = entry_points(group="lamcore", name="orb")
    (spec,) = entry.load().lamcore_models()
    return spec


def run(program, *arguments):
    """Run a program in a Python of its own and return what it prints as JSON."""
    environment = dict(os.environ) | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_weights_takes_the_options_of_build(spec):
    assert (spec.build, spec.weights) == (build_orb, orb_weights)
    options = [signature(function).parameters for function in (spec.build, spec.weights)]
    assert [(p.name, p.default, p.annotation) for p in options[0].values()] == [
        (p.name, p.default, p.annotation) for p in options[1].values()
    ]


def test_loading_the_plugin_and_finding_a_file_of_weights_imports_nothing_heavy(files):
    program = """
import json, sys
from importlib.metadata import entry_points
(entry,) = entry_points(group="lamcore", name="orb")
(spec,) = entry.load().lamcore_models()
assert spec.weights(checkpoint=sys.argv[1], architecture="orb-v2")[0].is_file()
heavy = ["torch", "orb_models", "cached_path", "matscipy", "ase"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    assert run(program, files["v2"]) == []


@pytest.mark.parametrize("torch_first", ["", "import torch; torch.set_float32_matmul_precision('medium')"])
def test_building_and_evaluating_leaves_the_process_as_found_and_prints_nothing(files, torch_first):
    program = f"""
import json, multiprocessing, os, sys, warnings
import ase.build  # ase itself changes the warning filters; that is not this plugin's doing
{torch_first}
environment, filters = dict(os.environ), list(warnings.filters)
from lamcore_orb.build import build_orb
for kind in ("conservative", "direct"):
    architecture = f"orb-v3-{{kind}}-inf-omat"
    model = build_orb(f"{{sys.argv[1]}}/{{kind}}.ckpt", architecture, device="cpu", dtype="float64")
    model.evaluate([ase.build.bulk("Si")])
import torch
print(json.dumps({{
    "environment": dict(os.environ) == environment,
    "filters": warnings.filters == filters,
    "dtype": str(torch.get_default_dtype()),
    "products": torch.get_float32_matmul_precision(),
    "threads": torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"]),
    "gradients": torch.is_grad_enabled(),
    "start_method": multiprocessing.get_start_method(),
}}))
"""
    import multiprocessing

    assert run(program, files["direct"].parent) == {
        "environment": True,
        "filters": True,
        "dtype": "torch.float32",
        "products": "medium" if torch_first else "highest",
        "threads": True,
        "gradients": True,
        "start_method": multiprocessing.get_start_method(),
    }


def test_the_example_in_the_readme_prints_what_the_readme_says(files, tmp_path, capsys):
    """With a small model in the place of the published weights: the example prints nothing that depends on them."""
    before = cached_path.get_cache_dir()
    cached_path.set_cache_dir(tmp_path)
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    code, printed = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL).group(1) for kind in ("python", "text"))
    name = re.search(r'checkpoint="(.*?)"', code).group(1)
    (tmp_path / resource_to_filename(f"{SERVER}/{NAMED[name].file}")).write_bytes(files["conservative"].read_bytes())
    try:
        exec(code, {})
    finally:
        cached_path.set_cache_dir(before)
    assert capsys.readouterr().out == printed
