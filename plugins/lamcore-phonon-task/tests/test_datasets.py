"""Claims about the datasets and their cards."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import shutil
from pathlib import Path

import lamcore_phonon
import numpy as np
import pytest
from lamcore_phonon.datasets.alexandria_cv import supercell_of_length

from lamcore.cards import DatasetCard, TaskCard, load_card
from lamcore.config import select
from lamcore.dataset import content_sha256
from lamcore.errors import ConfigError, DataError
from lamcore.identity import identify, run_id
from lamcore.quantities import KELVIN_PER_THZ
from lamcore.registry import load_registry

R = 8.31446261815324
HEADER = "mp_id,max_freq,entropy,heat_capacity,free_energy\n"
SPECS = {spec.name: spec for spec in lamcore_phonon.lamcore_datasets()}


def n_primitive_atoms(case):
    return len(case.atoms) * abs(np.linalg.det(np.array(case.settings["primitive_matrix"], dtype=float)))


@pytest.fixture(scope="module")
def cubic_cases():
    return list(lamcore_phonon.build_phonon_cubic().cases())


def test_cards_are_valid_and_name_their_level_of_theory():
    for spec in SPECS.values():
        card = load_card(spec.card, DatasetCard)
        assert "PBE" in card.level_of_theory
        # The functional of mdr is that of its table, and comes with the cases.
        assert card.functional == ("" if spec.name == "mdr" else "PBE")
    (task,) = lamcore_phonon.lamcore_tasks()
    assert set(load_card(task.card, TaskCard).protocols) == {"default", "lambench"}


def test_embedded_file_is_the_one_that_its_card_describes():
    dataset = lamcore_phonon.build_phonon_cubic()
    card = load_card(SPECS["phonon-cubic"].card, DatasetCard)
    for name, path in dataset.files.items():
        content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == card.files[name].sha256
        assert len(content) == card.files[name].bytes


def test_another_copy_of_the_embedded_file_can_be_named(tmp_path, cubic_cases):
    (own,) = lamcore_phonon.build_phonon_cubic().files.values()
    copy = Path(shutil.copy(own, tmp_path / "phonon-cubic.csv"))
    for path in (copy, tmp_path):
        dataset = lamcore_phonon.build_phonon_cubic(path)
        assert dataset.files == {"phonon-cubic.csv": copy}
        assert content_sha256(list(dataset.cases())) == content_sha256(cubic_cases)


def test_an_embedded_file_with_one_label_changed_is_refused(tmp_path):
    (own,) = lamcore_phonon.build_phonon_cubic().files.values()
    text = own.read_text()
    changed = tmp_path / "phonon-cubic.csv"
    changed.write_text(text.replace("zincblende", "rocksalt", 1))
    with pytest.raises(DataError, match=r"phonon-cubic\.csv: SHA-256 is .* so it is not phonon-cubic\.csv"):
        lamcore_phonon.build_phonon_cubic(changed)


def run_id_of(dataset, cases):
    config = {
        "task": {"name": "phonon"},
        "model": {"name": "emt"},
        "dataset": {"max_cases": 2, **dataset},
        "executor": {"name": "inline"},
        "worker": {"name": "none"},
        "batch": {},
        "runs": "runs",
        "retry_failed": False,
    }
    return run_id(identify(select(config, load_registry()), cases))


def test_a_run_is_the_same_however_its_files_are_spelled(reference_data, tmp_path, monkeypatch):
    """Relative, absolute, through a link, and with the table named or found: the content is the same."""
    folder = tmp_path / "mdr"
    (folder / "params").mkdir(parents=True)
    for mp_id in ("mp-149", "mp-1265"):
        shutil.copy(
            reference_data / "phonondb_pbesol" / "params" / f"phonopy_params_{mp_id}.yaml.xz", folder / "params"
        )
    table = json.loads((reference_data / "phonondb_pbesol" / "reference_300K.json").read_text())
    table["materials"] = [one for one in table["materials"] if one["mp_id"] in ("mp-149", "mp-1265")]
    (folder / "reference_300K.json").write_text(json.dumps(table))
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    spellings = [
        {"path": "mdr"},
        {"path": str(folder)},
        {"path": "./mdr/../mdr"},
        {"path": "link"},
        {"path": "mdr", "labels_path": str(folder / "reference_300K.json")},
    ]
    ids = set()
    for options in spellings:
        cases = list(lamcore_phonon.build_mdr(**{name: Path(value) for name, value in options.items()}).cases())
        ids.add(run_id_of({"name": "mdr", **options}, cases))
    assert len(ids) == 1
    table["materials"][0]["no_nac"]["max_freq_THz_mesh"] += 0.1
    (folder / "reference_300K.json").write_text(json.dumps(table))
    assert run_id_of({"name": "mdr", "path": "mdr"}, list(lamcore_phonon.build_mdr(folder).cases())) not in ids


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_options_that_name_files_are_paths(spec):
    """The core then puts the content into a run's identity, and the absolute place into its configuration."""
    from lamcore.schema import options_of

    for name, option in options_of(spec.build).items():
        assert (option.annotation == Path | None) is ("path" in name), name


