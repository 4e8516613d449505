"""Claims about the card."""

import pytest
from lamcore_mace.checkpoints import CARD, FOUNDATIONS

from lamcore.cards import ModelCard, load_card


@pytest.fixture(scope="module")
def card():
    return load_card(CARD, ModelCard)


def test_every_checkpoint_has_an_entry_with_licence_data_and_level_of_theory(card):
    assert sorted(card.checkpoints) == sorted(FOUNDATIONS)
    for entry in card.checkpoints.values():
        assert entry.summary
        assert entry.licence_weights
        assert entry.training_data
        assert entry.level_of_theory


def test_the_card_names_exactly_the_licences_that_are_warned_of(card):
    for name, entry in card.checkpoints.items():
        assert ("no commercial use" in entry.licence_weights) == (not FOUNDATIONS[name].commercial)
        assert FOUNDATIONS[name].commercial == (entry.licence_weights == "MIT")


def test_properties_and_dtype_are_those_of_the_model(card, precise):
    assert precise.properties == frozenset(card.properties)
    assert precise.dtype == card.dtype


def test_every_citation_has_a_doi(card):
    citations = [*card.citations, *(c for entry in card.checkpoints.values() for c in entry.citations)]
    assert all(citation.doi and citation.doi.startswith("10.") for citation in citations)
    assert all(citation.doi in citation.bibtex for citation in citations if citation.bibtex)
    assert all(entry.citations for entry in card.checkpoints.values())


def test_functionals_are_those_of_the_levels_of_theory(card):
    found = {name: entry.functional for name, entry in card.checkpoints.items()}
    by_head = {"mh-0", "mh-1"}  # the option decides, not the checkpoint
    assert {name for name, functional in found.items() if not functional} == by_head | {"mace-anicc"}
    for name, functional in found.items():
        assert functional in card.checkpoints[name].level_of_theory
    assert found["medium-mpa-0"] == found["mace-matpes-pbe-0"] == "PBE"
    assert found["mace-matpes-r2scan-0"] == "r2SCAN"
