"""Claims about metrics: the baseline, failed frames, shifts, the protocol of LAMBench."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from lamcore_forcefield import build_task
from lamcore_forcefield.energies import shift_energies

from lamcore import Prediction, ScoredCase
from lamcore.errors import ConfigError
from lamcore.testing import choose

FORMULAS = ["H2O", "CH4", "CO2", "C2H6O", "H2", "O2", "CH2O", "C2H2"]


@pytest.fixture
def cases(make_case):
    """Three frames of each formula, periodic, with all labels."""
    return [
        make_case(f"{formula}-{index}", formula, periodic=True, stress=True)
        for formula in FORMULAS
        for index in range(3)
    ]


def by_name(metrics):
    return {metric.name: metric for metric in metrics}


def zero_model(case):
    """What a model that is zero everywhere says."""
    return {"energy": 0.0, "forces": np.zeros((len(case.atoms), 3)), "stress": np.zeros(6)}


def lambench_numbers(cases, outputs):
    """LAMBench's arithmetic in full columns: energies after a fit of 120 elements, pooled forces, virials."""
    counts = np.zeros((len(cases), 120))
    for row, case in zip(counts, cases, strict=True):
        for number in case.atoms.numbers:
            row[number] += 1
    difference = np.array([o["energy"] - c.reference["energy"] for c, o in zip(cases, outputs, strict=True)])
    error = difference - counts @ (np.linalg.pinv(counts, rcond=1e-10) @ difference)
    n_atoms = counts.sum(axis=1)
    forces = np.concatenate(
        [(o["forces"] - c.atoms.arrays["reference_forces"]).ravel() for c, o in zip(cases, outputs, strict=True)]
    )
    virials = []
    for case, output in zip(cases, outputs, strict=True):
        xx, yy, zz, yz, xz, xy = np.array(output["stress"]) - case.atoms.info["reference_stress"]
        virials.append(-np.array([xx, xy, xz, xy, yy, yz, xz, yz, zz]) * case.atoms.get_volume())
    per_atom = np.array(virials) / n_atoms[:, None]

    def rms(values):
        return math.sqrt(np.mean(np.square(values)))

    return {
        "rmse_energy": rms(error),
        "mae_energy": np.mean(np.abs(error)),
        "rmse_energy_per_atom": rms(error / n_atoms),
        "mae_energy_per_atom": np.mean(np.abs(error / n_atoms)),
        "rmse_forces": rms(forces),
        "mae_forces": np.mean(np.abs(forces)),
        "rmse_virial": rms(virials),
        "mae_virial": np.mean(np.abs(virials)),
        "rmse_virial_per_atom": rms(per_atom),
        "mae_virial_per_atom": np.mean(np.abs(per_atom)),
    }


def test_protocol_lambench_gives_the_ten_numbers_of_its_arithmetic(cases, rng):
    task = build_task(protocol="lambench")
    outputs = []
    for case in cases:
        perfect = task.perfect_output(case)
        outputs.append({name: value + 0.2 * rng.normal(size=np.shape(value)) for name, value in perfect.items()})
    scored = [ScoredCase(case, task.score(case, output)) for case, output in zip(cases, outputs, strict=True)]
    found = by_name(task.summarize(scored))
    for name, expected in lambench_numbers(cases, outputs).items():
        assert found[name].value == pytest.approx(expected, rel=1e-10), name


def test_the_dummy_is_what_lambench_gives_a_model_that_is_zero_everywhere(cases):
    """Its shipped baselines are typed in; here they come from the labels of the run."""
    task = build_task(protocol="lambench")
    expected = lambench_numbers(cases, [zero_model(case) for case in cases])
    scored = [ScoredCase(case, task.score(case, zero_model(case))) for case in cases]
    for name, metric in by_name(task.summarize(scored)).items():
        if name in expected:
            assert metric.dummy == pytest.approx(expected[name], rel=1e-10)
            assert metric.value == pytest.approx(metric.dummy, rel=1e-10)


@pytest.mark.parametrize("bias", ["held-out", "fit", "none"])
def test_the_dummy_does_not_depend_on_the_model(cases, predict, bias):
    task = build_task(bias=bias)
    dummies = []
    for noise in (0.0, 0.5):
        found = by_name(task.summarize([predict(task, case, noise) for case in cases]))
        dummies.append({name: metric.dummy for name, metric in found.items() if metric.dummy is not None})
    lost = [ScoredCase(case, None, "lost") for case in cases]
    assert dummies[0] == dummies[1]
    of_lost = by_name(task.summarize(lost))
    assert len(dummies[0]) == 10
    for name, dummy in dummies[0].items():
        assert of_lost[name].dummy == pytest.approx(dummy, rel=1e-12)
        assert of_lost[name].value == pytest.approx(dummy, rel=1e-12)


