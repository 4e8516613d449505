"""Claims about scores, units and lost atoms."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from lamcore_md.stability import (
    LAMBENCH_TOLERANCE,
    LAMBENCH_UNIT_PS,
    TOLERANCE_EV_PER_ATOM_PS,
    instability,
    lone_atoms,
    rms_displacement_ang,
)


def test_half_an_electronvolt_per_atom_and_picosecond_is_lambenchs_5_0903():
    assert pytest.approx(5.0903, abs=5e-5) == 0.5 * LAMBENCH_UNIT_PS
    assert pytest.approx(4.91e-5, rel=1e-3) == TOLERANCE_EV_PER_ATOM_PS


def test_instability_is_lambenchs():
    """The numbers of its unit test: slopes 5e-4 and 5e-3 score 0.5 together, 0.05 and a failure 3.5."""
    scores = [instability(slope / LAMBENCH_UNIT_PS) for slope in (5e-4, 5e-3, 0.05)]
    assert scores == pytest.approx([0, 1, 2], abs=1e-12)
    assert instability(-0.22282 / LAMBENCH_UNIT_PS) == pytest.approx(2.649, abs=5e-4)


def test_instability_is_between_0_and_5():
    assert instability(0.0) == 0.0
    assert instability(LAMBENCH_TOLERANCE * 1e-3) == 0.0
    assert instability(1e9) == 5.0


@pytest.mark.parametrize("drift", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_not_stable(drift):
    with pytest.raises(ValueError, match="expected a finite number"):
        instability(drift)


def test_an_atom_is_lone_when_no_other_is_near_through_any_boundary():
    chain = Atoms("Ar3", [(0, 0, 0), (3, 0, 0), (3, 9, 0)])
    assert lone_atoms(chain, 5.0).tolist() == [False, False, True]
    chain.set_cell([20, 13, 20])
    chain.set_pbc((False, True, False))
    assert lone_atoms(chain, 5.0).tolist() == [False, False, False]


def test_images_of_itself_keep_no_atom_company():
    assert lone_atoms(bulk("Cu"), 5.0).tolist() == [True]
    assert not lone_atoms(bulk("Cu", cubic=True), 5.0).any()


def test_root_mean_square_displacement_is_over_atoms():
    start = np.zeros((2, 3))
    assert rms_displacement_ang(np.array([(3, 4, 0), (0, 0, 0)]), start) == pytest.approx(np.sqrt(12.5))
