"""Small Orb models against every claim of lamcore's conformance kit."""

import pytest

from lamcore.testing import ModelConformance, choose


class TestConservativeOrb(ModelConformance):
    @pytest.fixture
    def choice(self, files):
        architecture = "orb-v3-conservative-inf-omat"
        path = str(files["conservative"])
        return choose("model", "orb", checkpoint=path, architecture=architecture, device="cpu", dtype="float64")


class TestDirectOrb(ModelConformance):
    @pytest.fixture
    def choice(self, files):
        path = str(files["direct"])
        return choose(
            "model", "orb", checkpoint=path, architecture="orb-v3-direct-inf-omat", device="cpu", dtype="float64"
        )
