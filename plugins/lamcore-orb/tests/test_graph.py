"""Claims about edges."""

import numpy as np
import pytest
import torch
from ase.build import bulk, molecule
from lamcore_orb.graph import batch_graph


def rows(senders, receivers, vectors):
    """Edges in an order of their own, for comparison."""
    table = np.column_stack((senders, receivers, np.round(vectors, 6)))
    return table[np.lexsort(table.T)]


def packages_edges(atoms, max_neighbours):
    """What orb-models itself makes of a structure, in double precision."""
    from orb_models.forcefield.atomic_system import SystemConfig, ase_atoms_to_atom_graphs

    graph = ase_atoms_to_atom_graphs(
        atoms,
        SystemConfig(6.0, max_neighbours),
        wrap=False,
        device=torch.device("cpu"),
        output_dtype=torch.float64,
        graph_construction_dtype=torch.float64,
    )
    return rows(graph.senders.numpy(), graph.receivers.numpy(), graph.edge_features["vectors"].numpy())


# orb-models makes arrays of tensors in a way that numpy warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("max_neighbours", [20, 120])
def test_edges_are_those_of_the_package(crystals, molecules, max_neighbours):
    for atoms in [*crystals, *molecules, crystals[0].repeat((2, 1, 2))]:
        graph = batch_graph([atoms], 6.0, max_neighbours)
        np.testing.assert_allclose(
            rows(*graph.edges, graph.edge_vectors), packages_edges(atoms, max_neighbours), atol=2e-6
        )


def test_an_atom_has_edges_to_its_nearest_neighbours_and_to_no_more(crystals):
    everything = batch_graph(crystals, 6.0, 10_000)
    nearest = batch_graph(crystals, 6.0, 20)
    for atom in range(len(everything.numbers)):
        lengths = [
            np.sort(np.linalg.norm(graph.edge_vectors[graph.edges[0] == atom], axis=1))
            for graph in (everything, nearest)
        ]
        assert len(lengths[0]) > 20
        np.testing.assert_allclose(lengths[1], lengths[0][:20])


def test_a_batch_joins_the_graphs_and_no_edge_crosses(mix):
    graph = batch_graph(mix, 6.0, 20)
    owner = np.repeat(np.arange(len(mix)), graph.n_atoms)
    np.testing.assert_array_equal(owner[graph.edges[0]], owner[graph.edges[1]])
    each = [batch_graph([atoms], 6.0, 20) for atoms in mix]
    np.testing.assert_array_equal(graph.n_edges, [one.edges.shape[1] for one in each])
    np.testing.assert_array_equal(graph.numbers, np.concatenate([atoms.numbers for atoms in mix]))
    np.testing.assert_allclose(graph.edge_vectors, np.concatenate([one.edge_vectors for one in each]))


def test_a_box_around_a_molecule_makes_no_cell_and_no_images():
    boxed = molecule("H2O", vacuum=1.0)
    graph = batch_graph([boxed], 6.0, 120)
    np.testing.assert_array_equal(graph.cells, np.zeros((1, 3, 3)))
    assert graph.n_edges == [6]


def test_a_left_handed_cell_is_turned_into_one_of_the_same_volume():
    silicon = bulk("Si", cubic=True)
    silicon.set_cell(silicon.cell.array[[1, 0, 2]])
    assert np.linalg.det(silicon.cell.array) < 0
    assert np.linalg.det(batch_graph([silicon], 6.0, 120).cells[0]) == pytest.approx(silicon.get_volume())
