"""A SevenNet checkpoint as a batched lamcore model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
import sevenn._keys as key
import torch
from ase.data import chemical_symbols
from e3nn.o3 import Irreps
from sevenn.atom_graph_data import AtomGraphData

from lamcore import Model, Prediction, Scope
from lamcore_sevenn.graph import BatchGraph, batch_graph

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray
    from sevenn.nn.sequential import AtomGraphSequential

READOUTS = ("reduce_input_to_hidden", "readout_FCN")
"""The first module that turns the features of an atom into its energy, one of the two in every SevenNet."""

_VOIGT = [0, 1, 2, 4, 5, 3]
"""SevenNet orders stress xx yy zz xy yz xz."""


class SevenNetModel(Model):
    """SevenNet: energies as sums over atoms; forces and stress are their derivatives.

    All boundary conditions are covered: an open direction has no images. An atom without neighbours has the energy that
    the network gives a lone atom.

    Args:
        network: What `SevenNetCheckpoint.build_model` returns. It is changed: moved, cast, and frozen.
        modality: One of the network's modalities, or None where it has none.
        device: As torch understands it.
        dtype: `float32` or `float64`.

    Source:
        Y. Park, J. Kim, S. Hwang, S. Han, J. Chem. Theory Comput. 20, 4857 (2024), doi:10.1021/acs.jctc.4c00190.
    """

    properties = frozenset(("energy", "forces", "stress", "descriptors"))

    def __init__(self, network: AtomGraphSequential, modality: str | None, device: str, dtype: str) -> None:
        self._torch_dtype = getattr(torch, dtype)
        self._modality = modality
        self._network = network.to(device=device, dtype=self._torch_dtype).eval().requires_grad_(False)
        self._network.set_is_batch_data(True)
        if self._torch_dtype == torch.float64:
            # sevenn's one-hot vectors are always float32
            self._network._modules["onehot_idx_to_onehot"].register_forward_hook(_one_hot_as_float64)
        assert network.type_map is not None  # SevenNetCheckpoint takes it from the file
        self.scope = Scope(elements=frozenset(chemical_symbols[z] for z in network.type_map))
        self.cutoff_ang = float(network.cutoff)
        self.device = device
        self.dtype = dtype

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure, in one pass of the network.

        Raises:
            UnsupportedStructureError: A structure lies outside of the checkpoint's elements, or its cell is degenerate.
        """
        if not structures:
            return []
        graph = self._graph(structures)
        with torch.enable_grad():
            output = self._network(self._input(graph))
        energies = _numpy(output[key.PRED_TOTAL_ENERGY])
        forces = np.split(_numpy(output[key.PRED_FORCE]), np.cumsum(graph.n_atoms)[:-1])
        stresses = -_numpy(output[key.PRED_STRESS])[:, _VOIGT]
        return [
            Prediction(float(energy), forces_of_one, stress if atoms.pbc.all() else None)
            for atoms, energy, forces_of_one, stress in zip(structures, energies, forces, stresses, strict=True)
        ]

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """The invariant features of each atom from which the network reads its energy.

        Returns:
            For each structure an array of shape (n_atoms, n_features).

        Raises:
            UnsupportedStructureError: As for `evaluate`.
        """
        if not structures:
            return []
        graph = self._graph(structures)
        with torch.no_grad():
            data = self._network._preprocess(self._input(graph))
            for _, module in takewhile(lambda named: named[0] not in READOUTS, self._network.named_children()):
                data = module(data)
        features = data[key.NODE_FEATURE]
        readout = next(name for name in READOUTS if name in self._network._modules)
        irreps = Irreps(self._network.get_irreps_in(readout))
        # A multi-fidelity readout also takes the one-hot modality, which follows the features.
        invariant = [
            columns
            for (_, irrep), columns in zip(irreps, irreps.slices(), strict=True)
            if irrep.is_scalar() and columns.stop <= features.shape[1]
        ]
        scalars = _numpy(torch.cat([features[:, columns] for columns in invariant], dim=1))
        return np.split(scalars, np.cumsum(graph.n_atoms)[:-1])

    def release_memory(self) -> None:
        """Give cached blocks back to the CUDA device."""
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _graph(self, structures: Sequence[Atoms]) -> BatchGraph:
        for atoms in structures:
            self.scope.check(atoms)
        assert self.cutoff_ang is not None
        with self.building_graphs():
            return batch_graph(structures, self.cutoff_ang)

    def _input(self, graph: BatchGraph) -> Any:
        n_atoms = torch.from_numpy(graph.n_atoms)
        numbers = torch.from_numpy(graph.numbers)
        data = AtomGraphData(x=numbers, edge_index=torch.from_numpy(graph.edges))
        data[key.ATOMIC_NUMBERS] = numbers
        data[key.EDGE_VEC] = torch.from_numpy(graph.edge_vectors).to(self._torch_dtype)
        data[key.CELL_VOLUME] = torch.from_numpy(graph.volumes).to(self._torch_dtype)
        data[key.NUM_ATOMS] = n_atoms
        data[key.BATCH] = torch.repeat_interleave(torch.arange(len(n_atoms)), n_atoms)
        data = data.to(self.device)
        if self._modality is not None:
            data[key.DATA_MODALITY] = [self._modality] * len(n_atoms)
        return data


def _numpy(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().to("cpu", torch.float64).numpy()


def _one_hot_as_float64(module: torch.nn.Module, inputs: Any, data: Any) -> Any:
    for name in (key.NODE_FEATURE, key.NODE_ATTR):
        data[name] = data[name].to(torch.float64)
    return data
