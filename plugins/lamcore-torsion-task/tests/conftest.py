from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from lamcore import AseModel, Case

ANGLES = np.arange(-165.0, 181.0, 15.0)


@pytest.fixture(scope="session")
def reference_data():
    """The folder of reference data, which does not travel with the repository."""
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("LAMCORE_REFERENCE_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set LAMCORE_REFERENCE_DATA")
    return folder


@pytest.fixture(scope="session")
def torsionnet(reference_data):
    path = reference_data / "torsionnet500" / "torsionnet500.extxyz.gz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


def _peroxide(angle_deg: float) -> Atoms:
    """Hydrogen peroxide with a dihedral, its bonds and angles fixed."""
    turn = np.radians(angle_deg)
    oxygens = [[0.0, 0.0, 0.0], [0.0, 0.0, 1.45]]
    first = [0.95, 0.0, -0.16]
    last = [0.95 * np.cos(turn), 0.95 * np.sin(turn), 1.61]
    return Atoms("HOOH", [first, *oxygens, last], info={"charge": 0})


def _scan_case(case_id, reference, /, angles=ANGLES, structures=None, **settings):
    """A case of hydrogen peroxide with a given reference profile, kcal/mol."""
    energies = np.asarray(reference, dtype=float)
    return Case(
        case_id,
        tuple(structures or [_peroxide(angle) for angle in angles]),
        {"energies_kcal_per_mol": (energies - energies.min()).tolist()},
        {"torsion_atoms": [0, 1, 2, 3], "angles_deg": list(map(float, angles)), "smiles": "OO", "name": "OO"}
        | settings,
    )


class Springs(Calculator):
    """Harmonic bonds and angles (as 1–3 distances) of H2O2, a cosine of its dihedral, and a count of the requests.

    E = ½ Σ k (d − d₀)² + V/2 (1 + cos φ).
    """

    implemented_properties = ("energy", "forces")
    pairs = ((0, 1, 30.0, 0.98), (1, 2, 25.0, 1.40), (2, 3, 30.0, 0.98), (0, 2, 8.0, 1.95), (1, 3, 8.0, 1.95))
    height_ev = 0.3

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        from lamcore_torsion.held_dihedral import dihedral_deg, dihedral_gradient

        place = atoms.positions
        energy, forces = 0.0, np.zeros_like(place)
        for i, j, strength, length in self.pairs:
            apart = place[j] - place[i]
            distance = np.linalg.norm(apart)
            energy += strength / 2 * (distance - length) ** 2
            pull = strength * (distance - length) * apart / distance
            forces[i] += pull
            forces[j] -= pull
        angle = np.radians(dihedral_deg(place, (0, 1, 2, 3)))
        energy += self.height_ev / 2 * (1 + np.cos(angle))
        forces += self.height_ev / 2 * np.sin(angle) * dihedral_gradient(place, (0, 1, 2, 3))
        self.results = {"energy": energy, "forces": forces}


@pytest.fixture
def springs():
    return AseModel(Springs())


@pytest.fixture
def springs_calculator():
    return Springs


@pytest.fixture
def peroxide():
    return _peroxide


@pytest.fixture
def scan_case():
    return _scan_case
