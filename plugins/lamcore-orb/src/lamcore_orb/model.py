"""An Orb checkpoint as a batched lamcore model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ase import Atoms
from ase.data import chemical_symbols
from orb_models.forcefield.base import AtomGraphs
from torch import Tensor

from lamcore import Model, Prediction, Scope
from lamcore.errors import ConfigError
from lamcore_orb.charge_and_spin import charges_and_multiplicities
from lamcore_orb.graph import BatchGraph, batch_graph
from lamcore_orb.network import CUTOFF_ANG

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcore_orb.checkpoints import Checkpoint, TrainedOn

COVERED: dict[TrainedOn, frozenset[str]] = {
    "crystals": frozenset(chemical_symbols[1:95]) - {"Po", "At", "Rn", "Fr", "Ra"},
    "molecules": frozenset(chemical_symbols[1:84]),
}
"""Elements of the training data: the 89 of the Materials Project, Alexandria and OMat24, and the 83 of OMol25."""

_ROWS, _COLUMNS = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]
"""Voigt order xx yy zz yz xz xy."""


class OrbModel(Model):
    """Orb: one energy for the whole structure, from the mean of its atoms' features.

    In conservative models forces and stress are derivatives of the energy. In direct models they are predictions of
    their own, made to sum to no net force and, without periodicity, to no net torque.
    All boundary conditions are covered: an open direction has no images. An atom without neighbours has the energy that
    the network gives a lone atom. Orb is not equivariant: a rotated structure has slightly other energies and forces.

    Models of molecules take `atoms.info["charge"]` (e; 0 where absent) and `atoms.info["spin"]` (multiplicity 2S+1; the
    lowest that the number of electrons allows where absent).

    Args:
        network: What `load_network` returns. It is changed: moved, cast, and frozen.
        named: What the weights do not say.
        device: As torch understands it.
        dtype: `float32` or `float64`.
        tf32: Whether CUDA may multiply matrices in TF32.

    Source:
        B. Rhodes et al., arXiv:2504.06231 (2025), doi:10.48550/arXiv.2504.06231;
        M. Neumann et al., arXiv:2410.22570 (2024), doi:10.48550/arXiv.2410.22570.
    """

    cutoff_ang: float = CUTOFF_ANG

    def __init__(self, network: Any, named: Checkpoint, device: str, dtype: str, tf32: bool) -> None:
        self._torch_dtype = getattr(torch, dtype)
        self._matmul_precision = "high" if tf32 else "highest"
        self._network = network.to(device=device, dtype=self._torch_dtype).eval().requires_grad_(False)
        # The sum over many atoms' reference energies would round to 1e-5 eV in single precision.
        self._network.heads["energy"].reference.double()
        self._network.heads["energy"].normalizer.double()
        self._max_neighbours = named.max_neighbours
        self._takes_charge_and_spin = named.trained_on == "molecules"
        self.scope = Scope(elements=COVERED[named.trained_on], charged=self._takes_charge_and_spin)
        self.conservative = named.family == "orb-v3-conservative"
        self._gives_stress = bool(network.has_stress)
        self.properties = frozenset(("energy", "forces", "descriptors")) | (
            {"stress"} if self._gives_stress else frozenset()
        )
        self.device = device
        self.dtype = dtype

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """Energy, forces and stress of each structure, in one pass of the network.

        Raises:
            UnsupportedStructureError: A structure lies outside of the training data's elements, its cell is degenerate,
                or its charge and spin do not fit together.
        """
        if not structures:
            return []
        graph = self._graph(structures)
        with self._settings_of_the_package():
            batch = self._batch(graph, structures)
            energies, forces, stresses = (
                self._differentiate(batch, graph) if self.conservative else self._predict_directly(batch)
            )
        return [
            Prediction(
                energy=float(energy),
                forces=forces_of_one,
                stress=stress if self._gives_stress and atoms.pbc.all() else None,
            )
            for atoms, energy, forces_of_one, stress in zip(
                structures, energies, np.split(forces, np.cumsum(graph.n_atoms)[:-1]), stresses, strict=True
            )
        ]

    def descriptors(self, structures: Sequence[Atoms]) -> list[NDArray[np.float64]]:
        """The features of each atom from which the network reads its predictions; a rotation changes them.

        Returns:
            For each structure an array of shape (n_atoms, n_features).

        Raises:
            UnsupportedStructureError: As for `evaluate`.
        """
        if not structures:
            return []
        graph = self._graph(structures)
        with self._settings_of_the_package(), torch.no_grad():
            features = _numpy(self._network.model(self._batch(graph, structures))["node_features"])
        return np.split(features, np.cumsum(graph.n_atoms)[:-1])

    def compile(self) -> None:
        """Compile the network, and run it once to see that it works.

        Raises:
            ConfigError: torch cannot compile here.
        """
        self._network.compile(mode="default", dynamic=True)
        try:
            self.evaluate([Atoms("H2O", positions=[[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])])
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"compile=true: torch cannot compile on {self.device}: {type(error).__name__}: {reason}; "
                "a CPU needs a C++ compiler; or use compile=false"
            ) from error

    def release_memory(self) -> None:
        """Give cached blocks back to the CUDA device."""
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _graph(self, structures: Sequence[Atoms]) -> BatchGraph:
        for atoms in structures:
            self.scope.check(atoms)
        with self.building_graphs():
            return batch_graph(structures, self.cutoff_ang, self._max_neighbours)

    def _batch(self, graph: BatchGraph, structures: Sequence[Atoms]) -> AtomGraphs:
        """The graph in the package's form, with what its networks read."""
        numbers = self._tensor(graph.numbers)
        senders, receivers = self._tensor(graph.edges)
        system_features = {"cell": self._tensor(graph.cells)}
        if self._takes_charge_and_spin:
            charges, multiplicities = charges_and_multiplicities(structures)
            system_features |= {"total_charge": self._tensor(charges), "total_spin": self._tensor(multiplicities)}
        return AtomGraphs(
            senders=senders,
            receivers=receivers,
            n_node=self._tensor(graph.n_atoms),
            n_edge=self._tensor(graph.n_edges),
            node_features={
                "positions": self._tensor(graph.positions),
                "atomic_numbers": numbers,
                "atomic_numbers_embedding": torch.nn.functional.one_hot(numbers, 118).to(self._torch_dtype),
            },
            edge_features={"vectors": self._tensor(graph.edge_vectors)},
            system_features=system_features,
            node_targets=None,
            edge_targets=None,
            system_targets=None,
            system_id=None,
            fix_atoms=None,
            tags=None,
            radius=CUTOFF_ANG,
            max_num_neighbors=torch.full((len(structures),), self._max_neighbours, device=self.device),
        )

    def _differentiate(
        self, batch: AtomGraphs, graph: BatchGraph
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Energies, and their derivatives as forces and stresses (NaN without a volume)."""
        vectors = batch.edge_features["vectors"].requires_grad_(True)
        with torch.enable_grad():
            energies = self._energies(batch, self._network.model(batch)["node_features"])
            if self._network.pair_repulsion:
                energies = energies + self._network.pair_repulsion_fn(batch)["energy"]
            (slopes,) = torch.autograd.grad(energies.sum(), [vectors])
        # The energy depends on the edge vectors alone: a move of an atom and a strain both act through them.
        pull = _numpy(slopes)
        n_atoms, n_structures = len(graph.numbers), len(graph.n_atoms)
        forces = _sum_by(graph.edges[0], pull, n_atoms) - _sum_by(graph.edges[1], pull, n_atoms)
        outer = graph.edge_vectors[:, :, None] * pull[:, None, :]
        voigt = (outer[:, _ROWS, _COLUMNS] + outer[:, _COLUMNS, _ROWS]) / 2
        strain_slopes = _sum_by(np.repeat(np.arange(n_structures), graph.n_edges), voigt, n_structures)
        volumes = np.linalg.det(graph.cells)
        volumes[volumes == 0] = np.nan
        return _numpy(energies), forces, strain_slopes / volumes[:, None]

    def _predict_directly(
        self, batch: AtomGraphs
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """What the heads say of energies, forces and stresses (NaN where the network gives none)."""
        heads = self._network.heads
        with torch.no_grad():
            features = self._network.model(batch)["node_features"]
            energies = self._energies(batch, features)
            forces = heads["forces"].predict(features, batch)
            stresses = (
                heads["stress"].predict(features, batch)
                if self._gives_stress
                else torch.full((len(energies), 6), torch.nan)
            )
            if self._network.pair_repulsion:
                repulsion = self._network.pair_repulsion_fn(batch)
                energies = energies + repulsion["energy"]
                forces = forces + repulsion["forces"]
                stresses = stresses + repulsion["stress"].to(stresses.device)
        return _numpy(energies), _numpy(forces), _numpy(stresses)

    def _energies(self, batch: AtomGraphs, features: Tensor) -> Tensor:
        """Energies of the structures, eV, shape (n_structures,), double precision."""
        head = self._network.heads["energy"]
        energies: Tensor = head.denormalize(head(features, batch).double(), batch)
        return energies.reshape(-1)

    @contextmanager
    def _settings_of_the_package(self) -> Iterator[None]:
        """Torch's default type and the precision of its products, as orb-models sets them, for a while.

        Layers of orb-models make tensors of the default type as they compute.
        """
        default_dtype, matmul_precision = torch.get_default_dtype(), torch.get_float32_matmul_precision()
        torch.set_default_dtype(self._torch_dtype)
        torch.set_float32_matmul_precision(self._matmul_precision)
        try:
            yield
        finally:
            torch.set_default_dtype(default_dtype)
            torch.set_float32_matmul_precision(matmul_precision)

    def _tensor(self, values: NDArray[Any]) -> Tensor:
        """Whole numbers as they are, the rest in the model's type."""
        tensor = torch.from_numpy(values)
        return tensor.to(self.device, self._torch_dtype if tensor.is_floating_point() else None)


def _sum_by(owners: NDArray[np.int64], rows: NDArray[np.float64], n_owners: int) -> NDArray[np.float64]:
    """The sum of the rows that each owner has, shape (n_owners, n_columns); several times as fast as `np.add.at`."""
    sums = [np.bincount(owners, weights=column, minlength=n_owners) for column in rows.T]
    return np.stack(sums, axis=1, dtype=np.float64)  # without any row, bincount counts in integers


def _numpy(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.detach().to("cpu", torch.float64).numpy()
