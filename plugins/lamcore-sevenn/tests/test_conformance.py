"""SevenNet against every claim of lamcore's conformance kit, in both floating-point types."""

import pytest

from lamcore.testing import ModelConformance, choose


class TestSevenNet0(ModelConformance):
    @pytest.fixture
    def choice(self):
        return choose("model", "sevennet", device="cpu")


class TestSevenNet0InDoublePrecision(ModelConformance):
    @pytest.fixture
    def choice(self):
        return choose("model", "sevennet", device="cpu", dtype="float64")
