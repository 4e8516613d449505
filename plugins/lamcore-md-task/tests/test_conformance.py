"""The task and its datasets against every claim of lamcore's conformance kit."""

import pytest
from ase.build import bulk

from lamcore.testing import DatasetConformance, TaskConformance, choose


class TestNve(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "nve", n_steps=20, reversal_steps=5)


class TestNineSystems(DatasetConformance):
    @pytest.fixture
    def choice(self):
        return choose("dataset", "nine-systems")


class TestStructures(DatasetConformance):
    @pytest.fixture
    def choice(self, tmp_path):
        bulk("NaCl", "rocksalt", a=5.64).write(tmp_path / "salt.cif")
        return choose("dataset", "structures", path=tmp_path, replicas=2)
