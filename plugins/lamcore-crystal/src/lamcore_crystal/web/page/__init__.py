"""The web page of a challenge: HTML and JavaScript that show what the API gives.

No template sees anything from the database: all of it comes through the API and is set as text by the browser.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from lamcore_crystal.stability import METASTABLE_WITHIN, STABLE_WITHIN

FOLDER = Path(__file__).parent

# Address → template. Each page reads what it shows (an id, a query) from its own address.
PAGES = {
    "/": "search.html",
    "/crystals/{id}": "crystal.html",
    "/hulls": "hulls.html",
    "/leaderboard": "leaderboard.html",
    "/statistics": "statistics.html",
    "/submit": "submit.html",
    "/submissions/{id}": "submission.html",
    "/about": "about.html",
    "/docs": "docs.html",
}

# plotly.js sets style attributes and a style element of its own; scripts are files of this server alone.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",  # kept, but asked for again: the answer is 304 while nothing changed
}


def mount(app: FastAPI) -> None:
    """Serve the page at `/` and below, and its files under `/static/`.

    Args:
        app: The application that serves the API under `/api/v1`; its own routes go first.
    """
    for path, template in PAGES.items():
        app.add_api_route(path, _page(template), methods=["GET", "HEAD"], include_in_schema=False, name=template)
    app.add_api_route("/static/plotly.js", _plotly_js, methods=["GET"], include_in_schema=False)
    app.mount("/static", _Files(directory=FOLDER / "static"), name="static")


def _page(template: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        return _answer(request, *_rendered(template), "text/html; charset=utf-8")

    return page


async def _plotly_js(request: Request) -> Response:
    return _answer(request, *_plotly(), "text/javascript; charset=utf-8")


def _answer(request: Request, data: bytes, etag: str, media_type: str) -> Response:
    headers = {**HEADERS, "ETag": etag, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        data = gzip.decompress(data)
        del headers["Content-Encoding"]
    return Response(data, media_type=media_type, headers=headers)


@cache
def _rendered(template: str) -> tuple[bytes, str]:
    """A page, packed, with its ETag."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    values = {"stable_within": STABLE_WITHIN, "metastable_within": METASTABLE_WITHIN}
    return _packed(environment.get_template(template).render(page=template.removesuffix(".html"), **values).encode())


@cache
def _plotly() -> tuple[bytes, str]:
    """The plotly.js of the installed Python package, packed, with its ETag."""
    from plotly.offline import get_plotlyjs

    return _packed(get_plotlyjs().encode())


def _packed(data: bytes) -> tuple[bytes, str]:
    return gzip.compress(data, 6, mtime=0), f'"{hashlib.sha256(data).hexdigest()[:32]}"'


class _Files(StaticFiles):
    """Files with the headers of the page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response
