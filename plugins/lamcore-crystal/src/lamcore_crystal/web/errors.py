"""Errors of the native API: `{"error": {"code", "message", "advice"}}`."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lamcore_crystal.web.headers import HEADERS

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

_LOG = logging.getLogger(__name__)
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "wrong_content", 422: "bad_parameter"}


class ApiError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: Of HTTP.
        code: For programs.
        message: What is wrong: what was got, what was expected.
        advice: What to do next.
        headers: Beside the usual ones.
    """

    def __init__(
        self, status: int, code: str, message: str, advice: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.advice = advice
        self.headers = dict(headers or {})

    def as_json(self) -> dict[str, Any]:
        """As answered."""
        return {"error": {"code": self.code, "message": self.message, "advice": self.advice}}


class TooSlowError(ApiError):
    """A query that would have taken longer than the server gives to one."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            503,
            "too_slow",
            f"the query was stopped after {seconds:g} s",
            "ask for less: name elements, a formula or a space group, and leave the order at its default",
            {"Retry-After": "30"},
        )


def not_found(what: str, advice: str) -> ApiError:
    """There is no such thing."""
    return ApiError(404, "not_found", f"there is no {what}", advice)


def install(app: FastAPI) -> None:
    """Answer every error of an application in this form; what is unexpected is logged, and shown by a number alone."""
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    from lamcore.errors import LamcoreError

    def of_api(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return _answer(error)

    def of_validation(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        parts = [
            f"{'.'.join(str(part) for part in one['loc'][1:]) or one['loc'][0]}: {one['msg']}" for one in error.errors()
        ]
        return _answer(ApiError(422, "bad_parameter", "; ".join(parts), "/api/v1/openapi.json describes them"))

    def of_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = _CODES.get(error.status_code, "http_error")
        advice = "/api/v1/openapi.json lists what there is"
        return _answer(ApiError(error.status_code, code, str(error.detail), advice, error.headers))

    def of_lamcore(_: Request, error: Exception) -> JSONResponse:
        reference = secrets.token_hex(4)
        _LOG.error("%s: %s", reference, error, exc_info=error)
        return _answer(
            ApiError(503, "unavailable", f"the database cannot be used now ({reference} in the log)", "try later")
        )

    def of_anything(_: Request, error: Exception) -> JSONResponse:
        reference = secrets.token_hex(4)
        _LOG.error("%s: %r", reference, error)
        message = f"the server failed (number {reference} in the log)"
        # This answer passes by no middleware.
        return _answer(ApiError(500, "server_error", message, "tell who runs this server that number", HEADERS))

    app.add_exception_handler(ApiError, of_api)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(LamcoreError, of_lamcore)
    app.add_exception_handler(Exception, of_anything)


def _answer(error: ApiError) -> JSONResponse:
    from fastapi.responses import JSONResponse

    return JSONResponse(error.as_json(), error.status, headers=error.headers)
