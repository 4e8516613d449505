import os

import numpy as np
import pytest
import spglib
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms, FixBondLength, FixedPlane, FixSymmetry
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE, LBFGS
from ase.spacegroup import crystal
from scipy.linalg import expm, expm_frechet

from lamcore import AseModel, Model, Prediction, relax
from lamcore.cell_filter import FrechetCell, exponential, log_deformation_force
from lamcore.errors import (
    ConstraintError,
    MissingPropertyError,
    RelaxationExplodedError,
    SymmetryError,
    UnsupportedStructureError,
)
from lamcore.quantities import GPA_PER_EV_ANG3
from lamcore.symmetry import SymmetryProjection, refined

# The errors that ASE's logm warns of are 4e-13; they belong to the reference, not to what is tested.
pytestmark = pytest.mark.filterwarnings("ignore:logm result may be inaccurate:RuntimeWarning")


@pytest.fixture(autouse=True)
def _spglib_raises_its_errors(monkeypatch):
    # As ASE sets it for the whole process; spglib warns of the old way whenever a test calls it before ASE has.
    monkeypatch.setenv("SPGLIB_OLD_ERROR_HANDLING", "false")


ASE_OPTIMIZERS = {"fire": FIRE, "lbfgs": LBFGS}


def lennard_jones():
    return LennardJones(sigma=2.3, epsilon=0.4, rc=6.0, smooth=True)


def sheared_alloy():
    """A triclinic cell without any symmetry, its lattice vectors far from a reduced basis."""
    rng = np.random.default_rng(5)
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[:] = ["Au", "Cu", "Pd", "Cu"]
    atoms.set_cell(np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]]) @ atoms.cell.array)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.04 * rng.normal(size=(3, 3))), scale_atoms=True)
    atoms.rattle(0.08, rng=rng)
    return atoms


def symmetric_crystals():
    """Crystals with free internal coordinates, skew or repeated cells, turned in space, slightly off their symmetry."""
    monoclinic = bulk("Cu", cubic=True) * (2, 1, 1)
    waves = np.sin(2 * np.pi * monoclinic.get_scaled_positions() @ [[1, 2], [0, 0], [1, -1]])
    monoclinic.positions += 0.12 * waves @ [[1, 0, -0.4], [0.3, 0, 0.7]]
    monoclinic.set_cell(monoclinic.cell.array @ [[1.04, 0, 0.07], [0, 0.97, 0], [0, 0, 1.02]], scale_atoms=True)
    wurtzite = crystal(
        ["Cu", "Pd"], [(1 / 3, 2 / 3, 0.0), (1 / 3, 2 / 3, 0.39)], spacegroup=186, cellpar=[3.9, 3.9, 6.1, 90, 90, 120]
    )
    wurtzite.set_cell(np.array([[1, 0, 0], [2, 1, 0], [0, 1, 1]]) @ wurtzite.cell.array)
    rutile = crystal(["Au", "Cu"], [(0, 0, 0), (0.29, 0.29, 0)], spacegroup=136, cellpar=[4.9, 4.9, 3.1, 90, 90, 90])
    crystals = {"monoclinic": monoclinic, "skew wurtzite": wurtzite, "rutile supercell": rutile * (1, 1, 2)}
    for atoms in crystals.values():
        atoms.rotate(37, (1, 2, -0.5), rotate_cell=True)
        atoms.rattle(5e-4, seed=3)
    return crystals


def ase_path(atoms, calculator, optimizer, cell, fmax, max_steps, symmetry=False, pressure_gpa=0.0):
    """The structure at every step of ASE's relaxation, and whether that converged."""
    atoms = atoms.copy()
    atoms.calc = calculator
    if symmetry:
        atoms.set_constraint(FixSymmetry(atoms))
    # Not ase.units.GPa, whose CODATA 2014 value moves atoms by 1e-9 Å.
    pressure = pressure_gpa / GPA_PER_EV_ANG3
    target = FrechetCellFilter(atoms, scalar_pressure=pressure) if cell == "frechet" else atoms
    driver = ASE_OPTIMIZERS[optimizer](target, logfile=None)
    path = []
    driver.attach(lambda: path.append(atoms.copy()))
    converged = driver.run(fmax=fmax, steps=max_steps)
    return path, bool(converged)


