"""Small Orb models against every claim of lamcore's conformance kit."""

from typing import ClassVar

import pytest

from lamcore.testing import ModelConformance, choose

DIRECTIONS = "random weights have not learnt that directions do not matter; nothing in the network makes it so"


def small(files, kind, architecture):
    path = str(files[kind])
    return choose("model", "orb", checkpoint=path, architecture=architecture, device="cpu", dtype="float64")


class TestConservativeOrb(ModelConformance):
    known_failures: ClassVar = {"net_torque_is_zero": DIRECTIONS, "a_dimer_is_pulled_along_its_axis": DIRECTIONS}

    @pytest.fixture
    def choice(self, files):
        return small(files, "conservative", "orb-v3-conservative-inf-omat")


class TestConservativeOrbOfMolecules(ModelConformance):
    known_failures: ClassVar = {
        "net_torque_is_zero": DIRECTIONS,
        "a_dimer_is_pulled_along_its_axis": DIRECTIONS,
        "energy_is_extensive": (
            "unless told, a cell with an odd number of electrons is taken for a doublet and two of them for a singlet"
        ),
    }

    @pytest.fixture
    def choice(self, files):
        return small(files, "molecules", "orb-v3-conservative-omol")


class TestDirectOrb(ModelConformance):
    known_failures: ClassVar = {
        "an_open_direction_is_a_wide_periodic_one": (
            "the package takes the net torque off the forces of what is not periodic, and of nothing else"
        ),
        "direct_forces_follow_the_energy": "random weights",
    }

    @pytest.fixture
    def choice(self, files):
        return small(files, "direct", "orb-v3-direct-inf-omat")
