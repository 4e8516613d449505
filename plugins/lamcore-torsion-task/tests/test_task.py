"""Claims about the task: what it asks of the model, how it scores and sums up, relaxed scans."""

from __future__ import annotations

import lamcore_torsion
import numpy as np
import pytest
from ase.constraints import FixInternals
from ase.optimize import BFGS
from lamcore_torsion.held_dihedral import dihedral_deg
from lamcore_torsion.physics import KCAL_MOL_PER_EV, LAMBENCH_KCAL_MOL_PER_EV, rmse_by_conformer_index

from lamcore import ScoredCase
from lamcore.errors import CaseError, ConfigError
from lamcore.model import Model, Prediction

ANGLES = np.arange(-165.0, 181.0, 15.0)
PROFILE = 3.0 * (1 - np.cos(2 * np.radians(ANGLES))) + 0.8 * (1 + np.cos(np.radians(ANGLES)))


class Counting(Model):
    """Answers with given energies and counts requests."""

    def __init__(self, energies_ev):
        self.energies_ev = energies_ev
        self.requests = []

    def evaluate(self, structures):
        self.requests.append(len(structures))
        return [
            Prediction(energy, np.zeros((len(atoms), 3)))
            for energy, atoms in zip(self.energies_ev, structures, strict=True)
        ]


def scored(task, case, predicted_kcal_per_mol):
    factor = LAMBENCH_KCAL_MOL_PER_EV if task.settings.protocol == "lambench" else KCAL_MOL_PER_EV
    return ScoredCase(case, task.score(case, {"energies_ev": np.asarray(predicted_kcal_per_mol) / factor}))


def by_name(task, cases):
    return {metric.name: metric for metric in task.summarize(cases)}


@pytest.fixture
def task():
    return lamcore_torsion.build_task()


@pytest.fixture
def lambench():
    return lamcore_torsion.build_task(protocol="lambench")


def test_all_conformers_are_asked_for_in_one_request(task, scan_case):
    model = Counting((PROFILE / KCAL_MOL_PER_EV).tolist())
    output = task.calculate(scan_case("a", PROFILE), model)
    assert model.requests == [24]
    assert task.score(scan_case("a", PROFILE), output)["barrier_error_kcal_per_mol"] == pytest.approx(0, abs=1e-9)


def test_metrics_of_known_errors(task, scan_case):
    """One profile is 10 % too high, the other has one conformer wrong by 2.4 kcal/mol."""
    bumped = PROFILE.copy()
    bumped[7] += 2.4
    cases = [scored(task, scan_case("a", PROFILE), 1.1 * PROFILE), scored(task, scan_case("b", PROFILE), bumped)]
    errors = np.array([0.1 * (PROFILE - PROFILE.mean()), np.where(np.arange(24) == 7, 2.3, -0.1)])
    metrics = by_name(task, cases)
    assert metrics["mae_mean_aligned"].value == pytest.approx(np.abs(errors).mean())
    assert metrics["rmse_mean_aligned"].value == pytest.approx(np.sqrt(np.mean(errors**2)))
    barrier_errors = [0.1 * np.ptp(PROFILE), np.ptp(bumped) - np.ptp(PROFILE)]
    assert metrics["mae_barrier"].value == pytest.approx(np.mean(np.abs(barrier_errors)))
    assert metrics["n_barriers_off"].value == sum(abs(error) > 1 for error in barrier_errors)


def test_dummy_is_the_flat_profile_of_the_labels(task, lambench, scan_case):
    """As LAMBench's dummy: all predictions zero, profiles above their own minimum."""
    profiles = [PROFILE, 0.05 * PROFILE, np.roll(PROFILE, 3) + 5]
    for one in (task, lambench):
        cases = [scored(one, scan_case(str(i), profile), profile) for i, profile in enumerate(profiles)]
        metrics = by_name(one, cases)
        above = [profile - profile.min() for profile in profiles]
        assert metrics["mae_own_minimum"].dummy == pytest.approx(np.mean(above))
        assert metrics["mae_barrier"].dummy == pytest.approx(np.mean([np.ptp(profile) for profile in profiles]))
        assert metrics["n_barriers_off"].dummy == 2
    assert metrics["rmse_by_conformer_index"].dummy == pytest.approx(rmse_by_conformer_index(above))
    assert by_name(task, cases)["mae_mean_aligned"].dummy == pytest.approx(
        np.mean([np.abs(profile - profile.mean()) for profile in profiles])
    )


def test_a_failed_fragment_stays_in_every_denominator_at_the_dummys_error(task, lambench, scan_case):
    for one in (task, lambench):
        good = scored(one, scan_case("good", PROFILE), PROFILE)
        lost = ScoredCase(scan_case("lost", np.roll(PROFILE, 5)), None, "the model raised")
        flat = scored(one, lost.case, np.zeros(24))
        with_lost, with_flat = by_name(one, [good, lost]), by_name(one, [good, flat])
        for name, metric in with_lost.items():
            assert metric.n == 2
            assert metric.n_failed == 1
            if name != "success_rate":
                assert metric.value == pytest.approx(with_flat[name].value), name
        assert with_lost["n_barriers_off"].value == 1
        assert with_lost["success_rate"].value == 0.5


