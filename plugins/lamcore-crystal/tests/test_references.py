import gzip
import json
import warnings
import zipfile

import numpy as np
import pytest
from ase.data import chemical_symbols
from ase.neighborlist import neighbor_list
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.hull.hull import Hull
from lamcore_crystal.references import (
    ReferenceFileError,
    compounds,
    element_set,
    elements,
    external_hull,
    read_reference_set,
    user_set,
)
from lamcore_crystal.references.prototypes import TYPES

from lamcore.errors import ConfigError

CIF = """data_{name}
_cell_length_a 4.12
_cell_length_b 4.12
_cell_length_c 4.12
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_type_symbol
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Cs Cs1 0 0 0 1
Cl Cl1 0.5 0.5 0.5 {occupancy}
"""
CSCL = CIF.format(name="CsCl", occupancy=1)


def space_group(geometry):
    from moyopy import Cell, MoyoDataset

    cell = Cell(geometry.cell.tolist(), geometry.fractional.tolist(), geometry.numbers.tolist())
    return MoyoDataset(cell, symprec=1e-3).number


def shortest_ang(geometry):
    return neighbor_list("d", geometry.atoms(), 7.0).min()


def volume_per_atom(geometry):
    return geometry.volume / len(geometry)


def by_name(crystals):
    return {one.name: one.geometry for one in crystals}


def test_every_element_up_to_plutonium_but_three_has_a_crystal():
    there = {one.name.split("-")[0] for one in elements()}
    assert set(chemical_symbols[1:95]) - there == {"At", "Fr", "Ra"}
    assert all(
        {chemical_symbols[number] for number in one.geometry.numbers} == {one.name.split("-")[0]} for one in elements()
    )


def test_crystals_of_the_elements_are_reasonable():
    for one in elements():
        assert 5 < volume_per_atom(one.geometry) < 130, one.name
        assert 0.7 < shortest_ang(one.geometry) < 6, one.name


@pytest.mark.parametrize(
    ("name", "group", "n_atoms", "shortest"),
    [
        ("S-orthorhombic", 70, 32, (2.02, 2.07)),
        ("Mn-alpha", 217, 29, (2.20, 2.30)),
        ("U", 63, 2, (2.74, 2.77)),
        ("Np", 62, 8, (2.58, 2.62)),
        ("Pu", 11, 16, (2.55, 2.60)),
        ("Sm", 166, 3, (3.55, 3.62)),
        ("Nd", 194, 4, (3.60, 3.66)),
        ("Pa", 139, 1, (3.19, 3.23)),
    ],
)
def test_crystals_from_the_literature_have_their_space_group_and_bond_length(name, group, n_atoms, shortest):
    geometry = by_name(elements())[name]
    assert space_group(geometry) == group
    assert len(geometry) == n_atoms
    assert shortest[0] < shortest_ang(geometry) < shortest[1]


def test_compounds_have_the_space_group_of_their_structure_type():
    for one in compounds():
        kind = one.name.split("-", 1)[1].replace("-", " ")
        kind = "layered oxide" if kind not in TYPES and kind != "olivine" else kind
        group = 62 if kind == "olivine" else TYPES.get(kind, TYPES["Cu3Au"]).space_group
        assert space_group(one.geometry) == group, one.name


@pytest.mark.parametrize(
    ("name", "pair_ang"),
    [
        ("O2Si-low-quartz", 1.61),
        ("CCaO3-calcite", 1.28),
        ("FeLiO4P-olivine", 1.53),
        ("MoS2-molybdenite", 2.41),
        ("Al2MgO4-spinel", 1.92),
        ("Cu2O-cuprite", 1.85),
        ("CoLiO2-layered-oxide", 1.92),
    ],
)
def test_bond_lengths_of_compounds_are_the_published_ones(name, pair_ang):
    assert shortest_ang(by_name(compounds())[name]) == pytest.approx(pair_ang, abs=0.015)


def test_volumes_of_compounds_are_those_of_the_materials_project(reference_data):
    """Computed cells are not measured ones: that of caesium bromide is 7.7 % larger, of lithium hydride 6 % smaller."""
    from pymatgen.core import Structure

    path = reference_data / "structures" / "matbench_phonons.json.gz"
    known: dict[tuple[str, int], list[float]] = {}
    ours = {
        (one.geometry.atoms().symbols.formula.reduce()[0].format("hill"), space_group(one.geometry)): one
        for one in compounds()
    }
    formulas = {formula for formula, _ in ours}
    for row in json.loads(gzip.decompress(path.read_bytes()))["data"]:
        structure = Structure.from_dict(row[0])
        formula = structure.to_ase_atoms().symbols.formula.reduce()[0].format("hill")
        if formula in formulas:
            key = (formula, space_group(Geometry.of(structure.to_ase_atoms())))
            known.setdefault(key, []).append(structure.volume / len(structure))
    shared = sorted(set(known) & set(ours))
    assert len(shared) > 25
    for key in shared:
        ratio = volume_per_atom(ours[key].geometry) / np.median(known[key])
        assert 0.92 < ratio < 1.07, (key, ratio)


