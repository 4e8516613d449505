"""The native API for reading: each address, its parameters, and what answers it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from lamcore_crystal.store.query import CrystalQuery
from lamcore_crystal.web.errors import ApiError, not_found
from lamcore_crystal.web.files import FORMATS, file_of
from lamcore_crystal.web.leaders import Leaders
from lamcore_crystal.web.site import Site
from lamcore_crystal.web.views import crystals, hulls, overview, submissions

_LARGEST_ID = 2**62
_MAX_TEXT = 200
_LISTS = ("elements", "any_of", "exclude", "only")
_STRICT = ConfigDict(extra="forbid")
Limit = Annotated[int, Field(ge=1, le=500)]
Text = Annotated[str, Field(max_length=_MAX_TEXT)]
Cursor = Annotated[str, Field(max_length=2000)]
Status = Literal["refused", "checked", "passed", "failed"]


class CrystalParameters(BaseModel):
    """Conditions that all hold; see `lamcore_crystal.store.query.CrystalQuery`."""

    model_config = _STRICT
    elements: Annotated[Text, Field(description="Symbols that are all present, with commas: Li,O")] = ""
    any_of: Annotated[Text, Field(description="Symbols of which one at least is present")] = ""
    exclude: Annotated[Text, Field(description="Symbols of which none is present")] = ""
    only: Annotated[Text, Field(description="All symbols that may be present")] = ""
    chemical_system: Annotated[Text | None, Field(description="Exactly these elements: Li-O")] = None
    formula: Annotated[Text | None, Field(description="In any order; * is any element: *O2")] = None
    formula_anonymous: Annotated[Text | None, Field(description="Such as AB2")] = None
    space_group: Annotated[int | None, Field(ge=1, le=230)] = None
    crystal_system: Text | None = None
    wyckoff: Annotated[Text | None, Field(description="Letters, with elements or without: 225: a Na b Cl")] = None
    prototype: Text | None = None
    source: Text | None = None
    submission_id: Annotated[int | None, Field(ge=0, le=_LARGEST_ID)] = None
    min_hull: Annotated[float | None, Field(allow_inf_nan=False, description="eV/atom")] = None
    max_hull: Annotated[float | None, Field(allow_inf_nan=False, description="eV/atom")] = None
    min_formation: Annotated[float | None, Field(allow_inf_nan=False, description="eV/atom")] = None
    max_formation: Annotated[float | None, Field(allow_inf_nan=False, description="eV/atom")] = None
    min_sites: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    max_sites: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    n_elements: Annotated[int | None, Field(ge=1, le=200)] = None
    unique: Annotated[bool, Field(description="Only those that repeat no other")] = False
    novel: Annotated[bool, Field(description="Only those in no reference set")] = False
    sort: Literal["id", "energy_above_hull", "formation_energy_per_atom"] = "id"
    descending: bool = False
    limit: Limit = 100
    after: Annotated[Cursor | None, Field(description="`next` of the page before")] = None

    def query(self) -> CrystalQuery:
        """The same for the store."""
        values = self.model_dump(exclude={"limit", "after"})
        lists = {name: tuple(part.strip() for part in values[name].split(",") if part.strip()) for name in _LISTS}
        return CrystalQuery(**(values | lists))


class PageParameters(BaseModel):
    """A place in a list."""

    model_config = _STRICT
    limit: Limit = 100
    after: Cursor | None = None


class SimilarParameters(PageParameters):
    """What similar means."""

    by: Literal["prototype", "formula"] = "prototype"


class StructureParameters(PageParameters):
    """Which structures of a submission."""

    status: Status | None = None


def make_routes(site: Site) -> APIRouter:
    """All addresses for reading, below `/api/v1`."""
    router = APIRouter(prefix="/api/v1")
    leaders = Leaders(site)

    @router.get("/challenge", tags=["challenge"])
    def challenge() -> dict[str, Any]:
        """The challenge: name, licence, counts, the newest round with its rules, model and hull."""
        with site.read() as connection:
            return overview.challenge_view(connection)

    @router.get("/statistics", tags=["challenge"])
    def statistics() -> dict[str, Any]:
        """Counts by element, space group, crystal system, source, distance to the hull and code."""
        with site.read() as connection:
            return overview.statistics_view(connection)

    @router.get("/figures/{name}", tags=["challenge"], response_class=Response)
    def figure(name: str, theme: Literal["light", "dark"] = "light") -> Response:
        """A figure as Plotly's JSON, with its text and its table: elements, space-groups, hull-distance, parity."""
        from lamcore_crystal.figures.served import FigureError, figure_json

        try:
            with site.read() as connection:
                drawn = figure_json(connection, name[:_MAX_TEXT], theme)
        except FigureError as error:
            raise ApiError(404, "not_found", str(error), "/api/v1/statistics has the counts") from error
        return Response(drawn, media_type="application/json")

    @router.get("/leaderboard", tags=["challenge"])
    def leaderboard() -> dict[str, Any]:
        """Submissions and sources, with shares of all that was submitted and their intervals."""
        return leaders.answer()

    _add_crystals(router, site)
    _add_submissions(router, site)
    _add_hulls(router, site)
    return router


