"""Claims about files of frames: what is read, that it is read when asked for, and what is said of bad ones."""

from __future__ import annotations

import gzip
import pickle
import shutil

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from lamcore_forcefield import build_frames

from lamcore.data_files import cache_folder
from lamcore.dataset import content_sha256
from lamcore.errors import ConfigError, DataError

STRESS = np.array([0.01, -0.02, 0.03, 0.004, -0.005, 0.006])
FULL = np.array([[0.01, 0.006, -0.005], [0.006, -0.02, 0.004], [-0.005, 0.004, 0.03]])
CELL = [[6.0, 0.2, 0.0], [0.0, 7.0, 0.3], [0.1, 0.0, 8.0]]


@pytest.fixture
def frames(rng):
    """Four frames of sodium chloride with labels from a calculator, one of them without stress."""
    made = []
    for index in range(4):
        atoms = Atoms("Na2Cl2", positions=rng.uniform(0, 6, size=(4, 3)), cell=CELL, pbc=True)
        labels = {"energy": -10.0 - index, "forces": rng.normal(size=(4, 3))}
        atoms.calc = SinglePointCalculator(atoms, **labels, **({"stress": STRESS * (index + 1)} if index < 3 else {}))
        atoms.info |= {"run": f"run{index // 2}", "charge": index - 1, "spin": 1 + index % 2}
        made.append(atoms)
    return made


def assert_same(cases, frames, decimals=8):
    assert len(cases) == len(frames)
    for index, (case, frame) in enumerate(zip(cases, frames, strict=True)):
        (atoms,) = case.structures
        assert case.reference["energy"] == pytest.approx(frame.get_potential_energy(), abs=10.0**-decimals)
        assert atoms.get_chemical_symbols() == frame.get_chemical_symbols()
        np.testing.assert_array_almost_equal(atoms.positions, frame.positions, decimals)
        np.testing.assert_array_almost_equal(atoms.cell.array, frame.cell.array, decimals)
        np.testing.assert_array_almost_equal(atoms.arrays["reference_forces"], frame.get_forces(), decimals)
        assert atoms.pbc.all()
        assert (atoms.info["charge"], atoms.info["spin"]) == (frame.info["charge"], frame.info["spin"])
        if index < 3:
            np.testing.assert_array_almost_equal(atoms.info["reference_stress"], STRESS * (index + 1), decimals)
        else:
            assert "reference_stress" not in atoms.info


def write_deepmd(folder, frames, *, mixed=False, nopbc=False, virial=True, fparam=True, sets=(2, 2)):
    """The layout that DeePMD-kit reads, written with NumPy alone."""
    folder.mkdir(parents=True)
    type_map = ["Cl", "Na"]
    types = [[type_map.index(symbol) for symbol in atoms.get_chemical_symbols()] for atoms in frames]
    (folder / "type_map.raw").write_text("\n".join(type_map) + "\n")
    (folder / "type.raw").write_text("\n".join("0" if mixed else str(kind) for kind in types[0]) + "\n")
    if nopbc:
        (folder / "nopbc").touch()
    start = 0
    for number, size in enumerate(sets):
        part, kinds = frames[start : start + size], types[start : start + size]
        place = folder / f"set.{number:03d}"
        place.mkdir()
        np.save(place / "coord.npy", [atoms.positions.ravel() for atoms in part])
        np.save(place / "energy.npy", [atoms.get_potential_energy() for atoms in part])
        np.save(place / "force.npy", [atoms.get_forces().ravel() for atoms in part])
        if not nopbc:
            np.save(place / "box.npy", [atoms.cell.array.ravel() for atoms in part])
        if virial:
            np.save(place / "virial.npy", [-FULL.ravel() * (start + i + 1) * a.cell.volume for i, a in enumerate(part)])
        if fparam:
            np.save(place / "fparam.npy", [[float(atoms.info["charge"]), float(atoms.info["spin"])] for atoms in part])
        if mixed:
            np.save(place / "real_atom_types.npy", np.array(kinds, dtype=np.int32))
        start += size
    return folder


def write_database(path, frames, data=False):
    from ase.db import connect

    with connect(path, type="db") as database:
        for atoms in frames:
            extra = {"charge": atoms.info["charge"], "spin": atoms.info["spin"]}
            if data:
                database.write(atoms, run=atoms.info["run"], data=extra)
            else:
                database.write(atoms, run=atoms.info["run"], data={}, multiplicity=extra["spin"], total=extra["charge"])


