"""Claims about published sets of labelled frames, and about a real model on them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from lamcore_forcefield import build_frames, build_small_molecules, build_task
from lamcore_forcefield.frame_errors import full_tensor

from lamcore import ScoredCase
from lamcore.testing import choose


@pytest.fixture(scope="module")
def sevennet():
    pytest.importorskip("lamcore_sevenn")
    return choose("model", "sevennet").build()


def run(cases, model, **options):
    task = build_task(**options)
    scored = [ScoredCase(case, task.score(case, task.calculate(case, model))) for case in cases]
    return {metric.name: metric for metric in task.summarize(scored)}


@pytest.mark.parametrize(
    ("name", "n_frames", "n_sources", "periodic"),
    [
        ("rmd17", 2000, 10, False),
        ("co2_ni100", 496, 1, True),
        ("water_pbe0ts", 100, 1, True),
        ("liquid_ecemc", 67, 1, True),
        ("combustion_mn15", 2062, 1, False),
    ],
)
def test_published_sets_are_read_whole(reference_data, name, n_frames, n_sources, periodic):
    cases = list(build_frames(reference_data(name), group="file").cases())
    assert len(cases) == n_frames
    assert len({case.settings["group"] for case in cases}) == n_sources
    for case in (cases[0], cases[n_frames // 2], cases[-1]):
        (atoms,) = case.structures
        assert atoms.pbc.all() == periodic
        assert atoms.arrays["reference_forces"].shape == atoms.positions.shape
        assert np.isfinite(case.reference["energy"])


def test_frames_are_the_same_as_a_reader_of_the_whole_file_finds(reference_data):
    """ASE reading everything at once, against reading single frames by their offset."""
    import gzip
    import io

    from ase.io import read

    path = reference_data("mlearn_pbe") / "Si_test.extxyz.gz"
    whole = read(io.StringIO(gzip.decompress(path.read_bytes()).decode()), index=":", format="extxyz")
    cases = list(build_frames(path, group="group").cases())
    assert Counter(case.settings["group"].split(": ")[1] for case in cases) == Counter(a.info["group"] for a in whole)
    for case, atoms in reversed(list(zip(cases, whole, strict=True))):
        (frame,) = case.structures
        assert case.reference["energy"] == atoms.get_potential_energy()
        np.testing.assert_array_equal(frame.positions, atoms.positions)
        np.testing.assert_array_equal(frame.arrays["reference_forces"], atoms.get_forces())
        assert ("reference_stress" in frame.info) == ("stress" in atoms.calc.results)
        if "reference_stress" in frame.info:
            np.testing.assert_allclose(frame.info["reference_stress"], atoms.get_stress(), atol=1e-12)


def test_the_baseline_of_co2_on_nickel_is_the_published_one(reference_data):
    """LAMBench ships 0.0117 and 0.0110 eV/atom, 0.691 and 0.682 eV/Å for samples of the same trajectories."""
    cases = list(build_frames(reference_data("co2_ni100")).cases())
    metrics = {m.name: m for m in build_task(protocol="lambench").summarize([ScoredCase(c, None, "-") for c in cases])}
    assert metrics["rmse_energy_per_atom"].dummy == pytest.approx(0.0114, rel=0.1)
    assert metrics["rmse_forces"].dummy == pytest.approx(0.687, rel=0.05)


def test_a_real_model_finds_the_signs_and_units_of_silicon(reference_data, sevennet):
    """SevenNet-0 is trained on PBE: its stress follows the labels, and is far from the dummy's."""
    cases = list(build_frames(reference_data("mlearn_pbe") / "Si_test.extxyz.gz").cases())[::6]
    predicted, labels = [], []
    for case in cases:
        (atoms,) = case.structures
        if "reference_stress" in atoms.info:
            (prediction,) = sevennet.evaluate([atoms])
            predicted.append(full_tensor(prediction.stress).ravel())
            labels.append(full_tensor(atoms.info["reference_stress"]).ravel())
    assert len(labels) >= 3
    assert np.corrcoef(np.ravel(predicted), np.ravel(labels))[0, 1] > 0.95
    off_diagonal = [1, 2, 5]
    sheared = np.array(labels)[:, off_diagonal].ravel()
    assert np.corrcoef(np.array(predicted)[:, off_diagonal].ravel(), sheared)[0, 1] > 0.9
    metrics = run(cases, sevennet)
    for name in ("rmse_energy_per_atom", "rmse_forces", "rmse_virial_per_atom"):
        assert metrics[name].value < 0.5 * metrics[name].dummy, name


def test_a_real_model_is_better_than_the_dummy_on_molecules(reference_data, sevennet):
    cases = list(build_frames(reference_data("rmd17") / "ethanol.extxyz.gz").cases())[:8]
    metrics = run(cases, sevennet)
    assert metrics["rmse_forces"].value < 0.5 * metrics["rmse_forces"].dummy
    assert metrics["force_cosine"].value > 0.8


def test_a_real_model_is_better_than_the_dummy_on_the_embedded_molecules(sevennet):
    metrics = run(list(build_small_molecules().cases()), sevennet)
    assert metrics["rmse_forces"].value < 0.5 * metrics["rmse_forces"].dummy
    assert metrics["rmse_energy_per_atom"].value < metrics["rmse_energy_per_atom"].dummy
    assert metrics["success_rate"].value == 1
