"""The card says what the package says."""

from pathlib import Path

import lamcore_deepmd
import pytest
from deepmd.pretrained.registry import available_model_names

from lamcore.cards import ModelCard, load_card


@pytest.fixture(scope="module")
def card():
    return load_card(Path(lamcore_deepmd.__file__).with_name("card.yaml"), ModelCard)


def test_every_name_that_the_package_knows_has_an_entry(card):
    assert sorted(card.checkpoints) == available_model_names()


def test_properties_are_those_of_the_model(card, model):
    assert model.properties == frozenset(card.properties)


def test_every_citation_has_a_doi(card):
    citations = [*card.citations, *(c for entry in card.checkpoints.values() for c in entry.citations)]
    assert all(citation.doi and citation.doi.startswith("10.") for citation in citations)
    assert all(citation.doi in citation.bibtex for citation in citations if citation.bibtex)
    assert card.citations[0].doi == "10.1021/acs.jctc.5c00340"
    assert card.citations[0].bibtex
