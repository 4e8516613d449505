"""Claims about the task: protocols, golden numbers, scores and metrics."""

from __future__ import annotations

import json
from dataclasses import replace

import lamcore_phonon
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from lamcore import AseModel, Case, Model, Prediction, ScoredCase
from lamcore.errors import CaseError, ConfigError

FACE_CENTRED = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]


class CountingModel(Model):
    """EMT that notes how many structures came with each request."""

    def __init__(self):
        self.inner = AseModel(EMT())
        self.requests = []

    def evaluate(self, structures):
        self.requests.append([len(atoms) for atoms in structures])
        return self.inner.evaluate(structures)


class Unstable(Model):
    """Pushes every atom further away from where it sits, so that all modes are imaginary."""

    def evaluate(self, structures):
        predictions = []
        for atoms in structures:
            rest = np.rint(atoms.get_scaled_positions(wrap=False) * 4) / 4 @ atoms.cell.array
            predictions.append(Prediction(0.0, 2.0 * (atoms.positions - rest), np.zeros(6)))
        return predictions


class Restless(Model):
    """EMT under a pressure that changes its sign with each request, so that no relaxation converges."""

    def __init__(self):
        self.inner = AseModel(EMT())
        self.sign = 1

    def evaluate(self, structures):
        self.sign = -self.sign
        pressure = 0.01 * self.sign * np.array([1, 1, 1, 0, 0, 0])
        return [Prediction(one.energy, one.forces, one.stress + pressure) for one in self.inner.evaluate(structures)]


class Free(Model):
    """Atoms that do not feel each other."""

    def evaluate(self, structures):
        return [Prediction(0.0, np.zeros((len(atoms), 3)), np.zeros(6)) for atoms in structures]


def copper_case(repeat=2, reference=None, **settings):
    matrices = {"supercell_matrix": np.diag([repeat] * 3).tolist(), "primitive_matrix": FACE_CENTRED}
    return Case("cu", (bulk("Cu", cubic=True),), reference or {}, {**matrices, "temperature_k": 300.0, **settings})


@pytest.fixture(scope="module")
def copper_output():
    return lamcore_phonon.build_task().calculate(copper_case(), AseModel(EMT()))


def test_lambench_protocol_gives_lambenchs_numbers(cu3au):
    task = lamcore_phonon.build_task(protocol="lambench")
    case = Case("cu3au", (cu3au,), {}, {"supercell_matrix": np.diag([3, 3, 3]).tolist(), "primitive_matrix": "auto"})
    scores = task.score(case, task.calculate(case, AseModel(EMT())))
    assert scores["max_frequency_k"] == pytest.approx(321.376434, abs=1e-4)
    # Each acoustic mode at Γ that rounding lets in adds R/27³ = 0.0004 J/K/mol to Cv, and up to 0.007 to S.
    assert scores["heat_capacity_j_per_mol_k"] == pytest.approx(95.2711, abs=0.002)
    assert scores["entropy_j_per_mol_k"] == pytest.approx(144.13, abs=0.02)
    assert scores["free_energy_kj_per_mol"] == pytest.approx(-11.92, abs=0.006)


def test_default_protocol_agrees_with_matcalc_on_copper():
    """MatCalc 0.7.0: fmax 1e-5, displacements of 0.015 Å; its numbers are per conventional cell of 4 atoms."""
    task = lamcore_phonon.build_task(fmax=1e-5, displacement_ang=0.015)
    output = task.calculate(copper_case(), AseModel(EMT()))
    assert output["cell_ang"][0, 0] == pytest.approx(3.58982570, abs=1e-6)
    assert output["max_frequency_mesh_thz"] == pytest.approx(8.1408, abs=5e-4)
    assert 4 * output["heat_capacity_j_per_mol_k"] == pytest.approx(93.472, abs=0.002)


def test_all_displaced_supercells_go_in_one_request(cu3au):
    cu3au.rattle(0.05, seed=3)
    case = Case(
        "p1", (cu3au,), {}, {"supercell_matrix": np.diag([2, 2, 1]).tolist(), "primitive_matrix": np.eye(3).tolist()}
    )
    model = CountingModel()
    output = lamcore_phonon.build_task(relax=False).calculate(case, model)
    assert model.requests == [[16] * output["n_displacements"]]
    assert output["n_displacements"] == 4 * 3 * 2


def test_a_relaxation_that_does_not_converge_fails_the_case():
    task = lamcore_phonon.build_task(max_steps=2)
    with pytest.raises(CaseError, match=r"did not converge: largest force .* after 2 steps"):
        task.calculate(copper_case(), AseModel(EMT()))


def test_lambench_protocol_goes_on_after_the_step_limit():
    output = lamcore_phonon.build_task(protocol="lambench").calculate(copper_case(), Restless())
    assert output["relaxation_converged"] is False
    assert output["relaxation_steps"] == 500


