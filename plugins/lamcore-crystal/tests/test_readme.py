from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

from lamcore_crystal.command.arguments import add_arguments
from lamcore_crystal.command.querying import query_of
from lamcore_crystal.command.run import _STAGES

PLUGIN = Path(__file__).parents[1]
PAGES = (PLUGIN / "README.md", PLUGIN.parents[1] / "README.md")


def commands():
    for page in PAGES:
        for line in re.findall(r"lamcore crystal ([^`\n]*)", page.read_text()):
            words = shlex.split(line, comments=True)
            if words and not words[0].startswith("<"):
                yield [word for word in words if word != "…"]


def test_every_command_that_is_printed_is_understood():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    printed = list(commands())
    assert {words[0] for words in printed} >= {"init", "submit", "evaluate", "query", "report", "export", "serve"}
    for words in printed:
        arguments = parser.parse_args(words)
        assert arguments.stage in _STAGES
        if arguments.stage == "query":
            assert query_of(arguments).elements == ("Ni", "Al")


def test_every_stage_has_what_it_does():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    (stages,) = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    assert set(stages.choices) == set(_STAGES)
