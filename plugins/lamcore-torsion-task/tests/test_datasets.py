"""Claims about the readers: the same scan from each format gives the same case, and wrong files are named."""

from __future__ import annotations

import gzip

import lamcore_torsion
import numpy as np
import pytest
from ase.io import write
from lamcore_torsion.datasets.fragments import scanned_dihedral
from lamcore_torsion.physics import KCAL_MOL_PER_EV, KCAL_MOL_PER_HARTREE

from lamcore.errors import DataError


@pytest.fixture(scope="module")
def embedded():
    return list(lamcore_torsion.build_small_torsions().cases())


@pytest.fixture
def formate(embedded):
    (case,) = (case for case in embedded if case.id == "methyl-formate")
    return case


def frames(case, name=None, key="energy_dlpno_ccsdt", **info):
    """Frames as TorsionNet500's extended XYZ has them, total energies in eV."""
    made = []
    for atoms, energy, angle in zip(
        case.structures, case.reference["energies_kcal_per_mol"], case.settings["angles_deg"], strict=True
    ):
        frame = atoms.copy()
        frame.info = {
            "fragment": name or case.id,
            "smiles": case.settings["smiles"],
            "charge": 0,
            "torsion_atoms": " ".join(map(str, case.settings["torsion_atoms"])),
            "torsion_angle": round(angle, 1),
            key: -4000.0 + energy / KCAL_MOL_PER_EV,
        } | info
        made.append({name: value for name, value in frame.info.items() if value is not None})
        frame.info = made[-1]
        made[-1] = frame
    return made


def written(path, structures):
    write(path, structures, format="extxyz")
    return path


def read(path, **options):
    return list(lamcore_torsion.build_torsions(path, **options).cases())


def assert_same(case, other, tolerance=1e-6):
    np.testing.assert_allclose(
        case.reference["energies_kcal_per_mol"], other.reference["energies_kcal_per_mol"], atol=tolerance
    )
    for one, two in zip(case.structures, other.structures, strict=True):
        assert one.get_chemical_symbols() == two.get_chemical_symbols()
        np.testing.assert_allclose(one.positions, two.positions, atol=1e-4)
    np.testing.assert_allclose(case.settings["angles_deg"], other.settings["angles_deg"], atol=0.02)


def test_the_embedded_set_has_24_angles_and_mirror_images_of_equal_energy(embedded):
    assert len(embedded) == 8
    for case in embedded:
        np.testing.assert_allclose(case.settings["angles_deg"], np.arange(-165, 181, 15), atol=0.01)
        energies = np.array(case.reference["energies_kcal_per_mol"])
        np.testing.assert_allclose(energies[:11], energies[22:11:-1], atol=1e-6)
        assert energies.min() == 0


def test_embedded_labels_agree_with_experiment(embedded):
    """From spectroscopy, kcal/mol.

    Hydrogen peroxide, 386 cm⁻¹ at trans and 2460 cm⁻¹ at cis: R. H. Hunt, R. A. Leacock, C. W. Peters, K. T. Hecht,
    J. Chem. Phys. 42, 1931 (1965). Butane, gauche above trans: R. M. Balabin, J. Phys. Chem. A 113, 1012 (2009).
    """
    profiles = {
        case.id: dict(zip(np.round(case.settings["angles_deg"]), case.reference["energies_kcal_per_mol"], strict=True))
        for case in embedded
    }
    assert profiles["hydrogen-peroxide"][180] == pytest.approx(1.10, abs=0.35)
    assert profiles["hydrogen-peroxide"][0] == pytest.approx(7.03, abs=0.6)
    assert profiles["butane"][60] - profiles["butane"][180] == pytest.approx(0.66, abs=0.2)


@pytest.mark.parametrize("name", ["scan.extxyz", "scan.extxyz.gz", "scan.xyz"])
def test_extended_xyz_is_read_plain_and_gzipped(formate, tmp_path, name):
    path = written(tmp_path / "scan.extxyz", frames(formate))
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress(path.read_bytes()))
    else:
        path.rename(tmp_path / name)
    (case,) = read(tmp_path / name)
    assert_same(case, formate)
    assert case.settings["functional"] == "CCSD(T)"


def test_a_folder_with_one_file_of_scans_is_taken_for_the_file(formate, tmp_path):
    written(tmp_path / "scan.extxyz", frames(formate))
    (tmp_path / "card.json").write_text("{}")
    (case,) = read(tmp_path)
    assert_same(case, formate)


