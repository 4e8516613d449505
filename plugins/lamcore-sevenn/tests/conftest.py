"""One build of each model for all tests, and structures of every kind."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from lamcore_sevenn.build import build_sevennet


@pytest.fixture(scope="session", autouse=True)
def model():
    """Built before any test imports sevenn itself, whose first import warns; the builder keeps that to itself."""
    return build_sevennet(device="cpu")


@pytest.fixture(scope="session")
def precise():
    """The same model in double precision, in which derivatives can be checked to seven digits."""
    return build_sevennet(device="cpu", dtype="float64")


def strained(atoms, seed):
    """A rattled and sheared copy, so that no two components of a tensor are equal."""
    atoms = atoms.copy()
    atoms.rattle(0.06, seed=seed)
    shear = np.array([[1.01, 0.02, 0.03], [0.0, 0.98, 0.01], [0.0, 0.0, 1.015]])
    atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    return atoms


@pytest.fixture
def crystals():
    return [
        strained(bulk("Si"), 1),
        strained(bulk("NaCl", "rocksalt", a=5.6), 2),
        strained(bulk("Cu", cubic=True), 3),
        strained(bulk("W"), 4),
    ]


@pytest.fixture
def molecules():
    water = molecule("H2O")
    water.rattle(0.05, seed=5)
    return [water, molecule("CH3CH2OH")]


@pytest.fixture
def slab():
    slab = fcc111("Cu", (1, 1, 3), vacuum=8.0)
    slab.pbc = (True, True, False)
    slab.rattle(0.05, seed=6)
    return slab


@pytest.fixture
def without_edges():
    return [Atoms("Ar"), Atoms("Ne", cell=[20, 20, 20], pbc=True), Atoms("HeAr", positions=[[0, 0, 0], [0, 0, 9.0]])]


@pytest.fixture
def mix(crystals, molecules, slab, without_edges):
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


@pytest.fixture(scope="session")
def package_calculator():
    from sevenn.calculator import SevenNetCalculator

    with pytest.warns(UserWarning, match="No tensor product accelerator"):
        return SevenNetCalculator("7net-0", device="cpu")
