from __future__ import annotations

import gzip
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from ase.spacegroup import crystal
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.rounds import MatchingRules
from lamcore_crystal.symmetry import Orbit, canonical_letters, canonical_occupation, describe, letters_of
from lamcore_crystal.symmetry.formulas import anonymous_formula_of, anonymous_name, formula_of
from lamcore_crystal.symmetry.make_table import few_generators, generators, group_of
from lamcore_crystal.symmetry.wyckoff import relabellings
from scipy.spatial.transform import Rotation

RULES = MatchingRules()
# A quarter turn, a general one and a skew choice of lattice vectors.
SKEW = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1]])

KNOWN = [
    (bulk("NaCl", "rocksalt", 5.64), "ClNa", "NaCl", "AB", 225, "cF8", "225: a Na b Cl"),
    (bulk("CaF2", "fluorite", 5.46), "CaF2", "CaF2", "A2B", 225, "cF12", "225: a Ca c F"),
    (bulk("Si", "diamond", 5.43), "Si", "Si", "A", 227, "cF8", "227: a Si"),
    (bulk("ZnS", "wurtzite", 3.8, 6.2), "SZn", "ZnS", "AB", 186, "hP4", "186: b Zn b S"),
    (bulk("Mg", "hcp", 3.2, 5.2), "Mg", "Mg", "A", 194, "hP2", "194: c Mg"),
]


def low_symmetry():
    """Crystals whose groups have many names for one thing: P-1, P2_1/c, C2/c, Pmmm, Pnma."""
    cells = {
        2: [6.1, 7.3, 8.9, 81, 77, 73],
        14: [6.1, 7.3, 8.9, 90, 104, 90],
        15: [6.1, 7.3, 8.9, 90, 104, 90],
        47: [6.1, 7.3, 8.9, 90, 90, 90],
        62: [6.1, 7.3, 8.9, 90, 90, 90],
    }
    places = [(0.5, 0, 0), (0, 0, 0), (0.21, 0.33, 0.14)]
    return [crystal(["Na", "Ti", "O"], places, spacegroup=number, cellpar=cell) for number, cell in cells.items()]


def told_otherwise(atoms, random):
    """The same crystal after a rotation, a shift of the origin, another basis, a supercell and in another order."""
    other = make_supercell(atoms, SKEW)
    other = other * tuple(int(n) for n in random.permutation((1, 1, 2)))
    other.set_cell(other.cell @ Rotation.random(random_state=random).as_matrix(), scale_atoms=True)
    other.positions += random.uniform(0, 9, 3)
    other = other[random.permutation(len(other))]
    other.wrap()
    return other


def symmetry_of(atoms):
    description, findings = describe(Geometry.of(atoms), RULES)
    assert not findings
    return description


@pytest.mark.parametrize(("atoms", "formula", "pretty", "anonymous", "number", "pearson", "wyckoff"), KNOWN)
def test_textbook_crystals_are_described_as_in_textbooks(atoms, formula, pretty, anonymous, number, pearson, wyckoff):
    told = symmetry_of(atoms)
    assert (told.formula, told.formula_pretty, told.formula_anonymous) == (formula, pretty, anonymous)
    for symmetry in (told.loose, told.tight):
        assert (symmetry.space_group, symmetry.pearson, symmetry.wyckoff) == (number, pearson, wyckoff)
        assert symmetry.key == f"{formula} {wyckoff}"
    assert told.elements == tuple(told.chemical_system.split("-")) == tuple(sorted(set(atoms.symbols)))
    assert told.volume_per_atom == pytest.approx(atoms.get_volume() / len(atoms))


def test_density_and_prototype_of_rock_salt():
    salt, other = symmetry_of(bulk("NaCl", "rocksalt", 5.64)), symmetry_of(bulk("LiF", "rocksalt", 4.0))
    assert salt.density_g_cm3 == pytest.approx(2.16, abs=0.01)
    assert salt.loose.prototype == other.loose.prototype == "AB 225: a A b B"
    assert symmetry_of(bulk("CaF2", "fluorite", 5.4)).loose.prototype == "AB2 225: a A c B"


@pytest.mark.parametrize("atoms", [one[0] for one in KNOWN] + low_symmetry(), ids=lambda atoms: str(atoms.symbols))
def test_another_description_of_a_crystal_has_the_same_keys(atoms):
    random = np.random.default_rng(0)
    expected = symmetry_of(atoms)
    for _ in range(4):
        told = symmetry_of(told_otherwise(atoms, random))
        assert (told.loose, told.tight) == (expected.loose, expected.tight)
        assert told.formula == expected.formula


def test_a_mirror_image_has_the_same_key_in_the_mirrored_group():
    left = crystal(
        ["Si", "O"], [(0.47, 0, 0), (0.41, 0.27, 0.12)], spacegroup=152, cellpar=[4.91, 4.91, 5.4, 90, 90, 120]
    )
    right = left.copy()
    right.set_cell(right.cell @ np.diag([1, 1, -1]), scale_atoms=True)
    one, other = symmetry_of(left).loose, symmetry_of(right).loose
    assert {one.space_group, other.space_group} == {152, 154}
    assert one.key == other.key
    assert one.prototype == other.prototype


def test_a_triclinic_origin_has_eight_names_and_a_cubic_one_two():
    assert {canonical_letters(2, (letter,)) for letter in "abcdefgh"} == {("a",)}
    assert canonical_letters(225, ("b", "c")) == ("a", "c")
    salt = (Orbit("b", "Na"), Orbit("a", "Cl"))
    assert canonical_occupation(225, salt) == (Orbit("a", "Na"), Orbit("b", "Cl"))
    # The affine normalizer acts on the eight centres of P-1 as the affine group of a cube's corners.
    assert len(relabellings(2)) == 8 * 7 * 6 * 4
    assert len(relabellings(47)) == 8 * 6
    assert relabellings(230) == (letters_of(230),)


