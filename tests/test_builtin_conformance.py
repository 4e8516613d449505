"""What comes with lamcore, against every claim of the conformance kit."""

from typing import ClassVar

import pytest

from lamcore.testing import DatasetConformance, ModelConformance, TaskConformance, choose


class TestEmt(ModelConformance):
    @pytest.fixture
    def choice(self):
        return choose("model", "emt")


class TestLennardJones(ModelConformance):
    @pytest.fixture
    def choice(self):
        return choose("model", "lj")


class TestLennardJonesThatIsNotSmooth(ModelConformance):
    known_failures: ClassVar = {
        "energy_and_force_are_smooth_across_the_cutoff": "smooth=false shifts the energy, not the force"
    }

    @pytest.fixture
    def choice(self):
        return choose("model", "lj", smooth=False, cutoff_ang=7.0)


class TestEos(TaskConformance):
    @pytest.fixture
    def choice(self):
        return choose("task", "eos")

    @pytest.fixture
    def model(self):
        return choose("model", "emt").build()


class TestDcdft(DatasetConformance):
    @pytest.fixture
    def choice(self):
        return choose("dataset", "dcdft")
