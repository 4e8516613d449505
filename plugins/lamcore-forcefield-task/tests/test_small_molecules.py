"""Claims about the embedded frames."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import lamcore_forcefield
import numpy as np
import pytest
from lamcore_forcefield import build_small_molecules

from lamcore.cards import DatasetCard, TaskCard, load_card
from lamcore.data_files import sha256
from lamcore.errors import DataError

SPECS = {spec.name: spec for spec in lamcore_forcefield.lamcore_datasets()}


@pytest.fixture(scope="module")
def cases():
    return list(build_small_molecules(species="all").cases())


def test_cards_are_valid():
    for spec in SPECS.values():
        assert load_card(spec.card, DatasetCard).units["energy"] == "eV"
    (task,) = lamcore_forcefield.lamcore_tasks()
    assert set(load_card(task.card, TaskCard).protocols) == {"default", "lambench"}
    assert load_card(SPECS["small-molecules"].card, DatasetCard).functional == "PBE"


def test_the_file_is_the_one_of_the_card():
    (path,) = build_small_molecules().files.values()
    file = load_card(SPECS["small-molecules"].card, DatasetCard).files["small-molecules.extxyz"]
    assert (sha256(path), path.stat().st_size) == (file.sha256, file.bytes)


def test_a_changed_copy_is_refused(tmp_path):
    (path,) = build_small_molecules().files.values()
    (tmp_path / path.name).write_text(path.read_text().replace("molecule=H2O", "molecule=D2O", 1))
    with pytest.raises(DataError, match=r"small-molecules\.extxyz: SHA-256 is .* so it is not small-molecules\.extxyz"):
        build_small_molecules(tmp_path)


def test_there_are_two_frames_of_each_of_thirty_species(cases):
    groups = Counter(case.settings["group"] for case in cases)
    assert len(groups) == 30
    assert set(groups.values()) == {2}
    elements = Counter(symbol for case in cases for symbol in set(case.atoms.get_chemical_symbols()))
    assert set(elements) == {"H", "C", "N", "O", "F", "S", "Cl"}
    assert min(elements.values()) >= 8


def test_radicals_and_cations_come_only_when_asked_for(cases):
    states = {case.settings["group"]: (case.atoms.info["charge"], case.atoms.info["spin"]) for case in cases}
    special = {name: state for name, state in states.items() if state != (0, 1)}
    assert special == {"CH3": (0, 2), "NO2": (0, 2), "NH4+": (1, 1), "H3O+": (1, 1)}
    default = {case.settings["group"] for case in build_small_molecules().cases()}
    assert default == states.keys() - special.keys()


def test_each_species_has_the_electrons_that_its_multiplicity_needs(cases):
    for case in cases:
        n_electrons = case.atoms.numbers.sum() - case.atoms.info["charge"]
        assert n_electrons % 2 == (case.atoms.info["spin"] - 1) % 2, case.id


def test_forces_add_up_to_nothing_and_turn_nothing(cases):
    """Analytic forces with the response of the grid: free molecules feel no net force and no torque."""
    for case in cases:
        forces = case.atoms.arrays["reference_forces"]
        assert np.abs(forces.sum(axis=0)).max() < 5e-6, case.id
        torque = np.cross(case.atoms.positions - case.atoms.get_center_of_mass(), forces).sum(axis=0)
        assert np.abs(torque).max() < 2e-2, case.id


def test_frames_are_distorted_and_hot_ones_more(cases):
    norms = {}
    for case in cases:
        norms.setdefault(case.settings["frame"], []).append(np.linalg.norm(case.atoms.arrays["reference_forces"]))
    assert min(norms[0]) > 0.3
    assert np.mean(norms[1]) > np.mean(norms[0])


def test_energies_are_those_of_the_atoms_to_within_bonds(cases):
    """From hydrogen's −13.6 eV to chlorine's −12,519 eV, less the energy of the bonds."""
    from lamcore_forcefield.energy_bias import fit_energy_bias

    compositions = [Counter(case.atoms.get_chemical_symbols()) for case in cases]
    fit = fit_energy_bias(compositions, [case.reference["energy"] for case in cases])
    nuclear = {"H": -13.6, "C": -1029.1, "N": -1484.4, "O": -2042.0, "F": -2713.0, "S": -10832.0, "Cl": -12519.0}
    for symbol, energy in nuclear.items():
        assert fit.shifts_ev[symbol] == pytest.approx(energy, abs=15), symbol


def test_the_script_that_made_them_is_in_the_package():
    script = Path(lamcore_forcefield.__file__).parent / "data" / "make_small_molecules.py"
    card = load_card(SPECS["small-molecules"].card, DatasetCard)
    assert script.is_file()
    assert script.name in card.notes
