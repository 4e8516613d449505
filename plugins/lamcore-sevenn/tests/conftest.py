"""One build of each model for all tests, and structures of every kind."""

import pytest
from lamcore_sevenn.build import build_sevennet

from lamcore.testing.fixtures import crystals, mix, molecules, slab, without_edges  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def model():
    """Built before any test imports sevenn itself, whose first import warns; the builder keeps that to itself."""
    return build_sevennet(device="cpu")


@pytest.fixture(scope="session")
def precise():
    """The same model in double precision, in which derivatives can be checked to seven digits."""
    return build_sevennet(device="cpu", dtype="float64")


@pytest.fixture(scope="session")
def package_calculator():
    from sevenn.calculator import SevenNetCalculator

    with pytest.warns(UserWarning, match="No tensor product accelerator"):
        return SevenNetCalculator("7net-0", device="cpu")
