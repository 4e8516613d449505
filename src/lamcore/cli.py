"""The command line: `python -m lamcore task=… model=…` runs; subcommands list, show, report, check and new."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore import catalog, new_command
from lamcore.errors import ConfigError, LamcoreError
from lamcore.registry import Registry, load_registry
from lamcore.schema import did_you_mean
from lamcore.specs import CommandSpec
from lamcore.suite_command import choose, names_a_suite, run_suite
from lamcore.testing import command as check_command

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lamcore.run import RunResult

DONE, ERROR, USAGE, CASES_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit statuses. `CASES_FAILED`: the run is complete, some of its cases failed, or items of a suite are missing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        return _dispatch(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the flush at exit
        return DONE
    except LamcoreError as error:
        return _explain(error)


def _dispatch(arguments: list[str]) -> int:
    registry = load_registry()
    commands = _commands(registry)
    first = arguments[0] if arguments else ""
    if first == "--version":
        print(f"lamcore {metadata.version('lamcore')}")
        return DONE
    if first in commands:
        return _run_command(commands[first], arguments[1:])
    if first == "help" or "--help" in arguments or "-h" in arguments:
        print(catalog.help_text(registry, commands))
        return DONE
    if first and "=" not in first and not first.startswith(("-", "~", "+")):
        raise ConfigError(
            f"unknown command {first!r}{did_you_mean(first, commands)}; "
            f"commands: {', '.join(commands)}; a run is started with key=value, such as task=eos"
        )
    if names_a_suite(arguments):
        return _run_suites(arguments, registry)
    return _run(arguments, registry)


def _commands(registry: Registry) -> Mapping[str, CommandSpec]:
    """Subcommands of lamcore and those of plugins."""

    def list_(arguments: argparse.Namespace) -> int:
        print(catalog.list_text(registry))
        return DONE

    def show(arguments: argparse.Namespace) -> int:
        print(catalog.show_text(registry, arguments.kind, arguments.name))
        return DONE

    def report(arguments: argparse.Namespace) -> int:
        return _report(arguments.folders, registry)

    own = (
        CommandSpec("list", "Plugins, models, tasks, datasets; what is broken and why.", _no_arguments, list_),
        CommandSpec("show", "Card and options of a model, task, dataset or suite.", _show_arguments, show),
        CommandSpec("report", "The report of one or more runs, again, without recomputing.", _report_arguments, report),
        CommandSpec("check", check_command.SUMMARY, check_command.add_arguments, check_command.run),
        CommandSpec("new", new_command.SUMMARY, new_command.add_arguments, new_command.run),
    )
    return {spec.name: spec for spec in (*own, *(offer.spec for offer in registry.commands.values()))}


def _run_command(spec: CommandSpec, arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=f"lamcore {spec.name}", description=spec.summary)
    spec.add_arguments(parser)
    return spec.run(parser.parse_args(arguments))


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    """For commands that take none."""


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=["model", "task", "dataset", "suite"])
    parser.add_argument("name")


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help="the folder of a run, as printed by it")


def _run(arguments: list[str], registry: Registry) -> int:
    """Compose runs with Hydra and compute them one after the other."""
    import hydra

    from lamcore.config import conf_folder, register_groups
    from lamcore.overrides import check_arguments

    check_arguments(arguments, registry)
    register_groups(registry)
    _prepare_process()
    statuses: list[int] = []
    results: list[RunResult] = []

    def job(config: DictConfig) -> None:
        statuses.append(_run_one(config, registry, results))

    sys.argv = ["lamcore", *arguments]  # the only way to hand arguments to hydra.main
    hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(job)()
    _compare(results)
    return _worst(statuses)


def _run_suites(arguments: Sequence[str], registry: Registry) -> int:
    """Every run of one or more suites, for each model that the arguments name."""
    from lamcore.config import register_groups
    from lamcore.terminal import make_console, print_suite_item, print_suite_result

    chosen = choose(arguments, registry)
    register_groups(registry)
    _prepare_process()
    console = make_console()
    statuses: list[int] = []

    def run_one(config: Mapping[str, Any]) -> tuple[int, Path | None]:
        results: list[RunResult] = []
        statuses.append(_run_one(config, registry, results))
        return statuses[-1], results[0].folder if results else None

    for overrides in chosen.overrides:
        for name, suite, max_cases in chosen.suites:
            try:
                result = run_suite(
                    name, suite, max_cases, overrides, registry, run_one, partial(print_suite_item, console)
                )
            except LamcoreError as error:
                statuses.append(_explain(error))
            except Exception:  # of the suite's formulas: the next model still has its turn
                statuses.append(_explain_fault())
            else:
                print_suite_result(console, result)
                statuses.append(CASES_FAILED if result.missing else DONE)
    return _worst(statuses)


def _prepare_process() -> None:
    """What every process that computes needs."""
    from lamcore.allocator import keep_freed_memory

    keep_freed_memory()
    _log_to_terminal()
    signal.signal(signal.SIGTERM, _interrupt)  # as schedulers send it: stop as after Ctrl-C


def _log_to_terminal() -> None:
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _run_one(config: DictConfig | Mapping[str, Any], registry: Registry, results: list[RunResult]) -> int:
    """One run; what goes wrong with it is said here, so that the next run of a sweep still starts."""
    from lamcore.config import select
    from lamcore.run import run
    from lamcore.terminal import ProgressBar, make_console, print_interrupted, print_result

    console = make_console()
    bar = ProgressBar(console)
    started = time.perf_counter()
    try:
        with bar.drawn():
            result = run(select(config, registry), registry, bar)
    except KeyboardInterrupt:
        print_interrupted(console, bar, time.perf_counter() - started)
        raise SystemExit(INTERRUPTED) from None
    except LamcoreError as error:
        return _explain(error)
    except Exception:  # of a plugin or of lamcore: said in full, and the next run of a sweep still starts
        return _explain_fault()
    print_result(console, result)
    results.append(result)
    return CASES_FAILED if result.failures else DONE


def _report(folders: Sequence[Path], registry: Registry) -> int:
    from lamcore.run import report
    from lamcore.terminal import make_console, print_result

    _log_to_terminal()
    results, statuses = [], []
    for folder in folders:
        try:
            results.append(report(folder, registry))
        except LamcoreError as error:
            statuses.append(_explain(error))
        else:
            print_result(make_console(), results[-1])
    _compare(results)
    return _worst(statuses)


def _worst(statuses: Sequence[int]) -> int:
    """The status of several runs: that some could not be made weighs more than that some cases failed."""
    return max(statuses, key=(DONE, CASES_FAILED, USAGE, ERROR).index, default=DONE)


def _compare(results: Sequence[RunResult]) -> None:
    if len(results) > 1:
        from lamcore.terminal import make_console, print_comparison

        print_comparison(make_console(), results)


def _explain(error: LamcoreError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return USAGE if isinstance(error, ConfigError) else ERROR


def _explain_fault() -> int:
    traceback.print_exc()
    print("error: this is a fault in a plugin or in lamcore, see above; recorded cases are safe", file=sys.stderr)
    return ERROR
