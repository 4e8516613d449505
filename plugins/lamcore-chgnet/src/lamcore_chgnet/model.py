"""A CHGNet checkpoint as a batched lamcore model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ase.data import chemical_symbols
from chgnet.model.model import BatchedGraph
from torch import Tensor

from lamcore import Model, Prediction, Scope
from lamcore_chgnet.graph import BondGraph, bond_graph, join

if TYPE_CHECKING:
    from ase import Atoms
    from chgnet.model.model import CHGNet
    from numpy.typing import NDArray

NOT_IN_TRAINING_DATA = frozenset(("Po", "At", "Rn", "Fr", "Ra"))
"""Elements that have a row in every CHGNet's embedding but no structure in MPtrj."""

_NO_ENERGY_EV = 1e-6
"""Reference energies come from least squares, which leaves rounding where there was nothing to fit."""

_ROWS, _COLUMNS = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]
"""Voigt order xx yy zz yz xz xy."""


class ChgnetModel(Model):
    """CHGNet: energies as sums over atoms; forces and stress are their derivatives.

    All boundary conditions are covered: an open direction has no images. An atom without neighbours within the cut-off
    has the energy that the network gives a lone atom, as in CHGNet's calculator, which warns that this
    is not what CHGNet was made for.

    Args:
        network: A CHGNet with energies of atoms (`mlp_first`). It is changed: moved, cast, and frozen.
        device: As torch understands it.
        dtype: `float32` or `float64`.

    Source:
        B. Deng et al., Nat. Mach. Intell. 5, 1031 (2023), doi:10.1038/s42256-023-00716-3.
    """

    properties = frozenset(("energy", "forces", "stress", "descriptors"))

    def __init__(self, network: CHGNet, device: str, dtype: str) -> None:
        self._torch_dtype = getattr(torch, dtype)
        self._network = network.to(device=device, dtype=self._torch_dtype).eval().requires_grad_(False)
        self._angle_cutoff_ang = float(network.graph_converter.bond_graph_cutoff)
        self._reference_energies = _reference_energies(network)
        self.scope = Scope(elements=_elements(self._reference_energies, fitted=network.composition_model is not None))
        self.cutoff_ang = float(network.graph_converter.atom_graph_cutoff)
        self.device = device
        self.dtype = dtype

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure.

        Raises:
            UnsupportedStructureError: A structure lies outside of the checkpoint's elements, or its cell is degenerate.
        """
        graphs = self._graphs(structures)
        predictions: dict[int, Prediction] = {}
        for indices in _alike(graphs):
            predicted = self._predict([structures[i] for i in indices], [graphs[i] for i in indices])
            predictions.update(zip(indices, predicted, strict=True))
        return [predictions[i] for i in range(len(structures))]

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """The invariant features of each atom from which the network reads its energy.

        Returns:
            For each structure an array of shape (n_atoms, n_features).

        Raises:
            UnsupportedStructureError: As for `evaluate`.
        """
        graphs = self._graphs(structures)
        features: dict[int, NDArray[np.float64]] = {}
        read: list[Tensor] = []
        handle = self._network.mlp.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
        try:
            for indices in _alike(graphs):
                batch = [graphs[i] for i in indices]
                joined = join(batch)
                with torch.no_grad():
                    self._energies(joined, _n_atoms(batch), self._real(joined.bond_vectors))
                features.update(
                    zip(indices, np.split(_numpy(read.pop()), np.cumsum(_n_atoms(batch))[:-1]), strict=True)
                )
        finally:
            handle.remove()
        return [features[i] for i in range(len(structures))]

    def release_memory(self) -> None:
        """Give cached blocks back to the CUDA device."""
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _graphs(self, structures: Sequence[Atoms]) -> list[BondGraph]:
        for atoms in structures:
            self.scope.check(atoms)
        assert self.cutoff_ang is not None
        with self.building_graphs():
            return [bond_graph(atoms, self.cutoff_ang, self._angle_cutoff_ang) for atoms in structures]

    def _predict(self, structures: Sequence[Atoms], graphs: Sequence[BondGraph]) -> list[Prediction]:
        joined = join(graphs)
        n_atoms = _n_atoms(graphs)
        vectors = self._real(joined.bond_vectors).requires_grad_(True)
        with torch.enable_grad():
            energies = self._energies(joined, n_atoms, vectors)
            (slopes,) = torch.autograd.grad(energies.sum(), [vectors])
        # The energy depends on the bond vectors alone: a move of an atom and a strain both act through them.
        pull = _numpy(slopes)
        forces = np.zeros((len(joined.numbers), 3))
        np.add.at(forces, joined.bonds[:, 0], pull)
        np.subtract.at(forces, joined.bonds[:, 1], pull)
        structure_of_bond = np.repeat(np.arange(len(graphs)), [len(graph.bonds) for graph in graphs])
        strain_slopes = np.zeros((len(graphs), 3, 3))
        np.add.at(strain_slopes, structure_of_bond, joined.bond_vectors[:, :, None] * pull[:, None, :])
        strain_slopes = (strain_slopes + strain_slopes.transpose(0, 2, 1)) / 2
        return [
            Prediction(
                energy=float(energy),
                forces=forces_of_one,
                stress=slope[_ROWS, _COLUMNS] / atoms.get_volume() if atoms.pbc.all() else None,
            )
            for atoms, energy, forces_of_one, slope in zip(
                structures, _numpy(energies), np.split(forces, np.cumsum(n_atoms)[:-1]), strain_slopes, strict=True
            )
        ]

    def _energies(self, graph: BondGraph, n_atoms: NDArray[np.int64], bond_vectors: Tensor) -> Tensor:
        """Energies of the structures in a graph, eV, shape (n_structures,), double precision."""
        network = self._network
        numbers = self._indices(graph.numbers)
        owners = self._indices(np.repeat(np.arange(len(n_atoms)), n_atoms))
        angle_bonds = self._indices(graph.angle_bonds)
        bonds = self._indices(graph.bonds)
        lengths = torch.linalg.vector_norm(bond_vectors, dim=1)
        directions = bond_vectors / lengths[:, None]
        away = directions[angle_bonds] * self._real(graph.angle_signs)[:, :, None]
        each_way = torch.arange(len(bonds), device=self.device)
        batch = BatchedGraph(
            atomic_numbers=numbers,
            bond_bases_ag=network.bond_basis_expansion.rbf_expansion_ag(lengths),
            bond_bases_bg=network.bond_basis_expansion.rbf_expansion_bg(lengths),
            angle_bases=network.angle_basis_expansion(away[:, 0], away[:, 1]),
            batched_atom_graph=torch.cat((bonds, bonds.flip(1))),
            batched_bond_graph=torch.cat((self._indices(graph.angle_centres)[:, None], angle_bonds), dim=1),
            atom_owners=owners,
            directed2undirected=torch.cat((each_way, each_way)),
            atom_positions=(),
            strains=(),
            volumes=(),
        )
        # CHGNet differentiates so that it can do so again, which costs time and memory; only its energies are used.
        site_energies = torch.cat(network._compute(batch, return_site_energies=True)["site_energies"])
        site_energies = site_energies.to(torch.float64) + self._reference_energies[numbers]
        return torch.zeros(len(n_atoms), dtype=torch.float64, device=self.device).index_add(0, owners, site_energies)

    def _real(self, values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values).to(device=self.device, dtype=self._torch_dtype)

    def _indices(self, values: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(values).to(self.device)


def _n_atoms(graphs: Sequence[BondGraph]) -> NDArray[np.int64]:
    return np.array([len(graph.numbers) for graph in graphs], dtype=np.int64)


def _alike(graphs: Sequence[BondGraph]) -> list[list[int]]:
    """Structures with angles and structures without, apart.

    CHGNet leaves out the update of bonds where a batch has no angles. In 0.2.0 that update has a constant term, so a
    structure without angles would get another energy in the company of one with angles.
    """
    with_angles = [i for i, graph in enumerate(graphs) if len(graph.angle_bonds)]
    without = [i for i, graph in enumerate(graphs) if not len(graph.angle_bonds)]
    return [indices for indices in (with_angles, without) if indices]


def _reference_energies(network: CHGNet) -> Tensor:
    """The energy that CHGNet adds for each atom, eV, by atomic number; shape (1 + elements in the embedding,)."""
    n_elements = network.atom_embedding.embedding.num_embeddings
    energies = torch.zeros(1 + n_elements, dtype=torch.float64, device=next(network.parameters()).device)
    atom_reference: Any = network.composition_model
    if atom_reference is not None:
        energies[1:] = atom_reference.fc.weight.detach().flatten().to(torch.float64)
    return energies


def _elements(reference_energies: Tensor, fitted: bool) -> frozenset[str]:
    """The elements that the checkpoint was trained on: those with a fitted reference energy that is not zero."""
    trained = {
        chemical_symbols[z]
        for z, energy in enumerate(reference_energies.tolist())
        if z > 0 and (abs(energy) > _NO_ENERGY_EV or not fitted)
    }
    return frozenset(trained - NOT_IN_TRAINING_DATA)


def _numpy(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.detach().to("cpu", torch.float64).numpy()
