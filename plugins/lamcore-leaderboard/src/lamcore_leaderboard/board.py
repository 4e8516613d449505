"""From runs and a suite to the leaderboard: columns, and a row for each model, published row and the dummy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lamcore.cards import SuiteCard
from lamcore.standings import Standing, dummy, places, standings
from lamcore_leaderboard.entries import Board, Cell, Column, Item, Row, parts_of
from lamcore_leaderboard.facts import UNSTATED, item_facts, model_facts
from lamcore_leaderboard.gather import Certificate, Refused, certificate_for
from lamcore_leaderboard.names import Slugs

if TYPE_CHECKING:
    from lamcore.registry import Registry
    from lamcore.results import RunSummary
    from lamcore.suite import Headline, PublishedRow, Score, Suite, SuiteItem


def make_board(
    name: str,
    plugin: str,
    card: SuiteCard,
    suite: Suite,
    runs: Sequence[RunSummary],
    refused: Sequence[Refused],
    certificates: Sequence[Certificate],
    registry: Registry,
) -> Board:
    """The leaderboard of a suite from finished runs.

    Raises:
        MixedProtocolsError: Runs of one item are on different data.
    """
    measured = standings(suite, runs, registry)
    baseline = dummy(suite, measured)
    published = list(suite.published())
    columns = _columns(suite.headlines, measured, published)
    ranks = {column.key: _places(measured, column) for column in columns}
    slugs = Slugs()
    rows = [_measured(one, columns, ranks, suite, certificates, registry, slugs) for one in measured]
    if baseline is not None:
        cells = {
            column.key: _cell(column, baseline.scores.get(column.headline.name))
            if column.headline.dummy
            else Cell(None, note="has no meaning for the dummy")
            for column in columns
        }
        rows.append(Row("dummy", "dummy", slugs("dummy"), _there(cells), {"kind": ("dummy",)}, standing=baseline))
    rows += [_published(one, columns, slugs(f"{one.model} published")) for one in published]
    rows = _sorted(rows, columns)
    item_slugs = Slugs()
    taken = {run.run_id for one in measured for run in one.runs.values()}
    return Board(
        name=name,
        plugin=plugin,
        card=card,
        suite=suite,
        columns=columns,
        rows=rows,
        items=[_item(item, rows, item_slugs(item.key), registry) for item in suite.items],
        refused=refused,
        outside=[run for run in runs if run.run_id not in taken],
    )


def _columns(
    headlines: Sequence[Headline], measured: Sequence[Standing], published: Sequence[PublishedRow]
) -> list[Column]:
    """One for each headline and context.

    Published values of a headline whose measured values have contexts have a column of their own for each source:
    nothing says that they were taken on the same hardware.
    """
    slugs = Slugs()
    columns = []
    for headline in headlines:
        scores = [row.scores[headline.name] for row in measured if headline.name in row.scores]
        contexts = list(dict.fromkeys(score.context for score in scores if score.value is not None))
        sources = list(dict.fromkeys(row.source for row in published if headline.name in row.values))
        if any(contexts):
            columns += [Column(slugs(f"{headline.name} {one}"), headline, one, False) for one in sorted(contexts)]
            columns += [Column(slugs(f"{headline.name} {one}"), headline, one, True) for one in sources]
        else:
            columns.append(Column(slugs(headline.name), headline, "", not contexts and bool(sources)))
    return columns


def _cell(column: Column, score: Score | None, place: tuple[int, int] | None = None) -> Cell | None:
    """A measured row's cell; None where its value belongs into another column of the headline."""
    if score is None:
        return Cell(None, note="the suite gave no such score")
    if column.context and (column.published or (score.value is not None and score.context != column.context)):
        return None
    return Cell(score.value, score.interval, place, score.note or _why_none(score))


def _why_none(score: Score) -> str:
    """The first reason that a part gives for a score that has no value."""
    if score.value is not None:
        return ""
    return next((f"{one.title or one.name}: {one.note}" for _, one in parts_of(score) if one.note), "")


def _there(cells: Mapping[str, Cell | None]) -> dict[str, Cell]:
    return {key: cell for key, cell in cells.items() if cell is not None}


def _places(measured: Sequence[Standing], column: Column) -> dict[str, tuple[int, int]]:
    """Places among the models of one column."""
    name = column.headline.name
    return places([one for one in measured if name in one.scores and one.scores[name].context == column.context], name)


def _measured(
    standing: Standing,
    columns: Sequence[Column],
    ranks: Mapping[str, Mapping[str, tuple[int, int]]],
    suite: Suite,
    certificates: Sequence[Certificate],
    registry: Registry,
    slugs: Slugs,
) -> Row:
    runs = list(standing.runs.values())
    facts = model_facts(runs, registry)
    cells = {
        column.key: _cell(column, standing.scores.get(column.headline.name), ranks[column.key].get(standing.model))
        for column in columns
    }
    return Row(
        kind="measured",
        name=standing.model,
        slug=slugs(standing.model),
        cells=_there(cells),
        facets={
            "kind": ("measured",),
            "gives": facts.properties or (UNSTATED,),
            "forces": ({True: "conservative", False: "direct", None: UNSTATED}[facts.conservative],),
            "licence": (_short(facts.licence_weights),),
            "level": (facts.functional or _short(facts.level_of_theory),),
            "hardware": facts.hardware or (UNSTATED,),
        },
        n_cases=sum(run.n_cases for run in runs),
        n_failed=sum(run.n_failed for run in runs),
        rehearsal=standing.rehearsal,
        missing={item.key: _why_missing(item, registry) for item in suite.items if item.key not in standing.runs},
        standing=standing,
        facts=facts,
        certificate=certificate_for(runs[-1], certificates),
    )


def _published(row: PublishedRow, columns: Sequence[Column], slug: str) -> Row:
    cells = {
        column.key: Cell(
            row.values.get(column.headline.name), note="" if column.headline.name in row.values else "not published"
        )
        for column in columns
        if column.context in ("", row.source)
    }
    unstated = {facet: (UNSTATED,) for facet in ("gives", "forces", "licence", "level", "hardware")}
    return Row("published", row.model, slug, cells, {"kind": ("as published",), **unstated}, published=row)


def _sorted(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """By the first column, rows without a value last; the sort keeps the suite's order among equals."""
    if not columns:
        return list(rows)
    first = columns[0]
    sign = 1 if first.headline.direction == "lower" else -1

    def key(row: Row) -> tuple[bool, float]:
        value = row.cells[first.key].value if first.key in row.cells else None
        return value is None, 0.0 if value is None else sign * value

    return sorted(rows, key=key)


def _item(item: SuiteItem, rows: Sequence[Row], slug: str, registry: Registry) -> Item:
    runs = [
        (row, row.standing.runs[item.key])
        for row in rows
        if row.kind == "measured" and row.standing is not None and item.key in row.standing.runs
    ]
    return Item(item, slug, item_facts(item, [run for _, run in runs], registry), runs)


def _why_missing(item: SuiteItem, registry: Registry) -> str:
    reason = item.missing
    for kind, name in (("task", item.task), ("dataset", item.dataset)):
        if not reason and name not in registry.of_kind(kind):  # type: ignore[arg-type]
            reason = f"no run of it among the folders given, and {kind} {name!r} is not installed"
    reason = reason or "no run of it among the folders given"
    return f"{reason}; {item.obtain}" if item.obtain else reason


def _short(text: str) -> str:
    """A licence or level of theory without what is said in brackets, for a list to choose from."""
    return text.split("(")[0].split(":")[0].split(",")[0].strip() or text
