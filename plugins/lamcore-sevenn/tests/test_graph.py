"""Claims about neighbours, against a search over all pairs and images."""

import numpy as np
import pytest
from lamcore_sevenn.graph import batch_graph

from lamcore.testing.neighbours import awkward_cells, ordered, pairs_by_brute_force


@pytest.mark.parametrize("name", awkward_cells())
def test_edges_are_all_pairs_within_the_cutoff(name):
    atoms = awkward_cells()[name]
    graph = batch_graph([atoms], 5.0)
    edges = ordered([(i, j, *v) for (i, j), v in zip(graph.edges.T, graph.edge_vectors, strict=True)])
    np.testing.assert_allclose(edges, pairs_by_brute_force(atoms, 5.0), atol=1e-7)


def test_a_batch_joins_the_graphs_and_no_edge_crosses():
    structures = list(awkward_cells().values())
    graph = batch_graph(structures, 5.0)
    owner = np.repeat(np.arange(len(structures)), graph.n_atoms)
    np.testing.assert_array_equal(owner[graph.edges[0]], owner[graph.edges[1]])
    each = [batch_graph([atoms], 5.0) for atoms in structures]
    assert graph.edges.shape[1] == sum(one.edges.shape[1] for one in each)
    np.testing.assert_array_equal(graph.numbers, np.concatenate([atoms.numbers for atoms in structures]))
    np.testing.assert_allclose(graph.edge_vectors, np.concatenate([one.edge_vectors for one in each]))
