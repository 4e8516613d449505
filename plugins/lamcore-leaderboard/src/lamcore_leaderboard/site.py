"""The site as files: pages from templates, assets, tables to download, and the reports of the runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from lamcore.errors import ConfigError, RunFolderError
from lamcore.provenance import total_cost
from lamcore.quantities import QUANTITIES
from lamcore.resampling import N_DRAWS
from lamcore.results import PAGE, RunSummary
from lamcore.text import format_interval, format_number, format_seconds
from lamcore_leaderboard import export
from lamcore_leaderboard.case_figures import parity_chart, spread_chart
from lamcore_leaderboard.cases import failure_matrix, metric_views
from lamcore_leaderboard.entries import Board, Cell, Column, Item, Row, parts_of
from lamcore_leaderboard.facts import UNSTATED
from lamcore_leaderboard.plotting import Styles
from lamcore_leaderboard.views import domain_bars, item_bars, radars, tradeoffs

if TYPE_CHECKING:
    from jinja2 import Environment

    from lamcore.suite import PublishedRow

ASSETS = ("board.css", "theme.js", "table.js", "charts.js")
DOCUMENT = "data/leaderboard.json"
FACETS = {
    "kind": "Rows",
    "gives": "Gives",
    "forces": "Forces",
    "licence": "Licence of weights",
    "level": "Level of theory",
    "hardware": "Hardware",
}
_OUTLIER = 3.0


@dataclass(frozen=True)
class Scale:
    """Where values of a column lie on a small axis from 0 to 100."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        """Held to the axis."""
        width = self.high - self.low
        return 50.0 if width <= 0 else round(100 * min(max((value - self.low) / width, 0.0), 1.0), 2)


def check_output(folder: Path) -> None:
    """Refuse a folder that holds something other than an earlier site, which is replaced as a whole.

    Raises:
        ConfigError: It does.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--output={folder}: is a file; give a folder")
    if folder.is_dir() and any(folder.iterdir()) and not _is_site(folder):
        raise ConfigError(
            f"--output={folder}: holds files that are not a leaderboard's, and the site replaces the whole folder; "
            "give a new or empty folder"
        )


