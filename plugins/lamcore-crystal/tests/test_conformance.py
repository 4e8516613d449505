"""The task and its datasets against every claim of lamcore's conformance kit."""

from __future__ import annotations

import pytest
from lamcore_crystal.datasets.demo import write_demo

from lamcore.testing import DatasetConformance, TaskConformance, choose


class TestCrystal(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "crystal", fmax=0.05)


class TestDemoCrystals(DatasetConformance):
    @pytest.fixture
    def choice(self):
        return choose("dataset", "demo-crystals")


class TestCrystals(DatasetConformance):
    @pytest.fixture
    def choice(self, tmp_path):
        write_demo(tmp_path / "files")
        (tmp_path / "files" / "overlapping.cif").unlink()  # it is there to be refused
        return choose("dataset", "crystals", path=tmp_path / "files")