def test_conformers_in_any_order_are_sorted_by_angle(formate, tmp_path):
    shuffled = frames(formate)
    np.random.default_rng(0).shuffle(shuffled)
    (case,) = read(written(tmp_path / "a.extxyz", shuffled))
    assert_same(case, formate)


def test_structures_carry_no_labels(formate, tmp_path):
    (case,) = read(written(tmp_path / "a.extxyz", frames(formate, charge=1)))
    assert all(atoms.info == {"charge": 1} and atoms.calc is None for atoms in case.structures)


def test_the_dihedral_is_found_where_the_file_does_not_tell(embedded, tmp_path):
    for known in embedded:
        told = known.settings["torsion_atoms"]
        assert scanned_dihedral(known.structures) in (told, told[::-1]), known.id
    (case,) = read(written(tmp_path / "a.extxyz", frames(embedded[0], torsion_atoms=None, torsion_angle=None)))
    assert sorted(case.settings["torsion_atoms"]) == sorted(embedded[0].settings["torsion_atoms"])


def lambench_folder(root, cases):
    for case in cases:
        folder = root / case.id
        folder.mkdir(parents=True)
        symbols = case.structures[0].get_chemical_symbols()
        elements = sorted(set(symbols))
        (folder / "type_map.raw").write_text("\n".join(elements) + "\n")
        (folder / "type.raw").write_text("\n".join(str(elements.index(symbol)) for symbol in symbols) + "\n")
        np.savetxt(folder / "coord.raw", [atoms.positions.ravel() for atoms in case.structures])
        np.savetxt(folder / "energy.raw", np.add(case.reference["energies_kcal_per_mol"], -99000.0))
        np.savetxt(folder / "box.raw", np.tile(np.eye(3).ravel() * 100, (len(case.structures), 1)))
        (folder / "nopbc").touch()
    return root


def test_lambenchs_folders_give_the_same_case(embedded, tmp_path):
    cases = read(lambench_folder(tmp_path / "set", embedded[:2]), energy_unit="kcal/mol")
    assert [case.id for case in cases] == sorted(case.id for case in embedded[:2])
    for case in cases:
        assert_same(case, next(one for one in embedded if one.id == case.id))
        assert not case.structures[0].pbc.any()
        assert case.settings["functional"] == "CCSD(T)"
    (case, _) = read(tmp_path / "set", functional="ωB97M")
    assert case.settings["functional"] == "ωB97M"


def test_lambenchs_fragments_come_in_the_order_of_their_numbers(formate, tmp_path):
    from dataclasses import replace

    root = lambench_folder(tmp_path, [replace(formate, id=f"fragment_{i}") for i in (10, 9, 100)])
    assert [case.id for case in read(root, functional="PBE")] == ["fragment_9", "fragment_10", "fragment_100"]


def sdf_file(path, case, unit_per_kcal=1.0, tag="DFT_ENERGY"):
    from lamcore_torsion.chemistry import perceive
    from rdkit import Chem

    writer = Chem.SDWriter(str(path))
    for atoms, energy in zip(case.structures, case.reference["energies_kcal_per_mol"], strict=True):
        molecule = perceive(atoms, case.settings["smiles"])
        molecule.SetProp("_Name", case.id)
        molecule.SetProp(tag, repr(energy * unit_per_kcal - 150.0))
        writer.write(molecule)
    writer.close()
    return path


@pytest.mark.parametrize(
    ("unit", "per_kcal"),
    [("kcal/mol", 1.0), ("kJ/mol", 4.184), ("eV", 1 / KCAL_MOL_PER_EV), ("Hartree", 1 / KCAL_MOL_PER_HARTREE)],
)
def test_sdf_gives_the_same_case_in_any_unit(formate, tmp_path, unit, per_kcal):
    path = sdf_file(tmp_path / "scan.sdf", formate, per_kcal)
    (case,) = read(path, energy_tag="DFT_ENERGY", energy_unit=unit, functional="B3LYP")
    assert_same(case, formate)
    assert case.settings["smiles"] == "COC=O"


