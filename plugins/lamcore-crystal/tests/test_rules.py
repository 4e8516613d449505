"""The rules, the labels, and who may offer them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from lamcore_crystal import extensions
from lamcore_crystal.codes import CODES
from lamcore_crystal.command.tables import print_extensions, print_submissions
from lamcore_crystal.extensions import default_labels, default_rules, label, load_extensions, rule
from lamcore_crystal.findings import Finding
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.intake import checking
from lamcore_crystal.intake.checking import check_geometry
from lamcore_crystal.rounds import Limits, RoundSettings
from lamcore_crystal.rules import RuleContext
from lamcore_crystal.rules.density import Density, VolumePerAtom
from lamcore_crystal.rules.elements import Elements
from lamcore_crystal.rules.lattice import Lattice
from lamcore_crystal.rules.overlap import Overlap
from pymatgen.core import Structure
from rich.console import Console
from serving import filled_challenge

from lamcore.errors import UnknownNameError

CONTEXT = RuleContext(Limits())


def codes(rule, atoms, context=CONTEXT):
    return [one.code for one in rule.validate(Geometry.of(atoms), context)]


def test_an_atom_alone_overlaps_its_own_image():
    assert codes(Overlap(), Atoms("Fe", cell=[0.45] * 3, pbc=True)) == ["E_OVERLAP"]
    # 1.0 Å is beyond 0.7 Å, and within 0.55 of twice the radius of iron.
    assert codes(Overlap(), Atoms("Fe", cell=[5, 5, 1.0], pbc=True)) == ["E_OVERLAP"]
    assert codes(Overlap(), bulk("Fe")) == []


def test_overlap_finds_the_distance_that_pymatgen_finds_in_skewed_cells():
    generator = np.random.default_rng(3)
    for _ in range(10):
        cell = np.diag([4.0, 5.0, 6.0])
        skew = np.array([[1, 0, 0], [3, 1, 0], [-2, 4, 1]]) @ cell
        atoms = Atoms("H3", scaled_positions=generator.random((3, 3)), cell=skew, pbc=True)
        matrix = Structure(cell, ["H"] * 3, atoms.positions, coords_are_cartesian=True).distance_matrix
        nearest = matrix[np.triu_indices(3, 1)].min()
        limits = RuleContext(Limits(min_distance_ang=3.5))
        (found,) = Overlap().validate(Geometry.of(atoms), limits) or (None,)
        if nearest < 3.5:
            assert found.data["distance_ang"] == pytest.approx(nearest, abs=1e-6)
        else:
            assert found is None


def test_raw_angles_are_never_judged():
    sheared = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    sheared.set_cell(np.array([[1, 0, 0], [12, 1, 0], [0, 9, 1]]) @ sheared.cell.array)
    assert min(sheared.cell.angles()) < 10
    assert codes(Lattice(), sheared) == codes(Overlap(), sheared) == []


def test_a_needle_is_an_overlap_and_a_vacuum_no_lattice():
    needle = Atoms("Na", cell=[[5, 0, 0], [5.0, 0.3, 0], [0, 0, 5.0]], pbc=True)
    assert codes(Lattice(), needle) == ["E_OVERLAP"]
    assert codes(Lattice(), Atoms("Na", cell=[4, 4, 120], pbc=True)) == ["E_LATTICE"]
    assert codes(Lattice(), Atoms("Na", cell=[np.nan, 4, 4], pbc=True)) == ["E_LATTICE"]


def test_volume_and_density_have_limits():
    assert codes(VolumePerAtom(), Atoms("H", cell=[1.5] * 3, pbc=True)) == ["E_VOLUME_PER_ATOM"]
    assert codes(VolumePerAtom(), Atoms("Xe", cell=[6] * 3, pbc=True)) == ["W_SPARSE"]
    assert codes(Density(), bulk("Os")) == []
    assert codes(Density(), bulk("Os", a=2.6, c=4.1)) == ["E_DENSITY"]


def test_only_elements_of_the_model_pass():
    context = RuleContext(Limits(), frozenset({"Na"}))
    assert codes(Elements(), bulk("Na"), context) == []
    (found,) = Elements().validate(Geometry.of(bulk("NaCl", "rocksalt", a=5.6)), context)
    assert (found.code, found.data) == ("E_ELEMENT_UNSUPPORTED", {"elements": ["Cl"]})


def test_labels_describe_and_never_refuse():
    settings = RoundSettings(rules=default_rules(), labels=("metal", "hhi", "vacuum", "dimensionality"))
    salt = check_geometry(Geometry.of(bulk("NaCl", "rocksalt", a=5.64)), settings)
    assert salt.labels["dimensionality"] == 3
    assert (salt.labels["is_alloy"], salt.labels["is_element"]) == (False, False)
    assert salt.labels["hhi_production"] == pytest.approx(1342.65, abs=0.01)
    assert salt.description.loose.space_group == 225
    brass = check_geometry(Geometry.of(bulk("CuZn", "cesiumchloride", a=2.95)), settings)
    assert brass.labels["is_alloy"]
    hydride = check_geometry(Geometry.of(bulk("LiH", "rocksalt", a=4.08)), settings)
    assert [one.code for one in hydride.findings] == ["L_ABSENT"]
    layers = Atoms("C2", scaled_positions=[[0, 0, 0], [1 / 3, 2 / 3, 0]], cell=[2.46, 2.46, 12, 90, 90, 120], pbc=True)
    assert check_geometry(Geometry.of(layers), settings).labels == pytest.approx(
        {"dimensionality": 2, "vacuum_ang": 12.0, "is_element": True, "is_alloy": False} | _hhi("C")
    )


def _hhi(symbol):
    from pymatgen.analysis.hhi import HHIModel

    production, reserve = HHIModel().get_hhi(symbol)
    return {"hhi_production": production, "hhi_reserve": reserve}


def test_smact_calls_salt_valid_and_its_excess_not():
    pytest.importorskip("smact", reason="smact is not installed")
    assert label("smact").describe(Geometry.of(bulk("NaCl", "rocksalt", a=5.64)), CONTEXT) == {"smact_valid": True}
    excess = Atoms("Na3Cl", positions=np.eye(4, 3) * 3, cell=[9] * 3, pbc=True)
    assert label("smact").describe(Geometry.of(excess), CONTEXT) == {"smact_valid": False}


def test_the_names_of_a_default_round_are_offered():
    rules = load_extensions().offers["rule"]
    assert set(default_rules()) == {name for name, (_, owner) in rules.items() if owner.startswith("builtin ")}
    assert set(default_labels()) <= set(load_extensions().names("label"))
    with pytest.raises(UnknownNameError, match="did you mean 'overlap'"):
        rule("overlop")


def _install(folder, name, code):
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[lamcore_crystal]\n{name} = {name}\n")


RULE = """
from lamcore_crystal.extensions import hookimpl
class Mine:
    name = {name!r}
    def validate(self, geometry, context):
        raise ZeroDivisionError("mine")
