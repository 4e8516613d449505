"""Claims about neighbours, against a search over all pairs and images."""

from itertools import product

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from lamcore_chgnet.graph import bond_graph, join


def pairs_by_brute_force(atoms, cutoff):
    """Sorted (first, second, vector) of all directed pairs within the cut-off."""
    reach = [range(-10, 11) if periodic else (0,) for periodic in atoms.pbc]
    found = []
    for image in product(*reach):
        shift = np.array(image) @ atoms.cell.array
        for i, j in product(range(len(atoms)), repeat=2):
            vector = atoms.positions[j] + shift - atoms.positions[i]
            if 1e-8 < np.linalg.norm(vector) < cutoff:
                found.append((i, j, *vector))
    return ordered(found)


def ordered(rows):
    return np.array(sorted((int(i), int(j), *np.round(vector, 8)) for i, j, *vector in rows)).reshape(-1, 5)


def cases():
    rng = np.random.default_rng(1)
    wire = Atoms(
        "Cu2",
        positions=[[0, 0, 0], [1.0, 2.0, 0.4]],
        cell=[[0, 0, 2.6], [0, 0, 0], [0, 0, 0]],
        pbc=(True, False, False),
    )
    tilted = bulk("Mg")
    tilted.set_cell([[3.2, 0, 0], [-1.6, 2.77, 0.3], [0.8, 0.2, 5.1]], scale_atoms=True)
    outside = bulk("Si")
    outside.positions += [[2, -3, 1], [0, 4, -2]] @ outside.cell.array
    slab = fcc111("Cu", (1, 1, 3), vacuum=5.0)
    slab.pbc = (True, True, False)
    sideways = Atoms(
        "H3", positions=rng.uniform(-3, 3, (3, 3)), cell=[[3, 0, 1], [9, 9, 9], [0, 0, 3.5]], pbc=(True, False, True)
    )
    return {
        "tilted crystal": tilted,
        "atoms outside the cell": outside,
        "slab": slab,
        "slab along other axes, with a slanted box": sideways,
        "wire": wire,
        "molecule": molecule("CH3CH2OH"),
        "linear molecule": molecule("CO2"),
        "one atom": Atoms("Ar"),
    }


@pytest.mark.parametrize("name", cases())
def test_bonds_and_their_reverses_are_all_pairs_within_the_cutoff(name):
    atoms = cases()[name]
    graph = bond_graph(atoms, 6.0, 3.0)
    bonds = list(zip(graph.bonds, graph.bond_vectors, strict=True))
    both_ways = ordered([(i, j, *v) for (i, j), v in bonds] + [(j, i, *-v) for (i, j), v in bonds])
    np.testing.assert_allclose(both_ways, pairs_by_brute_force(atoms, 6.0), atol=1e-7)


@pytest.mark.parametrize("name", cases())
def test_angles_are_all_ordered_pairs_of_short_bonds_at_an_atom(name):
    atoms = cases()[name]
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
    structures = list(cases().values())
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
    for atoms in (bulk("Cu", cubic=True), cases()["tilted crystal"], bulk("NaCl", "rocksalt", a=5.6)):
        theirs = converter(AseAtomsAdaptor.get_structure(atoms))
        ours = bond_graph(atoms, 6.0, 3.0)
        assert len(ours.bonds) == len(theirs.undirected2directed)
        assert len(ours.angle_bonds) == len(theirs.bond_graph)