def test_extxyz_is_read_with_all_its_labels(tmp_path, frames):
    write(tmp_path / "a.extxyz", frames)
    cases = list(build_frames(tmp_path / "a.extxyz", group="run", functional="PBE").cases())
    assert_same(cases, frames)
    assert [case.id for case in cases] == ["a:0", "a:1", "a:2", "a:3"]
    assert [case.settings["group"] for case in cases] == ["a: run0", "a: run0", "a: run1", "a: run1"]
    assert cases[2].settings == {"functional": "PBE", "frame": 2, "group": "a: run1"}


def test_labels_of_other_names_are_found_where_they_are_named(tmp_path, frames):
    for index, atoms in enumerate(frames):
        results = atoms.calc.results
        atoms.info |= (
            {"E_dft": results["energy"], "s": FULL * (index + 1)} if index < 3 else {"E_dft": results["energy"]}
        )
        atoms.set_array("F_dft", results["forces"])
        atoms.info |= {"q": atoms.info["charge"], "mult": atoms.info.pop("spin")}
        atoms.info["charge"] = 9
    write(tmp_path / "a.xyz", [Atoms_without_calculator(atoms) for atoms in frames], format="extxyz")
    cases = list(
        build_frames(
            tmp_path / "a.xyz", energy_key="E_dft", forces_key="F_dft", stress_key="s", charge_key="q", spin_key="mult"
        ).cases()
    )
    for atoms in frames:
        atoms.info |= {"charge": atoms.info["q"], "spin": atoms.info["mult"]}
    assert_same(cases, frames)


def Atoms_without_calculator(atoms):
    bare = atoms.copy()
    bare.calc = None
    return bare


def test_virials_of_extxyz_become_stresses(tmp_path, frames):
    for atoms in frames[:3]:
        atoms.info["virial"] = -FULL * atoms.cell.volume
        del atoms.calc.results["stress"]
    write(tmp_path / "a.extxyz", frames[:3])
    for case in build_frames(tmp_path / "a.extxyz").cases():
        np.testing.assert_allclose(case.structures[0].info["reference_stress"], STRESS, atol=1e-9)


def test_a_gzipped_file_is_decompressed_once_and_again_where_the_copy_is_gone(tmp_path, frames):
    write(tmp_path / "a.extxyz", frames)
    with gzip.open(tmp_path / "b.extxyz.gz", "wb") as file:
        file.write((tmp_path / "a.extxyz").read_bytes())
    plain, zipped = (list(build_frames(tmp_path / name).cases()) for name in ("a.extxyz", "b.extxyz.gz"))
    assert [case.id for case in zipped] == ["b:0", "b:1", "b:2", "b:3"]
    assert_same(zipped, frames)
    (copy,) = (cache_folder() / "frames").iterdir()
    written = copy.stat().st_mtime_ns
    assert len(list(build_frames(tmp_path / "b.extxyz.gz").cases())) == 4
    assert copy.stat().st_mtime_ns == written
    shutil.rmtree(cache_folder())
    assert zipped[3].structures[0] == plain[3].structures[0]


def test_frames_are_read_when_asked_for_and_not_kept(tmp_path, frames):
    path = tmp_path / "a.extxyz"
    write(path, frames)
    case = list(build_frames(path).cases())[2]
    assert case.structures[0].get_chemical_symbols() == ["Na", "Na", "Cl", "Cl"]
    path.write_text(path.read_text().replace("Na ", "Li "))
    assert case.structures[0].get_chemical_symbols() == ["Li", "Li", "Cl", "Cl"]


def test_cases_travel_to_other_processes_without_their_frames(tmp_path, rng):
    big = [Atoms(f"Cu{n}", positions=rng.uniform(0, 20, size=(n, 3))) for n in (500, 500)]
    for atoms in big:
        atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=np.zeros((500, 3)))
    write(tmp_path / "a.extxyz", big)
    cases = list(build_frames(tmp_path / "a.extxyz").cases())
    sent = pickle.dumps(cases)
    assert len(sent) < 3000
    assert pickle.loads(sent)[1].structures[0] == cases[1].structures[0]


