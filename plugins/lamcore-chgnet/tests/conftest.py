"""One build of each model for all tests, and structures of every kind."""

import pytest
from lamcore_chgnet.build import build_chgnet

from lamcore.testing.fixtures import crystals, mix, molecules, slab, without_edges  # noqa: F401


@pytest.fixture(scope="session")
def model():
    return build_chgnet(device="cpu")


@pytest.fixture(scope="session")
def precise():
    """The same model in double precision, in which derivatives can be checked to seven digits."""
    return build_chgnet(device="cpu", dtype="float64")


@pytest.fixture(scope="session")
def package_calculator():
    from chgnet.model.dynamics import CHGNetCalculator

    return CHGNetCalculator(use_device="cpu")
