"""The report of a run as one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from lamcore.provenance import total_cost
from lamcore.report import RunView, Section
from lamcore.text import format_interval, format_number

if TYPE_CHECKING:
    from jinja2 import Template

    from lamcore.specs import ReportSpec


def render_page(view: RunView, provenance: Mapping[str, Any], reports: Sequence[ReportSpec]) -> str:
    """The HTML of a run's report: metrics, the sections of the reports, failures and provenance.

    A report that raises loses its own sections; the page says so where they would be.
    """
    sections: list[Section] = []
    sessions = provenance["sessions"]
    for spec in reports:
        try:
            sections += spec.sections(view)
        except Exception as error:  # a plugin's drawing must not cost the user the numbers
            sections.append(_apology(spec.name, error))
    return _template().render(
        view=view,
        provenance=provenance,
        sections=sections,
        failed=[case for case in view.scored if case.failure is not None],
        session=sessions[-1] if sessions else None,
        same_everywhere=all(_where(session) == _where(sessions[0]) for session in sessions),
        cost=total_cost(sessions),
        number=format_number,
        interval=format_interval,
    )


def _where(session: Mapping[str, Any]) -> tuple[Any, ...]:
    compute = session["compute"] or {}
    return session["versions"], session["python"], session["machine"]["processor"], compute.get("device")


def _apology(name: str, error: Exception) -> Section:
    from html import escape

    return Section(
        f"Report {name}", f"<p class='warning'>This report raised {escape(f'{type(error).__name__}: {error}')}</p>"
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lamcore", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html")
