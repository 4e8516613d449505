"""Claims about the physics, each against something known without this code."""

from __future__ import annotations

import json
import lzma
from io import StringIO

import numpy as np
import phonopy
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from lamcore_phonon import physics

R = 8.31446261815324
FACE_CENTRED = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
CONSTANTS = {"eV": 1.602176634e-19, "amu": 1.66053906660e-27}
ONE_POINT = np.array([1])


def emt_forces(supercells):
    forces = []
    for cell in supercells:
        cell.calc = EMT()
        forces.append(cell.get_forces())
    return forces


def chain(masses):
    """A chain of atoms along x, 2 Å apart, 10 Å from its neighbours."""
    n = len(masses)
    atoms = Atoms(["Si", "C"][:n], positions=[[2.0 * i, 0, 0] for i in range(n)], cell=[2.0 * n, 10, 10], pbc=True)
    atoms.set_masses(masses)
    return atoms


def chain_forces(supercells, spring):
    """Springs between nearest neighbours in all three directions, so that the transverse modes are finite too."""
    forces = []
    for cell in supercells:
        order = np.argsort(cell.positions[:, 0])
        ideal = np.arange(len(cell)) * 2.0
        displacement = cell.positions[order] - np.c_[ideal, np.zeros((len(cell), 2))]
        stretched = np.roll(displacement, -1, axis=0) + np.roll(displacement, 1, axis=0) - 2 * displacement
        force = np.empty_like(stretched)
        force[order] = spring * stretched
        forces.append(force)
    return forces


def frequency_thz(spring_ev_per_ang2, mass_amu):
    """√(k/m)/2π in THz."""
    return np.sqrt(spring_ev_per_ang2 * CONSTANTS["eV"] * 1e20 / (mass_amu * CONSTANTS["amu"])) / (2 * np.pi) / 1e12


def test_monatomic_chain_has_the_sine_dispersion():
    spring, mass = 3.0, 28.0
    phonon, supercells = physics.prepare(chain([mass]), np.diag([8, 1, 1]), np.eye(3))
    physics.solve_force_constants(phonon, chain_forces(supercells, spring))
    q = np.array([0.125, 0.25, 0.375, 0.5])
    frequencies = physics.frequencies_at(phonon, np.c_[q, np.zeros((4, 2))])
    expected = 2 * frequency_thz(spring, mass) * np.sin(np.pi * q)
    np.testing.assert_allclose(frequencies, np.repeat(expected[:, None], 3, axis=1), rtol=1e-6)


def test_diatomic_chain_has_its_optical_mode_at_the_reduced_mass():
    spring, masses = 3.0, [28.0, 12.0]
    phonon, supercells = physics.prepare(chain(masses), np.diag([4, 1, 1]), np.eye(3))
    physics.solve_force_constants(phonon, chain_forces(supercells, spring))
    (at_gamma, at_edge) = physics.frequencies_at(phonon, np.array([[0, 0, 0], [0.5, 0, 0]]))
    reduced = masses[0] * masses[1] / sum(masses)
    np.testing.assert_allclose(at_gamma[3:], frequency_thz(2 * spring, reduced), rtol=1e-6)
    np.testing.assert_allclose(at_gamma[:3], 0, atol=1e-4)
    np.testing.assert_allclose(at_edge[:3], frequency_thz(2 * spring, masses[0]), rtol=1e-6)
    np.testing.assert_allclose(at_edge[3:], frequency_thz(2 * spring, masses[1]), rtol=1e-6)


def test_a_drift_of_the_model_does_not_reach_the_frequencies(cu3au):
    phonon, supercells = physics.prepare(cu3au, np.diag([2, 2, 2]), np.eye(3))
    forces = emt_forces(supercells)
    q = np.array([[0.5, 0, 0]])
    physics.solve_force_constants(phonon, forces)
    clean = physics.frequencies_at(phonon, q)
    drift = np.array([0.02, -0.01, 0.03])
    physics.solve_force_constants(phonon, [force + drift for force in forces])
    np.testing.assert_allclose(physics.frequencies_at(phonon, q), clean, atol=1e-8)