def test_a_constant_for_each_element_costs_nothing(cases, predict):
    """Two codes differ in the energies of the free atoms, which is no error of a model."""
    shift = {"H": 13.6, "C": -1000.0, "O": 2000.0}
    for bias in ("held-out", "fit"):
        task = build_task(bias=bias)
        scored = []
        for case in cases:
            energy = case.reference["energy"] + sum(shift[symbol] for symbol in case.atoms.get_chemical_symbols())
            scored.append(predict(task, case, noise=0.0, energy=energy))
        assert by_name(task.summarize(scored))["rmse_energy_per_atom"].value < 1e-9
    unshifted = by_name(build_task(bias="none").summarize(scored))
    assert unshifted["rmse_energy_per_atom"].value > 100


def test_held_out_shifts_come_from_the_frames_of_the_other_half(cases, predict):
    """Each error by hand: a frame less the least-squares shifts of the half that it is not in."""
    task = build_task()
    scored = [predict(task, case, noise=0.3) for case in cases]
    energies = shift_energies(scored, "held-out", "frame")
    symbols = ["C", "H", "O"]
    counts = {one.case.id: [Counter(one.case.atoms.get_chemical_symbols())[s] for s in symbols] for one in scored}
    difference = {one.case.id: one.scores["energy_error_ev"] for one in scored}
    half = {case_id: None for case_id in counts}
    for fit in energies.fits.values():
        for case_id, error in energies.errors_ev.items():
            shift = np.dot(counts[case_id], [fit.shifts_ev[s] for s in symbols])
            if error == pytest.approx(difference[case_id] - shift, abs=1e-9):
                half[case_id] = fit
    assert None not in half.values()
    for fit in energies.fits.values():
        fitted = [case_id for case_id in counts if half[case_id] is not fit]
        expected = np.linalg.lstsq([counts[i] for i in fitted], [difference[i] for i in fitted], rcond=None)[0]
        assert fit.n_frames == len(fitted)
        np.testing.assert_allclose([fit.shifts_ev[s] for s in symbols], expected, atol=1e-9)


def test_a_small_set_with_many_elements_is_not_flattered(make_case, predict):
    """A frame for each element: a fit on the frames themselves is perfect whatever the model says."""
    cases = [make_case(formula, formula) for formula in ("H2", "C2", "N2", "O2", "F2", "Cl2")]
    fitted = by_name(build_task(bias="fit").summarize([predict(build_task(), case, 5.0) for case in cases]))
    assert fitted["rmse_energy_per_atom"].value < 1e-9
    assert "rank 6/6" in fitted["rmse_energy_per_atom"].note
    held_out = by_name(build_task().summarize([predict(build_task(), case, 5.0) for case in cases]))
    assert held_out["rmse_energy_per_atom"].value is None
    assert held_out["rmse_energy_per_atom"].n == 0
    assert "6 frames do not count: no other half determines their shift" in held_out["rmse_energy_per_atom"].note


def test_each_metric_says_what_its_dummy_knows(cases, predict):
    task = build_task()
    found = by_name(task.summarize([predict(task, case) for case in cases]))
    assert "the dummy knows the composition" in found["mae_energy_per_atom"].note
    for name in ("rmse_forces", "mae_stress"):
        assert found[name].note.endswith("the dummy is zero everywhere")


def test_failing_never_pays(cases, predict):
    """Frames that fail count at the dummy's error, one by one; a model better than the dummy only loses by it."""
    task = build_task()
    scored = [predict(task, case, noise=0.01) for case in cases]
    worst = [ScoredCase(one.case, None, "lost") if index % 3 == 0 else one for index, one in enumerate(scored)]
    whole, partial = by_name(task.summarize(scored)), by_name(task.summarize(worst))
    for name, metric in partial.items():
        assert metric.n == len(cases)
        assert metric.n_failed == 8
        better = metric.value < whole[name].value if metric.direction == "lower" else metric.value > whole[name].value
        assert not better, name
    assert partial["success_rate"].value == pytest.approx(16 / 24)


def test_frames_whose_shift_is_lost_with_others_count_at_the_dummys_error(make_case, predict):
    """Two frames of which one fails: the shift that the other one makes itself proves nothing."""
    task = build_task()
    cases = [make_case(f"{index}", "H2O") for index in range(2)]
    scored = [predict(task, cases[0], 0.1), ScoredCase(cases[1], None, "lost")]
    metric = by_name(task.summarize(scored))["rmse_energy_per_atom"]
    assert metric.value == pytest.approx(metric.dummy)
    assert (metric.n, metric.n_failed) == (2, 1)
    assert "1 frames count at the dummy's error" in metric.note


def test_protocol_lambench_leaves_failed_frames_out_and_says_so(cases, predict):
    task = build_task(protocol="lambench")
    scored = [predict(task, case, noise=0.1) for case in cases]
    lost = [ScoredCase(one.case, None, "lost") if index < 5 else one for index, one in enumerate(scored)]
    found, rest = by_name(task.summarize(lost)), by_name(task.summarize(scored[5:]))
    for name in ("rmse_energy_per_atom", "rmse_forces", "rmse_virial_per_atom"):
        assert found[name].value == pytest.approx(rest[name].value, rel=1e-12)
        assert (found[name].n, found[name].n_failed) == (24, 5)
        assert "mean over the 19 cases that did not fail" in found[name].note
    assert found["success_rate"].value == pytest.approx(19 / 24)


