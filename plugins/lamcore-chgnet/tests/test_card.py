"""The card says what the checkpoints say."""

from pathlib import Path

import lamcore_chgnet
import pytest
from lamcore_chgnet.build import build_chgnet
from lamcore_chgnet.checkpoints import CARRIED

from lamcore.cards import ModelCard, load_card


@pytest.fixture(scope="module")
def card():
    return load_card(Path(lamcore_chgnet.__file__).with_name("card.yaml"), ModelCard)


def test_every_checkpoint_has_an_entry(card):
    assert sorted(card.checkpoints) == sorted(CARRIED)


@pytest.mark.parametrize("checkpoint", sorted(CARRIED))
def test_elements_cutoff_and_properties_are_those_of_the_checkpoint(card, checkpoint):
    model = build_chgnet(checkpoint=checkpoint, device="cpu")
    entry = card.checkpoints[checkpoint]
    assert model.scope.elements == frozenset(entry.elements or card.elements)
    assert model.cutoff_ang == (entry.cutoff_ang or card.cutoff_ang)
    assert model.properties == frozenset(card.properties)
    assert model.dtype == card.dtype


def test_every_citation_has_a_doi_and_an_entry_with_it(card):
    citations = [*card.citations, *(c for entry in card.checkpoints.values() for c in entry.citations)]
    assert all(citation.doi and citation.doi in citation.bibtex for citation in citations)
    assert card.citations[0].doi == "10.1038/s42256-023-00716-3"


def test_functional_is_that_of_the_training_data(card):
    assert card.functional == "PBE"
    assert {name: entry.functional for name, entry in card.checkpoints.items() if entry.functional} == {
        "r2scan": "r2SCAN"
    }
