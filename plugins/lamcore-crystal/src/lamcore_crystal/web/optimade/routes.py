"""The OPTIMADE application, mounted under `/v1`."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select
from starlette.exceptions import HTTPException

from lamcore.errors import LamcoreError
from lamcore_crystal.store.schema import crystal, model
from lamcore_crystal.web.errors import ApiError
from lamcore_crystal.web.optimade import responses
from lamcore_crystal.web.optimade.entries import DEFAULT_FIELDS, TOP_LEVEL, Entry, columns_for, resource
from lamcore_crystal.web.optimade.errors import BadFilterError, NotFoundError, RequestError
from lamcore_crystal.web.optimade.filters import resolve, to_sql
from lamcore_crystal.web.optimade.listing import Order, count, find, narrowed

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.web.site import Site

DEFAULT_PAGE = 20
LARGEST_PAGE = 500
_LOG = logging.getLogger(__name__)
_COMMON = frozenset({"response_format", "email_address", "api_hint"})
_OF_ENTRY = _COMMON | {"response_fields", "include"}
_OF_LIST = _OF_ENTRY | {"filter", "sort", "page_limit", "page_above"}
_ID = re.compile(r"[0-9]{1,18}")


class PageLimitError(RequestError):
    """More is asked for at once than is given."""

    status = 403
    title = "Forbidden"


def make_optimade(site: Site) -> FastAPI:
    """The application, whose paths begin below `/v1`."""
    app = FastAPI(title="OPTIMADE", version=responses.API_VERSION, docs_url=None, redoc_url=None, openapi_url=None)
    _install_errors(app)

    @app.get("/info")
    def info(request: Request) -> JSONResponse:
        _parameters(request, _COMMON)
        with site.read() as connection:
            return responses.answer(responses.info(site, connection, request))

    @app.get("/info/structures")
    def structures_info(request: Request) -> JSONResponse:
        _parameters(request, _COMMON)
        return responses.answer(responses.structures_info(request))

    @app.get("/links")
    def links(request: Request) -> JSONResponse:
        _parameters(request, _OF_LIST)
        with site.read() as connection:
            return responses.answer(responses.links(site, connection, request))

    @app.get("/structures")
    def structures(request: Request) -> JSONResponse:
        return responses.answer(_structures(site, request))

    @app.get("/structures/{structure_id:path}")
    def structure(request: Request, structure_id: str) -> JSONResponse:
        return responses.answer(_structure(site, request, structure_id))

    return app


def _structures(site: Site, request: Request) -> dict[str, Any]:
    given, warnings = _parameters(request, _OF_LIST)
    fields = _fields(given.get("response_fields"), warnings)
    filter_ = to_sql(given["filter"]) if given.get("filter", "").strip() else None
    warnings += filter_.warnings if filter_ is not None else ()
    order = Order.parse(given["sort"]) if given.get("sort") else Order()
    limit = _page_limit(given.get("page_limit"))
    with site.read() as connection:
        condition = None if filter_ is None else narrowed(connection, filter_)
        found = find(connection, columns_for(fields), condition, order, limit, given.get("page_above"))
        models = _models(connection) if "_lam_model" in fields else {}
    data = [resource(Entry(dict(row._mapping), models), fields) for row in found.rows]
    available = count(site, None)
    returned = available if condition is None else count(site, condition)
    next_link = None
    if found.next_above is not None:
        query = urlencode({**given, "page_limit": limit, "page_above": found.next_above})
        next_link = f"{site.base_url(request)}{request.url.path}?{query}"
    return {
        "data": data,
        "links": {"next": next_link},
        "meta": responses.meta(
            request,
            data_returned=returned,
            data_available=available,
            more=next_link is not None,
            warnings=warnings,
        ),
    }


def _structure(site: Site, request: Request, structure_id: str) -> dict[str, Any]:
    given, warnings = _parameters(request, _OF_ENTRY)
    fields = _fields(given.get("response_fields"), warnings)
    row = None
    if _ID.fullmatch(structure_id):
        with site.read() as connection:
            query = select(*columns_for(fields)).where(crystal.c.id == int(structure_id))
            row = connection.execute(query).first()
            models = _models(connection)
    if row is None or str(row.id) != structure_id:
        raise NotFoundError(f"there is no structure {structure_id[:40]!a}; /v1/structures lists all")
    return {
        "data": resource(Entry(dict(row._mapping), models), fields),
        "links": {"next": None},
        "meta": responses.meta(request, data_returned=1, data_available=count(site, None), warnings=warnings),
    }


def _parameters(request: Request, expected: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """The parameters of the URL, and warnings about those of others.

    Raises:
        BadFilterError: One is not known, is given twice, or asks for what is not offered.
    """
    given: dict[str, str] = {}
    warnings: list[str] = []
    for name, value in request.query_params.multi_items():
        if name.startswith("_"):
            warnings.append(f"the parameter {name[:80]!a} is not known here; it was left out")
        elif name not in expected:
            raise BadFilterError(f"the parameter {name[:80]!a} is not known; expected {', '.join(sorted(expected))}")
        elif name in given:
            raise BadFilterError(f"the parameter {name!r} is given twice; give it once")
        else:
            given[name] = value
    if given.get("response_format", "json") != "json":
        raise BadFilterError(f"response_format={given['response_format'][:40]!a}: only json is offered")
    if given.get("include", "") not in ("", "references"):
        raise BadFilterError(f"include={given['include'][:40]!a}: structures are related to nothing here")
    return given, warnings


def _fields(text: str | None, warnings: list[str]) -> tuple[str, ...]:
    """The properties to answer with.

    Raises:
        BadFilterError: One does not exist.
    """
    if text is None:
        return DEFAULT_FIELDS
    names = dict.fromkeys(name.strip() for name in text.split(",") if name.strip())
    return tuple(resolve(name, warnings).name for name in names if name not in TOP_LEVEL)


def _page_limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise BadFilterError(f"page_limit={text[:40]!a}: expected a whole number from 1 to {LARGEST_PAGE}")
    if int(text) > LARGEST_PAGE:
        raise PageLimitError(f"page_limit={text}: at most {LARGEST_PAGE} are given at once; follow links.next")
    return int(text)


def _models(connection: Connection) -> dict[int, str]:
    return {row.id: row.name for row in connection.execute(select(model.c.id, model.c.name))}


def _install_errors(app: FastAPI) -> None:
    def of_request(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestError)
        return responses.error(request, error.status, error.title, str(error))

    def of_api(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return responses.error(request, error.status, error.code, f"{error.message}; {error.advice}")

    def of_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        detail = f"{error.detail}: /v1 has info, info/structures, links and structures"
        return responses.error(request, error.status_code, str(error.detail), detail)

    def of_anything(request: Request, error: Exception) -> JSONResponse:
        _LOG.error("%r", error, exc_info=error)
        return responses.error(request, 500, "Internal Server Error", "the server failed; its log tells why")

    app.add_exception_handler(RequestError, of_request)
    app.add_exception_handler(ApiError, of_api)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(LamcoreError, of_anything)
    app.add_exception_handler(Exception, of_anything)
