"""Claims about structures to start from."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.constraints import FixAtoms
from ase.io import write
from ase.neighborlist import neighbor_list
from lamcore_md.datasets.nine_systems import RUTILE_A_ANG, NineSystems
from lamcore_md.datasets.structures import Structures

from lamcore.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def nine():
    return {case.id: case.atoms for case in NineSystems().cases()}


def test_there_are_nine_of_all_kinds(nine):
    kinds = [int(atoms.pbc.sum()) for atoms in nine.values()]
    assert sorted(kinds) == [0, 0, 0, 2, 3, 3, 3, 3, 3]
    assert all(3 <= len(atoms) <= 40 for atoms in nine.values())
    assert not any(atoms.cell.any() for atoms in nine.values() if not atoms.pbc.any())


@pytest.mark.parametrize(
    ("name", "bond_ang", "n_neighbours"),
    [
        ("silicon", 5.43 * np.sqrt(3) / 4, 4),
        ("sodium-chloride", 2.82, 6),
        ("copper", 3.61 / np.sqrt(2), 12),
        ("tungsten", 3.16 * np.sqrt(3) / 2, 8),
    ],
)
def test_crystals_have_the_bonds_of_their_prototype(nine, name, bond_ang, n_neighbours):
    centres, distances = neighbor_list("id", nine[name], bond_ang * 1.01)
    assert distances == pytest.approx(bond_ang)
    assert np.bincount(centres).tolist() == [n_neighbours] * len(nine[name])


def test_rutile_has_octahedra_of_published_bond_lengths(nine):
    """Four Ti–O bonds of 1.949 Å and two of 1.980 Å at 295 K (Burdett et al. 1987)."""
    rutile = nine["rutile"]
    titanium = np.flatnonzero(rutile.symbols == "Ti")
    centres, distances = neighbor_list("id", rutile, 2.1)
    for atom in titanium:
        assert sorted(distances[centres == atom]) == pytest.approx([1.949] * 4 + [1.980] * 2, abs=2e-3)
    assert rutile.cell.lengths()[0] == RUTILE_A_ANG


def test_the_slab_is_open_on_both_sides_and_holds_on_to_nothing(nine):
    slab = nine["aluminium-slab"]
    heights = np.unique(slab.positions[:, 2].round(6))
    assert np.diff(heights) == pytest.approx([4.05 / np.sqrt(3)] * 3)
    assert slab.cell[2, 2] - np.ptp(heights) == pytest.approx(16)
    assert not slab.constraints


def test_replicas_are_trajectories_of_their_own_after_all_first_ones():
    cases = list(NineSystems(replicas=2).cases())
    assert [case.id for case in cases[:9]] == [case.id for case in NineSystems().cases()]
    assert [case.id for case in cases[9:]] == [f"{case.id}~2" for case in cases[:9]]
    assert [case.settings["system"] for case in cases[9:]] == [case.id for case in cases[:9]]
    with pytest.raises(ConfigError, match=r"dataset\.replicas is 0"):
        NineSystems(replicas=0)


def test_a_folder_is_read_file_by_file_in_the_order_of_names(tmp_path):
    write(tmp_path / "b.cif", bulk("NaCl", "rocksalt", a=5.64))
    write(tmp_path / "a.extxyz", [molecule("H2O"), bulk("Cu", cubic=True)])
    (tmp_path / ".hidden").write_text("no structure")
    (tmp_path / "folder").mkdir()
    cases = list(Structures(tmp_path).cases())
    assert [case.id for case in cases] == ["a.extxyz#1", "a.extxyz#2", "b.cif"]
    assert [case.atoms.get_chemical_formula() for case in cases] == ["H2O", "Cu4", "ClNa"]
    assert sorted(Structures(tmp_path).files) == ["a.extxyz", "b.cif"]


def test_what_the_physics_needs_is_kept_and_the_rest_is_not(tmp_path):
    atoms = Atoms("OH", [(0, 0, 0), (0, 0, 0.97)], info={"charge": -1, "energy_label": 3.0})
    atoms.set_masses([15.995, 2.014])
    atoms.set_momenta(np.ones((2, 3)))
    atoms.set_constraint(FixAtoms([0]))
    write(tmp_path / "one.traj", atoms)
    (case,) = Structures(tmp_path / "one.traj").cases()
    read = case.atoms
    assert read.info == {"charge": -1}
    assert read.get_masses().tolist() == [15.995, 2.014]
    assert not read.constraints
    assert "momenta" not in read.arrays


def test_wrong_paths_and_files_say_what_is_expected(tmp_path):
    with pytest.raises(DataError, match=r"name it with dataset\.path=…"):
        Structures(None)
    with pytest.raises(DataError, match="nowhere: not found"):
        Structures(tmp_path / "nowhere")
    with pytest.raises(DataError, match="the folder has no files"):
        Structures(tmp_path)
    (tmp_path / "notes.extxyz").write_text("3\nthis stops\nCu 0 0 0\n")
    with pytest.raises(DataError, match=r"notes\.extxyz: ASE cannot read it"):
        list(Structures(tmp_path).cases())


def test_a_site_that_two_elements_share_is_refused(tmp_path):
    (tmp_path / "alloy.cif").write_text(
        "data_alloy\n_cell_length_a 3.6\n_cell_length_b 3.6\n_cell_length_c 3.6\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\nloop_\n_atom_site_label\n"
        "_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n"
        "Cu1 Cu 0 0 0 0.5\nAu1 Au 0 0 0 0.5\n"
    )
    with pytest.raises(DataError, match="expected one atom a site; give an ordered structure"):
        list(Structures(tmp_path).cases())


def test_real_files_of_several_formats_are_read(reference_data, tmp_path):
    folder = reference_data / "md_start_structures"
    for path in folder.iterdir():
        if path.suffix in (".extxyz", ".cif", ".pdb"):
            (tmp_path / path.name).symlink_to(path)
    cases = {case.id: case.atoms for case in Structures(tmp_path).cases()}
    assert len(cases) == 7
    assert cases["H256O128.extxyz"].get_chemical_formula() == "H256O128"
    assert not cases["trpcage.pdb"].pbc.any()
    assert cases["MOF-5.cif"].pbc.all()