def test_commensurate_points_are_as_many_as_primitive_cells_and_their_waves_fit():
    phonon, _ = physics.prepare(bulk("Cu", cubic=True), [[2, 0, 0], [0, 3, 0], [1, 0, 2]], FACE_CENTRED)
    points = physics.commensurate_points(phonon)
    assert len(points) == len(phonon.supercell) == 48
    assert len({tuple(np.round(point % 1, 6) % 1) for point in points}) == 48
    phases = points @ np.linalg.solve(phonon.primitive_matrix, phonon.supercell_matrix)
    np.testing.assert_allclose(phases, np.rint(phases), atol=1e-9)


@pytest.mark.parametrize(("metal", "at_all_points", "at_lambench_points"), [("Cu", 374.6, 323.6), ("Ni", 484.5, 418.4)])
def test_lambench_points_miss_the_top_of_the_bands_of_conventional_cells(metal, at_all_points, at_lambench_points):
    phonon, supercells = physics.prepare(bulk(metal, cubic=True), np.diag([3, 3, 3]), FACE_CENTRED)
    physics.solve_force_constants(phonon, emt_forces(supercells))
    full = physics.frequencies_at(phonon, physics.commensurate_points(phonon))
    fewer = physics.frequencies_at(phonon, physics.lambench_points(phonon))
    assert len(full) == 108
    assert len(fewer) == 27
    assert full.max() * 47.9924 == pytest.approx(at_all_points, abs=0.06)
    assert fewer.max() * 47.9924 == pytest.approx(at_lambench_points, abs=0.06)


def test_both_sets_of_points_agree_where_the_unit_cell_is_primitive(cu3au):
    phonon, _ = physics.prepare(cu3au, np.diag([2, 3, 1]), np.eye(3))
    np.testing.assert_array_equal(physics.commensurate_points(phonon), physics.lambench_points(phonon))


@pytest.mark.parametrize("temperature_k", [40.0, 300.0, 2000.0])
def test_one_oscillator_has_the_closed_form(temperature_k):
    x = 6.62607015e-34 * 5e12 / (1.380649e-23 * temperature_k)
    got = physics.thermal_properties(np.array([[5.0]]), ONE_POINT, temperature_k)
    assert got.free_energy_kj_per_mol == pytest.approx(R * temperature_k * np.log(2 * np.sinh(x / 2)) / 1e3, rel=1e-10)
    assert got.entropy_j_per_mol_k == pytest.approx(R * (x / 2 / np.tanh(x / 2) - np.log(2 * np.sinh(x / 2))), rel=1e-9)
    assert got.heat_capacity_j_per_mol_k == pytest.approx(R * (x / 2 / np.sinh(x / 2)) ** 2, rel=1e-10)


def test_heat_capacity_tends_to_dulong_and_petit():
    frequencies = np.linspace(1, 12, 60).reshape(10, 6)
    got = physics.thermal_properties(frequencies, np.arange(1, 11), 50_000.0)
    assert got.heat_capacity_j_per_mol_k == pytest.approx(6 * R, rel=1e-4)


def test_entropy_and_heat_capacity_are_derivatives_of_the_free_energy():
    frequencies, weights = np.linspace(0.8, 14, 24).reshape(4, 6), np.array([1, 6, 3, 8])
    below, here, above = (physics.thermal_properties(frequencies, weights, t) for t in (299.5, 300.0, 300.5))
    slope = (above.free_energy_kj_per_mol - below.free_energy_kj_per_mol) * 1e3
    assert here.entropy_j_per_mol_k == pytest.approx(-slope, rel=1e-6)
    slope = above.entropy_j_per_mol_k - below.entropy_j_per_mol_k
    assert here.heat_capacity_j_per_mol_k == pytest.approx(300 * slope, rel=1e-5)


