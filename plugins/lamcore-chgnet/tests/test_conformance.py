"""CHGNet against every claim of lamcore's conformance kit, in both floating-point types."""

import pytest

from lamcore.testing import ModelConformance, choose


class TestChgnet030(ModelConformance):
    @pytest.fixture
    def choice(self):
        return choose("model", "chgnet", device="cpu")


class TestChgnet030InDoublePrecision(ModelConformance):
    @pytest.fixture
    def choice(self):
        return choose("model", "chgnet", device="cpu", dtype="float64")
