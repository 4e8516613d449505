"""Claims about loading, drawing and reporting."""

from __future__ import annotations

import re
import subprocess
import sys

import lamcore_torsion
import numpy as np
import pytest
from ase import Atoms
from lamcore_torsion.by_chemistry import grouped
from lamcore_torsion.chemistry import bond_kind, drawing_svg, perceive
from lamcore_torsion.physics import KCAL_MOL_PER_EV
from lamcore_torsion.report import barriers, profile_figure, sections
from rdkit import Chem
from rdkit.Chem import AllChem

from lamcore import ScoredCase
from lamcore.cli import main
from lamcore.report import RunView

ANGLES = np.arange(-165.0, 181.0, 15.0)
PROFILE = 3.0 * (1 - np.cos(2 * np.radians(ANGLES))) + 0.8 * (1 + np.cos(np.radians(ANGLES)))


def test_loading_the_plugin_imports_nothing_heavy():
    code = (
        "import sys, lamcore_torsion as p; p.lamcore_tasks(); p.lamcore_datasets(); p.lamcore_reports();"
        "print([m for m in ('numpy', 'ase', 'scipy', 'rdkit', 'matplotlib', 'torch') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "[]"


def built(smiles):
    """Atoms of a molecule, its SMILES, and the indices that are mapped."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=7)
    mapped = {atom.GetAtomMapNum(): atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomMapNum()}
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(0)
    plain = Chem.MolToSmiles(Chem.RemoveHs(molecule))
    atoms = Atoms([a.GetSymbol() for a in molecule.GetAtoms()], molecule.GetConformer().GetPositions())
    return atoms, plain, [mapped[i] for i in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("smiles", "kind"),
    [
        ("[CH3:1][CH2:2][CH2:3][CH3:4]", "C(sp3)–C(sp3)"),
        ("[O:1]=[C:2](C)[NH:3][CH3:4]", "C(=O)–N (amide)"),
        ("[O:1]=[CH:2][O:3][CH3:4]", "C(=O)–O (ester or acid)"),
        ("[cH:1]1cccc[c:2]1-[c:3]1[cH:4]cccc1F", "C(ar)–C(ar) (biaryl)"),
        ("[CH3:1][S:2](=O)(=O)[NH:3][CH3:4]", "N–S(O2) (sulfonamide)"),
        ("[CH3:1][S:2][S:3][CH3:4]", "S–S (disulfide)"),
        ("[CH2:1]=[CH:2][CH:3]=[O:4]", "C(=O)–C(sp2)"),
    ],
)
def test_the_bond_that_is_turned_is_named(smiles, kind):
    atoms, plain, dihedral = built(smiles)
    assert bond_kind(perceive(atoms, plain), dihedral) == kind
    assert bond_kind(perceive(atoms, None), dihedral) == kind  # from the coordinates alone


def test_atoms_that_are_not_the_molecule_of_the_smiles_are_refused():
    atoms, _, _ = built("[CH3:1][CH2:2][CH2:3][CH3:4]")
    with pytest.raises(ValueError, match="No matching found"):
        perceive(atoms, "CCO")
    with pytest.raises(ValueError, match="is not a SMILES"):
        perceive(atoms, "C(")


def drawn_atoms(svg):
    """Numbers of the atoms that the drawing has."""
    return set(re.findall(r"\batom-(\d+)", svg))


def test_the_drawing_marks_the_bond_and_has_hydrogens_only_where_the_dihedral_needs_them():
    atoms, plain, dihedral = built("[CH3:1][CH2:2][CH2:3][CH2:4]C")
    svg = drawing_svg(perceive(atoms, plain), dihedral)
    assert svg.startswith("<svg")
    assert len(drawn_atoms(svg)) == 5
    assert svg.count("<ellipse") == 4
    marked = [line for line in svg.splitlines() if "#F99E47" in line]
    assert len(marked) == 1
    peroxide = Atoms("HOOH", [[0.95, 0, -0.16], [0, 0, 0], [0, 0, 1.45], [0, 0.95, 1.61]])
    assert len(drawn_atoms(drawing_svg(perceive(peroxide, "OO"), [0, 1, 2, 3]))) == 4


@pytest.fixture
def view(scan_case):
    """Three fragments, one of them far off, one failed."""
    task = lamcore_torsion.build_task()
    scored, outputs = [], {}
    for name, factor in (("near", 1.05), ("far", 1.8)):
        case = scan_case(name, PROFILE, name=f"{name}<b>")
        outputs[case.id] = {"energies_ev": factor * PROFILE / KCAL_MOL_PER_EV}
        scored.append(ScoredCase(case, task.score(case, outputs[case.id])))
    scored.append(ScoredCase(scan_case("lost", PROFILE), None, "the model raised"))
    return RunView(config={}, scored=scored, outputs=outputs, metrics=task.summarize(scored))


def bodies(view):
    return {section.title: section.body for section in sections(view)}


def test_report_has_its_sections_with_the_worst_fragment_first_and_names_escaped(view):
    found = bodies(view)
    assert list(found) == ["Profiles", "Barriers", "By the bond that is turned", "By element", "Fragments"]
    assert found["Profiles"].index("far: mean error") < found["Profiles"].index("near: mean error")
    assert found["Fragments"].index("far&lt;b&gt;") < found["Fragments"].index("near&lt;b&gt;")
    assert "<b>" not in found["Fragments"]
    assert "1 of 3 fragments failed" in found["Barriers"]
    assert "O–O (peroxide)" in found["Profiles"]


def test_profiles_are_drawn_about_a_common_mean(view):
    case = view.scored[0].case
    figure = profile_figure(case, view.outputs["near"])
    points = [line.get_ydata() for line in figure.axes[0].lines if line.get_marker() == "."]
    reference, model = points
    np.testing.assert_allclose(reference, PROFILE - PROFILE.min(), atol=1e-9)
    np.testing.assert_allclose(model - reference, 0.05 * (PROFILE - PROFILE.mean()), atol=1e-9)


def test_barriers_of_the_report_are_those_of_the_scores(view):
    reference, errors = barriers([one for one in view.scored if one.scores])
    np.testing.assert_allclose(reference, np.ptp(PROFILE))
    np.testing.assert_allclose(errors, [0.05 * np.ptp(PROFILE), 0.8 * np.ptp(PROFILE)])


def test_failed_fragments_are_counted_in_their_chemistry(view):
    (group,) = grouped({"O–O": view.scored})
    assert (group.n, group.n_failed, group.n_barriers_off) == (3, 1, 2)
    spread = np.abs(PROFILE - PROFILE.mean()).mean()
    assert group.mean_error == pytest.approx((0.05 + 0.8) / 2 * spread)


def test_fragments_without_a_known_dihedral_are_drawn_as_profiles_alone(scan_case):
    task = lamcore_torsion.build_task()
    case = scan_case("a", PROFILE, torsion_atoms=None, angles_deg=None)
    output = {"energies_ev": PROFILE / KCAL_MOL_PER_EV}
    view = RunView({}, [ScoredCase(case, task.score(case, output))], {"a": output}, [])
    assert "No drawing: the data do not tell the dihedral" in bodies(view)["Profiles"]


def test_report_of_a_run_in_which_everything_failed_still_tells_the_chemistry(scan_case):
    found = bodies(RunView({}, [ScoredCase(scan_case("a", PROFILE), None, "no such element")], {}, []))
    assert list(found) == ["By the bond that is turned", "By element"]
    assert "<td>O–O (peroxide)</td><td>1</td><td>1</td>" in found["By element"] + found["By the bond that is turned"]


def test_relaxed_runs_tell_the_change_of_geometry(scan_case, springs):
    task = lamcore_torsion.build_task(mode="relaxed")
    case = scan_case("hooh", PROFILE)
    output = task.calculate(case, springs)
    view = RunView({}, [ScoredCase(case, task.score(case, output))], {"hooh": output}, [])
    body = bodies(view)["Change of geometry"]
    assert f"<td>{float(np.mean(output['rmsd_ang'])):.3f}</td>" in body
    labels = [text.get_text() for text in profile_figure(case, output).axes[0].get_legend().get_texts()]
    assert labels == ["reference", "model, not relaxed", "model"]


def test_a_run_from_the_command_line_has_a_whole_report_in_both_modes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["task=torsion", "model=lj", "dataset.max_cases=2"]) == 0
    # Lennard-Jones knows no bonds: its molecules do not relax, which fails them and leaves them in the metrics.
    assert main(["task=torsion", "model=lj", "dataset.max_cases=2", "task.mode=relaxed", "task.max_steps=2"]) == 3
    assert "did not relax in 2 steps" in capsys.readouterr().out
    pages = [page.read_text() for page in tmp_path.glob("runs/*/report.html")]
    assert len(pages) == 2
    heads = [page[: page.index("<h2>Metrics</h2>")] for page in pages]
    assert sorted("mode <b>relaxed</b>" in head for head in heads) == [False, True]
    assert all("protocol <b>default</b>" in head for head in heads)
    assert all("the dummy is the flat profile" in page for page in pages)
    for page in pages:
        assert "By the bond that is turned" in page
        assert "This report raised" not in page
