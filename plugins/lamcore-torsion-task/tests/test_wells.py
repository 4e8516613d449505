"""Claims about the wells of periodic profiles, against profiles whose minima are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from lamcore_torsion.physics import well_errors
from lamcore_torsion.wells import Wells, find_wells, is_full_turn, matched, wrapped_deg
from scipy.optimize import minimize_scalar

ANGLES = np.arange(-165.0, 181.0, 15.0)


def cosines(angles, shift=0.0):
    """Three wells, one of them deeper; none of them on a grid point."""
    x = np.radians(np.asarray(angles) - shift)
    return 1.5 * (1 + np.cos(3 * x)) + 0.5 * (1 - np.cos(x + 0.4))


def test_finds_the_minima_of_a_sum_of_cosines():
    wells = find_wells(ANGLES, cosines(ANGLES))
    exact = [minimize_scalar(cosines, bracket=(start - 10, start + 10), tol=1e-12) for start in (-62, 58, 178)]
    np.testing.assert_allclose(wells.angles_deg, sorted(wrapped_deg([one.x for one in exact])), atol=0.1)
    np.testing.assert_allclose(sorted(wells.energies), sorted(one.fun for one in exact), atol=0.01)


def test_a_well_at_the_seam_is_found_once():
    wells = find_wells(ANGLES, np.cos(np.radians(ANGLES)))
    np.testing.assert_allclose(wells.angles_deg, [180.0], atol=1e-6)
    np.testing.assert_allclose(wells.energies, [-1.0], atol=1e-3)


def test_turning_the_profile_turns_its_wells():
    before = find_wells(ANGLES, cosines(ANGLES)).angles_deg
    after = find_wells(ANGLES, cosines(ANGLES, shift=45.0)).angles_deg
    np.testing.assert_allclose(np.sort(wrapped_deg(before + 45.0)), after, atol=1e-6)


def test_unequal_steps_are_taken_as_they_are():
    angles = np.sort(ANGLES + np.random.default_rng(0).uniform(-4, 4, len(ANGLES)))
    np.testing.assert_allclose(
        find_wells(angles, cosines(angles)).angles_deg, find_wells(ANGLES, cosines(ANGLES)).angles_deg, atol=0.5
    )


def test_a_flat_profile_has_no_well_and_dents_are_none():
    assert len(find_wells(ANGLES, np.zeros(24)).angles_deg) == 0
    dented = np.cos(np.radians(ANGLES))
    dented[ANGLES == 0] -= 0.06  # a dent 0.03 deep on the top
    np.testing.assert_allclose(find_wells(ANGLES, dented, 0.1).angles_deg, [180.0], atol=3)
    assert len(find_wells(ANGLES, dented, 0.001).angles_deg) > 1


def test_wells_are_matched_across_the_seam_and_only_once():
    reference = Wells(np.array([-178.0, 60.0]), np.zeros(2))
    predicted = Wells(np.array([50.0, 75.0, 176.0]), np.zeros(3))
    assert sorted(matched(reference, predicted)) == [(0, 2), (1, 0)]


def test_wells_too_far_apart_are_not_the_same():
    assert matched(Wells(np.array([0.0]), np.zeros(1)), Wells(np.array([31.0]), np.zeros(1))) == []
    assert matched(Wells(np.array([0.0]), np.zeros(1)), Wells(np.empty(0), np.empty(0))) == []


def test_a_part_of_a_turn_has_no_known_wells():
    assert is_full_turn(ANGLES)
    assert not is_full_turn(ANGLES[ANGLES < 100])
    assert well_errors(np.arange(-90, 91, 15.0), np.arange(13.0), np.arange(13.0)) is None


def test_position_error_is_the_shift_of_the_profile():
    errors = well_errors(ANGLES, cosines(ANGLES, shift=10.0), cosines(ANGLES))
    assert errors.n_wells == 3
    assert (errors.n_missed, errors.n_spurious) == (0, 0)
    assert errors.position_error_sum_deg == pytest.approx(30.0, abs=0.3)
    assert errors.energy_error_sum_kcal_per_mol == pytest.approx(0, abs=0.02)
    assert errors.lowest_found
    assert errors.n_pairs_in_order == errors.n_pairs == 3


def test_the_flat_profile_misses_every_well_at_the_limit_and_orders_nothing():
    errors = well_errors(ANGLES, np.full(24, 7.0), cosines(ANGLES))
    assert (errors.n_missed, errors.position_error_sum_deg) == (3, 90.0)
    assert (errors.n_pairs_in_order, errors.lowest_found) == (0, False)


def test_wells_in_the_wrong_order_are_counted_by_pair():
    x = np.radians(ANGLES)
    reference = 1.5 * np.cos(3 * x) - 0.6 * np.cos(x)  # wells at 180 (high) and near ±60 (low, equal)
    predicted = 1.5 * np.cos(3 * x) + 0.6 * np.cos(x)
    errors = well_errors(ANGLES, predicted, reference)
    assert (errors.n_pairs, errors.n_pairs_in_order) == (2, 0)  # the mirror images are not ranked
    assert not errors.lowest_found