def test_lambench_keeps_its_rmse_apart_from_the_pooled_one(lambench, scan_case):
    cases = [scored(lambench, scan_case(str(i), PROFILE), PROFILE * (1 + 0.1 * i)) for i in range(4)]
    metrics = by_name(lambench, cases)
    above = PROFILE - PROFILE.min()
    expected = rmse_by_conformer_index([0.1 * i * above for i in range(4)])
    assert metrics["rmse_by_conformer_index"].value == pytest.approx(expected)
    assert not {"rmse", "rmse_mean_aligned"} & metrics.keys()
    low, high = metrics["rmse_by_conformer_index"].interval
    assert low <= expected <= high


def test_lambenchs_factor_is_used_in_its_protocol_only(task, lambench, scan_case):
    case = scan_case("a", PROFILE)
    output = {"energies_ev": PROFILE / KCAL_MOL_PER_EV}
    assert task.score(case, output)["barrier_error_kcal_per_mol"] == pytest.approx(0, abs=1e-12)
    error = lambench.score(case, output)["barrier_error_kcal_per_mol"]
    assert error == pytest.approx(np.ptp(PROFILE) * (LAMBENCH_KCAL_MOL_PER_EV / KCAL_MOL_PER_EV - 1))


def test_fragments_of_different_numbers_of_conformers_are_pooled_and_have_no_error_by_index(task, lambench, scan_case):
    few = scan_case("few", PROFILE[::2], angles=ANGLES[::2])
    many = scan_case("many", PROFILE)
    shifted = {"few": PROFILE[::2] + np.tile([0.5, -0.5], 6), "many": PROFILE}
    metrics = by_name(task, [scored(task, case, shifted[case.id]) for case in (few, many)])
    assert metrics["mae_mean_aligned"].value == pytest.approx(0.5 * 12 / 36)
    metric = by_name(lambench, [scored(lambench, case, shifted[case.id]) for case in (few, many)])[
        "rmse_by_conformer_index"
    ]
    assert metric.value is None
    assert "different numbers of conformers" in metric.note


def test_metrics_of_wells_are_left_out_where_angles_are_not_known(task, scan_case):
    case = scan_case("a", PROFILE, angles_deg=None, torsion_atoms=None)
    metrics = by_name(task, [scored(task, case, 1.1 * PROFILE)])
    assert "mae_well_position" not in metrics
    assert metrics["mae_mean_aligned"].n == 1


def test_paired_comparison_has_what_each_fragment_adds(task, scan_case):
    cases = [scored(task, scan_case(str(i), PROFILE), PROFILE * (1 + 0.1 * i)) for i in range(3)]
    for metric in task.summarize(cases):
        parts = metric.contributions
        value = sum(parts.totals) / sum(parts.weights)
        assert metric.value == pytest.approx(value**0.5 if parts.root else value), metric.name


def test_relaxed_scan_is_that_of_ase_with_the_dihedral_fixed(springs, scan_case, peroxide, springs_calculator):
    task = lamcore_torsion.build_task(mode="relaxed", fmax=0.005)
    angles = np.array([-150.0, -90.0, -30.0, 30.0, 90.0, 150.0])
    case = scan_case("hooh", np.zeros(6), angles=angles)
    output = task.calculate(case, springs)
    for i, angle in enumerate(angles):
        assert dihedral_deg(output["relaxed_positions_ang"][i], (0, 1, 2, 3)) == pytest.approx(angle, abs=0.01)
        atoms = peroxide(angle)
        atoms.calc = springs_calculator()
        assert output["single_point_energies_ev"][i] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        atoms.set_constraint(FixInternals(dihedrals_deg=[[angle % 360, [0, 1, 2, 3]]], epsilon=1e-9))
        assert BFGS(atoms, logfile=None).run(fmax=0.005, steps=300)
        assert output["energies_ev"][i] == pytest.approx(atoms.get_potential_energy(), abs=1e-4)
    # The rest of the molecule relaxes to its springs' lengths at every angle: what remains is the cosine.
    np.testing.assert_allclose(output["energies_ev"], 0.15 * (1 + np.cos(np.radians(angles))), atol=2e-3)
    assert 0 < task.score(case, output)["mean_rmsd_ang"] < 0.2


def test_a_relaxation_that_does_not_converge_fails_the_fragment(springs, scan_case):
    task = lamcore_torsion.build_task(mode="relaxed", max_steps=1)
    with pytest.raises(CaseError, match="conformers did not relax in 1 steps; worst at"):
        task.calculate(scan_case("hooh", PROFILE), springs)


def test_relaxed_needs_forces_and_a_dihedral(springs, scan_case):
    task = lamcore_torsion.build_task(mode="relaxed")
    assert task.needs == {"energy", "forces"}
    assert lamcore_torsion.build_task().needs == {"energy"}
    with pytest.raises(CaseError, match="does not tell its dihedral"):
        task.calculate(scan_case("a", PROFILE, torsion_atoms=None, angles_deg=None), springs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fmax": 0.0}, "task.fmax is 0.0, expected a value above zero"),
        ({"protocol": "lambench", "mode": "relaxed"}, "does not go with task.mode=relaxed"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        lamcore_torsion.build_task(**options)


def test_an_output_of_another_length_is_refused(task, scan_case):
    with pytest.raises(CaseError, match=r"\(23,\) energies, expected \(24,\)"):
        task.score(scan_case("a", PROFILE), {"energies_ev": np.zeros(23)})
