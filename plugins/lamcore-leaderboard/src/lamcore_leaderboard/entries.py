"""What a leaderboard is made of: columns that may be compared, rows, items, and the board itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lamcore.cards import SuiteCard
    from lamcore.results import RunSummary
    from lamcore.standings import Standing
    from lamcore.suite import Headline, PublishedRow, Score, Suite, SuiteItem
    from lamcore_leaderboard.facts import ItemFacts, ModelFacts
    from lamcore_leaderboard.gather import Certificate, Refused

Kind = Literal["measured", "published", "dummy"]


@dataclass(frozen=True)
class Column:
    """A headline's values that share a context, such as the hardware, and so may be compared.

    Attributes:
        key: Unique; goes into the page's address.
        headline: What is in it.
        context: What its values share; empty where that does not matter.
        published: Whether it holds nothing but published values.
    """

    key: str
    headline: Headline
    context: str
    published: bool


@dataclass(frozen=True)
class Cell:
    """A row's value in a column.

    Attributes:
        value: None where there is none.
        interval: 95 %; None where the suite gives none.
        place: The best and the worst place in the column that the model can claim; None for others than measured ones.
        note: Why there is no value, or what it leaves out.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    place: tuple[int, int] | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        kind: Where its numbers come from.
        name: Of the model.
        slug: Unique; names its page and its anchor.
        cells: By the column's key; a column of another context is not among them.
        facets: What it can be filtered by: values by facet.
        n_cases: Of all its runs; None for rows without runs.
        n_failed: Of all its runs; None for rows without runs.
        rehearsal: Whether some run took fewer cases than the suite asks for.
        missing: Why items have no run, by item key.
        standing: Where it was measured.
        published: Where it was published.
        facts: What is known of the model; None for published rows and the dummy.
        certificate: Of the model, if there is one.
    """

    kind: Kind
    name: str
    slug: str
    cells: Mapping[str, Cell]
    facets: Mapping[str, tuple[str, ...]]
    n_cases: int | None = None
    n_failed: int | None = None
    rehearsal: bool = False
    missing: Mapping[str, str] | None = None
    standing: Standing | None = None
    published: PublishedRow | None = None
    facts: ModelFacts | None = None
    certificate: Certificate | None = None


@dataclass(frozen=True)
class Item:
    """An item of the suite with its runs.

    Attributes:
        item: As the suite has it.
        slug: Names its page.
        facts: What is known of it.
        runs: The rows that have a run of it, with the run, in the order of the rows.
    """

    item: SuiteItem
    slug: str
    facts: ItemFacts
    runs: Sequence[tuple[Row, RunSummary]]


@dataclass(frozen=True)
class Board:
    """All that a site shows.

    Attributes:
        name: Of the suite.
        plugin: That the suite comes from, with its version.
        card: Of the suite.
        suite: The suite.
        columns: Of the table.
        rows: The best by the first column first; those without a value last.
        items: Of the suite.
        refused: Folders that are not shown.
        outside: Runs that belong to no item of the suite.
    """

    name: str
    plugin: str
    card: SuiteCard
    suite: Suite
    columns: Sequence[Column]
    rows: Sequence[Row]
    items: Sequence[Item]
    refused: Sequence[Refused]
    outside: Sequence[RunSummary]

    @property
    def measured(self) -> list[Row]:
        """Rows of models that were run."""
        return [row for row in self.rows if row.kind == "measured"]

    @property
    def dummy(self) -> Row | None:
        """The dummy's row."""
        return next((row for row in self.rows if row.kind == "dummy"), None)


def parts_of(score: Score) -> Iterator[tuple[int, Score]]:
    """A score's parts and theirs, depth first, each with how deep it lies; the score itself at 0."""
    yield 0, score
    for part in score.parts:
        yield from ((depth + 1, one) for depth, one in parts_of(part))


def find_part(scores: Iterable[Score], name: str) -> Score | None:
    """The first score of a name among some scores and their parts."""
    return next((one for score in scores for _, one in parts_of(score) if one.name == name), None)
