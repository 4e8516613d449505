"""The frame of OPTIMADE's responses: `meta`, `info`, `links`, `errors`; built with optimade-python-tools' models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from lamcore_crystal.store.schema import challenge
from lamcore_crystal.web.optimade.entries import DEFAULT_FIELDS
from lamcore_crystal.web.optimade.properties import PREFIX, PROPERTIES

if TYPE_CHECKING:
    from fastapi import Request
    from fastapi.responses import JSONResponse

    from lamcore_crystal.web.site import Site

API_VERSION = "1.2.0"
MEDIA_TYPE = "application/vnd.api+json"
_SCHEMA = "https://schemas.optimade.org/openapi/v1.2/optimade.json"
_ENDPOINTS = ["info", "links", "structures"]


def answer(content: dict[str, Any], status: int = 200) -> JSONResponse:
    """A response of JSON:API."""
    from fastapi.responses import JSONResponse

    return JSONResponse(content, status, media_type=MEDIA_TYPE)


def meta(
    request: Request,
    *,
    data_returned: int | None = None,
    data_available: int | None = None,
    more: bool = False,
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """What every response says of itself.

    Args:
        request: That is answered.
        data_returned: How many the filter finds; None where that is not known.
        data_available: How many there are.
        more: Whether there is another page.
        warnings: What the client should be told.
    """
    from optimade.models import Implementation, Provider, ResponseMeta, ResponseMetaQuery, Warnings

    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    query = f"?{request.url.query}" if request.url.query else ""
    values: dict[str, Any] = {
        "query": ResponseMetaQuery(representation=path + query),
        "api_version": API_VERSION,
        "more_data_available": more,
        "schema": _SCHEMA,
        "time_stamp": datetime.now(UTC).replace(microsecond=0),
        "provider": Provider(
            name="lamcore", description="A crystal challenge served by lamcore-crystal", prefix=PREFIX
        ),
        "implementation": Implementation(name="lamcore-crystal", version=version("lamcore-crystal")),
    }
    if data_returned is not None:
        values["data_returned"] = data_returned
    if data_available is not None:
        values["data_available"] = data_available
    if warnings:
        values["warnings"] = [Warnings(title="Unknown property", detail=detail) for detail in warnings]
    built: dict[str, Any] = ResponseMeta(**values).model_dump(mode="json", by_alias=True, exclude_unset=True)
    for warning in built.get("warnings", []):
        warning["type"] = "warning"
    return built


def info(site: Site, connection: Connection, request: Request) -> dict[str, Any]:
    """`/info`."""
    from optimade.models import BaseInfoAttributes, BaseInfoResource

    licence = str(connection.execute(select(challenge.c.licence)).scalar_one())
    attributes = BaseInfoAttributes(
        api_version=API_VERSION,
        available_api_versions=[{"url": f"{site.base_url(request)}/v1", "version": API_VERSION}],
        formats=["json"],
        available_endpoints=_ENDPOINTS,
        entry_types_by_format={"json": ["structures"]},
        is_index=False,
        available_licenses=[licence] if _looks_like_spdx(licence) else None,
    )
    resource = BaseInfoResource(attributes=attributes)
    return {"data": resource.model_dump(mode="json", exclude_none=True), "meta": meta(request)}


def structures_info(request: Request) -> dict[str, Any]:
    """`/info/structures`."""
    return {"data": _structures_resource(), "meta": meta(request)}


@cache
def _structures_resource() -> dict[str, Any]:
    from optimade.models import EntryInfoResource

    shown = ("id", "type", *DEFAULT_FIELDS)
    properties = {
        name: {"description": one.description, "type": one.kind, "sortable": one.is_sortable}
        | ({"unit": one.unit} if one.unit is not None else {})
        for name, one in PROPERTIES.items()
        if name in shown
    }
    resource = EntryInfoResource(
        id="structures",
        type="info",
        formats=["json"],
        description="Crystals that were accepted, as relaxed by the model of their round.",
        properties=properties,
        output_fields_by_format={"json": list(properties)},
    )
    dumped: dict[str, Any] = resource.model_dump(mode="json", exclude_none=True)
    return dumped


def links(site: Site, connection: Connection, request: Request) -> dict[str, Any]:
    """`/links`: the database itself as the root, for there is none above it."""
    from optimade.models import LinksResource, LinksResourceAttributes

    name = str(connection.execute(select(challenge.c.name)).scalar_one())
    attributes = LinksResourceAttributes(
        name=name,
        description="The open database of this challenge",
        base_url=site.base_url(request),
        homepage=site.base_url(request),
        link_type="root",
    )
    resource = LinksResource(id=PREFIX, type="links", attributes=attributes)
    return {
        "data": [resource.model_dump(mode="json", exclude_none=True)],
        "meta": meta(request, data_returned=1, data_available=1),
    }


def error(request: Request, status: int, title: str, detail: str) -> JSONResponse:
    """A response that tells what is wrong."""
    problem = {"status": str(status), "title": title, "detail": detail}
    return answer({"errors": [problem], "meta": meta(request)}, status)


def _looks_like_spdx(licence: str) -> bool:
    return licence.isascii() and " " not in licence and licence not in ("", "unknown")