@pytest.mark.parametrize("mixed", [False, True])
def test_both_layouts_of_deepmd_are_read_set_by_set(tmp_path, frames, mixed):
    frames = frames[:3]
    if mixed:
        frames[1].symbols[:] = ["Cl", "Cl", "Cl", "Na"]
        frames[1].calc.atoms = frames[1].copy()
    folder = write_deepmd(tmp_path / "salt", frames, mixed=mixed, sets=(2, 1))
    cases = list(build_frames(folder, group="file").cases())
    assert_same(cases, frames)
    assert [case.id for case in cases] == ["salt:0", "salt:1", "salt:2"]
    assert {case.settings["group"] for case in cases} == {"salt"}


def test_the_layout_is_decided_for_each_system_and_not_by_the_first(tmp_path, frames):
    """LAMBench looks at the first folder and reads all others the same way."""
    write_deepmd(tmp_path / "sets" / "a", frames[:2], sets=(2,))
    write_deepmd(tmp_path / "sets" / "b" / "deep", frames[1:3][::-1], mixed=True, sets=(2,), virial=False)
    cases = list(build_frames(tmp_path / "sets").cases())
    assert [case.id for case in cases] == ["a:0", "a:1", "b/deep:0", "b/deep:1"]
    assert_same(cases[:2], frames[:2])
    np.testing.assert_allclose(cases[2].structures[0].positions, frames[2].positions)


def test_deepmd_agrees_with_dpdata(tmp_path, frames):
    dpdata = pytest.importorskip("dpdata")
    for mixed in (False, True):
        folder = write_deepmd(tmp_path / f"mixed-{mixed}", frames[:3], mixed=mixed, sets=(3,), fparam=False)
        loaded = (
            dpdata.MultiSystems().load_systems_from_file(str(folder), fmt="deepmd/npy/mixed")[0]
            if mixed
            else dpdata.LabeledSystem(str(folder), fmt="deepmd/npy")
        )
        cases = list(build_frames(folder).cases())
        for index, case in enumerate(cases):
            (atoms,) = case.structures
            other = loaded.to("ase/structure")[index]
            order, other_order = np.argsort(atoms.numbers, kind="stable"), np.argsort(other.numbers, kind="stable")
            np.testing.assert_allclose(atoms.positions[order], other.positions[other_order], atol=1e-6)
            np.testing.assert_allclose(
                atoms.arrays["reference_forces"][order], other.get_forces()[other_order], atol=1e-6
            )
            assert case.reference["energy"] == pytest.approx(other.get_potential_energy(), abs=1e-5)


def test_open_systems_have_no_cell_and_no_stress(tmp_path, frames):
    folder = write_deepmd(tmp_path / "gas", frames[:2], nopbc=True, sets=(2,))
    for case in build_frames(folder).cases():
        (atoms,) = case.structures
        assert not atoms.pbc.any()
        assert "reference_stress" not in atoms.info


def test_atoms_that_fill_up_a_mixed_frame_are_left_out(tmp_path, frames):
    folder = write_deepmd(tmp_path / "salt", frames[:2], mixed=True, sets=(2,))
    types = np.load(folder / "set.000" / "real_atom_types.npy")
    types[1, 2] = -1
    np.save(folder / "set.000" / "real_atom_types.npy", types)
    atoms = list(build_frames(folder).cases())[1].structures[0]
    assert len(atoms) == 3
    np.testing.assert_allclose(atoms.positions, np.delete(frames[1].positions, 2, axis=0))
    np.testing.assert_allclose(atoms.arrays["reference_forces"], np.delete(frames[1].get_forces(), 2, axis=0))


def test_databases_of_ase_are_read_by_row(tmp_path, frames):
    write_database(tmp_path / "a.db", frames)
    cases = list(build_frames(tmp_path / "a.db", group="run", charge_key="total", spin_key="multiplicity").cases())
    assert_same(cases, frames)
    assert cases[3].settings["group"] == "a: run1"


def test_databases_of_fairchem_are_read_by_row(tmp_path, frames):
    backends = pytest.importorskip("ase_db_backends.aselmdb")
    with backends.LMDBDatabase(tmp_path / "data.0000.aselmdb") as database:
        for atoms in frames:
            database.write(
                atoms, data={"charge": atoms.info["charge"], "spin": atoms.info["spin"], "run": atoms.info["run"]}
            )
    cases = list(build_frames(tmp_path, group="run").cases())
    assert_same(cases, frames)
    assert cases[0].id == "data.0000:0"
    assert pickle.loads(pickle.dumps(cases))[2].structures[0] == cases[2].structures[0]