def assert_same_structure(ours, theirs, tolerance_ang=1e-8):
    assert np.abs(ours.positions - theirs.positions).max() < tolerance_ang
    assert np.abs(ours.cell.array - theirs.cell.array).max() < tolerance_ang


def assert_same_path(atoms, calculator, optimizer, cell, fmax=1e-4, max_steps=500, **options):
    """The same structures at every step, and as many steps to convergence."""
    theirs, converged = ase_path(atoms, calculator, optimizer, cell, fmax, max_steps, **options)
    model = RecordingModel(calculator)
    ours = relax(atoms, model, optimizer=optimizer, cell=cell, fmax=fmax, max_steps=max_steps, **options)
    assert ours.converged == converged
    assert ours.n_steps == len(theirs) - 1
    assert len(model.seen) == len(theirs)
    for our_step, their_step in zip(model.seen, theirs, strict=True):
        assert_same_structure(our_step, their_step)
    assert_same_structure(ours.atoms, theirs[-1])
    return ours


@pytest.mark.parametrize("cell", ["fixed", "frechet"])
@pytest.mark.parametrize("optimizer", ["fire", "lbfgs"])
@pytest.mark.parametrize("calculator", [EMT, lennard_jones])
def test_takes_the_path_of_ase_in_a_sheared_low_symmetry_cell(calculator, optimizer, cell):
    ours = assert_same_path(sheared_alloy(), calculator(), optimizer, cell)
    assert ours.converged
    assert ours.residual < 1e-4
    assert ours.n_steps > (50 if optimizer == "fire" else 10)


@pytest.mark.parametrize("optimizer", ["fire", "lbfgs"])
@pytest.mark.parametrize("pressure_gpa", [-2.0, 15.0])
def test_takes_the_path_of_ase_under_pressure(optimizer, pressure_gpa):
    assert assert_same_path(sheared_alloy(), EMT(), optimizer, "frechet", pressure_gpa=pressure_gpa).converged


@pytest.mark.parametrize("cell", ["fixed", "frechet"])
@pytest.mark.parametrize("optimizer", ["fire", "lbfgs"])
@pytest.mark.parametrize("name", ["monoclinic", "skew wurtzite", "rutile supercell"])
def test_takes_the_path_of_ase_with_symmetry_kept(name, optimizer, cell):
    atoms = symmetric_crystals()[name]
    assert assert_same_path(atoms, lennard_jones(), optimizer, cell, symmetry=True).converged


@pytest.mark.parametrize("cell", ["fixed", "frechet"])
@pytest.mark.parametrize("optimizer", ["fire", "lbfgs"])
def test_takes_the_path_of_ase_with_fixed_atoms(optimizer, cell):
    atoms = sheared_alloy() * (1, 1, 2)
    atoms.set_constraint([FixAtoms([0]), FixAtoms([3, 5])])
    assert assert_same_path(atoms, EMT(), optimizer, cell).converged


def test_takes_the_path_of_ase_for_a_molecule():
    atoms = Atoms("Cu3", [(0, 0, 0), (2.4, 0.1, 0), (0.8, 2.6, 0.3)])
    assert assert_same_path(atoms, EMT(), "fire", "fixed").converged


def test_lbfgs_takes_the_path_of_ase_beyond_the_length_of_its_memory():
    assert assert_same_path(sheared_alloy(), FlatValley(), "lbfgs", "fixed", fmax=1e-12, max_steps=115).n_steps == 115


def test_fixed_atoms_keep_their_place_or_their_fractional_coordinates():
    atoms = sheared_alloy()
    atoms.set_constraint(FixAtoms([1, 2]))
    still = relax(atoms, AseModel(EMT()), fmax=0.05)
    strained = relax(atoms, AseModel(EMT()), cell="frechet", fmax=0.05)
    assert np.array_equal(still.atoms.positions[[1, 2]], atoms.positions[[1, 2]])
    assert np.abs(strained.atoms.cell.array - atoms.cell.array).max() > 0.01
    before, after = (each.get_scaled_positions(wrap=False)[[1, 2]] for each in (atoms, strained.atoms))
    assert after == pytest.approx(before, abs=1e-12)
    assert strained.atoms.constraints[0].index.tolist() == [1, 2]


