"""Claims about the spins that structures have when they do not say."""

import pytest
from ase import Atoms
from ase.build import molecule
from lamcore_orb.charge_and_spin import charges_and_multiplicities


@pytest.mark.parametrize(
    ("atoms", "charge", "multiplicity"),
    [
        (molecule("H2O"), 0, 1),
        (molecule("CH3"), 0, 2),
        (Atoms("Na"), 0, 2),
        (Atoms("Na", info={"charge": 1}), 1, 1),
        (Atoms("Cl", info={"charge": -1}), -1, 1),
        (Atoms("H", info={"charge": 1}), 1, 1),
        (Atoms("O", info={"spin": 3}), 0, 3),
        (Atoms("Fe", info={"charge": 3.0, "spin": 6.0}), 3, 6),
    ],
)
def test_multiplicity_is_the_given_one_or_else_the_lowest_possible(atoms, charge, multiplicity):
    charges, multiplicities = charges_and_multiplicities([Atoms("He"), atoms])
    assert charges.tolist() == [0, charge]
    assert multiplicities.tolist() == [1, multiplicity]