def write_site(board: Board, folder: Path) -> Path:
    """Write all files, in place of those of an earlier site.

    Returns:
        The front page.

    Raises:
        ConfigError: The folder holds something else.
        RunFolderError: It cannot be written.
    """
    check_output(folder)
    fresh = folder.with_name(f".{folder.absolute().name}.new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        _write_files(board, fresh)
        if folder.exists():
            shutil.rmtree(folder)
        fresh.replace(folder)
    except OSError as error:
        raise RunFolderError(
            f"{folder}: the site cannot be written ({error}); free some space or give --output"
        ) from error
    return folder / "index.html"


def _write_files(board: Board, folder: Path) -> None:
    reports = _copy_reports(board, folder)
    for path, text in {**_pages(board, reports), **_tables(board), **_assets()}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")


def _pages(board: Board, reports: Mapping[str, str]) -> dict[str, str]:
    """Every page by its path."""
    styles = Styles(board.rows)
    common: dict[str, Any] = {
        "board": board,
        "columns": board.columns,
        "reports": reports,
        "version": metadata.version("lamcore-leaderboard"),
        "newest": _newest(board),
    }
    render = _environment().get_template
    pages = {
        "index.html": render("index.html").render(
            **common,
            root="",
            here="standings",
            facets=_facets(board),
            scales={column.key: _scale(board, column) for column in board.columns},
            radars=radars(board, styles),
            tradeoffs=tradeoffs(board, styles),
            bars=[chart for item in board.items for chart in item_bars(board, item)],
            domain_bars=domain_bars(board),
            sources=_sources(board),
        ),
        "methods.html": render("methods.html").render(
            **common, root="", here="methods", quantities=QUANTITIES.values(), n_draws=N_DRAWS
        ),
    }
    for row in board.measured:
        pages[f"models/{row.slug}.html"] = render("model.html").render(
            **common, root="../", here="models", row=row, trees=_trees(row), cost=_cost
        )
    for item in board.items:
        pages[f"items/{item.slug}.html"] = render("item.html").render(
            **common, root="../", here="items", **_item_context(board, item, styles)
        )
    return pages


def _item_context(board: Board, item: Item, styles: Styles) -> dict[str, Any]:
    views = metric_views(item)
    panels = [
        {
            "view": view,
            "charts": [
                chart
                for chart in (parity_chart(view, styles), spread_chart(view, styles) if view.varies else None)
                if chart is not None
            ],
        }
        for view in views
        if view.cases and view.varies
    ]
    return {
        "item": item,
        "views": views,
        "panels": panels,
        "bars": item_bars(board, item),
        "matrix": failure_matrix(item),
    }


def _tables(board: Board) -> dict[str, str]:
    return {
        DOCUMENT: json.dumps(export.document(board), indent=1, allow_nan=False, ensure_ascii=False) + "\n",
        "data/standings.csv": export.standings_csv(board),
        "data/metrics.csv": export.metrics_csv(board),
    }


def _assets() -> dict[str, str]:
    from plotly.offline import get_plotlyjs

    own = resources.files("lamcore_leaderboard") / "assets"
    return {f"assets/{name}": (own / name).read_text(encoding="utf-8") for name in ASSETS} | {
        "assets/plotly.min.js": get_plotlyjs()
    }


def _copy_reports(board: Board, folder: Path) -> dict[str, str]:
    """Copy the reports of the runs that are shown; their paths in the site by run id."""
    paths = {}
    for row in board.measured:
        for run in row.standing.runs.values() if row.standing else ():
            source = run.folder / PAGE
            if source.is_file():
                paths[run.run_id] = f"runs/{run.run_id}/{PAGE}"
                target = folder / paths[run.run_id]
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    return paths


def _sources(board: Board) -> list[tuple[str, str, str]]:
    """Source, address and note of published rows, each once."""
    return list(dict.fromkeys(source_of(row.published) for row in board.rows if row.published is not None))


def source_of(row: PublishedRow) -> tuple[str, str, str]:
    """What published rows of one origin share."""
    return row.source, row.url, row.note


def _facets(board: Board) -> list[dict[str, Any]]:
    """What rows can be filtered by, without what would leave no choice."""
    found = []
    for key, title in FACETS.items():
        values = sorted({value for row in board.rows for value in row.facets.get(key, ()) if row.kind != "dummy"})
        if len(values) > 1:
            values.sort(key=lambda value: value == UNSTATED)
            found.append({"key": key, "title": title, "values": values})
    return found


def _scale(board: Board, column: Column) -> Scale:
    """From 0, or the lowest value below it, to the highest; outliers far beyond the dummy do not stretch it."""
    cells = [row.cells[column.key] for row in board.rows if column.key in row.cells]
    values = [cell.value for cell in cells if cell.value is not None]
    ends = [end for cell in cells for end in cell.interval or ()]
    high = max([*values, *ends], default=1.0)
    baseline = board.dummy.cells.get(column.key) if board.dummy else None
    if baseline is not None and baseline.value:
        high = min(high, _OUTLIER * baseline.value)
    return Scale(min([0.0, *values, *ends]), high)


def _failed_cases(item: Item) -> int:
    """Over all models."""
    return sum(run.n_failed for _, run in item.runs)


def _trees(row: Row) -> list[Any]:
    """The headlines of a measured model with all that they are made of."""
    return [list(parts_of(score)) for score in row.standing.scores.values()] if row.standing else []


def _cost(run: RunSummary) -> dict[str, float]:
    return {"structures": 0.0, "atoms": 0.0, "model_seconds": 0.0, **total_cost(run.provenance["sessions"])}


def _newest(board: Board) -> str:
    """The day of the newest run, so that the same runs give the same site."""
    days = [
        str(session["started_at"])[:10]
        for row in board.measured
        for run in (row.standing.runs.values() if row.standing else ())
        for session in run.provenance["sessions"]
    ]
    return max(days, default="")


def _is_site(folder: Path) -> bool:
    try:
        content = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # not one of ours, whatever it is
    return isinstance(content, dict) and content.get("format") == export.FORMAT


def _place(cell: Cell) -> str:
    """`2` or `1–3`: the places that a model can claim."""
    if cell.place is None:
        return ""
    best, worst = cell.place
    return str(best) if best == worst else f"{best}–{worst}"


def _as_published(column: Column, value: float) -> str:
    """A published figure, to the decimals that the suite ranks by."""
    decimals = column.headline.decimals
    return format_number(value) if decimals is None else f"{value:.{decimals}f}"


def _breakable(name: str) -> Markup:
    """A long name that may be broken after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lamcore_leaderboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown: dict[str, Callable[..., Any]] = {
        "number": format_number,
        "interval": format_interval,
        "seconds": format_seconds,
        "place": _place,
        "breakable": _breakable,
    }
    environment.filters.update(shown)
    environment.globals.update(
        as_published=_as_published, source_of=source_of, failed_cases=_failed_cases, UNSTATED=UNSTATED
    )
    return environment
