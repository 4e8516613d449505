"""The subcommand `lamcore check`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.errors import ConfigError

if TYPE_CHECKING:
    from lamcore.config import Choice
    from lamcore.testing.certificate import Certificate
    from lamcore.testing.claims import Finding

SUMMARY = "Whether an installed model, task or dataset is right: every claim measured, and a certificate."
DONE, CLAIMS_FAILED = 0, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("kind", choices=["model", "task", "dataset"])
    parser.add_argument("name", help="as in `lamcore list`")
    parser.add_argument("options", nargs="*", metavar="option=value", help="as `lamcore show` lists them")
    parser.add_argument(
        "--against",
        nargs="+",
        action="append",
        default=[],
        metavar="option=value",
        help="models: compare with the same model at these options, instead of measuring the claims; may be repeated",
    )
    parser.add_argument("--model", metavar="name", help="tasks: the model to calculate with; the kit's own by default")
    parser.add_argument("--cases", type=int, default=2, metavar="n", help="tasks: how many cases to take; 2 by default")
    parser.add_argument("--output", type=Path, metavar="file", help="where the certificate goes")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and write the certificate; 3 when a claim fails.

    Raises:
        ConfigError: Names, options or their combination are not right.
    """
    from lamcore.allocator import keep_freed_memory
    from lamcore.testing.check import choose

    if (arguments.against and arguments.kind != "model") or (arguments.model and arguments.kind != "task"):
        raise ConfigError("--against is for models and --model for tasks")
    keep_freed_memory()
    choice = choose(arguments.kind, arguments.name, **_options(arguments.options, arguments.kind))
    failed = False
    for number, certificate in enumerate(_certificates(arguments, choice)):
        path = _path(arguments.output, choice, certificate, number)
        certificate.write(path)
        _print(certificate, path)
        failed = failed or bool(certificate.failures)
    return CLAIMS_FAILED if failed else DONE


def _certificates(arguments: argparse.Namespace, choice: Choice) -> Iterator[Certificate]:
    """Each certificate as soon as it is made, so that it is written before the next is begun."""
    from lamcore.testing.check import check_dataset, check_model, check_task, choose

    if arguments.against:
        from lamcore.testing.compare import compare_models

        changes = [_options(texts, "model") for texts in arguments.against]
        yield from (compare_models(choice, changed) for changed in changes)
    elif arguments.kind == "model":
        yield check_model(choice, _tell)
    elif arguments.kind == "task":
        model = choose("model", arguments.model) if arguments.model else None
        yield check_task(choice, model, arguments.cases, _tell)
    else:
        yield check_dataset(choice, _tell)


def _options(texts: Sequence[str], group: str) -> Mapping[str, Any]:
    """Values by name from `name=value`, `group.name=value` too, read as Hydra reads overrides."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        parsed = OverridesParser.create().parse_overrides(list(texts))
    except OverrideParseException as error:
        raise ConfigError(f"cannot read {error.override!r}: {error}; write option=value") from error
    return {override.key_or_group.removeprefix(f"{group}."): override.value() for override in parsed}


def _path(chosen: Path | None, choice: Choice, certificate: Certificate, number: int) -> Path:
    if chosen is not None:
        return chosen if number == 0 else chosen.with_stem(f"{chosen.stem}-{number + 1}")
    words = [choice.group, choice.name]
    words += [f"{name}={value}" for name, value in _changed(choice).items()]
    words += [f"against-{name}={value}" for name, value in certificate.about.get("against", {}).items()]
    name = "".join(letter if letter.isalnum() or letter in "-_.=" else "_" for letter in "-".join(words))
    return Path("certificates") / f"{name[:150]}.json"


def _changed(choice: Choice) -> dict[str, Any]:
    """The options that are not at their defaults."""
    defaults = choice.offer.options()
    return {name: value for name, value in choice.options.items() if value != defaults[name].default}


def _tell(finding: Finding) -> None:
    """Show that something happens, on a terminal."""
    import sys

    if sys.stderr.isatty():
        print(f"\r\033[K{finding.seconds:6.1f} s  {finding.claim}", end="", file=sys.stderr, flush=True)


def _print(certificate: Certificate, path: Path) -> None:
    import sys

    from lamcore.terminal import make_console
    from lamcore.testing.table import print_findings

    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    console = make_console()
    about = certificate.about
    options = " ".join(f"{name}={value}" for name, value in about["options"].items())
    against = " ".join(f"{name}={value}" for name, value in about.get("against", {}).items())
    where = f", {about['dtype']} on {about['device']}" if about["dtype"] else ""
    title = f"{about['kind']} {about['name']} of {about['plugin']}{where}"
    console.print(title, style="bold", markup=False, highlight=False)
    for line in filter(None, [options, f"against {against}" if against else ""]):
        console.print(line, markup=False, highlight=False, style="dim")
    print_findings(console, certificate.findings)
    counts = certificate.as_json()["counts"]
    console.print(
        f"{counts['pass']} pass, {counts['fail']} fail, {counts['not applicable']} not applicable, "
        f"{about['seconds']:.0f} s; certificate: {path}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
