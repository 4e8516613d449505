"""The card says what the checkpoints say."""

from pathlib import Path

import lamcore_sevenn
import pytest
from lamcore_sevenn.build import build_sevennet
from lamcore_sevenn.checkpoints import CARRIED, DOWNLOADED

from lamcore.cards import ModelCard, load_card
from lamcore.errors import UnknownNameError


@pytest.fixture(scope="module")
def card():
    return load_card(Path(lamcore_sevenn.__file__).with_name("card.yaml"), ModelCard)


def test_every_checkpoint_has_an_entry(card):
    assert sorted(card.checkpoints) == sorted([*CARRIED, *DOWNLOADED])


@pytest.mark.parametrize("checkpoint", sorted(CARRIED))
def test_elements_cutoff_and_properties_are_those_of_the_checkpoint(card, checkpoint):
    modality = "PBE" if checkpoint == "7net-mf-0" else None
    model = build_sevennet(checkpoint=checkpoint, modality=modality, device="cpu")
    entry = card.checkpoints[checkpoint]
    assert model.scope.elements == frozenset(entry.elements or card.elements)
    assert model.cutoff_ang == (entry.cutoff_ang or card.cutoff_ang)
    assert model.properties == frozenset(card.properties)
    assert model.dtype == card.dtype


def test_every_citation_has_a_doi(card):
    citations = [*card.citations, *(c for entry in card.checkpoints.values() for c in entry.citations)]
    assert all(citation.doi and citation.doi.startswith("10.") for citation in citations)
    assert all(citation.doi in citation.bibtex for citation in citations if citation.bibtex)
    assert card.citations[0].doi == "10.1021/acs.jctc.4c00190"
    assert card.citations[0].bibtex


def test_modalities_are_those_of_the_checkpoint_with_their_functionals(card):
    assert card.checkpoints["7net-mf-0"].modalities == {"PBE": "PBE", "R2SCAN": "r2SCAN"}
    with pytest.raises(UnknownNameError) as refused:
        build_sevennet(checkpoint="7net-mf-0", modality="none of them", device="cpu")
    assert set(str(refused.value).partition(" has ")[2].split(", ")) == {"PBE", "R2SCAN"}


def test_a_checkpoint_with_modalities_says_so_in_its_level_of_theory(card):
    for name, checkpoint in card.checkpoints.items():
        assert bool(checkpoint.modalities) is ("modality" in checkpoint.level_of_theory), name
        for modality in checkpoint.modalities:
            assert modality in checkpoint.level_of_theory, name
