"""Claims about the task: what it measures, and how nothing that goes wrong looks stable."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.constraints import FixAtoms
from lamcore_md import build_task
from lamcore_md.datasets.nine_systems import NineSystems

from lamcore import Case, Prediction
from lamcore.errors import ConfigError
from lamcore.testing import choose
from lamcore.testing.pair_model import PairModel

INJECTED_EV_PER_ATOM_PS = 0.03125


def value(metrics, name):
    return {metric.name: metric for metric in metrics}[name].value


def spoilt_at(step, formula, **values):
    def spoil(call, atoms, prediction):
        if call == step and atoms.get_chemical_formula() == formula:
            return Prediction(**{**vars(prediction), **values})
        return None

    return spoil


def test_an_injected_drift_is_reported_as_it_is_by_a_whole_run(trimers, springs, homes, run_task):
    timestep_fs = 2.0
    rise = INJECTED_EV_PER_ATOM_PS * timestep_fs / 1000
    task = build_task(n_steps=100, timestep_fs=timestep_fs, reversal_steps=0)
    scored, _ = run_task(task, trimers, springs(homes, stiffness=0.0, rise=rise))
    assert [one.scores["drift_ev_per_atom_ps"] for one in scored] == pytest.approx([INJECTED_EV_PER_ATOM_PS] * 3)
    metrics = task.summarize(scored)
    assert value(metrics, "median_abs_drift") == pytest.approx(INJECTED_EV_PER_ATOM_PS)
    assert value(metrics, "instability") == pytest.approx(np.log10(INJECTED_EV_PER_ATOM_PS / (5e-4 * units.fs)))


def test_an_injected_drift_lies_in_its_interval_where_atoms_vibrate(trimers, springs, homes, run_task):
    task = build_task(n_steps=2000, sample_every=5, reversal_steps=0)
    scored, _ = run_task(task, trimers, springs(homes, rise=INJECTED_EV_PER_ATOM_PS / 1000))
    for one in scored:
        low, high = (one.scores[f"drift_{end}_ev_per_atom_ps"] for end in ("low", "high"))
        assert low <= INJECTED_EV_PER_ATOM_PS <= high
        assert high - low < 0.1 * INJECTED_EV_PER_ATOM_PS


def test_lambench_gives_its_number_of_the_same_drift(trimers, springs, homes, run_task):
    """0.5 eV/atom/ps is 5.0903 in its unit; 101 samples of which 81 count."""
    task = build_task(protocol="lambench", reversal_steps=0)
    scored, records = run_task(task, trimers[:1], springs(homes, stiffness=0.0, rise=0.5 / 1000))
    (one,) = scored
    assert one.scores["abs_drift_lambench"] == pytest.approx(5.0903, abs=5e-5)
    assert one.scores["n_kept"] == 81
    assert records["Ar"].output["times_fs"].tolist() == [100.0 * i for i in range(101)]
    metrics = task.summarize(scored)
    assert value(metrics, "median_abs_drift_lambench") == pytest.approx(5.0903, abs=5e-5)
    assert value(metrics, "instability") == pytest.approx(np.log10(5.0903 / 5e-4), abs=1e-5)
    (unit,) = [metric.unit for metric in metrics if metric.name == "median_abs_drift_lambench"]
    assert unit == "eV/atom/(10.18 ps)"


NOT_FINITE = pytest.mark.parametrize("values", [{"energy": np.nan}, {"forces": np.full((3, 3), np.inf)}])


@NOT_FINITE
def test_a_trajectory_that_is_not_finite_counts_as_the_worst_and_is_kept(values, trimers, springs, homes, run_task):
    task = build_task(n_steps=60, reversal_steps=10)
    good, _ = run_task(task, trimers, springs(homes))
    bad, records = run_task(task, trimers, springs(homes, spoil=spoilt_at(50, "Cu3", **values)))
    assert [one.scores["outcome"] for one in bad] == ["completed", "not_finite", "completed"]
    assert [one.failure for one in bad] == [None, f"not_finite: {bad[1].scores['outcome_detail']}", None]
    assert all(metric.n_failed == 1 for metric in task.summarize(bad))
    assert records["Cu"].output["last_step"] == 49
    assert len(records["Cu"].output["kinetic_energies_ev"]) == 50
    metrics = {metric.name: metric for metric in task.summarize(bad)}
    others = [good[0].scores["instability"], good[2].scores["instability"]]
    assert metrics["instability"].value == pytest.approx((5 + sum(others)) / 3)
    assert metrics["instability"].n_failed == 1
    assert metrics["share_completed"].value == pytest.approx(2 / 3)
    assert metrics["share_completed"].note == "of 3: completed 2, not_finite 1"
    assert metrics["share_not_finite"].value == pytest.approx(1 / 3)
    medians = [metric for metric in metrics.values() if metric.name.startswith("median")]
    assert [(metric.n, metric.n_failed) for metric in medians] == [(3, 1)] * 4
    assert metrics["median_abs_drift"].value == max(
        one.scores["abs_drift_ev_per_atom_ps"] for one in bad if one.scores["outcome"] == "completed"
    )


@NOT_FINITE
def test_lambenchs_protocol_counts_what_is_not_finite_as_failed_too(values, trimers, springs, homes, run_task):
    """LAMBench's own mean skips the slope of such a trajectory: one of those and one good one score 0.0."""
    task = build_task(protocol="lambench")
    scored, records = run_task(task, trimers[1:2], springs(homes, spoil=spoilt_at(50, "Cu3", **values)))
    assert records["Cu"].output["outcome"] == "not_finite"
    metrics = task.summarize(scored)
    assert value(metrics, "instability") == 5
    assert value(metrics, "share_completed") == 0