def test_thermal_sums_agree_with_phonopy(cu3au):
    phonon, supercells = physics.prepare(cu3au, np.diag([2, 2, 2]), np.eye(3))
    physics.solve_force_constants(phonon, emt_forces(supercells))
    mesh = physics.sample_mesh(phonon, 40.0)
    theirs = phonon.run_thermal_properties(temperatures=[150.0], exclude_gamma_acoustic=True)
    frequencies = physics.without_acoustic_at_gamma(mesh.qpoints, mesh.frequencies_thz)
    ours = physics.thermal_properties(frequencies, mesh.weights, 150.0)
    # phonopy's constants are CODATA 2006.
    assert ours.entropy_j_per_mol_k == pytest.approx(theirs.entropy[0], rel=1e-5)
    assert ours.free_energy_kj_per_mol == pytest.approx(theirs.free_energy[0], rel=1e-4)
    assert ours.heat_capacity_j_per_mol_k == pytest.approx(theirs.heat_capacity[0], rel=1e-5)


def test_noise_at_gamma_changes_the_entropy_only_when_it_is_let_in():
    qpoints = np.array([[0.0, 0, 0], [0.5, 0, 0]])
    quiet = np.array([[0.0, 0.0, 0.0, 4.0], [2.0, 3.0, 4.0, 5.0]])
    noisy = quiet + np.array([[1e-7, 3e-8, -1e-7, 0], [0, 0, 0, 0]])
    weights = np.array([1, 7])
    silenced = physics.without_acoustic_at_gamma(qpoints, noisy)
    clean = physics.thermal_properties(quiet, weights, 300.0)
    assert physics.thermal_properties(silenced, weights, 300.0) == clean
    let_in = physics.thermal_properties(noisy, weights, 300.0)
    assert let_in.entropy_j_per_mol_k - clean.entropy_j_per_mol_k > 10


def test_a_soft_optical_mode_at_gamma_stays():
    frequencies = np.array([[-1.5, -1e-6, 1e-6, 2e-6, 4.0]])
    kept = physics.without_acoustic_at_gamma(np.zeros((1, 3)), frequencies)
    np.testing.assert_array_equal(kept, [[-1.5, 0, 0, 0, 4.0]])


def test_imaginary_share_counts_the_full_mesh():
    frequencies = np.array([[-1.0, -0.05, 2.0], [1.0, 2.0, 3.0]])
    assert physics.imaginary_share(frequencies, np.array([1, 9]), 0.1) == pytest.approx(1 / 30)


def test_a_supercell_of_lower_symmetry_does_not_get_the_crystals_symmetry():
    phonon, supercells = physics.prepare(bulk("Cu", cubic=True), np.diag([1, 2, 2]), FACE_CENTRED)
    physics.solve_force_constants(phonon, emt_forces(supercells))
    reduced = physics.sample_mesh(phonon, 20.0)
    everything = phonon.run_mesh(20.0, is_mesh_symmetry=False, is_time_reversal=False)
    assert np.average(reduced.frequencies_thz**2, axis=0, weights=reduced.weights) == pytest.approx(
        np.mean(everything.frequencies**2, axis=0), rel=1e-9
    )


def test_temperature_has_to_be_above_zero():
    with pytest.raises(ValueError, match="temperature is 0 K"):
        physics.thermal_properties(np.array([[1.0]]), ONE_POINT, 0)


