"""`lamcore leaderboard`: reads runs and a suite, writes the site, and says what it is made of."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamcore.cards import SuiteCard, load_card
from lamcore.config import group_options
from lamcore.errors import ConfigError
from lamcore.registry import load_registry
from lamcore.schema import check_options
from lamcore_leaderboard.board import make_board
from lamcore_leaderboard.entries import Board
from lamcore_leaderboard.gather import gather_certificates, gather_runs
from lamcore_leaderboard.site import check_output, write_site

if TYPE_CHECKING:
    from lamcore.registry import Offer

DONE, RUNS_REFUSED = 0, 3


def run(arguments: argparse.Namespace) -> int:
    """Write the site; 3 where folders were refused.

    Raises:
        UnknownNameError: There is no such suite or option.
        ConfigError: A folder cannot be used, or there is nothing to show.
        MixedProtocolsError: Runs of one item are on different data.
    """
    registry = load_registry()
    offer = registry.get("suite", arguments.suite)
    options = _options(offer, arguments.suite_option)
    check_output(arguments.output)
    certificates = gather_certificates(arguments.certificates)
    runs, refused = gather_runs(arguments.runs)
    suite = offer.spec.build(**options)
    card = load_card(offer.spec.card, SuiteCard)
    board = make_board(arguments.suite, str(offer.plugin), card, suite, runs, refused, certificates, registry)
    if not board.rows:
        found = f"{len(runs)} finished runs, none of them of an item of the suite" if runs else "no finished run"
        raise ConfigError(
            f"suite {arguments.suite!r}: nothing to show, {found} in {', '.join(map(str, arguments.runs))}"
            + "".join(f"\n  refused: {one.reason}" for one in refused)
            + f"\nmake some with: python -m lamcore suite={arguments.suite} model=<model>"
        )
    page = write_site(board, arguments.output)
    _say(board)
    print(f"site: {page}")
    return RUNS_REFUSED if refused else DONE


def _options(offer: Offer[Any], texts: Sequence[str]) -> Mapping[str, Any]:
    """Options of the suite from `option=value`, read as Hydra reads overrides."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    given = {}
    for text in texts:
        name, equals, _ = text.partition("=")
        if not equals:
            raise ConfigError(f"--suite-option {text}: expected option=value")
        try:
            override = OverridesParser.create().parse_override(text)
        except HydraException as error:
            raise ConfigError(f"--suite-option {text}: not a value: {' '.join(str(error).split())}") from error
        given[name.removeprefix("suite.")] = override.value()
    options = {name: option for name, option in group_options("suite", offer).items() if name != "max_cases"}
    return check_options(options, given, "suite.")


def _say(board: Board) -> None:
    """What the site shows, and what it does not."""
    n_published = sum(row.kind == "published" for row in board.rows)
    n_measured = len(board.measured)
    print(
        f"{board.name}: {n_measured} {'model' if n_measured == 1 else 'models'} measured"
        + (f", {n_published} as published" if n_published else "")
    )
    for row in board.measured:
        notes = [f"{row.n_failed} of {row.n_cases} cases failed"] if row.n_failed else []
        notes += ["rehearsal"] if row.rehearsal else []
        notes += [f"without {', '.join(row.missing)}"] if row.missing else []
        print(f"  {row.name}" + (f": {'; '.join(notes)}" if notes else ""))
    if board.outside:
        n_outside = len(board.outside)
        print(
            f"{n_outside} {'run' if n_outside == 1 else 'runs'} left out: not of the suite, or made again since; "
            "the methods page names them"
        )
    for one in board.refused:
        print(f"refused: {one.reason}")
