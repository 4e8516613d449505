"""Small DeePMD models against every claim of lamcore's conformance kit."""

import pytest

from lamcore.testing import ModelConformance, choose


class TestTrainedModel(ModelConformance):
    @pytest.fixture
    def choice(self, trained):
        return choose("model", "deepmd", checkpoint=str(trained / "model.ckpt-200.pt"), device="cpu")


class TestAttention(ModelConformance):
    @pytest.fixture
    def choice(self, make_checkpoint):
        return choose("model", "deepmd", checkpoint=str(make_checkpoint("dpa1")), device="cpu")
