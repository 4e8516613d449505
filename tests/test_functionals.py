"""Claims about comparing a model with labels of another exchange-correlation functional."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ase import Atoms

from lamcore.cards import Checkpoint, DatasetCard, ModelCard, load_card
from lamcore.cases import Case
from lamcore.functionals import functionals

MODEL = ModelCard(
    summary="",
    licence_code="",
    functional="PBE",
    checkpoints={
        "small": Checkpoint(),
        "strong": Checkpoint(functional="r2SCAN"),
        "both": Checkpoint(modalities={"PBE": "PBE", "R2SCAN": "r2SCAN"}),
    },
)


def dataset(functional):
    return DatasetCard("1", "", "", "", {}, functional=functional)


def case(**settings):
    return Case("a", (Atoms("H"),), {}, settings)


def compare(options, reference="PBE", **settings):
    return functionals(MODEL, options, dataset(reference), [case(**settings)])


@pytest.mark.parametrize(
    ("options", "functional"),
    [
        ({}, "PBE"),
        ({"checkpoint": None}, "PBE"),
        ({"checkpoint": "small"}, "PBE"),
        ({"checkpoint": "Small"}, "PBE"),
        ({"checkpoint": "strong"}, "r2SCAN"),
        ({"checkpoint": "both", "modality": "PBE"}, "PBE"),
        ({"checkpoint": "both", "modality": "r2scan"}, "r2SCAN"),
        ({"checkpoint": "both", "modality": None}, ""),
        ({"checkpoint": "both", "modality": "other"}, ""),
        ({"checkpoint": "/home/me/mine.pth"}, ""),
    ],
)
def test_checkpoint_and_modality_decide_and_what_the_card_does_not_know_is_unknown(options, functional):
    assert compare(options).model == functional


@pytest.mark.parametrize(
    ("options", "reference", "settings", "differ"),
    [
        ({}, "PBE", {}, False),
        ({}, "PBEsol", {}, True),
        ({}, "PBE", {"functional": "PBEsol"}, True),
        ({}, "", {"functional": "PBE"}, False),
        ({}, "", {}, False),
        ({"checkpoint": "strong"}, "PBE", {}, True),
        ({"checkpoint": "strong"}, "R²-SCAN", {}, False),
        ({"checkpoint": "unknown"}, "PBEsol", {}, False),
    ],
)
def test_a_warning_comes_where_both_are_known_and_differ(options, reference, settings, differ):
    warning = compare(options, reference, **settings).warning
    assert (warning is not None) is differ


def test_the_warning_names_the_model_and_only_the_labels_that_differ():
    cases = [case(functional="PBEsol"), case(functional="PBE"), case()]
    warning = functionals(MODEL, {}, dataset("LDA"), cases).warning
    assert warning.startswith("the model was trained on PBE, the reference is LDA and PBEsol: ")


def give_functionals(workplace, model, reference):
    for name, functional in (("model", model), ("squares", reference)):
        card = workplace.folder / "site" / f"{name}.yaml"
        card.write_text(card.read_text() + f"functional: {functional}\n")


def test_a_run_warns_on_the_terminal_in_its_log_and_in_its_report(workplace):
    give_functionals(workplace, "r2SCAN", "PBE")
    said = "the model was trained on r2SCAN, the reference is PBE"
    result = workplace.run("task=slow", "model=three-lines")
    assert result.returncode == 0
    assert result.stderr.count(f"WARNING: {said}") == 1
    folder = workplace.run_folder()
    assert said in (folder / "run.log").read_text()
    page = (folder / "report.html").read_text()
    assert said in page
    assert page.index(said) < page.index("<h2>Metrics</h2>")
    assert said in json.loads((folder / "provenance.json").read_text())["level_of_theory"]["warning"]
    assert workplace.run("report", str(folder)).stderr.count(f"WARNING: {said}") == 1


@pytest.mark.parametrize(("model", "reference"), [("PBE", "PBE"), ("''", "PBE"), ("PBE", "''")])
def test_a_run_whose_functionals_agree_or_are_unknown_says_nothing(workplace, model, reference):
    give_functionals(workplace, model, reference)
    result = workplace.run("task=slow", "model=three-lines")
    assert result.returncode == 0
    assert result.stderr == ""
    assert "Mind the level of theory" not in (workplace.run_folder() / "report.html").read_text()


def test_the_all_electron_labels_are_pbe():
    folder = Path(__file__).parents[1] / "src" / "lamcore" / "builtin" / "cards"
    assert load_card(folder / "dcdft.yaml", DatasetCard).functional == "PBE"
    assert load_card(folder / "emt.yaml", ModelCard).functional == ""
