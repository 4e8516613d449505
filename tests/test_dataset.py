"""The hash of cases changes with everything that they hold."""

import numpy as np
import pytest
from ase.build import bulk
from ase.constraints import FixAtoms
from ase.spacegroup import crystal

from lamcore import Case
from lamcore.dataset import content_sha256
from lamcore.errors import DataError


def digest(change=lambda atoms: None, **case):
    atoms = bulk("Cu", cubic=True)
    change(atoms)
    fields = {"id": "a", "structures": (atoms,), "reference": {"x": 1.0}, "settings": {"n": np.eye(3)}}
    return content_sha256([Case(**(fields | case))])


CHANGES = {
    "positions": lambda atoms: atoms.rattle(1e-9),
    "cell": lambda atoms: atoms.set_cell(atoms.cell * (1 + 1e-12)),
    "pbc": lambda atoms: atoms.set_pbc((True, True, False)),
    "elements": lambda atoms: atoms.set_chemical_symbols(["Cu"] * 3 + ["Ag"]),
    "magnetic moments": lambda atoms: atoms.set_initial_magnetic_moments([1, 0, 0, 0]),
    "charges": lambda atoms: atoms.set_initial_charges([1, 0, 0, 0]),
    "masses": lambda atoms: atoms.set_masses([1, 2, 3, 4]),
    "constraints": lambda atoms: atoms.set_constraint(FixAtoms([0])),
    "info": lambda atoms: atoms.info.update(charge=1),
}


@pytest.mark.parametrize("what", CHANGES)
def test_any_change_of_a_structure_changes_the_hash(what):
    assert digest(CHANGES[what]) != digest()


@pytest.mark.parametrize("case", [{"id": "b"}, {"reference": {"x": 1.1}}, {"settings": {"n": 2 * np.eye(3)}}])
def test_any_change_of_a_case_changes_the_hash(case):
    assert digest(**case) != digest()


def test_the_hash_is_the_same_every_time():
    assert digest() == digest()


def test_structures_with_a_space_group_of_ase_can_be_hashed():
    atoms = crystal("Na", [(0, 0, 0)], spacegroup=225, cellpar=[5, 5, 5, 90, 90, 90])
    assert content_sha256([Case("a", (atoms,))])


def test_what_has_no_plain_form_is_refused_with_the_cases_id():
    with pytest.raises(DataError, match="case 'a': holds a set"):
        digest(settings={"x": {1, 2}})