def test_relaxes_copper_to_the_lattice_parameter_that_a_scan_of_energies_has_its_minimum_at():
    parameters_ang = np.linspace(3.58, 3.60, 21)
    energies = []
    for a in parameters_ang:
        atoms = bulk("Cu", a=a, cubic=True)
        atoms.calc = EMT()
        energies.append(atoms.get_potential_energy())
    slope = np.polyder(np.poly1d(np.polyfit(parameters_ang - 3.59, energies, 4)))
    minimum_ang = 3.59 + min(slope.r, key=abs).real
    relaxed = relax(bulk("Cu", a=3.7, cubic=True), AseModel(EMT()), cell="frechet", fmax=1e-6)
    assert relaxed.converged
    assert relaxed.atoms.cell.lengths() == pytest.approx(3 * [minimum_ang], abs=1e-5)


def test_the_stress_of_a_structure_relaxed_under_pressure_is_minus_that_pressure():
    relaxed = relax(sheared_alloy(), AseModel(EMT()), optimizer="lbfgs", cell="frechet", fmax=1e-5, pressure_gpa=7.0)
    assert relaxed.stress / units.GPa == pytest.approx([-7.0, -7.0, -7.0, 0, 0, 0], abs=1e-3)


def enthalpy(rows, coordinates, atoms, pressure):
    """E + pV at these coordinates, from ASE alone once the structure is placed."""
    placed = atoms.copy()
    coordinates.place(rows, placed)
    placed.calc = EMT()
    return placed.get_potential_energy() + pressure * placed.get_volume()


@pytest.mark.parametrize("strain", [0.0, 0.03, 0.3])
def test_generalised_forces_are_minus_the_finite_differences_of_the_enthalpy(strain):
    atoms, pressure = sheared_alloy(), 0.07
    coordinates = FrechetCell(atoms, pressure)
    rows = coordinates.start()
    rows[-3:] += len(atoms) * strain * np.random.default_rng(2).normal(size=(3, 3))  # neither symmetric nor commuting
    placed = atoms.copy()
    coordinates.place(rows, placed)
    (prediction,) = AseModel(EMT()).evaluate([placed])
    forces = coordinates.forces(rows, prediction)
    step = 1e-5
    for index in np.ndindex(rows.shape):
        there, back = rows.copy(), rows.copy()
        there[index] += step
        back[index] -= step
        slope = (enthalpy(there, coordinates, atoms, pressure) - enthalpy(back, coordinates, atoms, pressure)) / (
            2 * step
        )
        assert forces[index] == pytest.approx(-slope, abs=2e-6), index


@pytest.mark.parametrize("size", [0.0, 1e-3, 0.1, 1.0, 3.0])
def test_the_exponential_and_the_log_force_agree_with_scipy(size):
    rng = np.random.default_rng(3)
    x, virial = size * rng.uniform(-1, 1, size=(3, 3)), rng.normal(size=(3, 3))
    deformation = expm(x)
    assert exponential(x) == pytest.approx(deformation, rel=1e-12, abs=1e-13)
    force = virial @ np.linalg.inv(deformation).T
    expected = np.zeros((3, 3))
    for index in np.ndindex(3, 3):
        direction = np.zeros((3, 3))
        direction[index] = 1.0
        expected[index] = np.vdot(force, expm_frechet(x, direction, compute_expm=False))
    assert log_deformation_force(x, virial) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_the_log_force_of_a_diagonal_deformation_follows_its_closed_form():
    x = np.array([0.1, -0.4, 0.7])
    virial = np.random.default_rng(0).normal(size=(3, 3))
    difference = x[:, None] - x[None, :] + np.eye(3)
    factor = np.where(np.eye(3) == 1, 1.0, np.expm1(difference) / difference)
    assert log_deformation_force(np.diag(x), virial) == pytest.approx(factor * virial, abs=1e-13)


