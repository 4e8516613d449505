"""A small MACE against every claim of lamcore's conformance kit."""

import pytest

from lamcore.testing import ModelConformance, choose


class TestMace(ModelConformance):
    @pytest.fixture
    def choice(self, checkpoint):
        return choose("model", "mace", checkpoint=str(checkpoint), device="cpu")
