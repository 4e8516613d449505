"""SevenNet against every claim of lamcore's conformance kit."""

import pytest

from lamcore.testing import ModelConformance, choose


class TestSevenNet0(ModelConformance):
    @pytest.fixture
    def choice(self):
        return choose("model", "sevennet", device="cpu")
