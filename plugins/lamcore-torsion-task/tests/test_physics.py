"""Claims about errors of profiles, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from ase.units import Hartree, kcal, kJ, mol
from lamcore_torsion import physics
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr


def test_units_agree_with_those_of_ase_and_lambench():
    assert pytest.approx(mol / kcal, rel=1e-8) == physics.KCAL_MOL_PER_EV
    assert pytest.approx(Hartree * mol / kcal, rel=1e-7) == physics.KCAL_MOL_PER_HARTREE
    assert pytest.approx(physics.LAMBENCH_KCAL_MOL_PER_EV, rel=2e-5) == physics.KCAL_MOL_PER_EV
    assert kcal / kJ == pytest.approx(4.184)


def test_the_mean_is_the_offset_of_least_squares():
    predicted, reference = np.random.default_rng(0).normal(size=(2, 24))
    errors = physics.relative_to_mean(predicted) - physics.relative_to_mean(reference)
    best = minimize_scalar(lambda offset: np.sum((predicted - reference - offset) ** 2))
    assert np.sum(errors**2) == pytest.approx(best.fun, abs=1e-10)


def test_own_minimum_spreads_the_error_of_one_point_over_all_and_means_do_not():
    reference = 2 * (1 - np.cos(np.radians(np.arange(-165, 181, 15.0))))
    predicted = reference.copy()
    predicted[np.argmin(reference)] -= 1.0  # one conformer wrong by 1 kcal/mol
    own = physics.relative_to_minimum(predicted) - physics.relative_to_minimum(reference)
    aligned = physics.relative_to_mean(predicted) - physics.relative_to_mean(reference)
    assert np.abs(own).mean() == pytest.approx(23 / 24)
    assert np.abs(aligned).mean() == pytest.approx(2 * 23 / 24 / 24)


def test_an_offset_changes_nothing():
    predicted, reference = np.random.default_rng(1).normal(size=(2, 24))
    for relative in (physics.relative_to_mean, physics.relative_to_minimum):
        np.testing.assert_allclose(relative(predicted - 15240.0), relative(predicted), atol=1e-9)
    assert physics.barrier(predicted + 99) == pytest.approx(physics.barrier(predicted))
    assert physics.rank_correlation(predicted + 99, reference) == physics.rank_correlation(predicted, reference)


def test_lambenchs_rmse_is_the_mean_over_conformers_and_not_above_the_pooled_one():
    errors = np.array([[0.0, 3.0], [0.0, 4.0]])
    assert physics.rmse_by_conformer_index(errors) == pytest.approx(np.sqrt(12.5) / 2)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(2.5)
    many = np.random.default_rng(2).normal(size=(50, 24)) * np.linspace(0.1, 3, 24)
    assert physics.rmse_by_conformer_index(many) < np.sqrt(np.mean(many**2))


def test_rank_correlation_is_scipys_and_defined_for_flat_predictions():
    predicted, reference = np.random.default_rng(4).integers(0, 9, size=(2, 24)).astype(float)
    assert physics.rank_correlation(predicted, reference) == pytest.approx(spearmanr(predicted, reference).statistic)
    assert physics.rank_correlation(np.zeros(24), reference) == 0.0
    assert physics.rank_correlation(predicted, np.zeros(24)) is None
