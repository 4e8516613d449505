"""The report as files: one page, its style, its script, Plotly, and the numbers as JSON."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.errors import ConfigError
from lamcore.text import format_number, format_seconds
from lamcore_crystal.challenge import ChallengeError
from lamcore_crystal.figures.chart import PALETTES, Chart, percent, visible
from lamcore_crystal.figures.comparison import Comparison, with_external_hull, with_reference_file
from lamcore_crystal.figures.elements import elements_chart
from lamcore_crystal.figures.gates import gates_chart
from lamcore_crystal.figures.hull_distance import hull_distance_chart
from lamcore_crystal.figures.parity import parity_chart
from lamcore_crystal.figures.reference_file import read_hull_distances
from lamcore_crystal.figures.space_groups import space_groups_chart
from lamcore_crystal.report.facts import Facts, facts
from lamcore_crystal.store.writing import now

if TYPE_CHECKING:
    from jinja2 import Environment

    from lamcore_crystal.challenge import Challenge

PAGE = "index.html"
DOCUMENT = "data/report.json"
FORMAT = "lamcore-crystal-report-1"
MOST_ROWS = 200
"""Rows of a table of the leaderboard that the page shows; the JSON holds all."""
_ASSETS = ("report.css", "report.js")


def write_report(challenge: Challenge, folder: Path, reference: Path | None = None) -> Path:
    """Write the page and what it needs, in place of an earlier report.

    Args:
        challenge: Open.
        folder: New, empty, or an earlier report's, which is replaced as a whole.
        reference: A CSV file with formulas and energies above hull of another method, to compare with.

    Returns:
        The page.

    Raises:
        ConfigError: The folder holds something else, or the reference is not such a file.
        ChallengeError: The files cannot be written.
    """
    _check_folder(folder)
    known = None if reference is None else read_hull_distances(reference)
    with challenge.database.read() as connection:
        found = facts(connection)
        comparisons = (
            [] if known is None else [with_reference_file(connection, known, visible(reference_name(reference)))]
        )
        external = with_external_hull(connection)
    comparisons += [] if external is None else [external]
    _replace(folder, _files(found, comparisons))
    return folder / PAGE


def reference_name(reference: Path | None) -> str:
    """What a reference is called in figures: its file name, without the endings of tables."""
    if reference is None:
        return ""
    name = reference.name
    for ending in (".gz", ".bz2", ".xz", ".csv"):
        name = name.removesuffix(ending)
    return name


def charts(found: Facts, comparisons: list[Comparison]) -> list[Chart]:
    """All figures that there is something to draw for."""
    counts = found.statistics
    drawn = []
    if counts.total:
        drawn = [
            elements_chart(counts.elements, counts.total),
            space_groups_chart(counts.space_groups),
            hull_distance_chart(counts.hull_distance_edges, counts.hull_distance_counts, counts.stable, counts.total),
        ]
    drawn += [parity_chart(one, f"parity-{i}") for i, one in enumerate(comparisons) if one.n]
    if found.gates:
        drawn.append(gates_chart(found.gates, found.n_gates_left_out))
    return drawn


def _files(found: Facts, comparisons: list[Comparison]) -> dict[str, str]:
    from plotly.offline import get_plotlyjs

    own = resources.files("lamcore_crystal.report") / "assets"
    written_at, version = now(), metadata.version("lamcore-crystal")
    page = _environment().get_template("report.html")
    return {
        PAGE: page.render(
            facts=found,
            charts=charts(found, comparisons),
            unmatched=[one for one in comparisons if not one.n],
            most_rows=MOST_ROWS,
            written_at=written_at,
            version=version,
        ),
        DOCUMENT: json.dumps(_document(found, comparisons, written_at, version), indent=1, allow_nan=False) + "\n",
        "assets/colours.css": _colours(),
        **{f"assets/{name}": (own / name).read_text(encoding="utf-8") for name in _ASSETS},
        "assets/plotly.min.js": get_plotlyjs(),
    }


def _document(found: Facts, comparisons: list[Comparison], written_at: str, version: str) -> dict[str, Any]:
    """The numbers of the page, for programs."""
    phases = [{**asdict(one), "share_outside_model": one.share_outside_model} for one in found.phases]
    parities = [
        {
            "reference": one.reference,
            "pairs": one.what,
            "how": one.how,
            **(
                {"agreement": {**asdict(one.agreement), "share_agreeing": one.agreement.share_agreeing}}
                if one.n
                else {}
            ),
        }
        for one in comparisons
    ]
    head = {"format": FORMAT, "written_at": written_at, "version": version, "n_submitted": found.n_submitted}
    return {**head, **asdict(found), "phases": phases, "parity": parities}


def _colours() -> str:
    """Each colour of the figures as a CSS variable that follows the theme."""
    pairs = (
        f"  --{name}: light-dark({PALETTES['light'][name]}, {PALETTES['dark'][name]});" for name in PALETTES["light"]
    )
    return ":root {\n" + "\n".join(pairs) + "\n}\n"


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file, expected a folder for the report; name another")
    if folder.is_dir() and any(folder.iterdir()) and not _is_report(folder):
        raise ConfigError(
            f"{folder}: holds files that are not a report's, and a report replaces the whole folder; "
            "name a new or empty one"
        )


def _is_report(folder: Path) -> bool:
    try:
        content = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # not one of ours, whatever it is
    return isinstance(content, dict) and content.get("format") == FORMAT


def _replace(folder: Path, files: Mapping[str, str]) -> None:
    """Write all files beside the folder, then put them in its place."""
    fresh = None
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".report-", dir=folder.absolute().parent))
        fresh.chmod(0o755)
        for path, text in files.items():
            file = fresh / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    except OSError as error:
        raise ChallengeError(
            f"{folder}: the report cannot be written ({error}); free some space, or name another folder with --output"
        ) from error
    finally:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lamcore_crystal.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=format_number, seconds=format_seconds, visible=visible, grouped="{:,}".format)
    environment.globals.update(percent=percent)
    return environment
