"""The kit finds what is wrong with a model, and nothing wrong with a right one."""

from typing import ClassVar

import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from lamcore import ModelSpec, Prediction, Scope
from lamcore.cards import Checkpoint
from lamcore.config import Choice
from lamcore.errors import UnsupportedStructureError
from lamcore.registry import Offer, Plugin
from lamcore.testing import ModelConformance
from lamcore.testing.claims import Number, measure_claim, not_applicable
from lamcore.testing.compare import compare_models
from lamcore.testing.model_claims import MODEL_CLAIMS
from lamcore.testing.model_subject import ModelSubject, largest_differences
from lamcore.testing.pair_model import PairModel

CLAIMS = {claim.name: claim for claim in MODEL_CLAIMS}
CARD = """
summary: a pair potential
licence_code: MIT
level_of_theory: none
properties: [energy, forces, stress, descriptors]
citations: [{text: nobody}]
"""


@pytest.fixture
def subject_of(tmp_path):
    """Put a model under test that no plugin offers."""

    def make(build):
        card = tmp_path / "card.yaml"
        card.write_text(CARD)
        return ModelSubject(Choice("model", "made-up", Offer(ModelSpec("made-up", build, card), PLUGIN), {}))

    return make


PLUGIN = Plugin("made-up", "made-up", "1.0")


def changed(change):
    """A pair model whose predictions are changed: `change(atoms, prediction, index, model)`."""

    class Changed(PairModel):
        n_calls = 0

        def evaluate(self, structures):
            self.n_calls += 1
            predictions = super().evaluate(structures)
            return [change(a, p, i, self) for i, (a, p) in enumerate(zip(structures, predictions, strict=True))]

    return Changed


def with_energy(prediction, energy):
    return Prediction(float(energy), prediction.forces, prediction.stress)


def with_stress(prediction, stress):
    return Prediction(prediction.energy, prediction.forces, None if prediction.stress is None else stress)


def stress_negative(atoms, p, index, model):
    return with_stress(p, None if p.stress is None else -p.stress)


def voigt_of_another_package(atoms, p, index, model):
    return with_stress(p, None if p.stress is None else p.stress[[0, 1, 2, 5, 3, 4]])


def forces_one_percent_off(atoms, p, index, model):
    return Prediction(p.energy, 1.01 * p.forces, p.stress)


def energy_leaks_along_the_batch(atoms, p, index, model):
    return with_energy(p, p.energy + 1e-3 * index)


def energy_of_single_precision(atoms, p, index, model):
    return with_energy(p, np.float32(p.energy))


def constant_for_each_structure(atoms, p, index, model):
    return with_energy(p, p.energy + 0.01)


def energy_drifts(atoms, p, index, model):
    return with_energy(p, p.energy + 1e-6 * model.n_calls)


def energy_knows_an_axis(atoms, p, index, model):
    (x,) = (neighbor_list("D", atoms, 4.0)[:, 0],)
    return with_energy(p, p.energy + 1e-3 * np.sum(x**2 * (16 - np.minimum(x**2, 16))))


def energy_knows_the_origin(atoms, p, index, model):
    return with_energy(p, p.energy + 1e-3 * np.sum(np.sin(atoms.positions)))


def empty_box_has_energy(atoms, p, index, model):
    heights = atoms.cell.lengths() * ~atoms.pbc
    return with_energy(p, p.energy + 1e-3 * np.sum(heights))


def force_of_first_atom_only(atoms, p, index, model):
    forces = p.forces.copy()
    forces[0] += 0.01
    return Prediction(p.energy, forces, p.stress)


def forces_turn(atoms, p, index, model):
    arms = atoms.positions - atoms.positions.mean(axis=0)
    return Prediction(p.energy, p.forces + 0.1 * np.cross([0.0, 0.0, 1.0], arms), p.stress)


def stress_for_everything(atoms, p, index, model):
    return Prediction(p.energy, p.forces, np.zeros(6))


def atoms_are_wrapped(atoms, p, index, model):
    atoms.wrap()
    return p


def forces_are_kept(atoms, p, index, model):
    model.kept = getattr(model, "kept", {})
    key = atoms.positions.tobytes()
    return model.kept.setdefault(key, p)