def test_a_median_has_no_value_where_half_did_not_complete(trimers, springs, homes, run_task):
    spoil = spoilt_at(30, "Cu3", forces=np.full((3, 3), 1e6))
    task = build_task(n_steps=60)
    scored, _ = run_task(task, trimers[:2], springs(homes, spoil=spoil))
    metrics = {metric.name: metric for metric in task.summarize(scored)}
    assert metrics["median_abs_drift"].value is None
    assert metrics["share_exploded"].value == 0.5


def test_a_case_without_a_trajectory_counts_as_the_worst(trimers, springs, homes, run_task):
    spoil = spoilt_at(0, "Au3", energy=np.nan)
    task = build_task(n_steps=60, reversal_steps=0)
    scored, _ = run_task(task, trimers, springs(homes, spoil=spoil))
    metrics = {metric.name: metric for metric in task.summarize(scored)}
    assert scored[2].scores is None
    assert metrics["share_completed"].note == "of 3: completed 2, failed 1"
    assert metrics["share_completed"].value == pytest.approx(2 / 3)
    assert metrics["instability"].value >= 5 / 3


def test_two_models_in_one_process_start_from_identical_structures(trimers, springs, homes, run_task):
    """LAMBench's structures keep the positions that the model before left them at."""
    task = build_task(n_steps=20)
    first, second = springs(homes), springs(homes, stiffness=3.0)
    _, first_records = run_task(task, trimers, first)
    _, second_records = run_task(task, trimers, second)
    assert first.first_seen.keys() == second.first_seen.keys()
    for formula, atoms in first.first_seen.items():
        assert np.array_equal(atoms.positions, second.first_seen[formula].positions)
    for name in first_records:
        outputs = first_records[name].output, second_records[name].output
        assert outputs[0]["kinetic_energies_ev"][0] == outputs[1]["kinetic_energies_ev"][0]
        assert not np.array_equal(outputs[0]["last_positions_ang"], outputs[1]["last_positions_ang"])


def test_together_and_one_after_the_other_the_nine_give_the_same_numbers(run_task):
    task = build_task(n_steps=6, reversal_steps=2)
    cases = list(NineSystems().cases())
    _, together = run_task(task, cases, PairModel())
    _, alone = run_task(task, cases, PairModel(), max_cases=1)
    for name, record in together.items():
        for key in (
            "potential_energies_ev",
            "kinetic_energies_ev",
            "last_positions_ang",
            "outcome",
            "reversal_rms_ang",
        ):
            assert np.array_equal(record.output[key], alone[name].output[key]), (name, key)


def test_together_and_one_after_the_other_a_real_model_moves_them_alike(run_task):
    """A molecule, a crystal and a slab. The model's own batches differ by rounding, which grows along the way."""
    pytest.importorskip("lamcore_sevenn")
    model = choose("model", "sevennet", device="cpu").build()
    task = build_task(n_steps=4, discard=0.0, reversal_steps=0)
    cases = [case for case in NineSystems().cases() if case.id in ("methanol", "silicon", "aluminium-slab")]
    _, together = run_task(task, cases, model)
    _, alone = run_task(task, cases, model, max_cases=1)
    for name, record in together.items():
        output, expected = record.output, alone[name].output
        assert output["outcome"] == "completed"
        assert output["last_positions_ang"] == pytest.approx(expected["last_positions_ang"], abs=1e-5)
        assert output["kinetic_energies_ev"] == pytest.approx(expected["kinetic_energies_ev"], abs=1e-4)


def test_a_deterministic_model_goes_back_to_where_it_came_from(trimers, springs, homes, run_task):
    scored, _ = run_task(build_task(n_steps=200), trimers, springs(homes))
    assert all(one.scores["reversal_rms_ang"] < 1e-12 for one in scored)


def test_a_model_with_random_forces_does_not_come_back(trimers, springs, homes, run_task):
    rng = np.random.default_rng(0)

    def spoil(call, atoms, prediction):
        return Prediction(prediction.energy, prediction.forces + rng.normal(0, 0.05, (3, 3)))

    scored, _ = run_task(build_task(n_steps=200), trimers, springs(homes, spoil=spoil))
    assert all(one.scores["reversal_rms_ang"] > 1e-3 for one in scored)


