"""Claims about neighbours, against a search over all pairs and images."""

from itertools import product

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from lamcore_mace.graph import batch_graph


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


def edge_vectors(graph):
    centres, neighbours = graph.edges
    return graph.positions[neighbours] - graph.positions[centres] + graph.shifts


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
def test_edges_are_all_pairs_within_the_cutoff(name):
    atoms = cases()[name]
    graph = batch_graph([atoms], 5.0)
    edges = ordered([(i, j, *v) for (i, j), v in zip(graph.edges.T, edge_vectors(graph), strict=True)])
    np.testing.assert_allclose(edges, pairs_by_brute_force(atoms, 5.0), atol=1e-7)


def test_a_batch_joins_the_graphs_and_no_edge_crosses():
    structures = list(cases().values())
    graph = batch_graph(structures, 5.0)
    owner = np.repeat(np.arange(len(structures)), graph.n_atoms)
    np.testing.assert_array_equal(owner[graph.edges[0]], owner[graph.edges[1]])
    each = [batch_graph([atoms], 5.0) for atoms in structures]
    assert graph.edges.shape[1] == sum(one.edges.shape[1] for one in each)
    np.testing.assert_array_equal(graph.numbers, np.concatenate([atoms.numbers for atoms in structures]))
    np.testing.assert_allclose(edge_vectors(graph), np.concatenate([edge_vectors(one) for one in each]))
    shifts = np.einsum("ei,eij->ej", graph.unit_shifts, graph.cells[owner[graph.edges[0]]])
    np.testing.assert_allclose(graph.shifts, shifts, atol=1e-12)