def test_a_crystal_whose_force_constants_vanish_fails():
    for protocol in ("default", "lambench"):
        task = lamcore_phonon.build_task(protocol=protocol)
        with pytest.raises(CaseError, match=r"Cu4: the force constants vanish: .* at 11\.76 Å³ an atom") as raised:
            task.calculate(copper_case(), Free())
        assert len(raised.value.structure) == 4


def distorted_cu3au(cu3au, distortion_ang):
    """Tetragonal by as much; it is taken as it is, since any force is small enough."""
    cu3au.positions[3, 2] += distortion_ang
    return Case("t", (cu3au,), {}, {"supercell_matrix": np.eye(3, dtype=int).tolist(), "primitive_matrix": "auto"})


@pytest.mark.parametrize(
    ("options", "distortion_ang", "relaxed"),
    [
        ({}, 5e-3, 99),  # a real distortion is kept
        ({}, 2e-5, 221),  # what rounding in a file makes is not
        ({"symprec_ang": 0.02}, 5e-3, 221),  # the option reaches the relaxation
        ({"symprec_ang": 0.02, "symmetry": False}, 5e-3, 99),
    ],
)
def test_symmetry_is_raised_only_within_the_tolerance_and_recorded(cu3au, options, distortion_ang, relaxed):
    task = lamcore_phonon.build_task(fmax=100.0, **options)
    output = task.calculate(distorted_cu3au(cu3au, distortion_ang), AseModel(EMT()))
    assert output["relaxation_steps"] == 0
    assert output["space_group_given"] == 99
    assert output["space_group_relaxed"] == relaxed


def test_lambench_protocol_raises_symmetry_as_lambench_does(cu3au):
    task = lamcore_phonon.build_task(protocol="lambench")
    output = task.calculate(distorted_cu3au(cu3au, 5e-3), AseModel(EMT()))
    assert (output["space_group_given"], output["space_group_relaxed"]) == (99, 221)


@pytest.mark.parametrize(
    "options",
    [
        {"relax": False},
        {"fmax": 0.5},
        {"max_steps": 2},
        {"symmetry": False},
        {"displacement_ang": 0.03},
        {"mesh_length_ang": 10.0},
        {"symprec_ang": 1e-3},
        {"fmax": 0.5, "symmetry": False},
    ],
)
def test_lambench_protocol_refuses_options_that_contradict_it(options):
    lamcore_phonon.build_task(**options)
    named = ", ".join(f"task.{name}={value}" for name, value in options.items())
    with pytest.raises(ConfigError, match=rf"protocol=lambench does not go with {named}: it fixes relax, fmax"):
        lamcore_phonon.build_task(protocol="lambench", **options)


def test_lambench_protocol_leaves_what_is_only_stored_or_drawn_to_the_user():
    task = lamcore_phonon.build_task(protocol="lambench", temperature_k=500.0, dos=True, force_constants=True)
    assert task.settings.temperature_k == 500.0


def test_output_is_finite_and_plain(copper_output):
    for name, value in copper_output.items():
        if isinstance(value, np.ndarray):
            assert np.all(np.isfinite(value)), name
        else:
            json.dumps(value, allow_nan=False)


@pytest.mark.parametrize("points", ["mesh", "commensurate", "lambench"])
def test_highest_frequency_is_taken_where_the_labels_were(points):
    output = lamcore_phonon.build_task(relax=False).calculate(copper_case(3), AseModel(EMT()))
    expected = {"mesh": 374.6, "commensurate": 374.6, "lambench": 323.6}[points]
    task = lamcore_phonon.build_task()
    scores = task.score(copper_case(3, {"max_frequency_k": 300.0}, max_frequency_points=points), output)
    assert scores["max_frequency_k"] == pytest.approx(expected, abs=0.06)
    assert scores["max_frequency_k_error"] == pytest.approx(scores["max_frequency_k"] - 300.0)


def test_scores_are_at_the_temperature_of_the_labels(copper_output):
    hot = lamcore_phonon.build_task(temperature_k=900.0, relax=False).calculate(copper_case(), AseModel(EMT()))
    cool = lamcore_phonon.build_task(temperature_k=300.0, relax=False).calculate(copper_case(), AseModel(EMT()))
    assert hot["entropy_j_per_mol_k"] > cool["entropy_j_per_mol_k"] + 20
    score = lamcore_phonon.build_task().score
    case = copper_case(reference={"entropy_j_per_mol_k": 30.0})
    assert score(case, hot) == score(case, cool)


def test_only_quantities_with_labels_get_errors_and_metrics(copper_output):
    task = lamcore_phonon.build_task()
    case = copper_case(reference={"heat_capacity_j_per_mol_k": 23.0})
    scores = task.score(case, copper_output)
    assert [key for key in scores if key.endswith("_error")] == ["heat_capacity_j_per_mol_k_error"]
    names = [metric.name for metric in task.summarize([ScoredCase(case, scores)])]
    assert names == ["mae_heat_capacity", "success_rate"]