def test_no_virial_is_no_log_force():
    assert not log_deformation_force(np.eye(3), np.zeros((3, 3))).any()


@pytest.mark.parametrize("name", ["monoclinic", "skew wurtzite", "rutile supercell"])
def test_the_symmetry_projection_is_the_average_over_the_operations_of_spglib(name):
    atoms = refined(symmetric_crystals()[name], 0.01)
    projection = SymmetryProjection(atoms, 0.01)
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    operations = spglib.get_symmetry(cell, symprec=1e-4)
    assert projection.n_operations == len(operations["rotations"]) > 1
    vectors = np.random.default_rng(1).normal(size=(len(atoms), 3))
    tensor = np.random.default_rng(2).normal(size=(3, 3))
    vector_mean, tensor_mean = np.zeros_like(vectors), np.zeros((3, 3))
    for rotation, translation in zip(operations["rotations"], operations["translations"], strict=True):
        cartesian = atoms.cell.array.T @ rotation @ np.linalg.inv(atoms.cell.array.T)
        for i, scaled in enumerate(atoms.get_scaled_positions()):
            gaps = atoms.get_scaled_positions() - rotation @ scaled - translation
            image = np.linalg.norm(gaps - np.round(gaps), axis=1).argmin()
            vector_mean[image] += cartesian @ vectors[i] / projection.n_operations
        tensor_mean += cartesian @ tensor @ cartesian.T / projection.n_operations
    assert projection.displacements(vectors) == pytest.approx(vector_mean, abs=1e-9)
    assert projection.deformation(tensor) == pytest.approx(tensor_mean, abs=1e-9)


def test_a_model_that_breaks_the_symmetry_cannot_break_it_in_a_symmetric_relaxation():
    atoms = symmetric_crystals()["skew wurtzite"]
    kept = relax(atoms, NoisyModel(), cell="frechet", symmetry=True, max_steps=30)
    lost = relax(atoms, NoisyModel(), cell="frechet", symmetry=False, max_steps=30)
    assert kept.n_steps == lost.n_steps == 30
    assert space_group_number(kept.atoms, 1e-6) == 186
    assert space_group_number(lost.atoms, 1e-3) == 1


def space_group_number(atoms, symprec):
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    return spglib.get_symmetry_dataset(cell, symprec=symprec).number


def test_sites_without_freedom_do_not_move_in_a_symmetric_relaxation():
    relaxed = relax(bulk("Cu", a=3.6, cubic=True), NoisyModel(), symmetry=True)
    assert relaxed.converged
    assert relaxed.n_steps == 0
    assert relaxed.residual == pytest.approx(0, abs=1e-12)


def test_symmetry_leaves_the_error_handling_of_spglib_as_it_was(monkeypatch):
    monkeypatch.delenv("SPGLIB_OLD_ERROR_HANDLING", raising=False)
    relax(bulk("Cu"), AseModel(EMT()), symmetry=True)
    assert "SPGLIB_OLD_ERROR_HANDLING" not in os.environ


def test_steps_that_run_out_are_not_convergence():
    result = relax(sheared_alloy(), AseModel(EMT()), fmax=1e-3, max_steps=3)
    assert not result.converged
    assert result.n_steps == 3
    assert result.residual > 1e-3


@pytest.mark.parametrize("pressure_gpa", [0.0, 5.0])
def test_a_limit_on_the_stress_holds_where_the_forces_alone_would_be_content(pressure_gpa):
    atoms = sheared_alloy()
    model = AseModel(EMT())
    options = {"cell": "frechet", "fmax": 0.1, "pressure_gpa": pressure_gpa}
    pressed = np.array([1, 1, 1, 0, 0, 0]) * pressure_gpa
    content = relax(atoms, model, **options)
    assert np.abs(content.stress * GPA_PER_EV_ANG3 + pressed).max() > 0.05
    held = relax(atoms, model, max_stress_gpa=0.05, **options)
    assert held.converged
    assert held.n_steps > content.n_steps
    assert np.abs(held.stress * GPA_PER_EV_ANG3 + pressed).max() <= 0.05
    cut = relax(atoms, model, max_stress_gpa=0.05, max_steps=content.n_steps, **options)
    assert cut.residual < 0.1
    assert not cut.converged


