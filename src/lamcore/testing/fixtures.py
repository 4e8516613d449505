"""Structures of every kind as pytest fixtures, for the tests of model plugins.

    from lamcore.testing.fixtures import crystals, mix, molecules, slab, without_edges  # noqa: F401

in a `conftest.py` makes them known to the tests beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule

if TYPE_CHECKING:
    from collections.abc import Sequence


def strained(atoms: Atoms, seed: int) -> Atoms:
    """A rattled and sheared copy, so that no two components of a tensor are equal."""
    copy: Atoms = atoms.copy()
    copy.rattle(0.06, seed=seed)
    shear = np.array([[1.01, 0.02, 0.03], [0.0, 0.98, 0.01], [0.0, 0.0, 1.015]])
    copy.set_cell(copy.cell.array @ shear, scale_atoms=True)
    return copy


@pytest.fixture
def crystals() -> list[Atoms]:
    """A semiconductor, a salt and two metals, strained."""
    return [
        strained(bulk("Si"), 1),
        strained(bulk("NaCl", "rocksalt", a=5.6), 2),
        strained(bulk("Cu", cubic=True), 3),
        strained(bulk("W"), 4),
    ]


@pytest.fixture
def molecules() -> list[Atoms]:
    """Water, rattled, and ethanol; not periodic, no cell."""
    water = molecule("H2O")
    water.rattle(0.05, seed=5)
    return [water, molecule("CH3CH2OH")]


@pytest.fixture
def slab() -> Atoms:
    """Three layers of copper, periodic in two directions."""
    slab: Atoms = fcc111("Cu", (1, 1, 3), vacuum=8.0)
    slab.pbc = (True, True, False)
    slab.rattle(0.05, seed=6)
    return slab


@pytest.fixture
def without_edges() -> list[Atoms]:
    """Structures in which no atom has a neighbour."""
    return [Atoms("Ar"), Atoms("Ne", cell=[20, 20, 20], pbc=True), Atoms("HeAr", positions=[[0, 0, 0], [0, 0, 9.0]])]


@pytest.fixture
def mix(
    crystals: Sequence[Atoms], molecules: Sequence[Atoms], slab: Atoms, without_edges: Sequence[Atoms]
) -> list[Atoms]:
    """Crystals, molecules, a slab and structures without neighbours, in no order."""
    return [
        crystals[0],
        molecules[0],
        without_edges[0],
        slab,
        *crystals[1:],
        without_edges[1],
        molecules[1],
        without_edges[2],
    ]