def test_a_case_without_a_label_is_no_failed_case(copper_output):
    task = lamcore_phonon.build_task()
    cases = [copper_case(reference={"heat_capacity_j_per_mol_k": 23.0, "entropy_j_per_mol_k": 30.0})]
    cases.append(replace(copper_case(reference={"heat_capacity_j_per_mol_k": 24.0}), id="without"))
    metrics = task.summarize([ScoredCase(case, task.score(case, copper_output)) for case in cases])
    counts = {metric.name: (metric.n, metric.n_failed) for metric in metrics}
    assert counts == {"mae_entropy": (1, 0), "mae_heat_capacity": (2, 0), "success_rate": (2, 0)}


def test_imaginary_modes_are_reported_and_judged_against_the_label():
    task = lamcore_phonon.build_task()
    case = copper_case(reference={"min_frequency_thz": -0.2})
    output = task.calculate(case, Unstable())
    assert output["min_frequency_mesh_thz"] < -1
    assert output["imaginary_share"] > 0.9
    scores = task.score(case, output)
    assert scores["stable"] is False
    assert scores["stability_right"] is True
    stable_label = copper_case(reference={"min_frequency_thz": -0.05})
    assert task.score(stable_label, output)["stability_right"] is False


def scored(case_id, label, error):
    case = Case(case_id, (), {"entropy_j_per_mol_k": label, "min_frequency_thz": -1.0 if label > 40 else 0.0}, {})
    if error is None:
        return ScoredCase(case, None, "exploded")
    return ScoredCase(case, {"entropy_j_per_mol_k_error": error, "stability_right": error < 2})


def test_failed_cases_stay_in_the_default_metrics_and_leave_lambenchs():
    run = [scored("a", 10.0, 1.0), scored("b", 20.0, -3.0), scored("c", 60.0, None), scored("d", 30.0, 2.0)]
    default = {metric.name: metric for metric in lamcore_phonon.build_task().summarize(run)}
    lambench = {metric.name: metric for metric in lamcore_phonon.build_task(protocol="lambench").summarize(run)}
    # The mean label is 30, so the failed case enters at |60 − 30|.
    assert default["mae_entropy"].value == pytest.approx((1 + 3 + 30 + 2) / 4)
    assert default["mae_entropy"].dummy == pytest.approx((20 + 10 + 30 + 0) / 4)
    assert default["mae_entropy"].n_failed == 1
    assert lambench["mae_entropy"].value == pytest.approx((1 + 3 + 2) / 3)
    assert default["success_rate"].value == lambench["success_rate"].value == 0.75
    # Judged rightly: a and b. The dummy calls everything stable, which is right for three of four.
    assert default["stability_accuracy"].value == 0.5
    assert default["stability_accuracy"].dummy == 0.75


def test_band_structure_and_density_come_only_when_asked(copper_output):
    pytest.importorskip("seekpath")
    assert not [key for key in copper_output if key.startswith(("band_", "dos_", "force_constants"))]
    task = lamcore_phonon.build_task(band_structure=True, dos=True, force_constants=True, relax=False)
    output = task.calculate(copper_case(), AseModel(EMT()))
    assert output["band_labels"][0] == ["$\\Gamma$", "$\\mathrm{X}$"]
    assert sum(output["band_segment_lengths"]) == len(output["band_frequencies_thz"])
    assert output["band_frequencies_thz"].max() == pytest.approx(output["max_frequency_mesh_thz"], rel=1e-3)
    states = np.trapezoid(output["dos_per_thz"], output["dos_frequencies_thz"])
    assert states == pytest.approx(3, rel=0.01)
    constants = output["force_constants_ev_per_ang2"]
    np.testing.assert_allclose(constants.sum(axis=1), 0, atol=1e-8)


@pytest.mark.parametrize(
    "option", [{"fmax": 0.0}, {"max_steps": -1}, {"temperature_k": 0.0}, {"displacement_ang": -0.01}]
)
def test_impossible_options_are_refused_by_name(option):
    (name,) = option
    with pytest.raises(ConfigError, match=f"task.{name} is"):
        lamcore_phonon.build_task(**option)


@pytest.mark.parametrize(("points", "is_noted"), [("mesh", True), ("lambench", False)])
def test_lambench_protocol_notes_labels_taken_elsewhere(copper_output, points, is_noted):
    task = lamcore_phonon.build_task(protocol="lambench")
    case = copper_case(reference={"max_frequency_k": 390.0}, max_frequency_points=points)
    metric, _ = task.summarize([ScoredCase(case, task.score(case, copper_output))])
    assert metric.name == "mae_max_frequency"
    assert ("labels are not at LAMBench's points" in metric.note) is is_noted