@pytest.mark.parametrize("option", [{"bias": "none"}, {"bias": "held-out"}, {"bias_weights": "atom"}])
def test_protocol_lambench_refuses_other_shifts(option):
    with pytest.raises(ConfigError, match=r"task\.protocol=lambench does not go with task\.bias.*it fixes"):
        build_task(protocol="lambench", **option)


def test_a_model_without_stress_loses_the_metrics_of_stress_alone(cases):
    """LAMBench's leaderboard as a whole stops at such a model."""

    class NoStress:
        def evaluate(self, structures):
            return [Prediction(-1.0, np.ones((len(atoms), 3)), None) for atoms in structures]

    task = build_task()
    scored = [ScoredCase(case, task.score(case, task.calculate(case, NoStress()))) for case in cases]
    found = by_name(task.summarize(scored))
    for name in ("rmse_virial_per_atom", "mae_stress"):
        assert found[name].value == pytest.approx(found[name].dummy)
        assert found[name].n_failed == len(cases)
    assert found["rmse_forces"].n_failed == 0
    assert found["success_rate"].value == 1


def test_frames_without_a_label_do_not_count_in_its_metric(make_case, predict):
    task = build_task()
    cases = [make_case(f"{i}", "H2O", periodic=True, stress=i < 2, forces=i != 3) for i in range(4)]
    found = by_name(task.summarize([predict(task, case) for case in cases]))
    assert found["rmse_virial_per_atom"].n == 2
    assert found["rmse_forces"].n == 3
    assert found["rmse_energy_per_atom"].n == 4


def test_energies_alone_give_metrics_of_energies_alone(make_case, predict):
    task = build_task()
    found = task.summarize([predict(task, make_case(f"{i}", "H2O", forces=False)) for i in range(4)])
    assert [metric.name for metric in found] == ["rmse_energy_per_atom", "mae_energy_per_atom", "success_rate"]


def test_big_frames_weigh_more_in_forces_and_the_same_in_energies(make_case, predict):
    task = build_task(bias="none")
    small, big = make_case("small", "H2"), make_case("big", "H8")
    scored = []
    for case, error in ((small, 1.0), (big, 3.0)):
        output = task.perfect_output(case)
        output = {"energy": output["energy"] + error * len(case.atoms), "forces": output["forces"] + error}
        scored.append(ScoredCase(case, task.score(case, output)))
    found = by_name(task.summarize(scored))
    assert found["mae_energy_per_atom"].value == pytest.approx(2.0)
    assert found["mae_forces"].value == pytest.approx((2 * 1 + 8 * 3) / 10)
    assert found["rmse_forces"].value == pytest.approx(math.sqrt((2 * 1 + 8 * 9) / 10))


def test_intervals_resample_trajectories_and_not_their_frames(make_case):
    """Frames of a trajectory that all have the same error tell no more than one of them."""
    task = build_task(bias="none")
    scored = {True: [], False: []}
    for trajectory in range(6):
        for frame in range(20):
            for grouped in (True, False):
                settings = {"group": f"run {trajectory}"} if grouped else {}
                case = make_case(f"{trajectory}-{frame}", "H2O", frame=frame, **settings)
                output = task.perfect_output(case)
                output["forces"] = output["forces"] + 0.1 * (1 + trajectory)
                scored[grouped].append(ScoredCase(case, task.score(case, output)))
    width = {}
    for grouped, cases in scored.items():
        low, high = by_name(task.summarize(cases))["mae_forces"].interval
        width[grouped] = high - low
    assert width[True] > 3 * width[False]


def test_non_finite_predictions_fail_the_frame(cases):
    """LAMBench catches energies only: forces that are no numbers make its force metrics no numbers."""
    from lamcore.testing.task_subject import NanModel, TaskSubject

    choice = choose("task", "forcefield")
    subject = TaskSubject(choice, choose("model", "lj").build(), cases=cases[:3])
    records = list(subject.run(NanModel(subject.model)))
    assert all(record.failure is not None and "not finite" in record.failure.message for record in records)


def test_models_see_charge_and_spin_and_no_label(make_case):
    case = make_case("a", "CH4", periodic=True, stress=True)
    case.structures[0].info |= {"charge": 1, "spin": 2}
    seen = []

    class Watching:
        def evaluate(self, structures):
            seen.extend(structures)
            return [Prediction(0.0, np.zeros((len(atoms), 3))) for atoms in structures]

    build_task().calculate(case, Watching())
    (atoms,) = seen
    assert atoms.info == {"charge": 1, "spin": 2}
    assert set(atoms.arrays) == {"numbers", "positions"}
    assert atoms.pbc.all()
    np.testing.assert_array_equal(atoms.cell, case.atoms.cell)


def test_output_holds_energy_forces_and_stress_and_nothing_else(make_case):
    output = build_task().calculate(make_case("a", "Cu4", periodic=True), choose("model", "emt").build())
    assert set(output) == {"energy", "forces", "stress"}