@hookimpl
def crystal_rules():
    return [Mine()]
"""


def test_a_broken_or_clashing_extension_is_skipped_and_named(tmp_path, monkeypatch):
    _install(tmp_path, "broken_one", "import no_such_package")
    _install(tmp_path, "clashing_one", RULE.format(name="overlap"))
    _install(tmp_path, "typo_one", RULE.format(name="mine").replace("def crystal_rules", "def crystal_rule"))
    _install(tmp_path, "good_one", RULE.format(name="fragile"))
    monkeypatch.syspath_prepend(tmp_path)
    found = load_extensions()
    reasons = "\n".join(found.skipped.values())
    assert "broken_one 1.0) was skipped (ModuleNotFoundError" in reasons
    assert "'overlap', which is also offered by builtin (lamcore-crystal" in reasons
    assert "did you mean 'crystal_rules'" in reasons
    assert "fragile" in found.names("rule")
    assert "overlap" in found.names("rule")
    monkeypatch.setattr(extensions, "extensions", lambda: found)
    checked = check_geometry(Geometry.of(bulk("Cu")), RoundSettings(rules=("fragile", "overlap")))
    assert [one.code for one in checked.findings] == ["E_RULE"]
    assert "ZeroDivisionError" in checked.findings[0].message


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "'NoneType'"),
        (["E_MINE"], "expected a Finding"),
        ([Finding("E_MINE", "error", "x", {"length_ang": float("nan")})], "not JSON compliant"),
        ([Finding("E_MINE", "error", "x", {"z": np.int64(3)})], "int64"),
        ([Finding("W_MINE", "error", "x")], "'W_MINE' as 'error'"),
        ([Finding("mine", "error", "x")], "'mine'"),
        ([Finding("E_" + 31 * "X", "error", "x")], "expected E_"),
    ],
)
def test_what_a_rule_gives_is_judged_before_the_database_keeps_it(monkeypatch, given, said):
    class Odd:
        def validate(self, geometry, context):
            return given

    monkeypatch.setattr(checking, "rule", lambda name: Odd())
    (refusal,) = check_geometry(Geometry.of(bulk("Cu")), RoundSettings(rules=("odd",))).findings
    assert refusal.code == "E_RULE"
    assert said in refusal.message


def test_a_label_of_no_plain_value_is_absent(monkeypatch):
    class Odd:
        name = "odd"

        def describe(self, geometry, context):
            return {"volume_ang3": np.float32(1), "energy": float("nan")}

    monkeypatch.setattr(checking, "label", lambda name: Odd())
    checked = check_geometry(Geometry.of(bulk("Cu")), RoundSettings(labels=("odd",)))
    assert [one.code for one in checked.findings] == ["L_ABSENT"]
    assert checked.labels == {}


def test_codes_are_documented_and_each_code_in_the_source_is_in_the_table():
    import re
    from pathlib import Path

    import lamcore_crystal

    package = Path(lamcore_crystal.__file__).parent
    used = set()
    for path in package.rglob("*.py"):
        used |= set(re.findall(r'"([EWL]_[A-Z][A-Z_]+)"', path.read_text()))
    assert used <= set(CODES), used - set(CODES)
    documented = (Path(__file__).parents[1] / "docs" / "codes.md").read_text()
    for code in CODES.values():
        assert f"| `{code.name}` | {code.meaning} | {code.advice} |" in documented


def test_a_table_tells_what_is_installed_and_what_was_skipped():
    found = load_extensions()
    found.skipped["broken"] = "broken (broken 1.0) was skipped (ModuleNotFoundError: no [red])"
    console = Console(width=300, record=True, file=io.StringIO())
    print_extensions(console, found)
    shown = console.export_text()
    for kind, offers in found.offers.items():
        for name, (one, owner) in offers.items():
            (line,) = [each for each in shown.splitlines() if each.split()[:2] == [kind, name]]
            assert (getattr(one, "summary", None) or type(one).__doc__.splitlines()[0]) in line
            assert owner in line
            is_default = name in (*default_rules(), *default_labels(), RoundSettings().score)
            assert (line.split()[2] == "yes") == is_default
    assert found.skipped["broken"] in shown


def test_a_code_of_an_extension_is_printed_like_any_other(tmp_path):
    console = Console(width=200, record=True, file=io.StringIO())
    with filled_challenge(tmp_path / "challenge", 8) as challenge:
        print_submissions(console, challenge, [1])
    assert "E_THEIRS" in console.export_text()


def test_every_setting_of_a_default_round_has_an_owner_and_a_wrong_name_none():
    extensions.check_names(RoundSettings(rules=default_rules(), labels=default_labels()))
    with pytest.raises(UnknownNameError, match="did you mean 'energy-above-hull-1'"):
        extensions.check_names(RoundSettings(score="energy-above-hul-1"))


def test_extensions_load_without_anything_heavy():
    import subprocess
    import sys

    code = (
        "import sys, lamcore_crystal.extensions as e; e.load_extensions();"
        "print([n for n in ('ase','pymatgen','scipy','torch','smact','gemmi','moyopy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