def test_formats_agree_on_one_set_of_frames(tmp_path, frames):
    write(tmp_path / "a.extxyz", frames[:3])
    write_database(tmp_path / "a.db", frames[:3], data=True)
    write_deepmd(tmp_path / "a", frames[:3], sets=(3,))
    for name in ("a.extxyz", "a.db", "a"):
        assert_same(list(build_frames(tmp_path / name).cases()), frames[:3])


def test_a_changed_label_changes_the_identity_of_the_run(tmp_path, frames):
    write(tmp_path / "a.extxyz", frames)
    before = content_sha256(list(build_frames(tmp_path / "a.extxyz").cases()))
    assert content_sha256(list(build_frames(tmp_path / "a.extxyz").cases())) == before
    frames[1].calc.results["forces"] = frames[1].calc.results["forces"] + 1e-4
    write(tmp_path / "a.extxyz", frames)
    assert content_sha256(list(build_frames(tmp_path / "a.extxyz").cases())) != before


def test_a_folder_of_files_of_several_kinds_is_read_in_order_of_names(tmp_path, frames):
    write(tmp_path / "b.extxyz", frames[:1])
    write(tmp_path / "c.xyz", frames[:2], format="extxyz")
    write_deepmd(tmp_path / "a", frames[:2], sets=(2,))
    dataset = build_frames(tmp_path)
    assert [case.id for case in dataset.cases()] == ["a:0", "a:1", "b:0", "c:0", "c:1"]
    assert {"b", "c", "a/type.raw", "a/set.000/coord.npy"} <= set(dataset.files)


def says(match, path, **options):
    """Building the dataset and reading every frame of it raises this."""
    with pytest.raises(DataError, match=match):
        [case.structures[0] for case in build_frames(path, **options).cases()]


def test_what_is_not_there_is_named(tmp_path, frames):
    says(r"needs a file or a folder; name it with dataset\.path", None)
    says(r"not found \(looked at .*nowhere\)", tmp_path / "nowhere")
    says(r"holds no frames; expected files named \.extxyz", tmp_path)
    (tmp_path / "a.txt").write_text("4\n")
    says(r"a\.txt: unknown kind of file, expected a name ending in \.extxyz", tmp_path / "a.txt")
    (tmp_path / "a.lmdb").write_text("4\n")
    says(r"unpickling runs code: convert them to \.aselmdb", tmp_path / "a.lmdb")
    write(tmp_path / "a.extxyz", frames)
    says(r"a\.extxyz: is a file, expected the folder of a deepmd system", tmp_path / "a.extxyz", format="deepmd")
    says(r"frame 0: has no 'E0'; it has: .*energy", tmp_path / "a.extxyz", energy_key="E0")
    for option in ("forces_key", "charge_key", "spin_key"):
        says(r"frame 0: has no 'REF'; it has: .*energy", tmp_path / "a.extxyz", **{option: "REF"})
    says(r"frame 0: has no 'trajectory'; it has: .*run", tmp_path / "a.extxyz", group="trajectory")
    write(tmp_path / "a.xyz", frames, format="extxyz")
    says(r"would both be called 'a'; rename one of them", tmp_path)


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda text: text[: text.rindex("Cl")], r"frame 3: ends after 3 of 4 atoms; the file is truncated"),
        (lambda text: text.replace("4\n", "four\n", 1), r"frame 0: begins with 'four', expected the number of atoms"),
        (lambda text: text.replace("energy=-12.0", "energy=nan"), r"frame 2: energy is nan, expected a finite number"),
        (lambda text: text.replace("energy=-12.0", "energy=low"), r"frame 2: energy is 'low', expected a number"),
        (lambda text: text.replace("spin=2", "spin=1.5", 1), r"frame 1: spin is 1\.5, expected a whole number"),
        (lambda text: text.replace("spin=2", "spin=0", 1), r"frame 1: spin is 0, expected a multiplicity"),
        (lambda text: text.replace("Cl ", "Cl x", 1), r"frame 0: not extended XYZ"),
    ],
)
def test_damaged_extxyz_is_refused_with_its_frame(tmp_path, frames, spoil, match):
    write(tmp_path / "a.extxyz", frames)
    text = (tmp_path / "a.extxyz").read_text()
    (tmp_path / "a.extxyz").write_text(spoil(text))
    assert (tmp_path / "a.extxyz").read_text() != text
    says(match, tmp_path / "a.extxyz")