def test_embedded_rows_are_those_of_the_source(reference_data):
    source = (reference_data / "phonon-cubic" / "phonon-cubic.csv").read_text().splitlines()
    (path,) = lamcore_phonon.build_phonon_cubic().files.values()
    shipped = path.read_text().splitlines()
    assert shipped[0] == source[0]
    assert sorted(shipped[1:]) == sorted(source[1:])


def test_embedded_crystals_are_rocksalt_and_zincblende(cubic_cases):
    assert len({case.id for case in cubic_cases}) == len(cubic_cases) == 53
    for case in cubic_cases:
        distances = case.atoms.get_distances(0, range(1, 8), mic=True)
        a = case.atoms.cell.lengths()[0]
        nearest = {"rocksalt": 0.5, "zincblende": np.sqrt(3) / 4}[case.settings["name"].split()[1]]
        assert distances.min() == pytest.approx(nearest * a)
        assert len(case.atoms) == 8
        assert n_primitive_atoms(case) == pytest.approx(2)


@pytest.mark.parametrize("n_first", [8, 24])
def test_first_cases_span_prototypes_and_stiffness(cubic_cases, n_first):
    first = cubic_cases[:n_first]
    prototypes = [case.settings["name"].split()[1] for case in first]
    assert prototypes.count("rocksalt") == prototypes.count("zincblende") == n_first // 2
    softest, *_, stiffest = sorted(case.reference["max_frequency_k"] for case in cubic_cases)
    chosen = [case.reference["max_frequency_k"] for case in first]
    assert min(chosen) < 1.2 * softest
    assert max(chosen) == stiffest
    assert SPECS["phonon-cubic"].max_cases == 24


def test_phonondb_labels_fit_the_primitive_cells(reference_data):
    cases = list(lamcore_phonon.build_phonondb(reference_data / "phonondb103_pbe").cases())
    assert len(cases) == 79
    for case in cases:
        limit = 3 * R * n_primitive_atoms(case)
        assert 0.3 * limit < case.reference["heat_capacity_j_per_mol_k"] < limit
        # Non-negative frequencies: F + TS = U ≥ 0.
        energy = case.reference["free_energy_kj_per_mol"] * 1e3 + 300 * case.reference["entropy_j_per_mol_k"]
        assert energy > 0
        assert case.settings["max_frequency_points"] == "mesh"


def test_phonondb_agrees_with_the_embedded_set_where_both_have_a_crystal(reference_data, cubic_cases):
    listed = {case.id: case for case in lamcore_phonon.build_phonondb(reference_data / "phonondb103_pbe").cases()}
    common = [case for case in cubic_cases if case.id in listed]
    assert len(common) > 30
    for case in common:
        other = listed[case.id].reference
        for label, value in case.reference.items():
            assert value == pytest.approx(other[label], abs=2e-3), (case.id, label)


def test_phonondb_labels_with_the_correction_are_others(reference_data):
    path = reference_data / "phonondb103_pbe"
    without, with_correction = (
        {case.id: case.reference for case in lamcore_phonon.build_phonondb(path, labels=labels).cases()}
        for labels in ("no_nac", "nac")
    )
    assert without["mp-2472"]["max_frequency_k"] == pytest.approx(13.7164928722 * KELVIN_PER_THZ)
    assert with_correction["mp-2472"]["max_frequency_k"] == pytest.approx(13.2980609263 * KELVIN_PER_THZ)


