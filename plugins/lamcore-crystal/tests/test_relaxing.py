from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from lamcore_crystal.relaxing import failure_finding, relax_crystal, unphysical_energy, what_is_wrong
from lamcore_crystal.rounds import RelaxationRules
from lamcore_crystal.task import CrystalTask, RefusedError

from lamcore import AseModel, Case
from lamcore.errors import CaseError, RelaxationExplodedError

RULES = RelaxationRules(fmax=0.01)


@pytest.fixture(scope="module")
def relaxed():
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell.array * 1.05, scale_atoms=True)
    atoms.rattle(0.05, seed=1)
    return atoms, relax_crystal(atoms, AseModel(EMT()), RULES)


def test_a_crystal_ends_at_its_lattice_parameter_without_force_or_stress(relaxed):
    atoms, output = relaxed
    assert output["converged"]
    assert output["residual_ev_ang"] < RULES.fmax
    assert output["max_stress_gpa"] <= RULES.max_stress_gpa
    assert np.linalg.norm(output["cell_ang"], axis=1) == pytest.approx(3.59, abs=0.02)
    assert output["volume_ratio"] == pytest.approx(abs(np.linalg.det(output["cell_ang"])) / atoms.get_volume())
    assert what_is_wrong(output, RULES) is None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"residual_ev_ang": 0.5}, "E_UNCONVERGED"),
        ({"max_stress_gpa": 0.2}, "E_STRESS"),
        ({"volume_ratio": 0.2}, "E_VOLUME_CHANGE"),
        ({"volume_ratio": 3.5}, "E_VOLUME_CHANGE"),
    ],
)
def test_an_end_that_does_not_count_has_its_code_and_its_numbers(relaxed, changed, code):
    finding = what_is_wrong({**relaxed[1], **changed}, RULES)
    assert finding.code == code
    ((name, value),) = changed.items()
    assert finding.data[name] == value


@pytest.mark.parametrize(
    ("name", "code"),
    [("residual_ev_ang", "E_UNCONVERGED"), ("max_stress_gpa", "E_STRESS"), ("volume_ratio", "E_VOLUME_CHANGE")],
)
def test_what_is_not_a_number_does_not_pass(relaxed, name, code):
    assert what_is_wrong({**relaxed[1], name: float("nan")}, RULES).code == code


def test_a_force_as_long_as_one_component_allows_is_not_converged():
    # The old gate looked at components: (0.04, 0.04, 0.04) passed a limit of 0.05 with a length of 0.069.
    length = float(np.linalg.norm([0.04, 0.04, 0.04]))
    output = {"residual_ev_ang": length, "n_steps": 9, "max_stress_gpa": 0.0, "volume_ratio": 1.0}
    assert what_is_wrong(output, RelaxationRules(fmax=0.05)).code == "E_UNCONVERGED"


@pytest.mark.parametrize("energy", [-5.1, 5.1])
def test_a_formation_energy_beyond_belief_is_refused_and_a_positive_one_is_not(energy):
    assert unphysical_energy(energy, RULES).code == "E_FORMATION_ENERGY"
    assert unphysical_energy(0.8, RULES) is None


def test_exceptions_have_codes():
    assert failure_finding("RelaxationExplodedError", "the volume went").code == "E_EXPLODED"
    assert failure_finding("RelaxationExplodedError", "energy is not finite").code == "E_NOT_FINITE"
    assert failure_finding("UnsupportedStructureError", "Po").code == "E_UNSUPPORTED"
    assert failure_finding("RuntimeError", "boom").code == "E_MODEL"


def test_a_collapse_is_an_explosion_and_no_result():
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell.array * 1.9, scale_atoms=True)
    with pytest.raises(RelaxationExplodedError):
        relax_crystal(atoms, AseModel(EMT()), RULES)


def test_a_refused_file_fails_its_case_with_its_reason():
    with pytest.raises(RefusedError, match="E_OVERLAP") as caught:
        CrystalTask().calculate(Case("bad.cif", (), settings={"refusal": "E_OVERLAP: too close"}), None)
    assert isinstance(caught.value, CaseError)


@pytest.mark.parametrize("options", [{"fmax": 0.0}, {"max_stress_gpa": -1.0}, {"max_steps": -1}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="above zero"):
        CrystalTask(RelaxationRules(**options))
    with pytest.raises(ValueError, match="stable_within"):
        CrystalTask(stable_within=0.2, metastable_within=0.1)


def test_openlams_way_takes_the_path_of_ases_bfgs_with_the_exponential_filter():
    from ase.filters import ExpCellFilter
    from ase.optimize import BFGS

    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + np.diag([0.03, 0.01], 1)), scale_atoms=True)
    atoms.rattle(0.05, seed=2)
    output = relax_crystal(atoms, AseModel(EMT()), RelaxationRules(optimizer="openlam-1", fmax=0.05))
    its = atoms.copy()
    its.calc = EMT()
    with pytest.warns(DeprecationWarning, match="FrechetCellFilter"):
        whole = ExpCellFilter(its)
    optimizer = BFGS(whole, logfile=None)
    optimizer.run(fmax=1e-4, steps=200)
    assert output["n_steps"] == optimizer.get_number_of_steps() > 5
    assert output["energy_ev"] == pytest.approx(its.get_potential_energy(), abs=1e-9)
    assert output["cell_ang"] == pytest.approx(its.cell.array, abs=1e-7)
    assert output["residual_ev_ang"] == pytest.approx(np.abs(its.get_forces()).max(), abs=1e-7)


def test_openlams_gate_lets_pass_what_ours_refuses():
    output = {"residual_ev_ang": 0.04, "n_steps": 200, "max_stress_gpa": 4.0, "volume_ratio": 1.0}
    theirs = RelaxationRules(optimizer="openlam-1", fmax=0.05, max_stress_gpa=1e6, formation_energy=(-1e6, 0.0))
    assert what_is_wrong(output, theirs) is None
    assert unphysical_energy(0.01, theirs).code == "E_FORMATION_ENERGY"
    assert what_is_wrong(output, RelaxationRules()).code == "E_UNCONVERGED"
