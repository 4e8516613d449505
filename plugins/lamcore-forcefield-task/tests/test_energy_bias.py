"""Claims about shifts of the elements, against linear algebra written down in another way."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from ase.formula import Formula
from lamcore_forcefield.energy_bias import (
    composition_matrix,
    determined,
    fit_energy_bias,
    halves,
    judged_by_other_half,
)

SHIFTS = {"H": -0.7, "C": 0.3, "O": 1.9}
FORMULAS = [{"H": 2, "O": 1}, {"C": 1, "H": 4}, {"C": 1, "O": 2}, {"C": 2, "H": 6, "O": 1}, {"H": 2}]


def energy(composition):
    return sum(count * SHIFTS[symbol] for symbol, count in composition.items())


@pytest.mark.parametrize("weights", ["frame", "atom"])
def test_recovers_the_shifts_that_energies_were_made_from(weights):
    fit = fit_energy_bias(FORMULAS, [energy(formula) for formula in FORMULAS], weights)
    assert fit.shifts_ev == pytest.approx(SHIFTS, abs=1e-12)
    assert (fit.rank, fit.n_frames) == (3, 5)
    assert fit.energy_ev({"C": 3, "O": 1}) == pytest.approx(3 * 0.3 + 1.9)


def test_frames_of_one_composition_get_the_shifts_of_smallest_norm(rng):
    """Water alone: 2 b_H + b_O = d is solved by b along (2, 1), the pseudoinverse (2, 1)/5 times the mean."""
    differences = rng.normal(size=9)
    fit = fit_energy_bias([{"H": 2, "O": 1}] * 9, differences, "frame")
    assert fit.rank == 1
    assert fit.shifts_ev == pytest.approx({"H": 0.4 * differences.mean(), "O": 0.2 * differences.mean()})


def test_weights_by_frame_are_least_squares_in_columns_of_all_elements(rng):
    """As LAMBench fits: a column for each of 120 elements, total energies, the pseudoinverse."""
    numbers = {"H": 1, "C": 6, "O": 8}
    wide = np.zeros((len(FORMULAS), 120))
    for row, formula in zip(wide, FORMULAS, strict=True):
        for symbol, count in formula.items():
            row[numbers[symbol]] = count
    differences = rng.normal(size=len(FORMULAS))
    expected = np.linalg.pinv(wide, rcond=1e-10) @ differences
    fit = fit_energy_bias(FORMULAS, differences, "frame")
    assert fit.shifts_ev == pytest.approx({symbol: expected[number] for symbol, number in numbers.items()})


def test_weights_by_atom_minimise_the_residuals_per_atom(rng):
    differences = rng.normal(size=len(FORMULAS))
    n_atoms = np.array([sum(formula.values()) for formula in FORMULAS])

    def rmse(shifts):
        errors = [d - sum(n * shifts[s] for s, n in f.items()) for d, f in zip(differences, FORMULAS, strict=True)]
        return np.sqrt(np.mean((np.array(errors) / n_atoms) ** 2))

    by_atom = fit_energy_bias(FORMULAS, differences, "atom").shifts_ev
    by_frame = fit_energy_bias(FORMULAS, differences, "frame").shifts_ev
    assert rmse(by_atom) < rmse(by_frame)
    for symbol in SHIFTS:
        for step in (-1e-3, 1e-3):
            assert rmse(by_atom) < rmse({**by_atom, symbol: by_atom[symbol] + step})


def test_the_condition_number_is_that_of_the_counts():
    _, counts = composition_matrix(FORMULAS)
    fit = fit_energy_bias(FORMULAS, np.zeros(len(FORMULAS)), "frame")
    assert fit.condition == pytest.approx(np.linalg.cond(counts))


def test_no_frames_give_no_shifts():
    fit = fit_energy_bias([], [])
    assert (fit.rank, fit.n_frames, dict(fit.shifts_ev)) == (0, 0, {})


def test_only_linear_combinations_of_the_fitted_compositions_are_determined():
    fitted = [{"H": 2, "O": 1}, {"C": 1, "H": 4}]
    asked = [{"H": 4, "O": 2}, {"C": 1, "H": 6, "O": 1}, {"H": 1, "O": 1}, {"N": 1, "H": 3}]
    np.testing.assert_array_equal(determined(fitted, asked), [True, True, False, False])
    np.testing.assert_array_equal(determined([], asked), [False] * 4)


def test_an_element_of_two_groups_is_in_both_halves():
    names = ["CH4", "C2H2", "NH3", "N2H4", "CF4", "HF", "H2O", "CO", "C2H6", "H2O2", "HCN", "CH2O"]
    formulas = [dict(Formula(name).count()) for name in names for _ in range(3)]
    groups = [name for name in names for _ in range(3)]
    half = halves(formulas, groups)
    assert len({(group, int(side)) for group, side in zip(groups, half, strict=True)}) == len(names)
    for element in "CNFHO":
        assert {int(side) for formula, side in zip(formulas, half, strict=True) if element in formula} == {0, 1}


def test_groups_stay_whole_where_each_half_then_judges_the_other():
    formulas = [{"Cu": 4}] * 5 + [{"Cu": 8}] * 3 + [{"Cu": 4}] * 4
    groups = ["a"] * 5 + ["b"] * 3 + ["c"] * 4
    half = halves(formulas, groups)
    assert all(len({int(h) for h, g in zip(half, groups, strict=True) if g == name}) == 1 for name in "abc")
    assert set(half.tolist()) == {0, 1}


def test_groups_are_cut_in_time_where_whole_ones_would_judge_nothing():
    """Two trajectories of two molecules: whole, neither would say anything about the other."""
    formulas = [{"H": 2, "O": 1}] * 4 + [{"C": 6, "H": 6}] * 6
    groups = ["water"] * 4 + ["benzene"] * 6
    half = halves(formulas, groups)
    assert half.tolist() == [0, 0, 1, 1, 0, 0, 0, 1, 1, 1]
    assert judged_by_other_half(formulas, half).all()


def test_a_single_trajectory_is_cut_in_its_middle():
    assert halves([{"Si": 8}] * 6, ["run"] * 6).tolist() == [0, 0, 0, 1, 1, 1]


def test_a_composition_that_occurs_once_is_not_judged():
    formulas = [{"H": 2, "O": 1}] * 4 + [{"Xe": 1}]
    half = halves(formulas, [f"{index}" for index in range(5)])
    assert judged_by_other_half(formulas, half).tolist() == [True] * 4 + [False]


def test_random_energies_look_better_on_the_frames_that_were_fitted(rng):
    """Why the default holds out: as many elements as frames, and a fit on them leaves nothing of any error."""
    elements = ["H", "Li", "Be", "B", "C", "N", "O", "F"]
    formulas = [dict(Counter(rng.choice(elements, size=6))) for _ in range(8)]
    differences = rng.normal(size=8)
    fit = fit_energy_bias(formulas, differences, "frame")
    residual = [d - fit.energy_ev(f) for d, f in zip(differences, formulas, strict=True)]
    assert np.abs(residual).max() < 1e-8
    half = halves(formulas, [str(index) for index in range(8)])
    assert not judged_by_other_half(formulas, half).any()


@pytest.mark.parametrize(("n_frames", "fitted", "held_out"), [(28, 0.82, 1.32), (52, 0.92, 1.12)])
def test_few_frames_flatter_a_fit_on_them_and_burden_a_held_out_one(n_frames, fitted, held_out):
    """The numbers of the README: errors of 1 eV/atom on frames of six atoms, median of 40 draws."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        formulas = [
            dict(
                Counter(rng.choice(["H", "C", "N", "O", "F", "S", "Cl"], 6, p=[0.4, 0.25, 0.1, 0.1, 0.05, 0.05, 0.05]))
            )
            for _ in range(n_frames)
        ]
        differences = 6 * rng.normal(size=n_frames)
        half = halves(formulas, [str(index) for index in range(n_frames)])
        judged = judged_by_other_half(formulas, half)
        same = fit_energy_bias(formulas, differences)
        other = [
            fit_energy_bias([f for f, h in zip(formulas, half, strict=True) if h != side], differences[half != side])
            for side in (0, 1)
        ]
        apart = [
            [d - same.energy_ev(f), d - other[side].energy_ev(f) if ok else np.nan]
            for d, f, side, ok in zip(differences, formulas, half, judged, strict=True)
        ]
        found.append(np.sqrt(np.nanmean((np.array(apart) / 6) ** 2, axis=0)))
    np.testing.assert_allclose(np.median(found, axis=0), [fitted, held_out], rtol=0.06)
