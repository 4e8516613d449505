"""What stands in front of every request: who may read, and the headers that keep browsers from doing harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders

from lamcore_crystal.web.errors import ApiError
from lamcore_crystal.web.headers import HEADERS
from lamcore_crystal.web.tokens import bearer, may_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lamcore_crystal.web.site import Site

_DATA = ("/api/", "/v1/", "/v1.2/", "/v1.2.0/")
_READING = ("GET", "HEAD")


class SafeHeaders:
    """Adds the headers to every response that does not bring them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


class ReadersOnly:
    """Lets nobody read data without a token, where the challenge says so."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["method"] in _READING and scope["path"].startswith(_DATA):
            header = Headers(scope=scope).get("authorization")
            refusal = await run_in_threadpool(_read_refusal, self.site, header)
            if refusal is not None:
                response = JSONResponse(refusal.as_json(), refusal.status, headers=refusal.headers)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


def check_submitter(site: Site, header: str | None) -> None:
    """Let only those go on whose token allows to submit.

    Raises:
        ApiError: 401 without a token, or with one that is not in force; 403 with one that is for reading.
    """
    given = bearer(header)
    if given is None:
        raise _unauthorized("a token is needed to submit")
    with site.read() as connection:
        may = may_of(connection, given)
    if may is None:
        raise _unauthorized("this token is not in force")
    if may != "submit":
        raise ApiError(
            403, "read_only", "this token is for reading alone", "ask who runs the challenge for one that may submit"
        )


def _read_refusal(site: Site, header: str | None) -> ApiError | None:
    try:
        if site.read_access() == "open":
            return None
        given = bearer(header)
        if given is None:
            return _unauthorized("this challenge is read with a token")
        with site.read() as connection:
            return None if may_of(connection, given) is not None else _unauthorized("this token is not in force")
    except ApiError as error:
        return error


def _unauthorized(message: str) -> ApiError:
    return ApiError(
        401,
        "unauthorized",
        message,
        "send `Authorization: Bearer <token>`; who runs the challenge makes one with `lamcore crystal token`",
        {"WWW-Authenticate": "Bearer"},
    )