def _add_crystals(router: APIRouter, site: Site) -> None:
    @router.get("/crystals", tags=["crystals"])
    def search_crystals(parameters: Annotated[CrystalParameters, Query()]) -> dict[str, Any]:
        """Search the open database, a page at a time."""
        return _search(site, parameters.query(), parameters.limit, parameters.after)

    @router.get("/crystals/{crystal_id}", tags=["crystals"])
    def one_crystal(crystal_id: int) -> dict[str, Any]:
        """A crystal with its geometries, relaxation, decomposition, results and history."""
        with site.read() as connection:
            found = crystals.crystal_view(connection, _id(crystal_id))
        if found is None:
            raise _no_crystal(crystal_id)
        return found

    @router.get("/crystals/{crystal_id}/file.{extension}", tags=["crystals"], response_class=Response)
    def crystal_file(crystal_id: int, extension: str) -> Response:
        """The relaxed crystal as cif, poscar, extxyz or json."""
        if extension not in FORMATS:
            raise not_found(f"file of kind {extension[:20]!a}", f"there are {', '.join(FORMATS)}")
        with site.read() as connection:
            row = crystals.crystal_row(connection, _id(crystal_id))
        if row is None:
            raise _no_crystal(crystal_id)
        data, media_type, name = file_of(crystal_id, row, extension)
        return Response(data, media_type=media_type, headers=_attachment(name))

    @router.get("/crystals/{crystal_id}/raw", tags=["crystals"], response_class=Response)
    def crystal_raw(crystal_id: int) -> Response:
        """The file as it was submitted, byte by byte."""
        from lamcore_crystal.store.content import content_of

        with site.read() as connection:
            row = crystals.crystal_row(connection, _id(crystal_id))
            if row is None:
                raise _no_crystal(crystal_id)
            data = content_of(connection, row["content_sha256"])
        # Foreign bytes: never shown by a browser, never named by what they hold.
        return Response(
            data, media_type="application/octet-stream", headers=_attachment(f"crystal-{crystal_id}-as-submitted.cif")
        )

    @router.get("/crystals/{crystal_id}/similar", tags=["crystals"])
    def similar(crystal_id: int, parameters: Annotated[SimilarParameters, Query()]) -> dict[str, Any]:
        """Crystals of the same prototype or formula; the crystal itself is among them."""
        with site.read() as connection:
            row = crystals.crystal_row(connection, _id(crystal_id))
        if row is None:
            raise _no_crystal(crystal_id)
        query = CrystalQuery(**{parameters.by: row[parameters.by]}, sort="energy_above_hull")
        return _search(site, query, parameters.limit, parameters.after)


