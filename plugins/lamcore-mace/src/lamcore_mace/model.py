"""A MACE network as a batched lamcore model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ase.data import chemical_symbols

from lamcore import Model, Prediction, Scope
from lamcore.errors import UnsupportedStructureError
from lamcore_mace.graph import BatchGraph, batch_graph

# isort: split
# mace must come before anything of e3nn 0.4.4, which loads a file of its own when imported and cannot do so under
# torch 2.6 and newer without the environment variable that mace sets.
import mace  # noqa: F401
from e3nn.o3 import Irreps

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from lamcore_mace.dispersion import Dispersion

INFO_KEYS = {"total_charge": ("charge", 0.0), "total_spin": ("spin", 1.0)}
"""Inputs of a network beside the atoms: the key of `atoms.info` (as in mace), and what holds where it is missing. The
charge is in elementary charges; the spin is the multiplicity 2S + 1."""


class MaceModel(Model):
    """MACE: energies as sums over atoms; forces and stress are their derivatives.

    All boundary conditions are covered: an open direction has no images.

    Args:
        network: A `MACE` or `ScaleShiftMACE` of `mace.modules`. It is changed: moved, cast, and frozen.
        head: One of the network's heads.
        device: As torch understands it.
        dtype: `float32` or `float64`.
        dispersion: What is added to the network's predictions, or None.

    Source:
        I. Batatia, D. P. Kovács, G. N. C. Simm, C. Ortner, G. Csányi, Adv. Neural Inf. Process. Syst. 35, 11423 (2022),
        doi:10.48550/arXiv.2206.07697.
    """

    properties = frozenset(("energy", "forces", "stress", "descriptors"))

    def __init__(self, network: Any, head: str, device: str, dtype: str, dispersion: Dispersion | None = None) -> None:
        self._torch_dtype = getattr(torch, dtype)
        self._network = network.to(device=device, dtype=self._torch_dtype).eval().requires_grad_(False)
        self._head = heads_of(network).index(head)
        self._inputs: dict[str, Any] = getattr(network, "embedding_specs", None) or {}
        self._dispersion = dispersion
        numbers = network.atomic_numbers.cpu().numpy()
        self._index_of_number = np.zeros(len(chemical_symbols), dtype=np.int64)
        self._index_of_number[numbers] = np.arange(len(numbers))
        self._n_elements = len(numbers)
        elements = frozenset(chemical_symbols[number] for number in numbers)
        if dispersion is not None:
            from lamcore_mace.dispersion import ELEMENTS

            elements &= ELEMENTS
        self.scope = Scope(elements=elements, charged="total_charge" in self._inputs)
        self.cutoff_ang = float(network.r_max)
        self.device = device
        self.dtype = dtype

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure, in one pass of the network.

        Raises:
            UnsupportedStructureError: A structure lies outside of the checkpoint's elements, its cell is degenerate, or
                its charge or spin is none that the checkpoint knows.
        """
        if not structures:
            return []
        graph = self._graph(structures)
        wants_stress = any(atoms.pbc.all() for atoms in structures)
        with torch.enable_grad():
            output = self._network(self._input(graph, structures), compute_stress=wants_stress)
        energies = self._energies(output, graph)
        forces = np.split(_numpy(output["forces"]), np.cumsum(graph.n_atoms)[:-1])
        stresses = _voigt(_numpy(output["stress"])) if wants_stress else [None] * len(structures)
        predictions = [
            Prediction(float(energy), forces_of_one, stress if atoms.pbc.all() else None)
            for atoms, energy, forces_of_one, stress in zip(structures, energies, forces, stresses, strict=True)
        ]
        if self._dispersion is None:
            return predictions
        added = self._dispersion.evaluate(structures)
        return [_sum(one, other) for one, other in zip(predictions, added, strict=True)]

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """The invariant features of each atom after each layer; dispersion plays no part.

        Returns:
            For each structure an array of shape (n_atoms, n_features), layer after layer.

        Raises:
            UnsupportedStructureError: As for `evaluate`.
        """
        if not structures:
            return []
        graph = self._graph(structures)
        with torch.no_grad():
            features = self._network(self._input(graph, structures), compute_force=False)["node_feats"]
        invariant, start = [], 0
        for product in self._network.products:
            irreps = Irreps(str(product.linear.irreps_out))
            for (_, irrep), columns in zip(irreps, irreps.slices(), strict=True):
                if irrep.is_scalar():
                    invariant.append(features[:, start + columns.start : start + columns.stop])
            start += irreps.dim
        return np.split(_numpy(torch.cat(invariant, dim=1)), np.cumsum(graph.n_atoms)[:-1])

    def release_memory(self) -> None:
        """Give cached blocks back to the CUDA device."""
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _graph(self, structures: Sequence[Atoms]) -> BatchGraph:
        for atoms in structures:
            self.scope.check(atoms)
            self._check_inputs(atoms)
        assert self.cutoff_ang is not None
        with self.building_graphs():
            return batch_graph(structures, self.cutoff_ang)

    def _check_inputs(self, atoms: Atoms) -> None:
        for name, spec in self._inputs.items():
            if spec["type"] == "categorical":
                key, default = INFO_KEYS[name]
                lowest = -spec.get("offset", 0)
                highest = lowest + spec["num_classes"] - 1
                value = float(atoms.info.get(key, default))
                if not (value.is_integer() and lowest <= value <= highest):
                    raise UnsupportedStructureError(
                        f"{atoms.get_chemical_formula()}: {key} is {value:g}; "
                        f"the checkpoint knows whole numbers from {lowest} to {highest}"
                    )

    def _input(self, graph: BatchGraph, structures: Sequence[Atoms]) -> dict[str, torch.Tensor]:
        """What the network takes, as mace's own batches of `AtomicData` hold it."""
        index = torch.from_numpy(self._index_of_number[graph.numbers])
        data = {
            "node_attrs": torch.nn.functional.one_hot(index, self._n_elements).to(self._torch_dtype),
            "positions": self._real(graph.positions),
            "cell": self._real(graph.cells.reshape(-1, 3)),
            "edge_index": torch.from_numpy(graph.edges),
            "unit_shifts": self._real(graph.unit_shifts),
            "shifts": self._real(graph.shifts),
            "batch": torch.from_numpy(graph.owner),
            "ptr": torch.from_numpy(np.concatenate(([0], np.cumsum(graph.n_atoms)))),
            "head": torch.full((len(structures),), self._head),
        }
        for name in self._inputs:
            key, default = INFO_KEYS[name]
            data[name] = self._real([float(atoms.info.get(key, default)) for atoms in structures])
        return {name: values.to(self.device) for name, values in data.items()}

    def _real(self, values: Any) -> torch.Tensor:
        return torch.tensor(values, dtype=self._torch_dtype)

    def _energies(self, output: dict[str, torch.Tensor], graph: BatchGraph) -> NDArray[np.float64]:
        # Energies of atoms with their core electrons are thousands of eV: a sum in single precision would round away
        # what structures differ by. What an embedding adds is missing from the energies of the atoms.
        if hasattr(self._network, "embedding_readout"):
            return _numpy(output["energy"])
        energies = np.bincount(graph.owner, weights=_numpy(output["node_energy"]), minlength=len(graph.n_atoms))
        return energies.astype(np.float64, copy=False)


def heads_of(network: Any) -> list[str]:
    """The heads of a network; networks from before there were heads have one."""
    return list(getattr(network, "heads", None) or ["Default"])


def _numpy(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().to("cpu", torch.float64).numpy()


def _voigt(stresses: NDArray[np.float64]) -> NDArray[np.float64]:
    """From (n, 3, 3) to (n, 6) as xx yy zz yz xz xy."""
    return stresses[:, [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]


def _sum(one: Prediction, other: Prediction) -> Prediction:
    stress = None if one.stress is None or other.stress is None else one.stress + other.stress
    return Prediction(one.energy + other.energy, one.forces + other.forces, stress)
