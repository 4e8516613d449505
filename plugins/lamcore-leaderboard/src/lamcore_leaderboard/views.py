"""Which charts a leaderboard has, from its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamcore_leaderboard.entries import Board, Cell, Column, Item, Row, find_part
from lamcore_leaderboard.figures import Bar, bar_chart, radar_chart
from lamcore_leaderboard.tradeoff import Point, tradeoff_chart

if TYPE_CHECKING:
    from lamcore.suite import Headline, Score
    from lamcore_leaderboard.plotting import Chart, Styles

_SCORE = "score in the suite"


def item_bars(board: Board, item: Item) -> list[Chart]:
    """The score of an item that its suite computes, or its first metric, one chart for each context."""
    scored = [(row, score) for row, _ in item.runs if (score := _item_score(row, item)) is not None]
    if scored and any(score.value is not None for _, score in scored):
        return _score_bars(board, item, scored)
    if not item.runs:
        return []
    name, first = next(iter(item.runs[0][1].metrics.items()), (None, None))
    if name is None or first is None:
        return []
    charts: list[Chart] = []
    contexts = sorted({run.metrics[name].context for _, run in item.runs if name in run.metrics})
    for context in contexts:
        metrics = [(row, run.metrics[name]) for row, run in item.runs if name in run.metrics]
        bars = [
            Bar(row, metric.value, metric.interval)
            for row, metric in metrics
            if metric.context == context and metric.value is not None
        ]
        if bars:
            title = _with_context(f"{item.item.title}: {name}", context)
            key = f"bar-{item.slug}-{len(charts)}"
            charts.append(_bars(key, title, name, first.unit, first.direction, bars, first.dummy))
    return charts


def radars(board: Board, styles: Styles) -> list[Chart]:
    """A radar for each headline that has parts by domain, all pure numbers where lower is better.

    Models that lack a domain are not drawn: a line that skips it would look like another shape.
    """
    charts: list[Chart] = []
    for headline in board.suite.headlines:
        domains = domains_of(board, headline)
        lines = [(row, [domain_value(row, headline.name, one) for one in domains]) for row in board.rows]
        lines = [(row, values) for row, values in lines if all(value is not None for value in values)]
        if len(domains) >= 3 and lines and headline.unit == "1" and headline.direction == "lower":
            charts.append(radar_chart(f"radar-{len(charts)}", f"{headline.title} by domain", domains, lines, styles))
    return charts


def domain_bars(board: Board) -> list[Chart]:
    """Bars for each domain of each headline, published rows beside measured ones."""
    charts: list[Chart] = []
    for headline in board.suite.headlines:
        for domain in domains_of(board, headline):
            bars = [bar for row in board.rows if (bar := _domain_bar(row, headline.name, domain)) is not None]
            baseline = None if board.dummy is None else domain_value(board.dummy, headline.name, domain)
            if bars:
                title = f"{headline.title}: {domain}"
                key = f"domain-{len(charts)}"
                charts.append(_bars(key, title, headline.name, headline.unit, headline.direction, bars, baseline))
    return charts


def domains_of(board: Board, headline: Headline) -> list[str]:
    """The suite's domains that a headline has parts for."""
    known = dict.fromkeys(item.item.domain for item in board.items if item.item.domain)
    known |= dict.fromkeys(
        domain
        for row in board.rows
        if row.published is not None
        for domain in row.published.domains.get(headline.name, {})
    )
    return [
        domain for domain in known if any(domain_value(row, headline.name, domain) is not None for row in board.rows)
    ]


def domain_value(row: Row, headline: str, domain: str) -> float | None:
    """A row's error in a domain of a headline."""
    if row.published is not None:
        return row.published.domains.get(headline, {}).get(domain)
    part = _domain_part(row, headline, domain)
    return None if part is None else part.value


def _domain_part(row: Row, headline: str, domain: str) -> Score | None:
    if row.standing is None or headline not in row.standing.scores:
        return None
    return find_part(row.standing.scores[headline].parts, domain)


def _domain_bar(row: Row, headline: str, domain: str) -> Bar | None:
    value, part = domain_value(row, headline, domain), _domain_part(row, headline, domain)
    if value is None or row.kind == "dummy":
        return None
    return Bar(row, value, None if part is None else part.interval)


def tradeoffs(board: Board, styles: Styles) -> list[Chart]:
    """The other headlines against the one of efficiency, where there is one."""
    across = efficiency_headline(board)
    if across is None:
        return []
    charts: list[Chart] = []
    for headline in board.suite.headlines:
        if headline is across:
            continue
        points = [point for row in board.rows if (point := _point(board, row, across, headline)) is not None]
        if points:
            charts.append(
                tradeoff_chart(
                    f"tradeoff-{len(charts)}",
                    headline.title,
                    (across.title, across.unit, across.direction),
                    (headline.title, headline.unit, headline.direction),
                    points,
                    styles,
                )
            )
    return charts


def efficiency_headline(board: Board) -> Headline | None:
    """The headline whose values depend on the hardware or, where no run tells, that has efficiency in its title."""
    bound = {column.headline.name for column in board.columns if column.context}
    for headline in board.suite.headlines:
        if headline.name in bound:
            return headline
    return next((one for one in board.suite.headlines if "efficien" in one.title.casefold()), None)


def _point(board: Board, row: Row, across: Headline, up: Headline) -> Point | None:
    if row.kind == "dummy":
        return None
    x, y = _cell(board, row, across), _cell(board, row, up)
    if x is None or y is None or x[1].value is None or y[1].value is None:
        return None
    context = x[0].context or ("as published" if row.kind == "published" else "")
    return Point(row, x[1].value, y[1].value, x[1].interval, y[1].interval, context)


def _cell(board: Board, row: Row, headline: Headline) -> tuple[Column, Cell] | None:
    """The column of a headline in which a row has its value, and the cell."""
    for column in board.columns:
        cell = row.cells.get(column.key)
        if column.headline is headline and cell is not None and cell.value is not None:
            return column, cell
    return None


def _item_score(row: Row, item: Item) -> Score | None:
    if row.standing is None:
        return None
    return find_part(row.standing.scores.values(), item.item.key)


def _score_bars(board: Board, item: Item, scored: list[tuple[Row, Score]]) -> list[Chart]:
    charts: list[Chart] = []
    for context in sorted({score.context for _, score in scored}):
        members = [(row, score) for row, score in scored if score.context == context and score.value is not None]
        if not members:
            continue
        bars = [Bar(row, score.value, score.interval) for row, score in members if score.value is not None]
        first = members[0][1]
        baseline = None if board.dummy is None else _item_score(board.dummy, item)
        dummy = None if baseline is None or baseline.context != context else baseline.value
        title = _with_context(item.item.title, context)
        key = f"bar-{item.slug}-{len(charts)}"
        charts.append(_bars(key, title, _SCORE, first.unit, first.direction, bars, dummy))
    return charts


def _bars(key: str, title: str, what: str, unit: str, direction: str, bars: list[Bar], dummy: float | None) -> Chart:
    """Sorted, the best first."""
    sign = 1 if direction == "lower" else -1
    return bar_chart(key, title, what, unit, direction, sorted(bars, key=lambda bar: sign * bar.value), dummy)


def _with_context(title: str, context: str) -> str:
    return f"{title}, {context}" if context else title
