"""The arguments of `lamcore crystal`."""

from __future__ import annotations

import argparse
from pathlib import Path

_OVERRIDES = "as in a run: executor=…, worker=…, batch.<option>=…"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe all subcommands."""
    stages = parser.add_subparsers(dest="stage", required=True, metavar="stage")
    demo = stages.add_parser("demo", help="write ten small crystals as CIF files, to try a challenge with")
    demo.add_argument("folder", type=Path, help="new folder for the files")
    _init(_stage(stages, "init", "make a challenge: its model, its rules, its references and the first frozen hull"))
    _submit(_stage(stages, "submit", "submit CIF files: a folder, a zip, a tar or one file"))
    stages.add_parser(
        "rules",
        help="the rules, labels and scores that are installed, and what was skipped",
        description="The rules, labels and scores that are installed, and which extensions were skipped and why.",
    )
    evaluate = _stage(
        stages, "evaluate", "check, sample, relax and score what was submitted; goes on where it was stopped"
    )
    evaluate.add_argument("overrides", nargs="*", metavar="option=value", help=_OVERRIDES)
    evaluate.add_argument("--follow", action="store_true", help="wait for more submissions until interrupted")
    evaluate.add_argument(
        "--retry-failed",
        action="store_true",
        help="make relaxations once more that failed with E_MODEL: an error of the model, a crash, no memory",
    )
    close = _stage(stages, "close", "close the round: a new hull from what was accepted, and the next round")
    close.add_argument(
        "overrides", nargs="*", metavar="round.<field>=value", help="rules of the next round that change"
    )
    _query(_stage(stages, "query", "search the database"))
    report = _stage(stages, "report", "a page of statistics, and the leaderboard of submissions and sources")
    report.add_argument(
        "--output", type=Path, metavar="folder", help="where the page goes; <challenge>/report unless given"
    )
    report.add_argument(
        "--reference", type=Path, metavar="file", help="published energies above hull to compare with: CSV with formula"
    )
    export = _stage(stages, "export", "the open release: Parquet, cards, hashes and licences")
    export.add_argument("--parquet", type=Path, required=True, metavar="folder", help="new folder for the release")
    _serve(_stage(stages, "serve", "the web page and the API, on this machine unless told otherwise"))
    token = _stage(stages, "token", "tokens for reading and submitting over the network")
    token.add_argument("--add", metavar="name", help="make a token for somebody; it is shown once")
    token.add_argument("--may", choices=["read", "submit"], default="submit", help="what the new token allows")
    token.add_argument("--revoke", metavar="name", help="end the tokens of somebody")


def _stage(
    stages: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = stages.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.add_argument("challenge", type=Path, help="the challenge's folder")
    return parser


def _init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "overrides", nargs="*", metavar="option=value", help="model=…, model.<option>=…, round.<field>=…; " + _OVERRIDES
    )
    parser.add_argument("--name", help="of the challenge, for people; the folder's unless given")
    parser.add_argument("--licence", default="CC-BY-4.0", help="of the database as released (default: %(default)s)")
    parser.add_argument(
        "--references",
        action="append",
        default=[],
        metavar="name=path",
        help="known crystals: entries of the hull beside the elements, and not novel; may be repeated",
    )
    parser.add_argument(
        "--known",
        action="append",
        default=[],
        metavar="name=path",
        help="known crystals that are not novel, but no entries of the hull; may be repeated",
    )
    parser.add_argument(
        "--external-hull",
        action="append",
        default=[],
        metavar="name=path",
        help="a hull of another method, for parity: a table of formation energies (.csv) or computed entries of "
        "pymatgen (.json); may be repeated",
    )
    parser.add_argument(
        "--mp2020",
        action="store_true",
        help="replace the corrections of external computed entries by those of MaterialsProject2020",
    )
    parser.add_argument("--no-compounds", action="store_true", help="leave the well-known compounds out of the hull")
    parser.add_argument("--read", choices=["open", "token"], default="open", help="who may read over the network")
    parser.add_argument("--database", metavar="url", help="PostgreSQL, as SQLAlchemy writes it; SQLite unless given")
    parser.add_argument("--rules", action="store_true", help="print the fields of a round with their values, and stop")


def _submit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="a folder, a zip, a tar, or one file")
    parser.add_argument("--source", required=True, help="the generator or database that the structures come from")
    parser.add_argument("--submitter", default="", help="who submits")
    parser.add_argument("--licence", default="unknown", help="of the structures (default: %(default)s)")
    parser.add_argument(
        "--split-blocks",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="each data block of a file is a structure; so for a single file unless told otherwise",
    )


def _query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--elements", default="", metavar="Li,O", help="all present")
    parser.add_argument("--any-of", default="", metavar="Li,Na", help="at least one present")
    parser.add_argument("--exclude", default="", metavar="Pb,Cd", help="none present")
    parser.add_argument("--only", default="", metavar="Li,Fe,P,O", help="all that may be present")
    parser.add_argument("--chemical-system", metavar="Li-O", help="exactly these")
    parser.add_argument("--formula", help="reduced, in any order; * stands for any element")
    parser.add_argument("--formula-anonymous", metavar="AB2")
    parser.add_argument("--spacegroup", dest="space_group", type=int, metavar="225")
    parser.add_argument("--crystal-system", metavar="cubic")
    parser.add_argument(
        "--wyckoff", metavar="'a b'", help="letters, also with elements or after a space group: '225: a b'"
    )
    parser.add_argument("--prototype")
    parser.add_argument("--source")
    parser.add_argument("--submission", dest="submission_id", type=int, metavar="id")
    for name, unit in (("hull", "energy above hull, eV/atom"), ("formation", "formation energy, eV/atom")):
        parser.add_argument(f"--min-{name}", type=float, metavar="E", help=f"smallest {unit}")
        parser.add_argument(f"--max-{name}", type=float, metavar="E", help=f"largest {unit}")
    parser.add_argument("--min-sites", type=int, metavar="n")
    parser.add_argument("--max-sites", type=int, metavar="n")
    parser.add_argument("--n-elements", type=int, metavar="n")
    parser.add_argument("--unique", action="store_true", help="without duplicates")
    parser.add_argument("--novel", action="store_true", help="in no reference set")
    parser.add_argument(
        "--sort", choices=["id", "energy_above_hull", "formation_energy_per_atom"], default="energy_above_hull"
    )
    parser.add_argument("--descending", action="store_true")
    parser.add_argument("--limit", type=int, default=20, metavar="n", help="rows that are shown (default: %(default)s)")
    parser.add_argument(
        "--output", type=Path, metavar="file", help="write all hits: .extxyz, .csv, .json, or .cif with a block each"
    )


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="(default: %(default)s)")
    parser.add_argument(
        "--evaluate", action="store_true", help="evaluate what is submitted as well, in a process beside"
    )