def test_a_folder_an_archive_and_json_lines_give_the_same_crystals(tmp_path):
    folder = tmp_path / "known"
    (folder / "more").mkdir(parents=True)
    (folder / "a.b.cif").write_text(CSCL)
    (folder / "more" / "a.c.cif").write_text(CSCL)
    with zipfile.ZipFile(tmp_path / "known.zip", "w") as archive:
        archive.writestr("a.b.cif", CSCL)
        archive.writestr("more/a.c.cif", CSCL)
    with gzip.open(tmp_path / "known.jsonl.gz", "wt") as lines:
        for name in ("a.b", "more/a.c"):
            lines.write(json.dumps({"id": name, "cif": CSCL}) + "\n")
    sets = [read_reference_set(tmp_path / name) for name in ("known", "known.zip", "known.jsonl.gz")]
    for one in sets:
        assert [crystal.name for crystal in one] == ["a.b", "more/a.c"]
        assert {crystal.geometry.sha256() for crystal in one} == {sets[0][0].geometry.sha256()}


def test_extended_xyz_gives_crystals_by_their_names(tmp_path):
    from ase.io import write

    frames = [one.geometry.atoms() for one in compounds()[:3]]
    for frame, name in zip(frames, "abc", strict=True):
        frame.info["name"] = name
    write(tmp_path / "some.extxyz", frames)
    found = read_reference_set(tmp_path / "some.extxyz")
    assert [one.name for one in found] == ["a", "b", "c"]
    assert [len(one.geometry) for one in found] == [len(frame) for frame in frames]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bad.cif", "data_x\n_cell_length_a 4\n", "bad.cif: not readable as CIF"),
        ("half.cif", CIF.format(name="x", occupancy=0.5), "half.cif: .* is disordered"),
        ("lines.jsonl", '{"id": 1}\n', "lines.jsonl, line 1: expected an object with the text of a CIF"),
        ("broken.jsonl", "{\n", "broken.jsonl, line 1: not JSON"),
        ("known.zip", "PK", "known.zip: not a readable zip"),
        ("known.pkl", "", "unknown kind of file; expected a folder"),
        ("empty.jsonl", "", "no crystals in it"),
        (
            "two.jsonl",
            json.dumps({"id": "x", "cif": CSCL}) * 1 + "\n" + json.dumps({"id": "x", "cif": CSCL}),
            "called 'x'",
        ),
        ("bad.extxyz", "not a number\n", "bad.extxyz: not readable as extended XYZ"),
    ],
)
def test_files_that_cannot_be_read_are_errors_that_name_them(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ReferenceFileError, match=message):
        read_reference_set(tmp_path / name)


def test_a_path_without_a_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ReferenceFileError, match=r"nowhere.*not found"):
        read_reference_set(tmp_path / "nowhere")


def test_a_set_of_ones_own_is_named_on_the_command_line(tmp_path):
    (tmp_path / "a.cif").write_text(CSCL)
    known = user_set(f"mine={tmp_path / 'a.cif'}", in_hull=False)
    assert (known.name, known.in_hull, known.for_novelty) == ("mine", False, True)
    assert [name for name, _ in known.members] == ["a"]
    with pytest.raises(ConfigError, match="expected name=path"):
        user_set(str(tmp_path), in_hull=True)
    assert element_set().in_hull


def test_a_table_of_formation_energies_is_a_hull(tmp_path):
    (tmp_path / "dft.csv").write_text("formula,formation_energy_per_atom\nLi2O,-2.0\nLiO2,-0.5\nLi2O2,-1.6\n")
    hull = Hull(external_hull(tmp_path / "dft.csv"), energies="formation")
    assert hull.elements == ("Li", "O")
    assert hull.entry_distances == pytest.approx([0, 1.6 * 2 / 3 - 0.5, 0, 0, 0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "formula,energy\nLi,0\n", "columns are"),
        ("a.csv", "formula,e_form_per_atom\nLi,0\nLi,x\n", "a.csv, line 3"),
        ("a.csv", "formula,e_form_per_atom\nLi((,0\n", "a.csv, line 2"),
        ("a.json", "[1]", "a.json, entry 0: expected an object with composition"),
        ("a.json", "{", "not JSON"),
        ("a.txt", "", "expected a file .csv"),
    ],
)
def test_tables_that_are_wrong_are_errors_that_say_where(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ReferenceFileError, match=message):
        external_hull(tmp_path / name)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("name", ["Mn-O_entries.json.gz", "Li-Fe-P-O_entries.json.gz"])
def test_computed_entries_give_the_formation_energies_of_pymatgen(reference_data, name, corrected):
    from pymatgen.analysis.phase_diagram import PhaseDiagram
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
    from pymatgen.entries.computed_entries import ComputedEntry

    path = reference_data / "hull" / name
    rows = json.loads(gzip.decompress(path.read_bytes()))
    keys = ("composition", "energy", "energy_adjustments", "correction", "parameters", "data", "entry_id")
    known = [
        ComputedEntry.from_dict({"correction": 0.0} | {key: row[key] for key in keys if key in row}) for row in rows
    ]
    if corrected:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            known = MaterialsProject2020Compatibility().process_entries(known, clean=True)
    diagram = PhaseDiagram(known)
    expected = sorted(diagram.get_form_energy_per_atom(one) for one in diagram.all_entries)
    entries = external_hull(path, mp2020_corrections=corrected)
    assert len(entries) == len(expected) > 5
    assert sorted(one.energy_per_atom for one in entries) == pytest.approx(expected, abs=1e-9)