def test_alexandria_reads_plain_and_gzipped_alike(reference_data, tmp_path):
    packed = reference_data / "phonon_cv_alexandria" / "cv300K.extxyz.gz"
    lines = gzip.decompress(packed.read_bytes()).decode().splitlines(keepends=True)
    first_two = "".join(lines[: int(lines[0]) + 2 + int(lines[int(lines[0]) + 2]) + 2])
    plain = tmp_path / "two.extxyz"
    plain.write_text(first_two)
    zipped = tmp_path / "two.extxyz.gz"
    zipped.write_bytes(gzip.compress(first_two.encode()))
    from_plain, from_zipped = (list(lamcore_phonon.build_alexandria_cv(path).cases()) for path in (plain, zipped))
    assert [case.reference for case in from_plain] == [case.reference for case in from_zipped]
    assert from_plain[0].id == "mp-22859"
    assert from_plain[0].reference == {"heat_capacity_j_per_mol_k": 98.54175905}
    assert n_primitive_atoms(from_plain[0]) == pytest.approx(4)


def test_supercell_reaches_the_length_and_is_the_smallest_that_does(reference_data):
    cell = lamcore_phonon.build_phonon_cubic().cases().__next__().atoms
    cell.set_cell([[4.0, 0, 0], [-2.0, 3.0, 0], [1.0, 1.0, 7.0]], scale_atoms=True)
    repeats = np.diag(supercell_of_length(cell, 10.0))
    volume = cell.get_volume()
    for axis in range(3):
        across = np.cross(cell.cell[(axis + 1) % 3], cell.cell[(axis + 2) % 3])
        height = volume / np.linalg.norm(across)
        assert repeats[axis] * height >= 10.0 > (repeats[axis] - 1) * height


def test_mdr_reads_the_json_table(reference_data):
    cases = {case.id: case for case in lamcore_phonon.build_mdr(reference_data / "phonondb_pbesol").cases()}
    assert len(cases) == 229
    magnesia = cases["mp-1265"]
    assert magnesia.settings["functional"] == "PBEsol"
    assert magnesia.settings["max_frequency_points"] == "mesh"
    assert magnesia.reference["max_frequency_k"] == pytest.approx(18.281929365991736 * KELVIN_PER_THZ)
    for case in cases.values():
        assert case.reference["heat_capacity_j_per_mol_k"] < 3 * R * n_primitive_atoms(case)


@pytest.fixture
def lambench_folder(reference_data, tmp_path):
    """Two materials in LAMBench's layout."""
    import lzma

    for mp_id in ("mp-149", "mp-1265"):
        packed = reference_data / "phonondb_pbesol" / "params" / f"phonopy_params_{mp_id}.yaml.xz"
        (tmp_path / f"{mp_id}.yaml.bz2").write_bytes(bz2.compress(lzma.decompress(packed.read_bytes())))
    (tmp_path / "pbe.csv").write_text(
        "mp_id,max_freq,entropy,heat_capacity,free_energy\nmp-149,733.7,39.7,39.9,6.5\nmp-1265,801.2,28.2,37.2,10.6\n"
    )
    return tmp_path


def test_mdr_reads_lambenchs_layout(lambench_folder):
    silicon, magnesia = lamcore_phonon.build_mdr(lambench_folder).cases()
    assert silicon.atoms.get_chemical_formula() == "Si8"
    assert silicon.settings["supercell_matrix"] == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert silicon.settings["max_frequency_points"] == "lambench"
    assert silicon.settings["functional"] == "PBE"
    assert magnesia.reference == {
        "max_frequency_k": 801.2,
        "entropy_j_per_mol_k": 28.2,
        "heat_capacity_j_per_mol_k": 37.2,
        "free_energy_kj_per_mol": 10.6,
    }


def test_mdr_with_a_table_of_unknown_origin_asks_for_the_functional(lambench_folder):
    shutil.move(lambench_folder / "pbe.csv", lambench_folder / "mine.csv")
    table = lambench_folder / "mine.csv"
    with pytest.raises(DataError, match="does not tell the functional"):
        lamcore_phonon.build_mdr(lambench_folder, labels_path=table)
    cases = lamcore_phonon.build_mdr(lambench_folder, labels_path=table, functional="PBEsol").cases()
    assert {case.settings["functional"] for case in cases} == {"PBEsol"}


