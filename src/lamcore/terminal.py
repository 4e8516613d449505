"""What the command line shows: progress of a run, its metrics, and tables of what is installed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lamcore.text import format_interval, format_number, format_seconds

if TYPE_CHECKING:
    from lamcore.batching import Counters
    from lamcore.records import Record, Status
    from lamcore.run import RunResult
    from lamcore.suite import Score, SuiteItem
    from lamcore.suite_command import SuiteResult

_FAILURES_SHOWN = 5
_ARROWS = {"lower": "↓", "higher": "↑"}
_WIDTH_OF_FILES = 120


def make_console() -> Console:
    """The terminal, or plain text of a readable width where the output goes to a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_OF_FILES)


class ProgressBar:
    """Draws how a run goes: cases done, failed, structures a second, time left."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TextColumn("{task.fields[rate]} structures/s"),
            TimeRemainingColumn(),
            console=console,
        )
        self._failed = 0
        self._began = time.perf_counter()
        self._task = self._progress.add_task("cases", total=None, failed=0, rate="–")
        self.folder: Path | None = None
        self.n_cases = 0
        self.n_recorded = 0

    @contextmanager
    def drawn(self) -> Iterator[ProgressBar]:
        """Draw while the block runs."""
        try:
            yield self
        finally:
            if self._progress.live.is_started:
                self._progress.stop()

    def started(self, folder: Path, provenance: Mapping[str, Any], n_cases: int, kept: Mapping[str, Status]) -> None:
        """Say what is about to run, and where its results go."""
        self.folder, self.n_cases, self.n_recorded = folder, n_cases, len(kept)
        config = provenance["identity"]
        print_ = self._console.print
        names = f"[bold]{config['task']['name']}[/bold] with [bold]{config['model']['name']}[/bold]"
        print_(f"{names} on {config['dataset']['name']}", highlight=False)
        print_(
            f"data: {escape(provenance['licences']['dataset'])}; {escape(_cite(provenance, 'dataset'))}", style="dim"
        )
        print_(
            f"model: {escape(provenance['licences']['model weights'])}; {escape(_cite(provenance, 'model'))}",
            style="dim",
        )
        self._failed = sum(status == "failed" for status in kept.values())
        if kept:
            again = f", {self._failed} of them failed (retry_failed=true tries those again)" if self._failed else ""
            print_(f"{len(kept)} of {n_cases} cases are there from an earlier session{again}")
        self._progress.update(self._task, total=n_cases, completed=len(kept), failed=self._failed)
        self._began = time.perf_counter()
        if len(kept) < n_cases:
            self._progress.start()

    def recorded(self, record: Record, counters: Counters) -> None:
        """Move the bar."""
        self.n_recorded += 1
        self._failed += record.status == "failed"
        rate = counters.structures / max(time.perf_counter() - self._began, 1e-9)
        self._progress.update(self._task, completed=self.n_recorded, failed=self._failed, rate=f"{rate:.3g}")


def print_result(console: Console, result: RunResult) -> None:
    """The table of metrics (↓ lower is better, ↑ higher is), the first failures, and where everything is."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right", style="bold")
    table.add_column("unit")
    table.add_column("95 % interval", justify="right")
    table.add_column("dummy", justify="right")
    table.add_column("n", justify="right")
    table.add_column("failed", justify="right")
    for metric in result.metrics:
        table.add_row(
            f"{metric.name} {_ARROWS[metric.direction]}",
            format_number(metric.value),
            metric.unit,
            format_interval(metric.interval),
            format_number(metric.dummy),
            str(metric.n),
            str(metric.n_failed),
        )
    console.print(table)
    if result.failures:
        console.print(
            f"{len(result.failures)} of {result.n_cases} cases failed; the notes in the report say how they count:",
            style="red",
        )
        for case_id, why in list(result.failures.items())[:_FAILURES_SHOWN]:
            console.print(f"  {case_id}: {why.splitlines()[0]}", markup=False, highlight=False)
        if len(result.failures) > _FAILURES_SHOWN:
            console.print(f"  and {len(result.failures) - _FAILURES_SHOWN} more, in the report")
    console.print(f"results: {result.folder}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"report:  {result.folder / 'report.html'}", markup=False, highlight=False, soft_wrap=True)


def print_comparison(console: Console, results: Sequence[RunResult]) -> None:
    """The metrics of several runs side by side, one table for each task and dataset."""
    groups: dict[tuple[str, str], list[RunResult]] = {}
    for result in results:
        groups.setdefault((result.subject.task.name, result.subject.dataset.name), []).append(result)
    for (task, dataset), members in groups.items():
        if len(members) < 2:
            continue
        table = Table(title=f"{task} on {dataset}", box=None, header_style="bold", pad_edge=False, title_justify="left")
        table.add_column("metric")
        table.add_column("unit")
        for member in members:
            table.add_column(f"{member.subject.model_name}\n{member.folder.name[-12:]}", justify="right")
        by_run = [{metric.name: metric for metric in member.metrics} for member in members]
        for name in dict.fromkeys(metric.name for member in members for metric in member.metrics):
            found = [metrics.get(name) for metrics in by_run]
            unit = next(metric.unit for metric in found if metric is not None)
            table.add_row(name, unit, *(format_number(metric.value) if metric else "–" for metric in found))
        console.print(table)


def print_suite_item(console: Console, item: SuiteItem, number: int, n_items: int) -> None:
    """Which run of a suite comes now."""
    console.print(f"\n[bold]{number}/{n_items} {escape(item.title)}[/bold] ({escape(item.domain)})", highlight=False)


def print_suite_result(console: Console, result: SuiteResult) -> None:
    """The headlines of a suite with their parts, what is missing and how to get it, and where everything is."""
    rehearsal = "  [red]REHEARSAL: fewer cases than the suite asks for[/red]" if result.standing.rehearsal else ""
    console.print(f"\n[bold]{result.name}[/bold] with [bold]{result.standing.model}[/bold]{rehearsal}", highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("headline, part", no_wrap=True)
    for column in ("value", "95 % interval"):
        table.add_column(column, justify="right")
    table.add_column("unit")
    table.add_column("note")
    for score in result.standing.scores.values():
        _add_score(table, score, 0)
    console.print(table)
    if result.missing:
        console.print(f"{len(result.missing)} of {len(result.suite.items)} items are missing:", style="red")
        for why, keys in result.missing_by_reason.items():
            console.print(f"  {keys}: {why}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"suite: {result.file}", markup=False, highlight=False, soft_wrap=True)


def _add_score(table: Table, score: Score, depth: int) -> None:
    """A score, and its parts below it."""
    name = f"{'  ' * depth}{score.name} {_ARROWS[score.direction]}"
    note = score.note if score.context in score.note else "; ".join(filter(None, (score.note, score.context)))
    value, interval = format_number(score.value), format_interval(score.interval)
    table.add_row(escape(name), value, interval, score.unit, escape(note), style="" if depth else "bold")
    for part in score.parts:
        _add_score(table, part, depth + 1)


def print_interrupted(console: Console, bar: ProgressBar, seconds: float) -> None:
    """What is kept after Ctrl-C, and how to go on."""
    where = f" in {bar.folder}" if bar.folder else ""
    console.print(
        f"interrupted after {format_seconds(seconds)}: {bar.n_recorded} of {bar.n_cases} cases are kept{where}; "
        "give the same command again to go on",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _cite(provenance: Mapping[str, Any], part: str) -> str:
    cited = provenance["citations"][part]
    if not cited:
        return "no publication to cite"
    return "cite " + "; ".join(f"doi:{citation['doi']}" if citation["doi"] else citation["text"] for citation in cited)
