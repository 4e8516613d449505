"""The task and its datasets against every claim of lamcore's conformance kit."""

import pytest
from ase.io import write

from lamcore.testing import DatasetConformance, TaskConformance, choose


class TestForcefield(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "forcefield")


class TestForcefieldAsLambench(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "forcefield", protocol="lambench")


class TestSmallMolecules(DatasetConformance):
    @pytest.fixture
    def choice(self):
        return choose("dataset", "small-molecules")


class TestFrames(DatasetConformance):
    @pytest.fixture
    def choice(self, tmp_path):
        frames = [case.structures[0] for case in choose("dataset", "small-molecules").build().cases()][:4]
        for atoms in frames:
            atoms.info["energy"] = 1.0
            atoms.set_array("forces", atoms.arrays.pop("reference_forces"))
        write(tmp_path / "frames.extxyz", frames)
        return choose("dataset", "frames", path=tmp_path / "frames.extxyz")