def test_mdr_lists_every_file_that_it_read(lambench_folder):
    dataset = lamcore_phonon.build_mdr(lambench_folder)
    cases = dataset.cases()
    next(cases)
    assert set(dataset.files) == {"pbe.csv", "mp-149.yaml.bz2"}
    next(cases)
    assert set(dataset.files) == {"pbe.csv", "mp-149.yaml.bz2", "mp-1265.yaml.bz2"}
    assert all(path.is_file() for path in dataset.files.values())


def test_mdr_refuses_two_files_of_one_material_by_their_names(lambench_folder):
    (lambench_folder / "older").mkdir()
    second = lambench_folder / "older" / "phonopy_params_mp-1265.yaml"
    second.write_bytes(bz2.decompress((lambench_folder / "mp-1265.yaml.bz2").read_bytes()))
    with pytest.raises(DataError, match=r"2 phonopy files for mp-1265.*mp-1265\.yaml\.bz2, older/phonopy_params_mp-12"):
        list(lamcore_phonon.build_mdr(lambench_folder).cases())


def test_mdr_passes_over_files_of_other_names(lambench_folder):
    for name in (
        "mp-1265.yaml.bz2.part",
        "phonopy_disp.yaml",
        "mp-1265.yaml~",
        "mesh_mp-1265.yaml",
        "copy of mp-149.yaml",
    ):
        (lambench_folder / name).write_text("garbage")
    (lambench_folder / "mp-149.yaml").mkdir()
    assert [case.id for case in lamcore_phonon.build_mdr(lambench_folder).cases()] == ["mp-149", "mp-1265"]


@pytest.mark.parametrize("value", ["nan", "", "inf", "-inf", "NaN"])
def test_mdr_leaves_out_a_label_that_is_not_finite_and_says_so(lambench_folder, value, caplog):
    (lambench_folder / "pbe.csv").write_text(f"{HEADER}mp-149,733.7,{value},39.9,6.5\n")
    (case,) = lamcore_phonon.build_mdr(lambench_folder).cases()
    assert case.reference == {
        "max_frequency_k": 733.7,
        "heat_capacity_j_per_mol_k": 39.9,
        "free_energy_kj_per_mol": 6.5,
    }
    assert f"entropy of mp-149 is {value!r}; the label is left out" in caplog.text


def test_json_tables_leave_out_labels_that_are_not_finite(reference_data, tmp_path):
    shutil.copytree(reference_data / "phonondb103_pbe", tmp_path / "pbe")
    table = json.loads((tmp_path / "pbe" / "reference_300K.json").read_text())
    table["materials"][0]["no"] |= {"max_freq_THz": float("nan"), "entropy_J_K_mol": None}
    (tmp_path / "pbe" / "reference_300K.json").write_text(json.dumps(table))
    case = next(lamcore_phonon.build_phonondb(tmp_path / "pbe").cases())
    assert set(case.reference) == {"min_frequency_thz", "free_energy_kj_per_mol", "heat_capacity_j_per_mol_k"}


def test_alexandria_leaves_out_a_heat_capacity_that_is_not_finite(tmp_path):
    file = tmp_path / "one.extxyz"
    file.write_text(
        '1\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 mp_id=a heat_capacity=nan\nCu 0 0 0\n'
    )
    (case,) = lamcore_phonon.build_alexandria_cv(file).cases()
    assert case.reference == {}


def test_mdr_names_a_row_that_is_cut_short(lambench_folder):
    (lambench_folder / "pbe.csv").write_text(f"{HEADER}mp-149,733.7,39\n")
    with pytest.raises(DataError, match=r"pbe\.csv: the row of mp-149 has more or fewer columns than the header"):
        list(lamcore_phonon.build_mdr(lambench_folder).cases())


@pytest.mark.parametrize("text", ["phonopy: [", "garbage", "", "unit_cell:\n  lattice: soft\n", "phonopy: 3\n- 4"])
def test_mdr_names_a_file_that_is_not_phonopys(lambench_folder, text):
    (lambench_folder / "mp-149.yaml.bz2").unlink()
    (lambench_folder / "mp-149.yaml").write_text(text)
    with pytest.raises(DataError, match=r"mp-149\.yaml: .*expected a phonopy_params or phonopy_disp file"):
        list(lamcore_phonon.build_mdr(lambench_folder).cases())


