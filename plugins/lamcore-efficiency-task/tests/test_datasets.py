"""Claims about the ladder of sizes and about folders of trajectories."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io import write
from lamcore_efficiency.datasets.frames import EfficiencyFrames
from lamcore_efficiency.datasets.size_ladder import SizeLadder, materials

from lamcore.errors import ConfigError, DataError, UnknownNameError


def sizes(cases, group):
    return [
        len(case.atoms) * math.prod(case.settings["repeats"])
        for case in cases
        if case.settings["group"] == group and case.settings["measure"] == "time"
    ]


def test_the_ladder_is_the_same_for_every_model_and_has_a_size_to_compare_at():
    cases = list(SizeLadder(["Si", "NaCl", "Cu", "H2O"]).cases())
    assert sizes(cases, "Si") == sizes(cases, "NaCl") == [2, 8, 64, 216, 1000]
    assert sizes(cases, "Cu") == [1, 4, 32, 108, 864]
    assert sizes(cases, "H2O") == [3, 3, 24, 81, 192, 648]
    assert len({case.id for case in cases}) == len(cases)
    compared = [case.id for case in cases if case.settings.get("equal_size")]
    assert compared == ["Si-1000", "NaCl-1000", "Cu-864"]
    small = [case.id for case in cases if case.settings.get("latency")]
    assert small == ["Si-small-2", "NaCl-small-2", "Cu-small-1", "H2O-small-3"]


def test_the_ladder_ends_at_the_largest_size_and_water_reaches_the_size_of_comparison():
    cases = list(SizeLadder(["H2O", "Cu"], max_atoms=9000).cases())
    assert max(sizes(cases, "Cu")) == 4000
    assert max(sizes(cases, "H2O")) == 8232


def test_structures_have_the_densities_of_the_materials():
    # g/cm³ at room temperature
    for name, density in {"Si": 2.329, "NaCl": 2.165, "Cu": 8.96, "H2O": 1.0}.items():
        cell = materials()[name].cell
        assert sum(cell.get_masses()) * 1.66054 / cell.get_volume() == pytest.approx(density, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((["Unobtainium"],), UnknownNameError, "'Unobtainium' is unknown, expected some of Si"),
        (([],), ConfigError, "at least one"),
        ((["Si", "Si"],), ConfigError, "each once"),
        ((["Si"], 50), ConfigError, "max_atoms is 50"),
    ],
)
def test_ladders_that_make_no_sense_are_refused(arguments, error, said):
    with pytest.raises(error, match=said):
        SizeLadder(*arguments)


@pytest.fixture
def folder(tmp_path):
    """Two files of the same name in different folders, one of them with constraints and labels."""
    slab = fcc111("Cu", (2, 2, 3), vacuum=6.0)
    slab.pbc = True
    slab.set_constraint(FixAtoms([0]))
    slab.calc = EMT()
    slab.get_potential_energy()
    for name, frames in (("a/x.traj", [bulk("Cu")] * 25), ("b/x.traj", [slab] * 9)):
        (tmp_path / name).parent.mkdir()
        write(tmp_path / name, frames)
    return tmp_path


def test_frames_are_read_file_by_file_with_the_first_tenth_to_warm_up(folder):
    cases = list(EfficiencyFrames(folder).cases())
    assert [case.id for case in cases[::25]] == ["a/x.traj#0", "b/x.traj#0"]
    assert len(cases) == 34
    warm_up = [case.id for case in cases if case.settings["warm_up"]]
    assert warm_up == ["a/x.traj#0", "a/x.traj#1"]
    slab = cases[-1].atoms
    assert slab.calc is None
    assert not slab.constraints
    np.testing.assert_array_equal(slab.pbc, True)


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "not a trajectory"), (b"- of Ulmno trajectory", "not a trajectory")]
)
def test_a_damaged_file_is_named(tmp_path, content, said):
    (tmp_path / "bad.traj").write_bytes(content)
    with pytest.raises(DataError, match=rf"bad\.traj: {said}"):
        list(EfficiencyFrames(tmp_path).cases())


def test_a_file_that_is_cut_off_is_named(folder):
    file = folder / "a" / "x.traj"
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"x\.traj: not a trajectory of ASE, or cut off"):
        list(EfficiencyFrames(folder).cases())


def test_folders_that_are_none_say_what_is_expected(tmp_path):
    with pytest.raises(DataError, match=r"name it with dataset\.path"):
        EfficiencyFrames(None)
    with pytest.raises(DataError, match="no such folder"):
        EfficiencyFrames(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no \.traj file"):
        EfficiencyFrames(tmp_path)
    with pytest.raises(ConfigError, match="max_atoms is 0"):
        EfficiencyFrames(tmp_path, max_atoms=0)
