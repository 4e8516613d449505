"""The plugin as lamcore and its users expect it."""

import numpy as np
import pytest
from ase import Atoms

from lamcore.testing import ModelConformance, choose


class TestConformance(ModelConformance):
    """Every claim of the kit, a test each."""

    @pytest.fixture
    def choice(self):
        return choose("model", "morse")


def test_the_well_is_where_and_as_deep_as_the_options_say():
    model = choose("model", "morse", depth_ev=0.5, bond_ang=2.0).build()
    near, bottom, far = model.evaluate([Atoms("Cu2", [[0, 0, 0], [0, 0, z]]) for z in (1.95, 2.0, 2.05)])
    assert bottom.energy == pytest.approx(-0.5, abs=1e-12)
    assert near.energy > bottom.energy < far.energy
    np.testing.assert_allclose(bottom.forces, 0, atol=1e-12)