CELL = 'Lattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 mp_id=a heat_capacity=20'


@pytest.mark.parametrize(
    "text",
    [
        "garbage\n",
        "",
        "{}",
        f"2\n{CELL}\nCu 0 0 0\n",
        f"1\n{CELL}\nCu 0 0\n",
        f"1\n{CELL}\nCu 0 0 0\n2\n{CELL}\n",
        f"1\n{CELL.replace('3 0 0 0 3', 'a b', 1)}\nCu 0 0 0\n",
        f"1\n{CELL}\nXx 0 0 0\n",
    ],
)
def test_structures_that_are_not_extended_xyz_are_named(tmp_path, text):
    for name in ("structures.extxyz", "cv.extxyz"):
        (tmp_path / name).write_text(text)
    (tmp_path / "reference_300K.json").write_text('{"materials": []}')
    with pytest.raises(DataError, match=r"cv\.extxyz: .*expected structures|cv\.extxyz: .*expected extended XYZ"):
        list(lamcore_phonon.build_alexandria_cv(tmp_path / "cv.extxyz").cases())
    with pytest.raises(DataError, match=r"structures\.extxyz: .*expected"):
        list(lamcore_phonon.build_phonondb(tmp_path).cases())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (CELL.replace("mp_id=a", ""), "a structure has no 'mp_id'"),
        (CELL.replace("heat_capacity=20", ""), "a has no 'heat_capacity'"),
        (CELL.replace("=20", "=warm"), "heat_capacity_j_per_mol_k of a is 'warm', expected a number"),
        ("Properties=species:S:1:pos:R:3 mp_id=a heat_capacity=20", "expected a crystal with its Lattice"),
    ],
)
def test_alexandria_names_what_a_structure_lacks(tmp_path, line, message):
    (tmp_path / "cv.extxyz").write_text(f"1\n{line}\nCu 0 0 0\n")
    with pytest.raises(DataError, match=message):
        list(lamcore_phonon.build_alexandria_cv(tmp_path / "cv.extxyz").cases())


def phonondb_folder(folder, changes, line='fc2_supercell="_JSON [[2,0,0],[0,2,0],[0,0,2]]"'):
    labels = {"max_freq_THz": 1, "min_freq_THz": 0, "entropy_J_K_mol": 1, "free_energy_kJ_mol": 1}
    material = {"mp_id": "a", "name": "Cu", "spg": 221, "no": labels | {"heat_capacity_J_K_mol": 1}} | changes
    table = {"materials": [{key: value for key, value in material.items() if value is not None}]}
    (folder / "reference_300K.json").write_text(json.dumps(table))
    (folder / "structures.extxyz").write_text(f"1\n{CELL} {line}\nCu 0 0 0\n")
    return folder


def test_phonondb_reads_what_the_tests_of_bad_folders_change(tmp_path):
    (case,) = lamcore_phonon.build_phonondb(phonondb_folder(tmp_path, {})).cases()
    assert case.settings["supercell_matrix"] == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert case.reference["max_frequency_k"] == pytest.approx(KELVIN_PER_THZ)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mp_id": None}, "a material has no 'mp_id'"),
        ({"name": None}, "a has no 'name'"),
        ({"no": None}, "a has no 'no'"),
        ({"no": 3}, "a is 3, expected an entry with 'max_freq_THz'"),
        ({"no": {"max_freq_THz": 1}}, "a has no 'min_freq_THz'"),
    ],
)
def test_phonondb_names_what_a_material_lacks(tmp_path, changes, message):
    with pytest.raises(DataError, match=rf"reference_300K\.json: {message}"):
        list(lamcore_phonon.build_phonondb(phonondb_folder(tmp_path, changes)).cases())


