"""The torsion task and its carried dataset against every claim of lamcore's conformance kit."""

import pytest

from lamcore.testing import DatasetConformance, TaskConformance, choose


class TestTorsion(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "torsion")


class TestRelaxedTorsion(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "torsion", mode="relaxed")


class TestLambenchTorsion(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "torsion", protocol="lambench")


class TestSmallTorsions(DatasetConformance):
    @pytest.fixture
    def choice(self):
        return choose("dataset", "small-torsions")
