"""The Niggli-reduced cell: the one cell of a lattice whose lengths and angles can be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def niggli_parameters(cell: NDArray[np.float64]) -> tuple[float, ...]:
    """Lengths a ≤ b ≤ c in Å and angles α, β, γ in ° of the reduced cell.

    Args:
        cell: Lattice vectors as rows, Å, shape (3, 3), of a volume above zero.

    Source:
        I. Křivý, B. Gruber, Acta Cryst. A 32, 297 (1976), doi:10.1107/S0567739476000636; as in gemmi.
    """
    import gemmi
    from ase.geometry import cell_to_cellpar

    reduction = gemmi.GruberVector(gemmi.UnitCell(*map(float, cell_to_cellpar(cell))), "P")
    reduction.niggli_reduce()
    reduced: tuple[float, ...] = tuple(reduction.get_cell().parameters)
    return reduced
