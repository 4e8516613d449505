"""What `lamcore crystal <stage>` does: each stage from its module, and what is printed of it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lamcore_crystal.challenge import Challenge

if TYPE_CHECKING:
    from rich.console import Console

    from lamcore_crystal.references import NewSet

DONE, NOT_ACCEPTED, INTERRUPTED = 0, 3, 130
_SECONDS_BETWEEN_LOOKS = 2.0


def run(arguments: argparse.Namespace) -> int:
    """Run one stage; gives the exit status.

    3 says that the stage is complete and structures were refused, failed, or rejected by the gate; 130 that it was
    interrupted, by Ctrl-C or SIGTERM.
    """
    from lamcore.terminal import make_console

    console = make_console()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)  # as schedulers send it: stop as after Ctrl-C
    try:
        return _STAGES[arguments.stage](arguments, console)
    except KeyboardInterrupt:
        console.print("interrupted; what is recorded is kept, and the same command goes on from there", highlight=False)
        return INTERRUPTED


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _demo(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.datasets.demo import write_demo

    files = write_demo(arguments.folder)
    console.print(f"{len(files)} CIF files in {arguments.folder}, one of them to be refused", highlight=False)
    return DONE


def _init(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.command.drawing import drawn
    from lamcore_crystal.extensions import default_labels, default_rules
    from lamcore_crystal.references import named_external_hull
    from lamcore_crystal.rounds import RoundSettings
    from lamcore_crystal.stages.init import init
    from lamcore_crystal.stages.round_options import changed, split_overrides

    of_round, overrides = split_overrides(arguments.overrides)
    settings = changed(RoundSettings(rules=default_rules(), labels=default_labels()), of_round)
    if arguments.rules:
        from omegaconf import OmegaConf

        console.print(OmegaConf.to_yaml(OmegaConf.create({"round": settings.as_json()})), highlight=False)
        return DONE
    sets = _reference_sets(arguments)
    external = [named_external_hull(text, arguments.mp2020) for text in arguments.external_hull]
    with drawn(console) as watcher:
        challenge = init(
            arguments.challenge,
            overrides,
            name=arguments.name,
            settings=settings,
            sets=sets,
            licence=arguments.licence,
            read_access=arguments.read,
            database_url=arguments.database,
            external=external,
            watcher=watcher,
        )
    with challenge:
        from lamcore_crystal.command.tables import print_challenge

        print_challenge(console, challenge)
    console.print(f"next: lamcore crystal submit {arguments.challenge} <files> --source <name>", highlight=False)
    return DONE


def _reference_sets(arguments: argparse.Namespace) -> list[NewSet]:
    from lamcore_crystal.references import compound_set, element_set, user_set

    sets = [element_set()]
    if not arguments.no_compounds:
        sets.append(compound_set())
    for text in arguments.references:
        sets.append(user_set(text, in_hull=True))
    for text in arguments.known:
        sets.append(user_set(text, in_hull=False))
    return sets


def _rules(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.command.tables import print_extensions
    from lamcore_crystal.extensions import extensions

    print_extensions(console, extensions())
    return DONE


def _submit(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.stages.submit import submit

    with Challenge.open(arguments.challenge) as challenge:
        receipt = submit(
            challenge,
            arguments.path,
            source=arguments.source,
            submitter=arguments.submitter,
            licence=arguments.licence,
            split_blocks=arguments.split_blocks,
        )
    files = "1 file" if receipt.n_files == 1 else f"{receipt.n_files} files"
    if receipt.is_new:
        console.print(f"submission {receipt.submission_id}: {files} from {arguments.source}", highlight=False)
        console.print(f"next: lamcore crystal evaluate {arguments.challenge}", highlight=False)
    else:
        console.print(
            f"submission {receipt.submission_id} has these {files} from {arguments.source} already; nothing was added",
            highlight=False,
        )
    return DONE


def _evaluate(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.command.drawing import drawn
    from lamcore_crystal.command.tables import print_submissions
    from lamcore_crystal.stages.evaluate import evaluate, waiting

    retry_failed = arguments.retry_failed
    with Challenge.open(arguments.challenge) as challenge:
        while True:
            if retry_failed or not arguments.follow or waiting(challenge):
                with drawn(console) as watcher:
                    some = evaluate(challenge, arguments.overrides, watcher, retry_failed=retry_failed)
                retry_failed = False
                all_accepted = print_submissions(console, challenge, some)
            if not arguments.follow:
                return DONE if all_accepted else NOT_ACCEPTED
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def _close(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.command.drawing import drawn
    from lamcore_crystal.command.tables import print_challenge
    from lamcore_crystal.stages.close import close

    with Challenge.open(arguments.challenge) as challenge:
        with drawn(console) as watcher:
            close(challenge, arguments.overrides, watcher)
        print_challenge(console, challenge)
    return DONE


def _query(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.command.querying import query

    with Challenge.open(arguments.challenge) as challenge:
        return query(arguments, challenge, console)


def _report(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.report import write_report

    folder: Path = arguments.output or arguments.challenge / "report"
    with Challenge.open(arguments.challenge) as challenge:
        page = write_report(challenge, folder, arguments.reference)
    console.print(f"report: {page}", highlight=False)
    return DONE


def _export(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.release.export import export

    with Challenge.open(arguments.challenge) as challenge:
        folder = export(challenge, arguments.parquet)
    console.print(f"release: {folder}", highlight=False)
    return DONE


def _serve(arguments: argparse.Namespace, console: Console) -> int:
    import subprocess

    from lamcore_crystal.web.serve import serve

    Challenge.open(arguments.challenge).close()
    beside = None
    if arguments.evaluate:
        command = [sys.executable, "-m", "lamcore", "crystal", "evaluate", str(arguments.challenge), "--follow"]
        beside = subprocess.Popen(command)
    try:
        console.print(f"http://{arguments.host}:{arguments.port}  (Ctrl-C ends it)", highlight=False)
        serve(arguments.challenge, arguments.host, arguments.port)
    finally:
        if beside is not None:
            beside.terminate()
            beside.wait()
    return DONE


def _token(arguments: argparse.Namespace, console: Console) -> int:
    from lamcore_crystal.command.tables import print_tokens
    from lamcore_crystal.web.tokens import make_token, revoke_tokens

    secret = n_revoked = None
    with Challenge.open(arguments.challenge) as challenge:
        with challenge.database.write() as connection:
            if arguments.add:
                secret = make_token(connection, arguments.add, arguments.may)
            if arguments.revoke:
                n_revoked = revoke_tokens(connection, arguments.revoke)
        # Only what is kept is shown, also where the reader of the output leaves early.
        if secret is not None:
            console.print(f"{secret}\nkept as a hash only: write it down now", highlight=False, soft_wrap=True)
        if n_revoked is not None:
            console.print(f"{n_revoked} tokens of {arguments.revoke} are revoked", highlight=False)
        with challenge.database.read() as connection:
            print_tokens(console, connection)
    return DONE


_STAGES: Mapping[str, Callable[[argparse.Namespace, Console], int]] = {
    "demo": _demo,
    "init": _init,
    "rules": _rules,
    "submit": _submit,
    "evaluate": _evaluate,
    "close": _close,
    "query": _query,
    "report": _report,
    "export": _export,
    "serve": _serve,
    "token": _token,
}
