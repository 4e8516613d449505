"""Grimme's D3 dispersion, which mace adds to models of functionals without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from ase.data import chemical_symbols
from ase.units import Bohr
from torch_dftd.torch_dftd3_calculator import TorchDFTD3Calculator

from lamcore import Prediction
from lamcore_mace.graph import batch_graph

if TYPE_CHECKING:
    from ase import Atoms

CUTOFF_ANG = 40.0 * Bohr
"""Where pairs end, as in mace's own `mace_mp(dispersion=True)`."""

ELEMENTS = frozenset(chemical_symbols[1:95])
"""D3 has coefficients for H to Pu."""


class Dispersion:
    """Energy, forces and stress of D3 by torch-dftd, for batches.

    Args:
        functional: A functional by torch-dftd's name, such as `pbe`.
        damping: `bj`, `zero`, `bjm` or `zerom`.
        device: As torch understands it.
        dtype: `float32` or `float64`.

    Source:
        S. Grimme, J. Antony, S. Ehrlich, H. Krieg, J. Chem. Phys. 132, 154104 (2010), doi:10.1063/1.3382344;
        S. Grimme, S. Ehrlich, L. Goerigk, J. Comput. Chem. 32, 1456 (2011), doi:10.1002/jcc.21759.
    """

    def __init__(self, functional: str, damping: str, device: str, dtype: str) -> None:
        self._torch_dtype = getattr(torch, dtype)
        self._device = device
        self._damping = damping
        calculator = TorchDFTD3Calculator(
            xc=functional, damping=damping, cutoff=CUTOFF_ANG, device=device, dtype=self._torch_dtype
        )
        self._module: Any = calculator.dftd_module
        self._module.requires_grad_(False)

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """What dispersion adds to each structure.

        Raises:
            UnsupportedStructureError: The lattice vectors of the periodic directions do not span them.
        """
        graph = batch_graph(structures, CUTOFF_ANG)
        edge_owner = graph.owner[graph.edges[0]]
        with torch.enable_grad():
            parts: list[dict[str, Any]] = self._module.calc_energy_and_forces(
                Z=self._tensor(graph.numbers),
                pos=self._real(graph.positions),
                edge_index=self._tensor(graph.edges),
                cell=self._real(graph.cells),
                pbc=self._tensor([atoms.pbc.tolist() for atoms in structures]),
                shift_pos=self._real(graph.shifts),
                batch=self._tensor(graph.owner),
                batch_edge=self._tensor(edge_owner),
                damping=self._damping,
            )
        return [
            Prediction(
                energy=part["energy"],
                forces=part["forces"].astype("float64"),
                stress=part["stress"].astype("float64") if atoms.pbc.all() else None,
            )
            for atoms, part in zip(structures, parts, strict=True)
        ]

    def _tensor(self, values: Any) -> torch.Tensor:
        return torch.as_tensor(values, device=self._device)

    def _real(self, values: Any) -> torch.Tensor:
        return torch.tensor(values, dtype=self._torch_dtype, device=self._device)
