"""Small DeePMD models against every claim of lamcore's conformance kit."""

from typing import ClassVar

import pytest

from lamcore.testing import ModelConformance, choose


class TestTrainedModel(ModelConformance):
    @pytest.fixture
    def choice(self, trained):
        return choose("model", "deepmd", checkpoint=str(trained / "model.ckpt-200.pt"), device="cpu")


class TestEmbeddingOfPairs(ModelConformance):
    known_failures: ClassVar = {
        "every_element_of_the_scope_is_computed": (
            "sel keeps 40 neighbours of an element: of more, rounding decides which of those equally far are dropped"
        )
    }

    @pytest.fixture
    def choice(self, make_checkpoint):
        return choose("model", "deepmd", checkpoint=str(make_checkpoint("se_e2_a")), device="cpu")


class TestAttention(ModelConformance):
    @pytest.fixture
    def choice(self, make_checkpoint):
        return choose("model", "deepmd", checkpoint=str(make_checkpoint("dpa1")), device="cpu")


class TestDpa3(ModelConformance):
    @pytest.fixture
    def choice(self, make_checkpoint):
        return choose("model", "deepmd", checkpoint=str(make_checkpoint("dpa3")), device="cpu")


class TestDpa4(ModelConformance):
    @pytest.fixture
    def choice(self, make_checkpoint):
        return choose("model", "deepmd", checkpoint=str(make_checkpoint("dpa4")), device="cpu")