def test_damaged_compression_is_refused(tmp_path, frames):
    write(tmp_path / "a.extxyz", frames)
    zipped = gzip.compress((tmp_path / "a.extxyz").read_bytes())
    (tmp_path / "a.extxyz.gz").write_bytes(zipped[: len(zipped) // 2])
    says(r"a\.extxyz\.gz: cannot be decompressed", tmp_path / "a.extxyz.gz")
    assert not list((cache_folder() / "frames").iterdir())


def test_labels_of_the_wrong_shape_are_refused(tmp_path, frames):
    atoms = Atoms_without_calculator(frames[0])
    atoms.info |= {"energy": 1.0, "s": [1.0, 2.0, 3.0, 4.0]}
    write(tmp_path / "a.extxyz", atoms)
    says(
        r"frame 0: stress has shape \(4,\), expected \(3, 3\), nine numbers, or six",
        tmp_path / "a.extxyz",
        stress_key="s",
    )
    atoms.info["s"] = STRESS
    atoms.pbc = (True, True, False)
    write(tmp_path / "a.extxyz", atoms)
    says(r"has a stress but pbc \[True, True, False\].*stress_key=null", tmp_path / "a.extxyz", stress_key="s")
    (case,) = build_frames(tmp_path / "a.extxyz", stress_key=None).cases()
    assert "reference_stress" not in case.structures[0].info


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("force", np.zeros((2, 9)), r"force\.npy: has shape \(2, 9\), expected 2 frames \(energy\.npy\) of 12 numbers"),
        ("coord", np.zeros((3, 12)), r"coord\.npy: has shape \(3, 12\), expected 2 frames"),
        ("box", np.zeros((2, 3)), r"box\.npy: has shape \(2, 3\), expected 2 frames .* of 9 numbers"),
        ("energy", np.array([1.0, np.nan]), r"energy\.npy: frame 1 is nan, expected a finite number"),
        ("force", np.full((2, 12), np.inf), r"frame 0: force is not finite in 12 of 12 values"),
        (
            "fparam",
            np.zeros((2, 3)),
            r"fparam\.npy has 3 numbers, expected 2: charge and spin .*dataset\.fparam=ignore",
        ),
        ("energy", np.array([None, None], dtype=object), r"energy\.npy: not a file of numbers"),
    ],
)
def test_damaged_deepmd_systems_are_refused_with_the_file(tmp_path, frames, name, array, match):
    folder = write_deepmd(tmp_path / "salt", frames[:2], sets=(2,))
    np.save(folder / "set.000" / f"{name}.npy", array)
    says(match, folder)


@pytest.mark.parametrize(
    ("missing", "match"),
    [
        ("set.000/coord.npy", r"set\.000: holds no coord\.npy"),
        ("set.000/energy.npy", r"set\.000: holds no energy\.npy"),
        ("set.000/box.npy", r"holds no box\.npy and .* no file nopbc"),
        ("type_map.raw", r"holds no type_map\.raw, so types have no element"),
        ("type.raw", r"holds no type\.raw, and its sets no real_atom_types\.npy"),
    ],
)
def test_missing_files_of_deepmd_systems_are_named(tmp_path, frames, missing, match):
    folder = write_deepmd(tmp_path / "salt", frames[:2], sets=(2,))
    (folder / missing).unlink()
    says(match, folder)


def test_types_beyond_the_type_map_are_refused(tmp_path, frames):
    folder = write_deepmd(tmp_path / "salt", frames[:2], sets=(2,))
    (folder / "type_map.raw").write_text("Cl\n")
    says(r"has types from 0 to 1, type_map\.raw has 1", folder)
    other = write_deepmd(tmp_path / "pepper", frames[:2], sets=(2,))
    (other / "type_map.raw").write_text("Cl\nQq\n")
    says(r"type_map\.raw: Qq is no chemical symbol", other)


def test_a_standard_system_is_not_taken_for_a_mixed_one(tmp_path, frames):
    folder = write_deepmd(tmp_path / "salt", frames[:2], sets=(2,))
    says(r"holds no real_atom_types\.npy, but dataset\.format is deepmd-mixed", folder, format="deepmd-mixed")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "a.db").write_text("no database\n" * 200)
    says(r"a\.db: cannot be read as an SQLite database of ASE", tmp_path / "a.db")


def test_d3_without_its_program_is_refused_before_anything_is_read(tmp_path, frames, monkeypatch):
    write(tmp_path / "a.extxyz", frames)
    monkeypatch.setattr("lamcore_forcefield.task.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"dataset\.d3=pbe-bj needs the package dftd3: pip install"):
        build_frames(tmp_path / "a.extxyz", d3="pbe-bj")