def test_the_table_has_every_wyckoff_position_and_only_permutations():
    assert sum(len(letters_of(number)) for number in range(1, 231)) == 1731
    for number in range(1, 231):
        letters = letters_of(number)
        assert all(sorted(one) == sorted(letters) for one in relabellings(number))


@pytest.mark.parametrize("number", [1, 15, 47, 62, 136, 198])  # P-1 takes seconds; its number of names is told above
def test_the_table_is_what_moyo_says(number):
    letters, found = generators(number)
    assert letters == letters_of(number)
    assert group_of(few_generators(found, letters), letters) == sorted(relabellings(number))


def test_a_letter_or_group_or_element_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="space group 225 has no Wyckoff position 'z'"):
        canonical_letters(225, ("z",))
    with pytest.raises(ValueError, match="no space group 231"):
        letters_of(231)
    with pytest.raises(ValueError, match="'Xx' is no element"):
        canonical_occupation(225, (Orbit("a", "Xx"),))


def test_formulae_are_optimades():
    assert formula_of({"O": 4, "H": 4, "Ca": 2}) == "CaH2O2"
    assert anonymous_formula_of({"O": 4, "H": 4, "Ca": 2}) == "A2B2C"
    assert formula_of({"O": 2}) == "O"
    assert [anonymous_name(k) for k in (0, 25, 26, 51, 52)] == ["A", "Z", "Aa", "Za", "Ab"]


def test_identity_survives_order_translations_origin_rotation_and_basis():
    random = np.random.default_rng(3)
    for atoms in [*low_symmetry(), bulk("NaCl", "rocksalt", 5.64, cubic=True), bulk("Mg", "hcp", 3.2, 5.2)]:
        expected = symmetry_of(atoms).identity_sha256
        other = make_supercell(atoms, SKEW, wrap=False)
        other.set_cell(other.cell @ Rotation.random(random_state=random).as_matrix(), scale_atoms=True)
        other.positions += random.uniform(0, 9, 3) + random.integers(-2, 3, (len(other), 3)) @ other.cell.array
        assert symmetry_of(other[random.permutation(len(other))]).identity_sha256 == expected


def test_identity_tells_a_moved_atom_a_stretch_a_supercell_and_another_element():
    atoms = low_symmetry()[0]
    seen = {symmetry_of(atoms).identity_sha256}
    moved, stretched, exchanged = atoms.copy(), atoms.copy(), atoms.copy()
    moved.positions[-1] += 0.01
    stretched.set_cell(stretched.cell * 1.001, scale_atoms=True)
    exchanged.symbols[0] = "K"
    for other in (moved, stretched, exchanged, atoms * (1, 1, 2)):
        seen.add(symmetry_of(other).identity_sha256)
    assert len(seen) == 5


def test_where_no_symmetry_is_found_the_crystal_is_p1_with_a_warning():
    # Two atoms closer than the tolerance, which no geometric rule lets pass, are beyond moyo.
    pair = Atoms("H2", cell=[3, 3, 3], positions=[(0, 0, 0), (0, 0, 0.05)], pbc=True)
    description, findings = describe(Geometry.of(pair), RULES)
    assert (description.loose.space_group, description.loose.wyckoff) == (1, "1: a H a H")
    assert findings
    assert {one.code for one in findings} == {"W_SYMMETRY"}
    assert findings[0].data == {"symprec_ang": 0.1}


def test_nasty_cells_have_the_groups_that_spglib_finds(reference_data):
    import spglib

    different = []
    for path in sorted((reference_data / "symmetry").glob("*.json")):
        read = json.loads(path.read_text())
        read = read.get("cell", read)
        cell = np.array(read["lattice"]["basis"]).reshape(3, 3)
        geometry = Geometry(cell, np.array(read["positions"]), np.array(read["numbers"]))
        description, findings = describe(geometry, RULES)
        assert not findings
        for symmetry in (description.loose, description.tight):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of how spglib tells that it gave up
                found = spglib.get_symmetry_dataset(
                    (cell, geometry.fractional, geometry.numbers), symprec=symmetry.symprec
                )
            if found is None or found.number != symmetry.space_group:
                different.append((path.stem, symmetry.symprec, found and found.number, symmetry.space_group))
    # Where a distortion is about as large as the tolerance the two programs may differ, or spglib finds nothing.
    print(different)
    assert len(different) <= 4, different


def test_real_structures_have_the_groups_that_their_database_tells(reference_data):
    agree, n = 0, 0
    path = reference_data / "structures" / "lemat_baseline_9935.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for place, line in enumerate(stream):
            if place % 40:
                continue
            row = json.loads(line)
            if row["source"] != "jarvis":
                continue
            description, findings = describe(geometry_of_cif(row["cif"]), RULES)
            assert not findings
            n += 1
            agree += int(row["meta"]["spg_number"]) in (description.loose.space_group, description.tight.space_group)
    assert n > 50
    assert agree / n > 0.98


def geometry_of_cif(text):
    import gemmi

    small = gemmi.make_small_structure_from_block(gemmi.cif.read_string(text).sole_block())
    sites = small.get_all_unit_cell_sites()
    return Geometry(
        np.array(small.cell.orth.mat.tolist()).T,
        np.array([site.fract.tolist() for site in sites]),
        np.array([site.element.atomic_number for site in sites]),
    )


def test_symmetry_is_imported_without_anything_heavy():
    code = (
        "import sys, lamcore_crystal.symmetry as s; print({'pymatgen', 'moyopy', 'spglib', 'ase'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
