"""Neighbours by brute force, and cells in which neighbour searches go wrong, for the tests of model plugins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.build import bulk, fcc111, molecule

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pairs_by_brute_force(atoms: Atoms, cutoff_ang: float) -> NDArray[np.float64]:
    """All directed pairs within a cut-off, from a search over all pairs and ten images to each side.

    Returns:
        Shape (n_pairs, 5): first atom, second atom, and the vector from one to the other, Å; sorted.
    """
    reach = [range(-10, 11) if periodic else (0,) for periodic in atoms.pbc]
    found = []
    for image in product(*reach):
        shift = np.array(image) @ atoms.cell.array
        for i, j in product(range(len(atoms)), repeat=2):
            vector = atoms.positions[j] + shift - atoms.positions[i]
            if 1e-8 < np.linalg.norm(vector) < cutoff_ang:
                found.append((i, j, *vector))
    return ordered(found)


def ordered(rows: Iterable[Sequence[float]]) -> NDArray[np.float64]:
    """Rows of two atoms and a vector as a sorted array, shape (n_rows, 5)."""
    return np.array(sorted((int(i), int(j), *np.round(vector, 8)) for i, j, *vector in rows)).reshape(-1, 5)


def awkward_cells() -> dict[str, Atoms]:
    """Structures whose neighbours are easily missed or counted twice, by what is awkward about them."""
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
