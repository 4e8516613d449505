"""Equations of state: the fit, Δ, the task, its dataset and its report."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk
from scipy.integrate import quad

from lamcore import Case, Model, Prediction, ScoredCase
from lamcore.builtin import lamcore_datasets, lamcore_models, lamcore_reports, lamcore_tasks
from lamcore.builtin.dcdft import FCC_METALS, build_dcdft
from lamcore.builtin.eos import NoEquationOfStateError, build_eos
from lamcore.builtin.eos_physics import (
    GPA_PER_EV_ANG3,
    EquationOfState,
    MinimumOutsideScanError,
    delta_mev,
    fit,
    scan_volumes,
)
from lamcore.builtin.eos_report import sections
from lamcore.builtin.models import build_emt
from lamcore.cards import DatasetCard, ModelCard, TaskCard, load_card
from lamcore.dataset import content_sha256
from lamcore.errors import ConfigError
from lamcore.quantities import GPA_PER_EV_ANG3 as CORE_GPA_PER_EV_ANG3
from lamcore.records import Record, RecordStore, read_records
from lamcore.report import RunView


class ModelOfACurve(Model):
    """A model that knows nothing but energy per atom as a function of volume per atom."""

    properties = frozenset(("energy", "forces"))

    def __init__(self, curve):
        self.curve = curve
        self.requests = []

    def evaluate(self, structures):
        self.requests.append([atoms.copy() for atoms in structures])
        return [
            Prediction(len(atoms) * float(self.curve(atoms.get_volume() / len(atoms))), np.zeros((len(atoms), 3)))
            for atoms in structures
        ]


def case_of(curve, name="x", structure=None):
    reference = {
        "volume_ang3_per_atom": curve.volume_ang3,
        "bulk_modulus_gpa": curve.bulk_modulus_gpa,
        "bulk_modulus_derivative": curve.derivative,
    }
    return Case(name, (structure if structure is not None else bulk("Cu", cubic=True),), reference)


TRUE = EquationOfState(volume_ang3=17.3, bulk_modulus_gpa=88.5, derivative=4.31, energy_ev=-1234.5)


# The physics


@pytest.mark.parametrize(
    "curve", [TRUE, EquationOfState(117.08, 1.982, 2.14), EquationOfState(11.4473, 118.632, -0.21)]
)
@pytest.mark.parametrize(("shift", "n_volumes"), [(1.0, 7), (1.04, 5), (0.96, 13)])
def test_the_fit_recovers_the_curve_it_was_made_from(curve, shift, n_volumes):
    volumes = scan_volumes(shift * curve.volume_ang3, 0.06, n_volumes)
    order = np.random.default_rng(0).permutation(n_volumes)
    fitted = fit(volumes[order], curve.energies(volumes)[order])
    assert fitted.volume_ang3 == pytest.approx(curve.volume_ang3, rel=1e-8)
    assert fitted.bulk_modulus_gpa == pytest.approx(curve.bulk_modulus_gpa, rel=1e-5)
    assert fitted.derivative == pytest.approx(curve.derivative, rel=1e-3, abs=1e-4)
    assert fitted.energy_ev == pytest.approx(curve.energy_ev, abs=1e-9)


def test_the_fit_of_a_lennard_jones_crystal_has_its_closed_form():
    # E = a V⁻⁴ − b V⁻²: V₀² = 2a/b, B₀ = 2 b²/(a V₀), B′ = 8, E₀ = −b²/4a.
    a, b = 3e4, 700.0
    volume = (2 * a / b) ** 0.5
    volumes = scan_volumes(volume, 0.01, 9)
    fitted = fit(volumes, a * volumes**-4.0 - b * volumes**-2.0)
    assert fitted.volume_ang3 == pytest.approx(volume, rel=1e-6)
    assert fitted.bulk_modulus_gpa == pytest.approx(2 * b**2 / (a * volume) * CORE_GPA_PER_EV_ANG3, rel=5e-4)
    assert fitted.derivative == pytest.approx(8, abs=0.05)
    assert fitted.energy_ev == pytest.approx(-(b**2) / (4 * a), rel=1e-8)


def test_the_curve_has_the_pressure_and_stiffness_it_names():
    step = 1e-3 * TRUE.volume_ang3
    below, at, above = TRUE.energies(TRUE.volume_ang3 + step * np.array([-1, 0, 1]))
    assert at == TRUE.energy_ev
    modulus = TRUE.volume_ang3 * (above - 2 * at + below) / step**2
    assert modulus * CORE_GPA_PER_EV_ANG3 == pytest.approx(TRUE.bulk_modulus_gpa, rel=1e-4)


def test_one_ev_per_cubic_angstrom_is_the_same_everywhere():
    assert abs(GPA_PER_EV_ANG3 / CORE_GPA_PER_EV_ANG3 - 1) < 1e-14


@pytest.mark.parametrize("shift", [0.93, 1.07])
def test_a_minimum_outside_the_scan_is_never_extrapolated(shift):
    volumes = scan_volumes(shift * TRUE.volume_ang3, 0.06, 7)
    with pytest.raises(MinimumOutsideScanError, match="no minimum of the energy between"):
        fit(volumes, TRUE.energies(volumes))


def test_a_maximum_is_not_a_minimum():
    volumes = scan_volumes(TRUE.volume_ang3, 0.06, 7)
    with pytest.raises(MinimumOutsideScanError):
        fit(volumes, -TRUE.energies(volumes))


@pytest.mark.parametrize(("volumes", "energies"), [([1, 2, 3, 4], [1, 2, 3, 4]), ([1] * 7, [1] * 7), ([1, 2], [1])])
def test_too_few_volumes_are_refused(volumes, energies):
    with pytest.raises(ValueError, match="at least 5"):
        fit(volumes, energies)


@pytest.mark.parametrize(
    "other", [EquationOfState(17.9, 93, 4.9), EquationOfState(14, 160, 3), EquationOfState(17.3, 80, 5)]
)
def test_delta_is_the_root_mean_square_difference_over_its_window(other):
    centre = (TRUE.volume_ang3 + other.volume_ang3) / 2

    def squared(volume):
        return float((TRUE.energies(volume) - TRUE.energy_ev - other.energies(volume)) ** 2)

    integral, _ = quad(squared, 0.94 * centre, 1.06 * centre, epsabs=0, epsrel=1e-10)
    assert delta_mev(TRUE, other) == pytest.approx(1e3 * (integral / (0.12 * centre)) ** 0.5, rel=1e-3)
    assert delta_mev(other, TRUE) == pytest.approx(delta_mev(TRUE, other), rel=1e-12)


def test_delta_of_a_curve_with_itself_is_zero():
    assert delta_mev(TRUE, TRUE) == 0


# The task


def test_emt_copper_has_its_known_bulk_modulus():
    (case,) = build_dcdft(["Cu"]).cases()
    task = build_eos()
    scores = task.score(case, task.calculate(case, build_emt()))
    assert scores["bulk_modulus_gpa"] == pytest.approx(134.5, rel=0.005)
    # Relaxed EMT copper has a = 3.58982570 Å.
    assert scores["volume_ang3_per_atom"] == pytest.approx(3.58982570**3 / 4, rel=1e-4)


def test_a_model_with_the_reference_curve_has_no_error():
    case = case_of(TRUE)
    task = build_eos()
    output = task.calculate(case, ModelOfACurve(TRUE.energies))
    scores = task.score(case, output)
    assert output["n_scans"] == 1
    for key in ("volume_error_ang3", "bulk_modulus_error_gpa", "delta_mev", "fit_rms_mev"):
        assert scores[key] == pytest.approx(0, abs=1e-4)


def test_errors_are_prediction_minus_reference():
    model = EquationOfState(volume_ang3=17.0, bulk_modulus_gpa=100.0, derivative=5.0, energy_ev=3.0)
    task = build_eos()
    scores = task.score(case_of(TRUE), task.calculate(case_of(TRUE), ModelOfACurve(model.energies)))
    assert scores["volume_error_ang3"] == pytest.approx(-0.3, abs=1e-6)
    assert scores["volume_error_percent"] == pytest.approx(-100 * 0.3 / 17.3, abs=1e-5)
    assert scores["bulk_modulus_error_gpa"] == pytest.approx(11.5, abs=1e-3)
    assert scores["bulk_modulus_derivative_error"] == pytest.approx(0.69, abs=1e-2)
    assert scores["delta_mev"] == pytest.approx(delta_mev(model, TRUE), rel=1e-4)


def test_a_scan_is_one_request_of_volumes_around_the_reference():
    skewed = bulk("Ti")
    skewed.set_initial_magnetic_moments([1, -1])
    model = ModelOfACurve(TRUE.energies)
    build_eos(n_volumes=9, max_volume_strain=0.04).calculate(case_of(TRUE, structure=skewed), model)
    (request,) = model.requests
    volumes = np.array([atoms.get_volume() for atoms in request]) / 2
    np.testing.assert_allclose(volumes, TRUE.volume_ang3 * np.linspace(0.96, 1.04, 9))
    for atoms in request:
        np.testing.assert_allclose(atoms.cell.angles(), skewed.cell.angles())
        np.testing.assert_allclose(atoms.get_scaled_positions(), skewed.get_scaled_positions(), atol=1e-12)
        np.testing.assert_array_equal(atoms.get_initial_magnetic_moments(), [1, -1])


@pytest.mark.parametrize("ratio", [0.75, 0.9, 1.1, 1.4])
def test_the_scan_follows_a_minimum_that_lies_outside(ratio):
    model = EquationOfState(ratio * TRUE.volume_ang3, 60.0, 4.5)
    task = build_eos()
    output = task.calculate(case_of(TRUE), ModelOfACurve(model.energies))
    assert output["n_scans"] > 1
    assert min(output["volumes_ang3_per_atom"]) < model.volume_ang3 < max(output["volumes_ang3_per_atom"])
    scores = task.score(case_of(TRUE), output)
    assert scores["volume_ang3_per_atom"] == pytest.approx(model.volume_ang3, rel=1e-8)
    assert scores["bulk_modulus_gpa"] == pytest.approx(60, rel=1e-5)


def test_without_following_such_a_case_fails_with_the_option_that_helps():
    model = ModelOfACurve(EquationOfState(0.9 * TRUE.volume_ang3, 60.0, 4.5).energies)
    with pytest.raises(NoEquationOfStateError, match=r"case 'x', after 1 scans?: no minimum .* task\.recentre=true"):
        build_eos(recentre=False).calculate(case_of(TRUE), model)
    assert len(model.requests) == 1


def test_a_curve_without_a_minimum_fails_in_the_end():
    model = ModelOfACurve(lambda volume: 1 / volume)
    with pytest.raises(NoEquationOfStateError, match="case 'x', after 10 scans: no minimum"):
        build_eos().calculate(case_of(TRUE), model)
    assert len(model.requests) == 10


@pytest.mark.parametrize("half_distance", [0.04, 0.05])
def test_a_curve_with_two_minima_is_not_taken_for_an_equation_of_state(half_distance):
    model = ModelOfACurve(lambda volume: 1e3 * ((volume / TRUE.volume_ang3 - 1) ** 2 - half_distance**2) ** 2)
    with pytest.raises(NoEquationOfStateError, match="case 'x': the energies do not follow a Birch–Murnaghan curve"):
        build_eos().calculate(case_of(TRUE), model)


def test_a_jump_of_the_energy_is_not_taken_for_an_equation_of_state():
    model = ModelOfACurve(lambda volume: TRUE.energies(volume) + 0.05 * (volume < 0.99 * TRUE.volume_ang3))
    with pytest.raises(NoEquationOfStateError, match=r"do not follow .*: the fit is off by .* meV/atom"):
        build_eos().calculate(case_of(TRUE), model)


def test_the_noise_of_single_precision_is_no_obstacle():
    model = ModelOfACurve(lambda volume: np.float32(TRUE.energies(volume) - TRUE.energy_ev - 8.0))
    output = build_eos().calculate(case_of(TRUE), model)
    assert build_eos().score(case_of(TRUE), output)["bulk_modulus_gpa"] == pytest.approx(
        TRUE.bulk_modulus_gpa, rel=1e-2
    )


@pytest.mark.parametrize("options", [{"n_volumes": 4}, {"max_volume_strain": 0.0}, {"max_volume_strain": 0.5}])
def test_options_out_of_range_are_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"eos: {name} is {options[name]}, expected"):
        build_eos(**options)


def run_of(model, elements):
    task = build_eos()
    scored, outputs = [], {}
    for case in build_dcdft(elements).cases():
        if case.atoms.symbols[0] in model.scope.elements:
            outputs[case.id] = task.calculate(case, model)
            scored.append(ScoredCase(case, task.score(case, outputs[case.id])))
        else:
            scored.append(ScoredCase(case, None, f"no <{case.id}>"))
    return scored, outputs


@pytest.fixture(scope="module")
def run():
    return run_of(build_emt(), ["Cu", "Ag", "Au", "Fe", "Cs"])


def test_the_output_survives_the_records_and_scores_the_same(run, tmp_path):
    scored, outputs = run
    with RecordStore(tmp_path) as store:
        for case_id, output in outputs.items():
            store.append(Record.done(case_id, output, seconds=1))
    task = build_eos()
    for case in scored[:3]:
        scores = task.score(case.case, read_records(tmp_path)[case.case.id].output)
        assert scores == case.scores
        assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_failed_crystals_enter_every_metric_at_the_dummy(run):
    scored, _ = run
    metrics = {metric.name: metric for metric in build_eos().summarize(scored)}
    for name in ("mean_delta", "mae_volume", "mae_bulk_modulus", "mae_bulk_modulus_derivative", "success_rate"):
        assert (metrics[name].n, metrics[name].n_failed) == (5, 2)
        low, high = metrics[name].interval
        assert low < metrics[name].value < high
    assert metrics["success_rate"].value == 0.6
    references = [case.case.reference for case in scored]
    mean = EquationOfState(*(np.mean([reference[key] for reference in references]) for key in references[0]))
    dummy = [delta_mev(mean, EquationOfState(*(case.case.reference[key] for key in references[0]))) for case in scored]
    finished = [case.scores["delta_mev"] for case in scored[:3]]
    assert metrics["mean_delta"].dummy == pytest.approx(np.mean(dummy))
    assert metrics["mean_delta"].value == pytest.approx(np.mean(finished + dummy[3:]))
    assert metrics["mae_volume"].value < metrics["mae_volume"].dummy


def test_a_run_without_cases_has_metrics_without_values():
    assert all(metric.value is None and metric.n == 0 for metric in build_eos().summarize([]))


# The dataset


def test_the_dataset_has_71_crystals_with_the_seven_fcc_metals_first():
    cases = list(build_dcdft().cases())
    assert [case.id for case in cases[:7]] == list(FCC_METALS)
    assert len({case.id for case in cases}) == len(cases) == 71
    numbers = [case.atoms.numbers[0] for case in cases[7:]]
    assert numbers == sorted(numbers)
    for case in cases:
        assert set(case.atoms.symbols) == {case.id}
        assert case.atoms.pbc.all()
        assert case.reference["volume_ang3_per_atom"] == pytest.approx(
            case.atoms.get_volume() / len(case.atoms), rel=0.04
        )
    assert cases[2].reference == {
        "volume_ang3_per_atom": 11.9511,
        "bulk_modulus_gpa": 141.335,
        "bulk_modulus_derivative": 4.86,
    }


def test_the_dataset_is_the_same_every_time():
    assert content_sha256(list(build_dcdft().cases())) == content_sha256(list(build_dcdft().cases()))


def test_elements_can_be_chosen_and_a_wrong_one_names_the_right_one():
    assert [case.id for case in build_dcdft(["Si", "Cu"]).cases()] == ["Cu", "Si"]
    for wrong in ("cu", "CU", "Cuu"):
        with pytest.raises(ConfigError, match=rf"no crystal '{wrong}' \(did you mean 'Cu'\?\); it has Al, Ni, "):
            build_dcdft([wrong])
    with pytest.raises(ConfigError, match="no crystal 'zzz'; it has"):
        build_dcdft(["zzz"])


# The report and the hooks


def test_the_report_draws_each_curve_and_names_each_failure(run):
    scored, outputs = run
    view = RunView({}, scored, outputs, [])
    curves, parity, table = sections(view)
    assert curves.body.count("<svg") == parity.body.count("<svg") == 1
    assert [curves.title, parity.title, table.title] == ["Equations of state", "Model against reference", "Crystals"]
    assert table.body.count("<tr>") == 1 + 5
    assert "no &lt;Fe&gt;" in table.body
    assert table.body.index(">Fe<") < table.body.index(">Au<") < table.body.index(">Cu<")


def test_the_report_of_a_run_in_which_all_failed_is_its_table(run):
    scored, _ = run
    (table,) = sections(RunView({}, scored[3:], {}, []))
    assert "no &lt;Cs&gt;" in table.body


def test_crystals_over_a_wide_range_are_compared_on_logarithmic_axes():
    from lamcore.builtin.eos_report import parity_figure

    scored = []
    for name, modulus in (("soft", 0.5), ("hard", 400.0)):
        case = case_of(EquationOfState(20.0, modulus, 4.0), name)
        task = build_eos()
        output = task.calculate(case, ModelOfACurve(EquationOfState(20.1, modulus, 4.0).energies))
        scored.append(ScoredCase(case, task.score(case, output)))
    scales = [panel.get_xscale() for panel in parity_figure(RunView({}, scored, {}, [])).axes]
    assert scales == ["linear", "log", "linear"]


def test_every_card_is_valid_and_agrees_with_the_code():
    emt, lj = lamcore_models()
    card = load_card(emt.card, ModelCard)
    assert set(card.elements) == build_emt().scope.elements
    assert card.cutoff_ang == pytest.approx(build_emt().cutoff_ang, abs=1e-3)
    assert load_card(lj.card, ModelCard).citations[0].doi == "10.1103/PhysRev.136.A405"
    (task,) = lamcore_tasks()
    assert "10.1080/10408436.2013.772503" in [citation.doi for citation in load_card(task.card, TaskCard).citations]
    (dataset,) = lamcore_datasets()
    assert (dataset.name, dataset.tasks, dataset.max_cases) == (task.dataset, (task.name,), 7)
    case = next(build_dcdft().cases())
    assert set(load_card(dataset.card, DatasetCard).units) == set(case.reference)
    (report,) = lamcore_reports()
    assert report.task == task.name


def test_loading_the_plugin_imports_nothing_heavy():
    code = (
        "import sys, lamcore.builtin as b\n"
        "b.lamcore_models(), b.lamcore_tasks(), b.lamcore_datasets(), b.lamcore_reports()\n"
        "print(sorted({'numpy', 'ase', 'scipy', 'matplotlib', 'omegaconf', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
