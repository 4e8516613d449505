"""Wheels of the core, the plugins and the examples, in environments that hold nothing else of this repository."""

import json
import zipfile

TOGETHER = (
    "lamcore_sevenn",
    "lamcore_chgnet",
    "lamcore_phonon_task",
    "lamcore_forcefield_task",
    "lamcore_lambench",
    "lamcore_md_task",
    "lamcore_efficiency_task",
    "lamcore_torsion_task",
    "lamcore_crystal",
    "lamcore_leaderboard",
)
"""The plugins that can be installed together; the others exclude one another."""


def test_the_cores_wheel_carries_configuration_templates_cards_and_types(wheels):
    names = set(zipfile.ZipFile(wheels["lamcore"]).namelist())
    expected = {"conf/config.yaml", "conf/executor/processes.yaml", "templates/report.html", "py.typed"}
    assert {f"lamcore/{name}" for name in expected} <= names
    assert any(name.startswith("lamcore/builtin/cards/") for name in names)


def test_the_main_job_runs_from_wheels_alone(wheels, fresh_environment, tmp_path, run):
    python = fresh_environment("plugins", wheels["lamcore"], *(wheels[name] for name in TOGETHER))
    run(python, "-m", "pip", "check")
    listing = run(python, "-m", "lamcore", "list", cwd=tmp_path, LAMCORE_STRICT_PLUGINS="1")
    assert "skipped" not in listing
    arguments = ("task=phonon", "model=sevennet", "dataset.max_cases=2")
    run(python, "-m", "lamcore", *arguments, cwd=tmp_path, OMP_NUM_THREADS="2")
    (folder,) = (tmp_path / "runs").iterdir()
    summary = json.loads((folder / "metrics.json").read_text())
    assert (summary["n_cases"], summary["n_failed"]) == (2, 0)


def test_third_partys_plugins_need_nothing_but_the_core(wheels, fresh_environment, tmp_path, run):
    names = ("lamcore", "lamcore_morse", "lamcore_dimer_task", "lamcore_noble_metals_data")
    python = fresh_environment("examples", *(wheels[name] for name in names))
    listing = run(python, "-m", "lamcore", "list", cwd=tmp_path, LAMCORE_STRICT_PLUGINS="1")
    assert "morse" in listing
    assert "dimer" in listing
    output = run(python, "-m", "lamcore", "--multirun", "task=dimer", "model=emt", "task.n_points=11,21", cwd=tmp_path)
    assert output.count("mae_bond_length ↓") == 2
    run(python, "-m", "lamcore", "task=eos", "model=morse", "dataset.elements=[Cu]", cwd=tmp_path)
    run(python, "-m", "lamcore", "task=eos", "model=emt", "dataset=noble-metals", cwd=tmp_path)
    for kind, name in (("model", "morse"), ("task", "dimer"), ("dataset", "dimers"), ("dataset", "noble-metals")):
        assert " 0 fail" in run(python, "-m", "lamcore", "check", kind, name, cwd=tmp_path)


def test_a_new_package_installs_and_passes_its_check_and_its_own_tests(wheels, fresh_environment, tmp_path, run):
    python = fresh_environment("new", wheels["lamcore"], "pytest")
    for kind in ("model", "task", "dataset"):
        run(python, "-m", "lamcore", "new", kind, f"fresh-{kind}", cwd=tmp_path)
    folders = sorted(path for path in tmp_path.iterdir() if path.name.startswith("lamcore-fresh"))
    run(python, "-m", "pip", "install", "--quiet", *folders)
    for kind in ("model", "task", "dataset"):
        assert " 0 fail" in run(python, "-m", "lamcore", "check", kind, f"fresh-{kind}", cwd=tmp_path)
    for folder in folders:
        run(python, "-m", "pytest", "-q", "tests", cwd=folder)