def test_wrong_input_is_told_with_what_to_do_next(formate, tmp_path):
    good = written(tmp_path / "good.extxyz", frames(formate))
    turned = frames(formate)
    turned[3].info["torsion_angle"] += 5
    missing = frames(formate)
    del missing[5].info["energy_dlpno_ccsdt"]
    nan = frames(formate)
    nan[2].info["energy_dlpno_ccsdt"] = float("nan")
    scattered = [frame for pair in zip(frames(formate, "a"), frames(formate, "b"), strict=True) for frame in pair]
    cut = tmp_path / "cut.extxyz"
    cut.write_text(good.read_text()[:-200])
    unnamed = frames(formate, fragment=None)
    (tmp_path / "broken.extxyz.gz").write_bytes(b"not gzip")
    damaged = bytearray(gzip.compress(good.read_bytes()))
    damaged[40] ^= 0xFF
    (tmp_path / "damaged.extxyz.gz").write_bytes(damaged)
    sdf = sdf_file(tmp_path / "scan.sdf", formate)
    (tmp_path / "empty").mkdir()
    for path, options, message in (
        (None, {}, "name it with dataset.path="),
        (tmp_path / "nowhere.sdf", {}, "not found"),
        (good, {"labels": "b3lyp"}, "use dataset.labels=dlpno_ccsdt"),
        (written(tmp_path / "t.extxyz", turned), {}, "torsion_angle says"),
        (written(tmp_path / "m.extxyz", missing), {}, "fragment methyl-formate has no energy_dlpno_ccsdt"),
        (written(tmp_path / "n.extxyz", nan), {}, "1 of 24 conformers is not finite"),
        (written(tmp_path / "s.extxyz", scattered), {}, "expected at least three|do not follow one another"),
        (written(tmp_path / "f.extxyz", unnamed), {}, "has no fragment or testcase"),
        (written(tmp_path / "2.extxyz", frames(formate)[:2]), {}, "2 conformers, expected at least three"),
        (written(tmp_path / "d.extxyz", [*frames(formate), frames(formate)[4]]), {}, "the same dihedral within"),
        (written(tmp_path / "i.extxyz", frames(formate, torsion_atoms="0 1 2 99")), {}, "counted from 0"),
        (written(tmp_path / "w.extxyz", frames(formate, energy_dlpno_ccsdt="none")), {}, "is 'none', expected numbers"),
        (written(tmp_path / "l.extxyz", frames(formate, energy_dlpno_ccsdt="1 2")), {}, "expected one number"),
        (written(tmp_path / "a.extxyz", frames(formate, torsion_atoms="H C O C")), {}, "torsion_atoms is 'H C O C'"),
        (written(tmp_path / "x.extxyz", frames(formate, torsion_angle="trans")), {}, "torsion_angle is 'trans'"),
        (written(tmp_path / "c.extxyz", frames(formate, charge="neutral")), {}, "charge is 'neutral'"),
        (cut, {}, "not extended XYZ, or truncated, after 23 frames"),
        (tmp_path / "broken.extxyz.gz", {}, "cannot be read"),
        (tmp_path / "damaged.extxyz.gz", {}, "cannot be read"),
        (good, {"energy_tag": "E"}, "are for SDF"),
        (good, {"format": "lambench"}, "is a file, which the format lambench is not"),
        (tmp_path / "empty", {"functional": "PBE"}, "holds no fragments, expected a folder of fragment folders"),
        (sdf, {}, "give dataset.functional="),
        (sdf, {"functional": "PBE"}, "needs dataset.energy_tag="),
        (
            sdf,
            {"functional": "PBE", "energy_tag": "E", "energy_unit": "eV"},
            r"has no tag 'E'.*tags here: DFT_ENERGY",
        ),
    ):
        with pytest.raises(DataError, match=message):
            read(path, **options)


def test_lambenchs_folders_with_faults_are_named(formate, tmp_path):
    root = lambench_folder(tmp_path, [formate])
    energies = (root / "methyl-formate" / "energy.raw").read_text()
    (root / "methyl-formate" / "energy.raw").write_text(energies + "1.0\n")
    with pytest.raises(DataError, match=r"coord.raw has shape \(24, 24\), expected \(25, 24\)"):
        read(root, functional="PBE")
    (root / "methyl-formate" / "energy.raw").write_text(energies.replace("-9", "x", 1))
    with pytest.raises(DataError, match=r"energy.raw: expected lines with the same count of numbers"):
        read(root, functional="PBE")
    (root / "methyl-formate" / "energy.raw").unlink()
    with pytest.raises(DataError, match=r"methyl-formate: has no energy.raw"):
        read(root, functional="PBE")


def test_an_embedded_file_that_is_not_the_cards_is_refused(tmp_path):
    (tmp_path / "small-torsions.extxyz").write_text("1\n\nH 0 0 0\n")
    with pytest.raises(DataError, match="SHA-256"):
        lamcore_torsion.build_small_torsions(tmp_path)
