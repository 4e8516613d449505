"""The plugin as an author would test it."""

import numpy as np
import pytest
from lamcore_dimer.dataset import BOND_LENGTHS_ANG, Dimers
from lamcore_dimer.physics import bond_length_ang
from lamcore_dimer.task import DimerTask

from lamcore import Prediction
from lamcore.aggregate import score_cases
from lamcore.model import Model
from lamcore.records import Record


class Springs(Model):
    """Knows every bond length: E = (r − r_e)²."""

    def evaluate(self, structures):
        energies = [
            (s.get_distance(0, 1) - BOND_LENGTHS_ANG[s.get_chemical_formula("reduce")]) ** 2 for s in structures
        ]
        return [Prediction(energy, np.zeros((2, 3))) for energy in energies]


def test_recovers_the_minimum_of_a_parabola_between_grid_points():
    x = np.linspace(0.5, 1.5, 8)
    assert bond_length_ang(x, 3 * (x - 0.987) ** 2) == pytest.approx(0.987, abs=1e-12)


def test_a_curve_without_a_minimum_is_refused():
    with pytest.raises(ValueError, match="no minimum between"):
        bond_length_ang([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])


def test_a_perfect_model_makes_no_error():
    task, cases, model = DimerTask(n_points=20), list(Dimers().cases()), Springs()
    records = {case.id: Record.done(case.id, task.calculate(case, model), 0.0) for case in cases}
    metrics = task.summarize(score_cases(task, cases, records))
    assert metrics[0].value == pytest.approx(0, abs=1e-12)
    assert metrics[1].value == 1
