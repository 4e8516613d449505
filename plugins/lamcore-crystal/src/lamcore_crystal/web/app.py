"""The web application of a challenge: the native API, OPTIMADE, and the page."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.middleware.cors import CORSMiddleware

from lamcore_crystal.challenge import Challenge
from lamcore_crystal.web import errors
from lamcore_crystal.web.optimade import responses
from lamcore_crystal.web.optimade.errors import VersionError
from lamcore_crystal.web.optimade.routes import make_optimade
from lamcore_crystal.web.routes import make_routes
from lamcore_crystal.web.security import ReadersOnly, SafeHeaders
from lamcore_crystal.web.site import Site, Submit
from lamcore_crystal.web.uploads import make_uploads

_VERSIONS = ("/v1.2.0", "/v1.2", "/v1")


def make_app(challenge: Path | Challenge, *, submit: Submit | None = None, **options: Any) -> FastAPI:
    """The application.

    Args:
        challenge: A folder, or an open challenge.
        submit: Takes submissions in; None takes `lamcore_crystal.stages.submit.submit`.
        options: Of `Site`.

    Raises:
        LamcoreError: The challenge cannot be opened.
    """
    from lamcore_crystal.stages.submit import submit as submit_stage

    opened = challenge if isinstance(challenge, Challenge) else Challenge.open(challenge)
    site = Site(opened, submit if submit is not None else submit_stage, **options)
    app = FastAPI(
        title="lamcore-crystal",
        description="A crystal challenge: structures, submissions, hulls, statistics, leaderboard.",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.site = site
    errors.install(app)
    app.include_router(make_routes(site))
    app.include_router(make_uploads(site))
    optimade = make_optimade(site)
    for prefix in _VERSIONS:
        app.mount(prefix, optimade)
    _add_versions(app)
    if find_spec("lamcore_crystal.web.page") is not None:
        from lamcore_crystal.web import page

        page.mount(app)
    app.add_middleware(ReadersOnly, site=site)
    # Data is for everybody's scripts; a token is never sent along by a browser on its own.
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], allow_headers=["Authorization"])
    app.add_middleware(SafeHeaders)
    return app


def _add_versions(app: FastAPI) -> None:
    @app.get("/versions", include_in_schema=False)
    def versions() -> PlainTextResponse:
        return PlainTextResponse("version\n1\n", media_type="text/csv; header=present")

    @app.get("/v{version}/{rest:path}", include_in_schema=False)
    def other_version(request: Request, version: str, rest: str) -> JSONResponse:
        if not version[:1].isdigit():
            raise errors.not_found(f"page at {request.url.path[:80]!a}", "/api/v1/openapi.json lists what there is")
        return responses.error(
            request, VersionError.status, VersionError.title, f"version {version[:20]!a} is not offered; /v1 is 1.2"
        )
