"""Findings as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from lamcore.testing.claims import Finding, Number

_COLOURS = {"pass": "green", "fail": "bold red", "not applicable": "dim"}


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """A line for each number, the verdict with the first; below, what was found where a claim fails."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("claim", no_wrap=True)
    table.add_column("number")
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("limit", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for finding in findings:
        colour = _COLOURS[finding.verdict]
        verdict = f"[{colour}]{'–' if finding.verdict == 'not applicable' else finding.verdict}[/{colour}]"
        rows = finding.numbers or (None,)
        for row, number in enumerate(rows):
            first = row == 0
            table.add_row(
                finding.claim if first else "",
                "" if number is None or number.what == "problems" else escape(number.what),
                "" if number is None else f"{number.value:.3g}",
                "" if number is None else f"{number.limit:.3g}",
                "" if number is None else number.unit,
                verdict if first else "",
            )
    console.print(table)
    for finding in findings:
        if finding.verdict == "fail":
            known = f"\n    known to its author: {finding.known}" if finding.known else ""
            console.print(
                f"\nfails: {finding.claim}\n    {finding.statement}\n    {finding.detail}{known}",
                markup=False,
                highlight=False,
            )
    for finding in findings:
        if finding.verdict == "not applicable":
            console.print(f"–  {finding.claim}: {finding.detail}", markup=False, highlight=False, style="dim")


def number_text(number: Number) -> str:
    """`3.2e-05 eV/Å, limit 1e-05`."""
    return f"{number.value:.3g} {number.unit}, limit {number.limit:.3g}"
