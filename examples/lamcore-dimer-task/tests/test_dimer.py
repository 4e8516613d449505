"""The plugin as lamcore and its users expect it."""

import numpy as np
import pytest
from lamcore_dimer.physics import bond_length_ang

from lamcore.testing import DatasetConformance, TaskConformance, choose


class TestTaskConformance(TaskConformance):
    """Every claim of the kit about tasks, a test each."""

    @pytest.fixture
    def choice(self):
        return choose("task", "dimer")


class TestDatasetConformance(DatasetConformance):
    """Every claim of the kit about datasets, a test each."""

    @pytest.fixture
    def choice(self):
        return choose("dataset", "dimers")


def test_recovers_the_minimum_of_a_parabola_between_grid_points():
    x = np.linspace(0.5, 1.5, 8)
    assert bond_length_ang(x, 3 * (x - 0.987) ** 2) == pytest.approx(0.987, abs=1e-12)


def test_a_curve_without_a_minimum_is_refused():
    with pytest.raises(ValueError, match="no minimum between"):
        bond_length_ang([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
