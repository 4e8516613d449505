"""Claims about putting structures together and filling them up."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from lamcore_deepmd.frames import LARGEST_SHARE_OF_VIRTUAL_ATOMS, VIRTUAL, alike, frames

from lamcore.errors import UnsupportedStructureError


def of_sizes(*sizes):
    return [Atoms(f"Cu{n}", cell=[9, 9, 9], pbc=True) for n in sizes]


def test_every_structure_is_in_one_call_and_no_call_is_filled_up_by_more_than_a_quarter():
    sizes = np.random.default_rng(2).integers(1, 200, 60)
    groups = alike(of_sizes(*sizes))
    assert sorted(i for group in groups for i in group) == list(range(60))
    for group in groups:
        assert min(sizes[group]) >= (1 - LARGEST_SHARE_OF_VIRTUAL_ATOMS) * max(sizes[group])


def test_structures_of_one_size_share_a_call_whatever_their_elements_and_order():
    structures = [molecule("H2O"), molecule("CO2"), molecule("H2O")[[2, 1, 0]]]
    assert alike(structures) == [[0, 1, 2]]


def test_periodic_structures_and_molecules_do_not_share_a_call():
    assert sorted(alike([bulk("Cu", cubic=True), Atoms("Cu4"), bulk("Al", cubic=True)])) == [[0, 2], [1]]


def test_no_structures_are_no_calls():
    assert alike([]) == []


def test_frames_hold_each_structure_and_virtual_atoms_after_it():
    small, large = bulk("Cu", cubic=True)[:3], bulk("NaCl", "rocksalt", a=5.6, cubic=True)[:4]
    batch = frames([small, large], {"Na": 0, "Cu": 5, "Cl": 2}, cutoff_ang=4.0)
    np.testing.assert_array_equal(batch.types, [[5, 5, 5, VIRTUAL], [0, 2, 0, 2]])
    np.testing.assert_array_equal(batch.positions[0], [*small.positions, [0, 0, 0]])
    np.testing.assert_array_equal(batch.positions[1], large.positions)
    np.testing.assert_array_equal(batch.cells, [small.cell.array, large.cell.array])


def test_molecules_have_no_cells_also_in_a_box():
    boxed = molecule("H2O")
    boxed.set_cell([3, 3, 3])
    assert frames([boxed], {"H": 0, "O": 1}, cutoff_ang=4.0).cells is None


def test_a_degenerate_cell_is_refused():
    with pytest.raises(UnsupportedStructureError, match="linearly independent"):
        frames([Atoms("Cu", cell=[3, 3, 0], pbc=True)], {"Cu": 0}, cutoff_ang=4.0)
