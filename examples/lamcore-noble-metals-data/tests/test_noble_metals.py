"""The plugin as lamcore and its users expect it."""

import pytest

from lamcore.errors import DataError
from lamcore.testing import DatasetConformance, choose


class TestConformance(DatasetConformance):
    """Every claim of the kit, a test each."""

    @pytest.fixture
    def choice(self):
        return choose("dataset", "noble-metals")


def test_crystals_have_the_volume_of_their_reference():
    for case in choose("dataset", "noble-metals").build().cases():
        assert case.atoms.get_volume() == pytest.approx(case.reference["volume_ang3_per_atom"])


def test_another_file_in_its_place_is_refused(tmp_path):
    (tmp_path / "crystals.csv").write_text("symbol\nCu\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"is not crystals\.csv"):
        choose("dataset", "noble-metals", path=str(tmp_path)).build()