def nearest_image_only(atoms, p, index, model):
    energy = 0.0
    for i in range(len(atoms)):
        others = [j for j in range(len(atoms)) if j != i]
        distances = atoms.get_distances(i, others, mic=bool(atoms.pbc.any())) if others else np.array([])
        energy += np.sum(np.exp(-distances)) / 2
    return with_energy(p, energy)


def oganesson_is_missing(atoms, p, index, model):
    if "Og" in atoms.symbols:
        raise KeyError("Og")
    return p


FAULTS = {
    stress_negative: "stress_is_the_slope_of_the_energy",
    voigt_of_another_package: "stress_is_the_slope_of_the_energy",
    forces_one_percent_off: "forces_are_slopes_of_the_energy",
    energy_leaks_along_the_batch: "a_batch_gives_what_each_gives_alone",
    energy_of_single_precision: "dtype_is_as_declared",
    constant_for_each_structure: "energy_is_extensive",
    energy_drifts: "two_runs_agree",
    energy_knows_an_axis: "rotation_rotates_forces_and_stress",
    energy_knows_the_origin: "translation_changes_nothing",
    empty_box_has_energy: "open_directions_ignore_the_cell",
    force_of_first_atom_only: "permutation_permutes_forces",
    forces_turn: "no_work_around_a_closed_loop",
    stress_for_everything: "predictions_are_as_agreed",
    atoms_are_wrapped: "input_is_not_changed",
    forces_are_kept: "predictions_are_the_callers_own",
    nearest_image_only: "energy_is_extensive",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_fails_the_claim_that_names_it(subject_of, fault):
    finding = measure_claim(CLAIMS[FAULTS[fault]], subject_of(changed(fault)), {})
    assert finding.verdict == "fail"
    assert finding.numbers or finding.traceback


@pytest.mark.parametrize("name", [name for name in CLAIMS if name != "registration_is_light"])
def test_a_right_model_fails_no_claim(subject_of, name):
    def build():
        """Build it."""
        return PairModel()

    finding = measure_claim(CLAIMS[name], subject_of(build), {})
    assert finding.verdict != "fail", finding


def test_forces_that_are_not_derivatives_are_reported_and_not_judged_where_the_model_says_so(subject_of):
    class Direct(changed(forces_turn)):
        conservative = False

    finding = measure_claim(CLAIMS["no_work_around_a_closed_loop"], subject_of(Direct), {})
    assert finding.verdict == "not applicable"
    (crystal, molecule) = finding.numbers
    assert not molecule.holds
    assert not crystal.holds


def test_the_work_of_a_rotating_force_is_its_curl_times_the_area(subject_of):
    # F = k ẑ × r on each atom, about the common centre; around r = r₀ + a cos φ + b sin φ the work is
    # 2π k Σ ẑ · (a × b), with a and b freed of their mean, whatever the energy does.
    from lamcore.testing.model_claims.consistency import _work_around_a_loop

    subject = subject_of(changed(forces_turn))
    atoms = subject.structures.molecule
    random = np.random.default_rng(21).normal(size=(3 * len(atoms), 2))
    a, b = np.linalg.qr(random)[0].T.reshape(2, len(atoms), 3) * 0.05 * len(atoms) ** 0.5
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    expected = 2 * np.pi * 0.1 * np.sum(np.cross(a, b)[:, 2])
    assert _work_around_a_loop(subject, atoms, 128) == pytest.approx(expected, abs=1e-9)


def test_a_cut_off_without_a_smooth_end_is_found(subject_of, monkeypatch):
    monkeypatch.setattr("lamcore.testing.pair_model._SWITCH_FROM_ANG", 7.99)
    monkeypatch.setattr("lamcore.testing.pair_model._CUTOFF_ANG", 8.0)

    class Sharp(PairModel):
        cutoff_ang = 7.995

    finding = measure_claim(CLAIMS["energy_and_force_are_smooth_across_the_cutoff"], subject_of(Sharp), {})
    assert finding.verdict == "fail"


def test_an_element_that_is_promised_and_not_computed_is_named(subject_of):
    class Promises(changed(oganesson_is_missing)):
        scope = Scope(elements=frozenset(("Na", "Cl", "Og")))

    finding = measure_claim(CLAIMS["every_element_of_the_scope_is_computed"], subject_of(Promises), {})
    assert finding.verdict == "fail"
    assert "Og" in finding.detail


def test_descriptors_in_an_order_of_their_own_are_found(subject_of):
    class Sorted(PairModel):
        def descriptors(self, structures):
            return [np.sort(rows, axis=0) for rows in super().descriptors(structures)]

    assert measure_claim(CLAIMS["descriptors_are_per_atom_and_permute"], subject_of(Sorted), {}).verdict == "fail"


def test_a_model_that_raises_fails_the_claim_with_its_traceback(subject_of):
    class Raises(PairModel):
        def descriptors(self, structures):
            raise ZeroDivisionError("no features today")

    finding = measure_claim(CLAIMS["descriptors_are_per_atom_and_permute"], subject_of(Raises), {})
    assert finding.verdict == "fail"
    assert "no features today" in finding.detail
    assert "in descriptors" in finding.traceback


def test_two_settings_that_differ_are_told_apart_by_what_differs(subject_of):
    def build(bad_forces: bool = False):
        """Build it.

        Args:
            bad_forces: Whether forces are off.
        """
        return changed(forces_one_percent_off)() if bad_forces else PairModel()

    choice = subject_of(build).choice
    options = Choice(choice.group, choice.name, choice.offer, {"bad_forces": False})
    verdicts = {f.claim: f.verdict for f in compare_models(options, {"bad_forces": True}).findings}
    assert verdicts == {
        "energies_agree": "pass",
        "forces_agree": "fail",
        "stresses_agree": "pass",
        "descriptors_agree": "pass",
    }


def test_a_setting_that_gives_no_number_does_not_agree(subject_of):
    def build(broken: bool = False):
        """Build it.

        Args:
            broken: Whether descriptors are not numbers.
        """

        class Broken(PairModel):
            def descriptors(self, structures):
                return [np.full((len(atoms), 2), np.nan) for atoms in structures]

        return Broken() if broken else PairModel()

    choice = subject_of(build).choice
    options = Choice(choice.group, choice.name, choice.offer, {"broken": False})
    findings = {f.claim: f for f in compare_models(options, {"broken": True}).findings}
    assert findings["descriptors_agree"].verdict == "fail"
    assert "not finite" in findings["descriptors_agree"].detail


@pytest.mark.parametrize("wrong", ["nan", "too few"])
def test_the_other_setting_is_held_to_the_contract_too(subject_of, wrong):
    def build(broken: bool = False):
        """Build it.

        Args:
            broken: Whether predictions are wrong.
        """

        class Broken(PairModel):
            def evaluate(self, structures):
                right = super().evaluate(structures)
                return right[1:] if wrong == "too few" else [with_energy(p, np.nan) for p in right]

        return Broken() if broken else PairModel()

    choice = subject_of(build).choice
    options = Choice(choice.group, choice.name, choice.offer, {"broken": False})
    with pytest.raises(ValueError, match="answered" if wrong == "too few" else "not finite"):
        compare_models(options, {"broken": True})


def test_a_difference_that_is_not_a_number_is_never_lost():
    good, bad = Prediction(0.0, np.zeros((1, 3)), np.zeros(6)), Prediction(np.nan, np.full((1, 3), np.nan), np.ones(6))
    found = largest_differences([(good, good), (good, bad), (good, good)])
    assert np.isnan(found.energy)
    assert np.isnan(found.forces)
    assert found.stress == 1.0
    assert not_applicable("only told", Number("energy", found.energy, 1.0, "eV")).verdict == "fail"


def test_descriptors_that_know_the_origin_or_the_periodic_image_are_found(subject_of):
    class KnowsPositions(PairModel):
        def descriptors(self, structures):
            described = super().descriptors(structures)
            return [rows + atoms.positions[:, :1] for rows, atoms in zip(described, structures, strict=True)]

    finding = measure_claim(CLAIMS["descriptors_are_per_atom_and_permute"], subject_of(KnowsPositions), {})
    assert finding.verdict == "fail"
    assert [number.holds for number in finding.numbers] == [True, True, False, False]


def test_a_kind_of_structure_that_the_model_refuses_is_named_and_spoils_no_other_claim(subject_of):
    class NoWires(PairModel):
        def evaluate(self, structures):
            if any(atoms.pbc.tolist() == [True, False, False] for atoms in structures):
                raise UnsupportedStructureError("one periodic direction is not supported")
            return super().evaluate(structures)

    subject = subject_of(NoWires)
    assert "wire" not in subject.structures.by_kind()
    finding = measure_claim(CLAIMS["structures_of_the_scope_are_computed"], subject, {})
    assert "wire: one periodic direction" in finding.detail
    for name in ("forces_are_slopes_of_the_energy", "a_batch_gives_what_each_gives_alone", "predictions_are_as_agreed"):
        assert measure_claim(CLAIMS[name], subject, {}).verdict == "pass"


def test_a_model_that_refuses_every_kind_of_structure_fails(subject_of):
    class Refuses(PairModel):
        def evaluate(self, structures):
            raise UnsupportedStructureError("not today")

    finding = measure_claim(CLAIMS["structures_of_the_scope_are_computed"], subject_of(Refuses), {})
    assert finding.verdict == "fail"
    assert "not today" in finding.detail


def forces_ten_percent_off(atoms, p, index, model):
    return Prediction(p.energy, 1.1 * p.forces, p.stress)


def forces_negative(atoms, p, index, model):
    return Prediction(p.energy, -p.forces, p.stress)


def forces_in_hartree_per_bohr(atoms, p, index, model):
    return Prediction(p.energy, p.forces / 51.422, p.stress)


def forces_of_other_atoms(atoms, p, index, model):
    return Prediction(p.energy, np.roll(p.forces, 1, axis=0), p.stress)


def stress_in_gpa(atoms, p, index, model):
    return with_stress(p, None if p.stress is None else 160.218 * p.stress)


DIRECT = {
    forces_ten_percent_off: "pass",
    forces_negative: "fail",
    forces_in_hartree_per_bohr: "fail",
    forces_of_other_atoms: "fail",
    stress_in_gpa: "fail",
    stress_negative: "fail",
}


@pytest.mark.parametrize("fault", DIRECT, ids=lambda fault: fault.__name__)
def test_direct_forces_are_told_from_those_of_another_sign_unit_or_atom(subject_of, fault):
    class Direct(changed(fault)):
        conservative = False

    finding = measure_claim(CLAIMS["direct_forces_follow_the_energy"], subject_of(Direct), {})
    assert finding.verdict == DIRECT[fault], finding
    assert not finding.traceback


def test_an_interaction_beyond_the_declared_cutoff_is_found(subject_of):
    class SaysLess(PairModel):
        cutoff_ang = 5.0

    finding = measure_claim(CLAIMS["energy_and_force_are_smooth_across_the_cutoff"], subject_of(SaysLess), {})
    assert [number.what for number in finding.numbers if not number.holds] == ["energy beyond the cut-off"]


def test_an_element_whose_energy_knows_the_origin_is_named(subject_of):
    class GoldKnows(changed(lambda a, p, i, m: energy_knows_the_origin(a, p, i, m) if "Au" in a.symbols else p)):
        scope = Scope(elements=frozenset(("Na", "Cl", "Au")))

    finding = measure_claim(CLAIMS["every_element_of_the_scope_is_computed"], subject_of(GoldKnows), {})
    assert finding.verdict == "fail"
    assert "Au" in finding.detail


def test_no_known_failure_excuses_an_exception(subject_of):
    class Raises(PairModel):
        def descriptors(self, structures):
            raise ZeroDivisionError("no features today")

    name = "descriptors_are_per_atom_and_permute"
    finding = measure_claim(CLAIMS[name], subject_of(Raises), {name: "features are rough"})
    assert finding.known is None
    judge = ModelConformance()._judge
    subject = subject_of(Raises)
    subject.card.known_failures[name] = "features are rough"
    with pytest.raises(pytest.fail.Exception, match="no features today"):
        judge(CLAIMS[name], subject)


def test_a_known_failure_that_is_no_claim_is_an_error_in_the_class_and_at_a_checkpoint(subject_of):
    class Misspelt(ModelConformance):
        known_failures: ClassVar = {"net_farce_is_zero": "a slip"}

    subject = subject_of(PairModel)
    with pytest.raises(pytest.fail.Exception, match="no claim net_farce_is_zero"):
        Misspelt()._judge(CLAIMS["an_empty_batch_is_empty"], subject)
    subject.card.checkpoints["small"] = Checkpoint(known_failures={"net_farce_is_zero": "a slip"})
    finding = measure_claim(CLAIMS["known_failures_name_claims"], subject, {})
    assert finding.verdict == "fail"
    assert "checkpoint small: no claim 'net_farce_is_zero'" in finding.detail