def _add_submissions(router: APIRouter, site: Site) -> None:
    @router.get("/submissions", tags=["submissions"])
    def all_submissions(parameters: Annotated[PageParameters, Query()]) -> dict[str, Any]:
        """Submissions, the newest first."""
        with site.read() as connection:
            return submissions.submissions_view(connection, parameters.limit, parameters.after)

    @router.get("/submissions/{submission_id}", tags=["submissions"])
    def one_submission(submission_id: int) -> dict[str, Any]:
        """How far a submission is: counts by status, the gate, files checked, structures relaxed."""
        with site.read() as connection:
            found = submissions.submission_view(connection, _id(submission_id))
        if found is None:
            raise _no_submission(submission_id)
        return found

    @router.get("/submissions/{submission_id}/structures", tags=["submissions"])
    def structures(submission_id: int, parameters: Annotated[StructureParameters, Query()]) -> dict[str, Any]:
        """What became of each structure: its code, what it means and what to do."""
        with site.read() as connection:
            if submissions.submission_view(connection, _id(submission_id)) is None:
                raise _no_submission(submission_id)
            return submissions.structures_view(
                connection, submission_id, parameters.status, parameters.limit, parameters.after
            )


def _add_hulls(router: APIRouter, site: Site) -> None:
    @router.get("/hulls", tags=["hulls"])
    def all_hulls() -> dict[str, Any]:
        """Hulls, the newest first."""
        with site.read() as connection:
            return hulls.hulls_view(connection)

    @router.get("/hulls/{hull_id}", tags=["hulls"])
    def one_hull(hull_id: int) -> dict[str, Any]:
        """A hull: what it is made of, and its hash."""
        with site.read() as connection:
            return _hull(connection, hull_id)

    @router.get("/hulls/{hull_id}/diagram/{chemical_system}", tags=["hulls"])
    def diagram(hull_id: int, chemical_system: str) -> dict[str, Any]:
        """The phase diagram of two or three elements: entries, and facets as positions among them."""
        with site.read() as connection:
            elements = _elements(chemical_system, _hull(connection, hull_id)["elements"])
            return hulls.diagram_view(connection, hull_id, elements)


def _search(site: Site, query: CrystalQuery, limit: int, after: str | None) -> dict[str, Any]:
    from lamcore_crystal.store.patterns import PatternError
    from lamcore_crystal.store.search import search

    try:
        with site.read() as connection:
            page = search(connection, query, limit, after)
    except PatternError as error:
        message, _, advice = str(error).rpartition("; ")
        raise ApiError(422, "bad_parameter", message or advice, advice) from error
    return {"items": [dict(row) for row in page.rows], "next": page.next, "total": page.total}


def _hull(connection: Any, hull_id: int) -> dict[str, Any]:
    found = hulls.hull_view(connection, _id(hull_id))
    if found is None:
        raise not_found(f"hull {hull_id}", "/api/v1/hulls lists all")
    return found


def _elements(chemical_system: str, known: list[str]) -> list[str]:
    elements = sorted(set(chemical_system[:_MAX_TEXT].split("-")))
    if len(elements) not in (2, 3):
        raise ApiError(
            422, "bad_parameter", f"{chemical_system[:40]!a} is no system of 2 or 3", "such as Li-O or Li-Fe-O"
        )
    missing = [one for one in elements if one not in known]
    if missing:
        named = ", ".join(f"{one[:10]!a}" for one in missing)
        raise not_found(f"reference of {named} in this hull", f"it has {', '.join(known)}")
    return elements


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _id(number: int) -> int:
    """The number where it may be an id; 0, which is none, where a database could not hold it."""
    return number if 0 <= number <= _LARGEST_ID else 0


def _no_crystal(crystal_id: int) -> ApiError:
    return not_found(f"crystal {crystal_id}", "/api/v1/crystals searches for those that were accepted")


def _no_submission(submission_id: int) -> ApiError:
    return not_found(f"submission {submission_id}", "/api/v1/submissions lists all")
