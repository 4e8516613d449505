"""Claims about the datasets and their cards."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import shutil

import lamcore_phonon
import numpy as np
import pytest
from lamcore_phonon.datasets.alexandria_cv import supercell_of_length

from lamcore.cards import DatasetCard, TaskCard, load_card
from lamcore.errors import ConfigError, DataError
from lamcore.quantities import KELVIN_PER_THZ

R = 8.31446261815324
SPECS = {spec.name: spec for spec in lamcore_phonon.lamcore_datasets()}


def n_primitive_atoms(case):
    return len(case.atoms) * abs(np.linalg.det(np.array(case.settings["primitive_matrix"], dtype=float)))


@pytest.fixture(scope="module")
def cubic_cases():
    return list(lamcore_phonon.build_phonon_cubic().cases())


def test_cards_are_valid_and_name_their_level_of_theory():
    for spec in SPECS.values():
        assert "PBE" in load_card(spec.card, DatasetCard).level_of_theory
    (task,) = lamcore_phonon.lamcore_tasks()
    assert set(load_card(task.card, TaskCard).protocols) == {"default", "lambench"}


def test_embedded_file_is_the_one_that_its_card_describes():
    dataset = lamcore_phonon.build_phonon_cubic()
    card = load_card(SPECS["phonon-cubic"].card, DatasetCard)
    for name, path in dataset.files.items():
        content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == card.files[name].sha256
        assert len(content) == card.files[name].bytes


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
    cases = list(lamcore_phonon.build_phonondb(str(reference_data / "phonondb103_pbe")).cases())
    assert len(cases) == 79
    for case in cases:
        limit = 3 * R * n_primitive_atoms(case)
        assert 0.3 * limit < case.reference["heat_capacity_j_per_mol_k"] < limit
        # Non-negative frequencies: F + TS = U ≥ 0.
        energy = case.reference["free_energy_kj_per_mol"] * 1e3 + 300 * case.reference["entropy_j_per_mol_k"]
        assert energy > 0
        assert case.settings["max_frequency_points"] == "mesh"


def test_phonondb_agrees_with_the_embedded_set_where_both_have_a_crystal(reference_data, cubic_cases):
    listed = {case.id: case for case in lamcore_phonon.build_phonondb(str(reference_data / "phonondb103_pbe")).cases()}
    common = [case for case in cubic_cases if case.id in listed]
    assert len(common) > 30
    for case in common:
        other = listed[case.id].reference
        for label, value in case.reference.items():
            assert value == pytest.approx(other[label], abs=2e-3), (case.id, label)


def test_phonondb_labels_with_the_correction_are_others(reference_data):
    path = str(reference_data / "phonondb103_pbe")
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
    from_plain, from_zipped = (list(lamcore_phonon.build_alexandria_cv(str(path)).cases()) for path in (plain, zipped))
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
    cases = {case.id: case for case in lamcore_phonon.build_mdr(str(reference_data / "phonondb_pbesol")).cases()}
    assert len(cases) == 229
    magnesia = cases["mp-1265"]
    assert magnesia.settings["level_of_theory"] == "PBEsol"
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
    silicon, magnesia = lamcore_phonon.build_mdr(str(lambench_folder)).cases()
    assert silicon.atoms.get_chemical_formula() == "Si8"
    assert silicon.settings["supercell_matrix"] == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert silicon.settings["max_frequency_points"] == "lambench"
    assert silicon.settings["level_of_theory"] == "PBE"
    assert magnesia.reference == {
        "max_frequency_k": 801.2,
        "entropy_j_per_mol_k": 28.2,
        "heat_capacity_j_per_mol_k": 37.2,
        "free_energy_kj_per_mol": 10.6,
    }


def test_mdr_with_a_table_of_unknown_origin_asks_for_the_level_of_theory(lambench_folder):
    shutil.move(lambench_folder / "pbe.csv", lambench_folder / "mine.csv")
    table = str(lambench_folder / "mine.csv")
    with pytest.raises(DataError, match="does not tell the level of theory"):
        lamcore_phonon.build_mdr(str(lambench_folder), labels_path=table)
    cases = lamcore_phonon.build_mdr(str(lambench_folder), labels_path=table, level_of_theory="PBEsol").cases()
    assert {case.settings["level_of_theory"] for case in cases} == {"PBEsol"}


def test_mdr_names_the_phonopy_file_that_is_missing(lambench_folder):
    (lambench_folder / "mp-1265.yaml.bz2").unlink()
    with pytest.raises(DataError, match=r"no phonopy file for mp-1265.*expected mp-1265\.yaml"):
        list(lamcore_phonon.build_mdr(str(lambench_folder)).cases())


def test_mdr_names_a_damaged_file(lambench_folder):
    damaged = lambench_folder / "mp-1265.yaml.bz2"
    damaged.write_bytes(damaged.read_bytes()[:200])
    with pytest.raises(DataError, match=r"mp-1265\.yaml\.bz2: cannot be read"):
        list(lamcore_phonon.build_mdr(str(lambench_folder)).cases())


def test_mdr_names_a_label_that_is_no_number(lambench_folder):
    (lambench_folder / "pbe.csv").write_text("mp_id,max_freq,entropy,heat_capacity,free_energy\nmp-149,733,,39,6\n")
    with pytest.raises(DataError, match="entropy of mp-149 is '', expected a number"):
        list(lamcore_phonon.build_mdr(str(lambench_folder)).cases())


@pytest.mark.parametrize("name", ["phonondb", "alexandria-cv", "mdr"])
def test_missing_path_says_what_to_give(name):
    with pytest.raises(DataError, match=rf"dataset {name} needs .* name it with dataset.path="):
        SPECS[name].build()


@pytest.mark.parametrize("name", ["phonondb", "alexandria-cv", "mdr"])
def test_wrong_path_says_where_it_looked(name, tmp_path):
    with pytest.raises(DataError, match="nowhere: not found"):
        SPECS[name].build(path=str(tmp_path / "nowhere"))


def test_folder_without_its_files_says_which(tmp_path):
    with pytest.raises(DataError, match=r"structures\.extxyz: not found"):
        lamcore_phonon.build_phonondb(str(tmp_path))
    with pytest.raises(DataError, match=r"no table of labels \(pbe\.csv or reference_300K\.json\)"):
        lamcore_phonon.build_mdr(str(tmp_path))


def test_table_that_is_not_json_is_named(tmp_path):
    (tmp_path / "reference_300K.json").write_text('{"materials": [')
    with pytest.raises(DataError, match=r"reference_300K\.json: not valid JSON"):
        list(lamcore_phonon.build_mdr(str(tmp_path)).cases())


def test_table_without_materials_is_named(tmp_path):
    (tmp_path / "reference_300K.json").write_text(json.dumps({"rows": []}))
    with pytest.raises(DataError, match="the table has no 'materials'; it has rows"):
        list(lamcore_phonon.build_mdr(str(tmp_path)).cases())


def test_supercell_length_has_to_be_above_zero(tmp_path):
    with pytest.raises(ConfigError, match="min_length_ang is 0"):
        lamcore_phonon.build_alexandria_cv(str(tmp_path), min_length_ang=0.0)
