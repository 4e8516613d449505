"""Claims about D3, against finite differences and against the calculator that its program ships."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from lamcore_forcefield import build_task
from lamcore_forcefield.dispersion import dispersion

from lamcore import AseModel, Case
from lamcore.errors import ConfigError

pytest.importorskip("dftd3")
DAMPINGS = {"pbe-zero": "d3zero", "pbe-bj": "d3bj"}


@pytest.fixture
def crystal():
    """A distorted, triclinic cell of carbon dioxide and argon."""
    return Atoms(
        "CO2Ar",
        positions=[[0.1, 0.0, 0.2], [1.1, 0.3, 0.5], [-1.0, -0.2, 0.1], [3.0, 2.5, 2.8]],
        cell=[[5.5, 0.3, 0.0], [0.2, 5.0, -0.4], [0.5, 0.1, 6.0]],
        pbc=True,
    )


@pytest.mark.parametrize("damping", DAMPINGS)
@pytest.mark.parametrize("periodic", [True, False])
def test_agrees_with_the_calculator_of_its_program(crystal, damping, periodic):
    from dftd3.ase import DFTD3

    crystal.pbc = periodic
    term = dispersion(crystal, damping)
    crystal.calc = DFTD3(method="PBE", damping=DAMPINGS[damping])
    assert term.energy == pytest.approx(crystal.get_potential_energy(), rel=1e-10)
    assert term.energy < -0.01
    np.testing.assert_allclose(term.forces, crystal.get_forces(), atol=1e-10)
    if periodic:
        np.testing.assert_allclose(term.stress, crystal.get_stress(), atol=1e-12)
    else:
        assert term.stress is None


def slope(crystal, damping, step, change):
    """Central difference of the energy; `change` moves a copy by a signed step."""
    energies = []
    for sign in (1, -1):
        moved = crystal.copy()
        change(moved, sign * step)
        energies.append(dispersion(moved, damping).energy)
    return (energies[0] - energies[1]) / (2 * step)


@pytest.mark.parametrize("damping", DAMPINGS)
@pytest.mark.parametrize(("periodic", "tolerance"), [(False, 1e-8), (True, 3e-5)])
def test_forces_are_derivatives_of_the_energy(crystal, damping, periodic, tolerance):
    """In a crystal but for the images that cross the program's sharp cut-off at 60 bohr."""
    crystal.pbc = periodic
    forces = dispersion(crystal, damping).forces
    for atom, axis in ((0, 0), (1, 1), (3, 2)):

        def push(atoms, length, atom=atom, axis=axis):
            atoms.positions[atom, axis] += length

        assert forces[atom, axis] == pytest.approx(-slope(crystal, damping, 1e-3, push), abs=tolerance)


@pytest.mark.parametrize("damping", DAMPINGS)
def test_stress_is_the_derivative_of_the_energy(crystal, damping):
    stress = dispersion(crystal, damping).stress
    for place, (row, column) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):

        def strain(atoms, size, row=row, column=column):
            tensor = np.eye(3)
            tensor[row, column] += size / 2
            tensor[column, row] += size / 2
            atoms.set_cell(atoms.cell.array @ tensor, scale_atoms=True)

        expected = slope(crystal, damping, 5e-3, strain) / crystal.get_volume()
        assert stress[place] == pytest.approx(expected, rel=0.02, abs=3e-6)


@pytest.mark.parametrize(
    ("option", "setting", "added"),
    [
        ("dataset", None, "none"),
        ("dataset", "pbe-bj", "pbe-bj"),
        ("none", "pbe-bj", "none"),
        ("pbe-zero", "pbe-bj", "pbe-zero"),
    ],
)
def test_it_is_added_as_the_task_says_or_else_the_dataset(crystal, option, setting, added):
    from ase.calculators.lj import LennardJones

    case = Case("a", (crystal,), {"energy": 0.0}, {} if setting is None else {"d3": setting})
    model = AseModel(LennardJones())
    plain = build_task(d3="none").calculate(case, model)
    output = build_task(d3=option).calculate(case, model)
    term = None if added == "none" else dispersion(crystal, added)
    assert output["energy"] - plain["energy"] == pytest.approx(term.energy if term else 0.0)
    np.testing.assert_allclose(output["forces"] - plain["forces"], term.forces if term else 0.0, atol=1e-12)
    np.testing.assert_allclose(output["stress"] - plain["stress"], term.stress if term else 0.0, atol=1e-12)


def test_an_unknown_dispersion_of_a_case_is_refused(crystal):
    case = Case("a", (crystal,), {"energy": 0.0}, {"d3": "b3lyp"})
    with pytest.raises(
        ConfigError, match=r"case 'a': d3 is 'b3lyp' in its settings, expected none, pbe-zero or pbe-bj"
    ):
        build_task().dispersion_of(case)


def test_without_its_program_it_is_refused_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr("lamcore_forcefield.task.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"task\.d3=pbe-bj needs the package dftd3: pip install 'lamcore-forcefield"):
        build_task(d3="pbe-bj")