@pytest.mark.parametrize("mp_id", ["mp-1265", "mp-830", "mp-2542", "mp-8884"])
def test_stored_vasp_forces_give_the_stored_labels(reference_data, mp_id):
    """The labels were computed with phonopy from the same forces by another route (full force constants)."""
    folder = reference_data / "phonondb_pbesol"
    materials = json.loads((folder / "reference_300K.json").read_text())["materials"]
    labels = next(material for material in materials if material["mp_id"] == mp_id)["no_nac"]
    with lzma.open(folder / "params" / f"phonopy_params_{mp_id}.yaml.xz", "rt") as stream:
        stored = phonopy.load(StringIO(stream.read()), produce_fc=False, is_nac=False)
    phonon, _ = physics.prepare(physics.from_phonopy(stored.unitcell), stored.supercell_matrix, stored.primitive_matrix)
    phonon.dataset = stored.dataset
    physics.solve_force_constants(phonon, stored.forces)
    mesh = physics.sample_mesh(phonon, 100.0)
    lambench = physics.frequencies_at(phonon, physics.lambench_points(phonon))
    assert mesh.numbers.tolist() == labels["mesh"]
    # Forces of the files carry eight digits or so, and a drift that this code takes off.
    assert lambench.max() == pytest.approx(labels["max_freq_THz_commensurate"], rel=2e-5)
    assert mesh.frequencies_thz.max() == pytest.approx(labels["max_freq_THz_mesh"], rel=2e-5)
    frequencies = physics.without_acoustic_at_gamma(mesh.qpoints, mesh.frequencies_thz)
    ours = physics.thermal_properties(frequencies, mesh.weights, 300.0, cutoff_thz=0.01)
    theirs = labels["cutoff_0.01THz"]
    assert ours.entropy_j_per_mol_k == pytest.approx(theirs["entropy_J_K_mol"], rel=2e-5)
    assert ours.free_energy_kj_per_mol == pytest.approx(theirs["free_energy_kJ_mol"], abs=1e-3)
    assert ours.heat_capacity_j_per_mol_k == pytest.approx(theirs["heat_capacity_J_K_mol"], rel=2e-5)


def body_centred_copper(c_over_a):
    """The primitive cell of a body-centred tetragonal crystal."""
    a = (2 * 11.8 / c_over_a) ** (1 / 3)  # as dense as fcc copper, which has c/a = √2
    cell = a / 2 * np.array([[-1, 1, c_over_a], [1, -1, c_over_a], [1, 1, -c_over_a]])
    phonon, supercells = physics.prepare(Atoms("Cu", cell=cell, pbc=True), np.diag([3, 3, 3]), np.eye(3))
    physics.solve_force_constants(phonon, emt_forces(supercells))
    return phonon


def test_mesh_of_a_body_centred_tetragonal_cell_gives_the_sums_of_a_dense_plain_mesh():
    """phonopy takes the conventional cell's mesh there; the plain mesh has no symmetry and is made here."""
    phonon = body_centred_copper(1.3)
    mesh = physics.sample_mesh(phonon, 60.0)
    assert not mesh.regular
    assert mesh.weights.sum() == np.prod(mesh.numbers)
    assert len(mesh.weights) < 0.1 * mesh.weights.sum()
    axis = np.arange(25) / 25
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    plain = physics.frequencies_at(phonon, points)
    sums = [
        physics.thermal_properties(physics.without_acoustic_at_gamma(qpoints, frequencies), weights, 300.0)
        for qpoints, frequencies, weights in (
            (mesh.qpoints, mesh.frequencies_thz, mesh.weights),
            (points, plain, np.ones(len(points), dtype=int)),
        )
    ]
    assert sums[0].heat_capacity_j_per_mol_k == pytest.approx(sums[1].heat_capacity_j_per_mol_k, rel=1e-4)
    assert sums[0].entropy_j_per_mol_k == pytest.approx(sums[1].entropy_j_per_mol_k, rel=2e-3)
    assert mesh.frequencies_thz.max() == pytest.approx(plain.max(), rel=1e-2)


def test_mesh_of_a_face_centred_cell_is_the_regular_one():
    phonon, supercells = physics.prepare(bulk("Cu", cubic=True), np.diag([2, 2, 2]), FACE_CENTRED)
    physics.solve_force_constants(phonon, emt_forces(supercells))
    mesh = physics.sample_mesh(phonon, 40.0)
    assert mesh.regular
    # |a*| of the primitive cell is √3/a.
    assert mesh.numbers.tolist() == [round(40.0 * np.sqrt(3) / 3.61)] * 3
    assert mesh.weights.sum() == np.prod(mesh.numbers)


@pytest.mark.parametrize(
    ("distortion_ang", "symprec_ang", "number"), [(0, 1e-5, 221), (5e-3, 1e-5, 99), (5e-3, 0.02, 221)]
)
def test_space_group_is_that_within_the_tolerance(cu3au, distortion_ang, symprec_ang, number):
    cu3au.positions[3, 2] += distortion_ang
    assert physics.space_group_number(cu3au, symprec_ang) == number
