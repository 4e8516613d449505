"""The plugin as an author would test it."""

import numpy as np
import pytest
from ase import Atoms

from lamcore.adapters import as_model
from lamcore.registry import load_registry


@pytest.fixture
def offer():
    return load_registry().get("model", "morse")


def test_it_is_found_by_name_with_its_options(offer):
    assert list(offer.options()) == ["epsilon_ev", "r0_ang", "rho0"]


def test_the_well_is_where_and_as_deep_as_the_options_say(offer):
    model = as_model(offer.spec.build(epsilon_ev=0.5, r0_ang=2.0), "morse")
    near, bottom, far = model.evaluate([Atoms("Cu2", [[0, 0, 0], [0, 0, z]]) for z in (1.95, 2.0, 2.05)])
    assert bottom.energy == pytest.approx(-0.5, abs=1e-3)  # shifted to zero at the cut-off
    assert near.energy > bottom.energy < far.energy
    np.testing.assert_allclose(bottom.forces, 0, atol=1e-10)