def test_forces_that_do_not_sum_to_zero_show_in_the_momentum(trimers, springs, homes, run_task):
    """A force of 1 eV/Å on each of three atoms for 50 fs changes the momentum by 3 × 50 eV fs/Å."""

    def spoil(call, atoms, prediction):
        return Prediction(0.0, np.tile([1.0, 0.0, 0.0], (3, 1)))

    scored, _ = run_task(build_task(n_steps=50, reversal_steps=0), trimers[:1], springs(homes, spoil=spoil))
    # 1 eV fs/Å = units.fs² u Å/fs
    assert scored[0].scores["momentum_change_amu_ang_per_fs"] == pytest.approx(150 * units.fs**2, rel=1e-9)


def test_noise_is_told_relative_to_the_fluctuation_of_the_kinetic_energy(trimers, springs, homes, run_task):
    task = build_task(n_steps=400, reversal_steps=0)
    scored, records = run_task(task, trimers[:1], springs(homes))
    output = records["Ar"].output
    kept = output["times_fs"] >= 80
    times, kinetic = output["times_fs"][kept], output["kinetic_energies_ev"][kept]
    total = output["potential_energies_ev"][kept] + kinetic
    residuals = total - np.polyval(np.polyfit(times, total, 1), times)
    expected = np.sqrt(np.sum(residuals**2) / (len(times) - 2)) / np.std(kinetic, ddof=1)
    assert scored[0].scores["noise_ratio"] == pytest.approx(expected, rel=1e-6)


def test_constraints_are_taken_off(springs, homes, run_task, trimers):
    held = trimers[0].structures[0].copy()
    held.set_constraint(FixAtoms([0, 1, 2]))
    task = build_task(n_steps=20, reversal_steps=0)
    _, records = run_task(task, [Case("Ar", (held,))], springs(homes))
    assert records["Ar"].output["kinetic_energies_ev"][0] > 0
    assert held.constraints


def test_one_atom_fails_with_what_to_do(springs, run_task):
    (one,), _ = run_task(build_task(n_steps=20), [Case("cu", (bulk("Cu"),))], springs({}))
    assert one.scores is None
    assert "has 1 atom" in one.failure
    assert "repeat the cell" in one.failure


def test_a_case_may_have_steps_and_a_temperature_of_its_own(springs, homes, run_task, trimers):
    atoms = trimers[0].structures[0]
    cases = [Case("own", (atoms,), settings={"n_steps": 12, "temperature_k": 77.0}), trimers[0]]
    scored, records = run_task(build_task(n_steps=30, reversal_steps=0), cases, springs(homes))
    assert [records[one.case.id].output["last_step"] for one in scored] == [12, 30]
    starts = [records[one.case.id].output["kinetic_energies_ev"][0] for one in scored]
    assert starts[0] / starts[1] == pytest.approx(77 / 300)
    (refused,), _ = run_task(build_task(protocol="lambench"), cases[:1], springs(homes))
    assert "has n_steps, temperature_k, which task.protocol=lambench fixes" in refused.failure


def test_lambench_refuses_a_second_trajectory_which_would_be_the_first_again(springs, homes, run_task, trimers):
    case = Case("Ar~2", trimers[0].structures, settings={"system": "Ar"})
    (refused,), _ = run_task(build_task(protocol="lambench"), [case], springs(homes))
    assert "dataset.replicas" in refused.failure


def test_a_dead_molecule_is_no_drift_of_a_lambench_run_but_an_end_of_a_default_one(run_task, springs):
    """A model without attraction lets molecules fly apart."""
    case = Case("gas", (Atoms("Ar3", [(0, 0, 0), (2, 0, 0), (0, 2, 0)]),))
    model = springs({"Ar3": np.zeros((3, 3))}, stiffness=0.0)
    task = build_task(n_steps=10_000, temperature_k=1000, reversal_steps=0)
    (lost,), _ = run_task(task, [case], model)
    assert lost.scores["outcome"] == "atom_lost"
    assert lost.scores.get("instability") is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timestep_fs": 0.0}, "task.timestep_fs is 0.0, expected a value above zero"),
        ({"discard": 1.0}, "task.discard is 1.0, expected a share"),
        ({"reversal_steps": -1}, "task.reversal_steps is -1"),
        ({"n_steps": 3}, "leave 3 samples, expected 5 or more; raise task.n_steps"),
        ({"temperature_k": float("nan")}, "task.temperature_k is nan"),
        ({"protocol": "lambench", "n_steps": 500}, "does not go with task.n_steps=500: it fixes"),
        ({"protocol": "lambench", "seed": 1}, "does not go with task.seed=1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        build_task(**options)
