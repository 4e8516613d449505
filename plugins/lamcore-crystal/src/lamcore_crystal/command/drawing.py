"""A progress bar for stages."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from rich.console import Console


class Bar:
    """Draws how a stage goes: one bar, for the piece of work that is under way."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = None if not console.is_terminal else self._progress.add_task("", visible=False)
        self._progress.start()

    def began(self, what: str, total: int | None) -> None:
        """Show another piece of work."""
        if self._task is None:
            self._console.print(f"{escape(what)}: {total if total is not None else ''}".rstrip(": "), highlight=False)
        else:
            self._progress.reset(self._task, description=escape(what), total=total, visible=True)

    def advanced(self, n: int = 1) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.advance(self._task, n)

    def said(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(escape(text), highlight=False)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._task is not None:
            self._progress.update(self._task, visible=False)
        self._progress.stop()


@contextmanager
def drawn(console: Console) -> Iterator[Bar]:
    """Draw while the block runs, and let models and workers say what they warn of."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    bar = Bar(console)
    try:
        yield bar
    finally:
        bar.stop()
