"""What is read from a CIF, and which code refuses it."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write
from cif_samples import SALT, cif
from lamcore_crystal.intake.cif import parse
from lamcore_crystal.intake.shown import shown
from lamcore_crystal.intake.species import of_label, of_type_symbol
from lamcore_crystal.rounds import Limits

LIMITS = Limits()
# 25 million products of operations in 110 kB.
MAGNETIC = "loop_\n_space_group_symop_magn_operation.xyz\n" + "x,y,z,+1\n" * 5000
MAGNETIC += "loop_\n_space_group_symop_magn_centering.xyz\n" + "x+1/2,y,z,+1\n" * 5000


def codes(data, split=False):
    (parsed,) = parse(data, split, LIMITS)
    return [one.code for one in parsed.findings]


def test_reads_the_atoms_that_were_written(tmp_path):
    diamond = bulk("C", cubic=True)
    write(tmp_path / "c.cif", diamond)
    (parsed,) = parse((tmp_path / "c.cif").read_bytes(), False, LIMITS)
    assert parsed.findings == ()
    assert np.allclose(parsed.geometry.cell, diamond.cell.array, atol=1e-6)
    assert sorted(parsed.geometry.numbers) == [6] * 8
    assert np.allclose(
        np.sort(parsed.geometry.atoms().get_all_distances(mic=True), axis=None),
        np.sort(diamond.get_all_distances(mic=True), axis=None),
        atol=1e-4,
    )


def test_a_symbol_alone_gives_all_atoms_of_the_diamond_cell():
    symmetric = cif([("C", "0 0 0")], "d", "_symmetry_space_group_name_H-M 'F d -3 m'", a=3.567, b=3.567, c=3.567)
    (parsed,) = parse(symmetric, False, LIMITS)
    assert parsed.findings == ()
    assert len(parsed.geometry) == 8


def test_a_rounded_third_is_one_atom_of_a_special_position():
    magnesium = cif(
        [("Mg", "0.3333 0.6667 0.25")],
        "mg",
        "_symmetry_space_group_name_H-M 'P 63/m m c'",
        a=3.21,
        b=3.21,
        c=5.21,
        gamma=120,
    )
    (parsed,) = parse(magnesium, False, LIMITS)
    assert len(parsed.geometry) == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "E_EMPTY"),
        (b"# nothing\n", "E_EMPTY"),
        (b"\x1f\x8b" + cif(), "E_FORMAT"),
        (cif().decode().encode("utf-16"), "E_ENCODING"),
        (b'{"cell": []}', "E_FORMAT"),
        (cif() + b"loop_\n_x\n_y\n1\n", "E_SYNTAX"),
        (cif() + b"_cell_length_a 3\n", "E_SYNTAX"),
        (cif(a="inf"), "E_BAD_NUMBER"),
        (cif(a="1e999"), "E_BAD_NUMBER"),
        (cif(a="5,64"), "E_BAD_NUMBER"),
        (cif(a="-5.64"), "E_LATTICE"),
        (cif(alpha=150, beta=30, gamma=30), "E_LATTICE"),
        (cif(alpha=180), "E_LATTICE"),
        (cif(a="0.45"), "E_LATTICE"),
        (cif(a="?"), "E_NO_CELL"),
        (cif([]), "E_NO_ATOMS"),
        (cif([("Na", "? ? ?")]), "E_NO_FRACT"),
        (cif([("Na", "1e9 0 0")]), "E_BAD_NUMBER"),
        (cif([("Xx", "0 0 0")]), "E_SPECIES"),
        (cif([("Na", "0 0 0 0.5")]), "E_DISORDER"),
        (cif([("Na", "0 0 0 2")]), "E_OCCUPANCY"),
        (cif([("Na", "0 0 0"), ("K", "0 0 0")]), "E_OCCUPANCY"),
        (cif([("Na", "0 0 0"), ("Na", "0 0 0")]), "E_OVERLAP"),
        (cif([("Na", f"{i / 300} 0 0") for i in range(300)]), "E_NATOMS"),
        (cif(extra="_symmetry_equiv_pos_as_xyz 'x,y,w'"), "E_SYMOP"),
        (cif(extra="_symmetry_equiv_pos_as_xyz '__import__(\"os\")'"), "E_SYMOP"),
        (cif(extra="_symmetry_equiv_pos_as_xyz '2*x,y,z'"), "E_SYMOP"),
        (cif(extra="_symmetry_Int_Tables_number 225.9"), "E_SYMOP"),
        (cif(extra=MAGNETIC), "E_SYMOP"),
        (cif(extra="_chemical_formula_sum 'H4 Na4 Cl4'"), "E_STOICH"),
        (cif() + cif(), "E_MULTI_BLOCK"),
        (cif() + b"#" * 1_000_000, "E_TOO_LARGE"),
    ],
)
def test_each_defect_has_its_code_and_no_geometry(data, code):
    (parsed,) = parse(data, False, LIMITS)
    assert parsed.findings[-1].code == code, parsed.findings
    assert parsed.geometry is None


def test_harmless_defects_are_warned_of_and_accepted():
    assert codes(b"\xef\xbb\xbf" + cif()) == []
    assert codes(cif([("Na", "0 0 0 1.02"), *SALT[1:]])) == ["W_OCC_SNAPPED"]
    assert codes(cif([("Na", "0 0 0 0"), *SALT[1:]])) == ["W_OCC_ZERO_DROPPED"]
    assert codes(cif([("D", "0 0 0"), *SALT[1:]])) == ["W_ISOTOPE_TO_H"]
    assert codes(cif(extra="_cell_volume 99")) == ["W_VOLUME"]
    assert codes(cif(extra="_chemical_formula_sum 'Na4 Cl3'")) == ["W_FORMULA"]
    assert codes(cif(extra="_chemical_formula_sum 'Na" + "9" * 400 + " Cl4'")) == []  # no amount of anything
    assert codes("# µ".encode("latin-1") + b"\n" + cif()) == ["W_ENCODING"]
    assert codes(cif([("Na1+", place) if symbol == "Na" else ("Cl1-", place) for symbol, place in SALT])) == []


def test_a_split_file_gives_each_block_even_of_one_name():
    parsed = parse(cif() + cif([("Xx", "0 0 0")]) + cif(), True, LIMITS)
    assert [(one.block, one.name, one.geometry is None) for one in parsed] == [
        (0, "salt", False), (1, "salt", True), (2, "salt", False),
    ]  # fmt: skip


def test_names_and_values_of_a_file_are_shown_and_never_printed_raw():
    (parsed,) = parse(cif(name="../../etc/passwd"), False, LIMITS)
    assert parsed.name == "../../etc/passwd"
    assert shown("a\x1b[31m\u202egnp.exe\n") == r"a\x1b[31m\u202egnp.exe\n"
    assert len(shown("x" * 1000)) == 80


def test_symbols_and_labels_stand_for_elements():
    assert [of_type_symbol(text).number for text in ("Na", "Na+", "O2-", "Fe3+", "FE", "X", "Q1")] == [
        11,
        11,
        8,
        26,
        26,
        0,
        0,
    ]
    assert [of_label(text).number for text in ("MO1", "O_a", "Ca2", "1Na", "Zz")] == [42, 8, 20, 0, 0]
    assert of_type_symbol("0.5Ga + 0.5Zn").is_mixed
    assert of_label("Wat1").lacks_hydrogens
