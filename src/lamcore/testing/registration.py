"""Claims about registration, cards and options, the same for models, tasks and datasets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Protocol

from lamcore.cards import DatasetCard, ModelCard
from lamcore.registry import HEAVY_MODULES, ONLY
from lamcore.schema import option_help
from lamcore.testing.claims import Measured, claim, without_problems

if TYPE_CHECKING:
    from lamcore.config import Choice

_LOAD = """
import json, sys
from lamcore.registry import load_registry
registry = load_registry()
print(json.dumps([str(skipped) for skipped in registry.skipped]))
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


class Chosen(Protocol):
    """Anything that was chosen by name and has a card."""

    choice: Choice
    card: Any


@claim
def registration_is_light(subject: Chosen) -> Measured:
    """Loading the plugin imports nothing heavy.

    A fresh interpreter loads this plugin and the built-in one alone. What counts as heavy is named in
    `lamcore.registry.HEAVY_MODULES`, and the packages that the spec itself names.
    """
    plugin = subject.choice.offer.plugin
    environment = os.environ | {ONLY: plugin.name, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", _LOAD], env=environment, capture_output=True, text=True, check=True)
    skipped, loaded = map(json.loads, done.stdout.splitlines()[-2:])
    named = {name.replace("-", "_") for name in getattr(subject.choice.offer.spec, "packages", ())}
    heavy = sorted(({*HEAVY_MODULES, *named} - {"numpy"}) & set(loaded))
    problems = [f"imports {name} while loading" for name in heavy] + list(skipped)
    return without_problems(problems, f"{plugin} loads without any of {len(HEAVY_MODULES)} heavy packages")


@claim
def card_is_complete(subject: Chosen) -> Measured:
    """The card says what it is, under which licences, at which level of theory, and what to cite.

    A citation is a DOI or a text; the kit does not look them up.
    """
    card = subject.card
    needed = ["summary"]
    if isinstance(card, ModelCard):
        needed += ["licence_code", "licence_weights", "level_of_theory"]
        if subject.choice.offer.spec.weights is not None:
            needed.append("training_data")
            if "no weights" in card.licence_weights:
                needed.append("licence_weights of the files that `weights` returns")
    if isinstance(card, DatasetCard):
        needed += ["version", "licence", "level_of_theory"]
    problems = [f"the card has no {name}" for name in needed if not str(getattr(card, name, "")).strip()]
    if not isinstance(card, ModelCard | DatasetCard):
        return without_problems(problems, "summary")
    if not card.citations:
        problems.append("the card cites nothing")
    problems += [
        f"citation {i} has neither doi nor text" for i, c in enumerate(card.citations) if not (c.doi or c.text)
    ]
    return without_problems(problems, f"{', '.join(needed)}, {len(card.citations)} citation(s)")


@claim
def options_are_described(subject: Chosen) -> Measured:
    """Every option has a line of help in the builder's docstring.

    Types and defaults are checked when the plugin is loaded; only the help can be missing.
    """
    offer = subject.choice.offer
    described = option_help(offer.spec.build)
    problems = [f"option {name!r} is not described" for name in offer.options() if not described.get(name)]
    return without_problems(problems, f"{len(offer.options())} option(s)")


@claim
def known_failures_name_claims(subject: Chosen) -> Measured:
    """The known failures of the card and of each checkpoint are claims of the kit, each with a reason."""
    from lamcore.testing.claim_lists import claim_names

    names = claim_names(subject.choice.group)
    checkpoints = getattr(subject.card, "checkpoints", {})
    declared = [("", name, why) for name, why in subject.card.known_failures.items()]
    declared += [
        (f"checkpoint {checkpoint}: ", name, why)
        for checkpoint, described in checkpoints.items()
        for name, why in described.known_failures.items()
    ]
    problems = [f"{where}no claim {name!r}" for where, name, _ in declared if name not in names]
    problems += [f"{where}{name!r} has no reason" for where, name, why in declared if not why.strip()]
    return without_problems(problems, f"{len(declared)} known failure(s)")


REGISTRATION_CLAIMS = (registration_is_light, card_is_complete, options_are_described, known_failures_name_claims)
