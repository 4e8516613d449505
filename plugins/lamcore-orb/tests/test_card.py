"""The card says what the checkpoints and the package say."""

from pathlib import Path

import lamcore_orb
import pytest
from lamcore_orb.checkpoints import NAMED
from lamcore_orb.model import COVERED

from lamcore.cards import ModelCard, load_card


@pytest.fixture(scope="module")
def card():
    return load_card(Path(lamcore_orb.__file__).with_name("card.yaml"), ModelCard)


def test_every_checkpoint_has_an_entry(card):
    assert sorted(card.checkpoints) == sorted(NAMED)


@pytest.mark.parametrize("checkpoint", sorted(NAMED))
def test_elements_properties_and_kind_of_forces_are_those_of_the_checkpoint(card, checkpoint):
    entry, named = card.checkpoints[checkpoint], NAMED[checkpoint]
    assert frozenset(entry.elements or card.elements) == COVERED[named.trained_on]
    assert ("stress" in (entry.properties or card.properties)) == (named.trained_on == "crystals")
    assert entry.level_of_theory
    assert entry.training_data
    assert entry.conservative == (named.family == "orb-v3-conservative")


@pytest.mark.parametrize("kind", ["conservative", "direct", "molecules", "v2"])
def test_cutoff_dtype_and_properties_are_those_of_the_model(card, built, kind):
    model = built(kind, "float32")
    entry = card.checkpoints["orb-v3-conservative-omol"] if kind == "molecules" else card
    assert model.cutoff_ang == card.cutoff_ang
    assert model.dtype == card.dtype
    assert model.properties == frozenset(entry.properties)


def test_every_citation_has_a_doi_and_an_entry_with_it(card):
    citations = [*card.citations, *(c for entry in card.checkpoints.values() for c in entry.citations)]
    assert all(citation.doi and citation.doi in citation.bibtex for citation in citations)
    assert {citation.doi for citation in citations} == {"10.48550/arXiv.2504.06231", "10.48550/arXiv.2410.22570"}


def test_the_licence_of_the_code_is_the_package_s(card):
    from importlib.metadata import metadata

    assert metadata("orb-models")["License-Expression"] == card.licence_code
    readme = metadata("orb-models").get_payload()
    assert "ORB models are licensed under the Apache License, Version 2.0" in readme
    assert card.licence_weights.startswith("Apache-2.0")