def test_the_model_is_asked_once_for_each_configuration_and_may_keep_what_it_saw():
    model = RecordingModel(EMT())
    result = relax(sheared_alloy(), model, cell="frechet", max_steps=6, fmax=1e-6)
    assert len(model.seen) == result.n_steps + 1 == 7
    assert len({atoms.positions.tobytes() for atoms in model.seen}) == 7
    assert_same_structure(model.seen[-1], result.atoms, 1e-15)
    assert result.forces is model.answers[-1].forces
    assert result.energy == model.answers[-1].energy


@pytest.mark.parametrize("symmetry", [False, True])
def test_the_input_is_left_as_it_is(symmetry):
    atoms = sheared_alloy()
    atoms.info["charge"] = 0
    atoms.set_tags(range(4))
    if not symmetry:
        atoms.set_constraint(FixAtoms([2]))
    calculator = atoms.calc = EMT()
    before = atoms.copy()
    result = relax(atoms, AseModel(EMT()), cell="frechet", symmetry=symmetry, max_steps=5, fmax=1e-6)
    assert atoms == before
    assert atoms.calc is calculator
    assert len(atoms.constraints) == len(result.atoms.constraints) == (0 if symmetry else 1)
    assert result.atoms.calc is None
    assert result.atoms.info == {"charge": 0}
    assert result.atoms.get_tags().tolist() == [0, 1, 2, 3]
    assert result.atoms != before


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["energy", "forces", "stress"])
def test_a_value_that_is_not_finite_ends_the_relaxation_and_says_at_which_step(name, bad):
    with pytest.raises(RelaxationExplodedError, match=f"step 3 .*{name} is not finite"):
        relax(sheared_alloy(), BreaksAtCall(3, **{name: bad}), fmax=1e-6)


def test_a_force_beyond_the_limit_ends_the_relaxation_and_says_how_long_it_was():
    with pytest.raises(RelaxationExplodedError, match=r"step 2 .*2e\+04 eV/Å"):
        relax(sheared_alloy(), BreaksAtCall(2, forces=2e4), fmax=1e-6)
    assert relax(sheared_alloy(), BreaksAtCall(2, forces=2e4), fmax=1e-6, force_limit=3e4, max_steps=4).n_steps == 4


def test_atoms_on_top_of_each_other_are_an_explosion_at_step_zero():
    atoms = Atoms("Cu2", [(0, 0, 0), (0.3, 0, 0)])
    with pytest.raises(RelaxationExplodedError, match="Cu2: step 0 "):
        relax(atoms, AseModel(lennard_jones()))


@pytest.mark.parametrize("constraint", [FixedPlane(0, (0, 0, 1)), FixBondLength(0, 1)])
def test_a_constraint_that_would_be_ignored_is_refused(constraint):
    atoms = sheared_alloy()
    atoms.set_constraint([FixAtoms([1]), constraint])
    with pytest.raises(ConstraintError, match=type(constraint).__name__):
        relax(atoms, AseModel(EMT()))


def test_symmetry_with_fixed_atoms_is_refused():
    atoms = bulk("Cu", cubic=True)
    atoms.set_constraint(FixAtoms([0]))
    with pytest.raises(ConstraintError, match="FixAtoms"):
        relax(atoms, AseModel(EMT()), symmetry=True)


def test_symmetry_that_cannot_be_found_is_an_error_of_its_own():
    overlapping = Atoms("Cu2", [(0, 0, 0), (0, 0, 1e-4)], cell=[3, 3, 3], pbc=True)
    with pytest.raises(SymmetryError, match="spglib found no space group"):
        relax(overlapping, AseModel(EMT()), symmetry=True)
    with pytest.raises(SymmetryError, match="periodic"):
        relax(molecule("H2O"), AseModel(EMT()), symmetry=True)


