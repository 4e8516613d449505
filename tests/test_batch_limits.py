"""Batches grow where it pays, shrink where it does not, and stay within memory."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from lamcore.batch_limits import BatchLimits, graph_size


def settle(seconds_of, n=60):
    """The target after computing `n` full batches whose time is `seconds_of(size)`."""
    limits = BatchLimits()
    for _ in range(n):
        limits.observe(limits.target * 0.9, seconds_of(limits.target * 0.9))
    return limits.target


def test_grows_to_where_a_fixed_cost_per_batch_no_longer_matters():
    target = settle(lambda size: 1.0 + 0.001 * size)
    assert 8_000 < target < 70_000  # at 1000 the fixed cost is half, at 16384 it is 6 %


def test_stays_small_where_large_batches_are_slower_per_atom():
    target = settle(lambda size: 0.01 + 0.001 * size * (1 + (size / 500) ** 2))
    assert target <= 512


def test_never_asks_for_more_than_half_of_what_ran_out_of_memory():
    limits = BatchLimits()
    for _ in range(40):
        if limits.target > 1000:
            limits.shrink(limits.target)
        else:
            limits.observe(limits.target, 1.0)
    assert limits.target <= 1024


def test_the_first_batch_which_includes_warming_up_is_not_learned_from():
    limits = BatchLimits()
    before = limits.target
    limits.observe(1.0, 1e6)
    assert limits.target == before


def test_packing_keeps_order_and_loses_nothing():
    limits = BatchLimits(max_atoms=10)
    n_atoms = [4, 4, 4, 25, 1, 9, 1]
    for _ in range(20):  # leave the learned limit far above the user's
        limits.observe(1e4, 1.0)
    batches = list(limits.pack([float(n) for n in n_atoms], n_atoms))
    assert [index for batch in batches for index in range(len(n_atoms))[batch]] == list(range(len(n_atoms)))
    assert [n_atoms[batch] for batch in batches] == [[4, 4], [4], [25], [1, 9], [1]]


def test_a_structure_above_the_limit_goes_alone_and_is_not_refused():
    assert list(BatchLimits(max_atoms=1).pack([500.0, 500.0], [64, 64])) == [slice(0, 1), slice(1, 2)]


def test_the_estimated_edges_of_a_crystal_are_those_of_a_neighbour_search():
    from ase.neighborlist import neighbor_list

    atoms = bulk("Cu", cubic=True) * 2
    counted = len(neighbor_list("i", atoms, 6.0))
    assert graph_size(atoms, 6.0) == pytest.approx(len(atoms) + counted, rel=0.1)


def test_size_without_a_cutoff_is_the_number_of_atoms():
    assert graph_size(molecule("C2H6"), None) == 8


def test_a_molecule_has_no_more_edges_than_pairs():
    assert graph_size(molecule("H2O"), 6.0) <= 3 + 3 * 2
    assert graph_size(Atoms("H", cell=np.eye(3) * 20), 6.0) == 1


def test_memory_that_was_short_for_a_while_is_tried_again_later():
    limits = BatchLimits()
    limits.shrink(10.0)
    for _ in range(6000):
        limits.observe(4.0, 1.0)
    assert limits._ceiling > 100


def test_packing_many_structures_is_quick_and_learns_on_the_way():
    limits = BatchLimits(max_atoms=1)
    assert sum(1 for _ in limits.pack([1.0] * 20_000, [1] * 20_000)) == 20_000
