"""Claims about neighbours, against a search over all pairs and images."""

import numpy as np
import pytest
from ase.build import bulk
from lamcore_chgnet.graph import bond_graph, join

from lamcore.testing.neighbours import awkward_cells, ordered, pairs_by_brute_force


@pytest.mark.parametrize("name", awkward_cells())
def test_bonds_and_their_reverses_are_all_pairs_within_the_cutoff(name):
    atoms = awkward_cells()[name]
    graph = bond_graph(atoms, 6.0, 3.0)
    bonds = list(zip(graph.bonds, graph.bond_vectors, strict=True))
    both_ways = ordered([(i, j, *v) for (i, j), v in bonds] + [(j, i, *-v) for (i, j), v in bonds])
    np.testing.assert_allclose(both_ways, pairs_by_brute_force(atoms, 6.0), atol=1e-7)


@pytest.mark.parametrize("name", awkward_cells())
def test_angles_are_all_ordered_pairs_of_short_bonds_at_an_atom(name):
    atoms = awkward_cells()[name]
    graph = bond_graph(atoms, 6.0, 3.0)
    pairs = pairs_by_brute_force(atoms, 3.0)
    expected = []
    for centre in range(len(atoms)):
        around = pairs[pairs[:, 0] == centre, 2:]
        expected += [(centre, *a, *b) for i, a in enumerate(around) for j, b in enumerate(around) if i != j]
    away = graph.bond_vectors[graph.angle_bonds] * graph.angle_signs[:, :, None]
    found = [(centre, *a, *b) for centre, (a, b) in zip(graph.angle_centres, away, strict=True)]
    as_array = [
        np.array(sorted(tuple(np.round(row, 6) + 0.0) for row in rows)).reshape(-1, 7) for rows in (found, expected)
    ]
    np.testing.assert_allclose(as_array[0], as_array[1], atol=2e-6)


def test_a_batch_joins_the_graphs_and_no_bond_or_angle_crosses():
    structures = list(awkward_cells().values())
    each = [bond_graph(atoms, 6.0, 3.0) for atoms in structures]
    graph = join(each)
    atom_owner = np.repeat(np.arange(len(each)), [len(one.numbers) for one in each])
    bond_owner = np.repeat(np.arange(len(each)), [len(one.bonds) for one in each])
    np.testing.assert_array_equal(atom_owner[graph.bonds], np.stack((bond_owner, bond_owner), axis=1))
    np.testing.assert_array_equal(
        bond_owner[graph.angle_bonds], atom_owner[graph.angle_centres][:, None].repeat(2, axis=1)
    )
    assert len(graph.angle_bonds) == sum(len(one.angle_bonds) for one in each)


def test_the_graph_has_as_many_bonds_and_angles_as_the_package_makes():
    from chgnet.graph import CrystalGraphConverter
    from pymatgen.io.ase import AseAtomsAdaptor

    converter = CrystalGraphConverter(atom_graph_cutoff=6, bond_graph_cutoff=3)
    for atoms in (bulk("Cu", cubic=True), awkward_cells()["tilted crystal"], bulk("NaCl", "rocksalt", a=5.6)):
        theirs = converter(AseAtomsAdaptor.get_structure(atoms))
        ours = bond_graph(atoms, 6.0, 3.0)
        assert len(ours.bonds) == len(theirs.undirected2directed)
        assert len(ours.angle_bonds) == len(theirs.bond_graph)
