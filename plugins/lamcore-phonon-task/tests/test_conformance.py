"""The phonon task and its carried dataset against every claim of lamcore's conformance kit."""

import pytest

from lamcore.testing import DatasetConformance, TaskConformance, choose


class TestPhonon(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "phonon")


class TestPhononCubic(DatasetConformance):
    @pytest.fixture
    def choice(self):
        return choose("dataset", "phonon-cubic")