def test_a_relaxing_cell_needs_three_periodic_directions_and_a_stress():
    slab = bulk("Cu", cubic=True)
    slab.pbc = (True, True, False)
    with pytest.raises(UnsupportedStructureError, match="periodic in all three directions"):
        relax(slab, AseModel(EMT()), cell="frechet")
    with pytest.raises(MissingPropertyError, match="no stress"):
        relax(bulk("Cu"), BreaksAtCall(0, stress=None), cell="frechet")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "bfgs"}, "optimizer is 'bfgs'"),
        ({"max_stress_gpa": 0.1}, "a fixed cell cannot reach"),
        ({"max_stress_gpa": 0.0, "cell": "frechet"}, "max_stress_gpa is 0.0"),
        ({"cell": "unit"}, "cell is 'unit'"),
        ({"fmax": 0.0}, "fmax is 0.0"),
        ({"fmax": float("nan")}, "fmax is nan"),
        ({"max_steps": -1}, "max_steps is -1"),
        ({"pressure_gpa": 1.0}, "does nothing to a fixed cell"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        relax(bulk("Cu"), AseModel(EMT()), **options)


class RecordingModel(AseModel):
    """A calculator that keeps the structures it was given."""

    def __init__(self, calculator):
        super().__init__(calculator)
        self.seen, self.answers = [], []

    def evaluate(self, structures):
        assert len(structures) == 1
        predictions = super().evaluate(structures)
        self.seen += structures
        self.answers += predictions
        return predictions


class NoisyModel(Model):
    """Forces and stress without any symmetry."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def evaluate(self, structures):
        return [
            Prediction(0.0, self.rng.normal(size=(len(atoms), 3)), 0.01 * self.rng.normal(size=6))
            for atoms in structures
        ]


class BreaksAtCall(AseModel):
    """EMT whose answer to one call, counted from zero, is spoilt."""

    def __init__(self, call, **spoilt):
        super().__init__(EMT())
        self.calls_to_go, self.spoilt = call, spoilt

    def evaluate(self, structures):
        (prediction,) = super().evaluate(structures)
        self.calls_to_go -= 1
        if self.calls_to_go >= 0:
            return [prediction]
        values = {"energy": prediction.energy, "forces": prediction.forces, "stress": prediction.stress}
        for name, value in self.spoilt.items():
            if name == "energy" or value is None:
                values[name] = value
            else:
                values[name] = values[name].copy()
                values[name].flat[1] = value
        return [Prediction(**values)]


class FlatValley(EMT):
    """A sum of fourth powers of the displacements along each axis: LBFGS needs many steps."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        self.atoms = atoms.copy()
        weights = 1.0 + np.arange(atoms.positions.size).reshape(-1, 3)
        cubed = weights * (atoms.positions - 0.5) ** 3
        self.results = {"energy": float(np.vdot(cubed, atoms.positions - 0.5)), "forces": -4 * cubed}


class Repelling(Model):
    """Pushes every cell to grow (or, with a negative pressure, to shrink) for ever."""

    def __init__(self, pressure):
        self.pressure = pressure

    def evaluate(self, structures):
        return [
            Prediction(0.0, np.zeros((len(atoms), 3)), -self.pressure * np.array([1.0, 1.0, 1.0, 0, 0, 0]))
            for atoms in structures
        ]


@pytest.mark.parametrize("pressure", [0.5, -0.5])
def test_a_cell_that_grows_or_shrinks_without_end_has_exploded_and_not_converged(pressure):
    with pytest.raises(RelaxationExplodedError, match="the volume went from"):
        relax(bulk("Cu", cubic=True), Repelling(pressure), cell="frechet", fmax=1e-6, max_steps=5000)


@pytest.mark.parametrize(
    "options",
    [{"fmax": np.inf}, {"force_limit": np.nan}, {"max_steps": 1.5}, {"volume_limit": 0.5}, {"pressure_gpa": np.nan}],
)
def test_options_that_would_switch_a_check_off_are_refused(options):
    cell = {"cell": "frechet"} if "pressure_gpa" in options else {}
    with pytest.raises(ValueError, match=next(iter(options))):
        relax(bulk("Cu"), AseModel(EMT()), **options, **cell)