@pytest.mark.parametrize("matrix", ['"2 2 2"', '"_JSON [[2.5,0,0],[0,2,0],[0,0,2]]"', '"2 0 0 0 2 0 0 0 2"', "soft"])
def test_phonondb_names_a_supercell_that_is_no_matrix_of_integers(tmp_path, matrix):
    folder = phonondb_folder(tmp_path, {}, f"fc2_supercell={matrix}")
    with pytest.raises(DataError, match=r"structures\.extxyz: fc2_supercell of a is .*, expected 3×3"):
        list(lamcore_phonon.build_phonondb(folder).cases())


def test_phonondb_refuses_two_structures_of_one_material(tmp_path):
    folder = phonondb_folder(tmp_path, {})
    text = (folder / "structures.extxyz").read_text()
    (folder / "structures.extxyz").write_text(text + text)
    with pytest.raises(DataError, match=r"two structures have mp_id=a"):
        list(lamcore_phonon.build_phonondb(folder).cases())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"materials": [1]}, "a material is 1, expected an entry with 'mp_id'"),
        ({"materials": {"mp-1": 2}}, "'materials' of the table is .*, expected a list"),
        ([], r"the table is \[\], expected an entry with 'materials'"),
    ],
)
def test_json_tables_of_another_shape_are_named(tmp_path, content, message):
    (tmp_path / "structures.extxyz").write_text(f"1\n{CELL}\nCu 0 0 0\n")
    (tmp_path / "reference_300K.json").write_text(json.dumps(content))
    for build in (lamcore_phonon.build_mdr, lamcore_phonon.build_phonondb):
        with pytest.raises(DataError, match=rf"reference_300K\.json: {message}"):
            list(build(tmp_path).cases())


def test_mdr_names_the_phonopy_file_that_is_missing(lambench_folder):
    (lambench_folder / "mp-1265.yaml.bz2").unlink()
    with pytest.raises(DataError, match=r"no phonopy file for mp-1265.*expected mp-1265\.yaml"):
        list(lamcore_phonon.build_mdr(lambench_folder).cases())


def test_mdr_names_a_damaged_file(lambench_folder):
    damaged = lambench_folder / "mp-1265.yaml.bz2"
    damaged.write_bytes(damaged.read_bytes()[:200])
    with pytest.raises(DataError, match=r"mp-1265\.yaml\.bz2: cannot be read"):
        list(lamcore_phonon.build_mdr(lambench_folder).cases())


def test_mdr_names_a_label_that_is_no_number(lambench_folder):
    (lambench_folder / "pbe.csv").write_text(f"{HEADER}mp-149,733,soft,39,6\n")
    with pytest.raises(DataError, match="entropy of mp-149 is 'soft', expected a number"):
        list(lamcore_phonon.build_mdr(lambench_folder).cases())


@pytest.mark.parametrize("name", ["phonondb", "alexandria-cv", "mdr"])
def test_missing_path_says_what_to_give(name):
    with pytest.raises(DataError, match=rf"dataset {name} needs .* name it with dataset.path="):
        SPECS[name].build()


@pytest.mark.parametrize("name", ["phonondb", "alexandria-cv", "mdr"])
def test_wrong_path_says_where_it_looked(name, tmp_path):
    with pytest.raises(DataError, match="nowhere: not found"):
        SPECS[name].build(path=tmp_path / "nowhere")


def test_folder_without_its_files_says_which(tmp_path):
    with pytest.raises(DataError, match=r"structures\.extxyz: not found"):
        lamcore_phonon.build_phonondb(tmp_path)
    with pytest.raises(DataError, match=r"no table of labels \(pbe\.csv or reference_300K\.json\)"):
        lamcore_phonon.build_mdr(tmp_path)


def test_table_that_is_not_json_is_named(tmp_path):
    (tmp_path / "reference_300K.json").write_text('{"materials": [')
    with pytest.raises(DataError, match=r"reference_300K\.json: not valid JSON"):
        list(lamcore_phonon.build_mdr(tmp_path).cases())


def test_table_without_materials_is_named(tmp_path):
    (tmp_path / "reference_300K.json").write_text(json.dumps({"rows": []}))
    with pytest.raises(DataError, match="the table has no 'materials'; it has rows"):
        list(lamcore_phonon.build_mdr(tmp_path).cases())


def test_supercell_length_has_to_be_above_zero(tmp_path):
    with pytest.raises(ConfigError, match="min_length_ang is 0"):
        lamcore_phonon.build_alexandria_cv(tmp_path, min_length_ang=0.0)
