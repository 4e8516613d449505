"""Submitting over HTTP: who may is known before a byte of the body is read, and half an upload leaves nothing."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from lamcore.errors import ConfigError, DataError
from lamcore_crystal.challenge import ChallengeError
from lamcore_crystal.rounds import RoundSettings
from lamcore_crystal.web.errors import ApiError
from lamcore_crystal.web.multipart import Upload, flag
from lamcore_crystal.web.security import check_submitter
from lamcore_crystal.web.site import Site

# What forms need beside the files.
_BYTES_OF_FORM = 1_000_000
_FORM_SCHEMA = {
    "type": "object",
    "required": ["file", "source"],
    "properties": {
        "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "source": {"type": "string"},
        "submitter": {"type": "string"},
        "licence": {"type": "string"},
        "split_blocks": {"type": "boolean"},
    },
}


def make_uploads(site: Site) -> APIRouter:
    """The address that submissions are sent to."""
    router = APIRouter(prefix="/api/v1")
    places = _Places(site.max_uploads)

    @router.post(
        "/submissions",
        tags=["submissions"],
        status_code=202,
        openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM_SCHEMA}}}},
    )
    async def submit(request: Request) -> JSONResponse:
        """Send files, or one archive, with `Authorization: Bearer <token>`; `Location` tells how it goes on."""
        await run_in_threadpool(check_submitter, site, request.headers.get("authorization"))
        settings = await run_in_threadpool(_open_round, site)
        limit = settings.max_submission_bytes + _BYTES_OF_FORM
        if _announced(request) > limit:
            raise _too_large(settings)
        async with places.one():
            return await _receive(site, request, settings, limit)

    return router


class _Places:
    """How many uploads may be on their way."""

    def __init__(self, n: int) -> None:
        self._free = n

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        if self._free < 1:
            raise ApiError(
                503, "busy", "too many uploads are on their way", "send it again in a minute", {"Retry-After": "60"}
            )
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


async def _receive(site: Site, request: Request, settings: RoundSettings, limit: int) -> JSONResponse:
    with tempfile.TemporaryDirectory(prefix="lamcore-upload-", dir=site.spool) as folder:
        upload = Upload(request.headers.get("content-type", ""), Path(folder), settings.max_files)
        try:
            n_bytes = 0
            pieces = request.stream()
            while (piece := await _next(pieces, site.silent_seconds)) is not None:
                n_bytes += len(piece)
                if n_bytes > limit:
                    raise _too_large(settings)
                await run_in_threadpool(upload.write, piece)
            receipt = await run_in_threadpool(_submit, site, upload)
        except ClientDisconnect:
            raise ApiError(400, "disconnected", "the client left during the upload", "send it again") from None
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise ApiError(
                507, "full", "the server has no space for this upload", "nothing was kept; try later"
            ) from error
        finally:
            upload.close()
    address = f"/api/v1/submissions/{receipt.submission_id}"
    content = {"id": receipt.submission_id, "n_files": receipt.n_files, "is_new": receipt.is_new}
    # What was submitted before is where it was; nothing is added.
    return JSONResponse(content, 202 if receipt.is_new else 200, headers={"Location": address})


async def _next(pieces: AsyncIterator[bytes], seconds: float) -> bytes | None:
    """The next piece of a body; None at its end.

    Raises:
        ApiError: The client sent nothing for so long.
    """
    try:
        return await asyncio.wait_for(anext(pieces, None), seconds)
    except TimeoutError:
        raise ApiError(
            408,
            "too_slow",
            f"nothing came for {seconds:g} s",
            "nothing was kept; send it again",
            {"Connection": "close"},
        ) from None


def _submit(site: Site, upload: Upload) -> Any:
    path = upload.finish()
    split_blocks = flag(upload.fields, "split_blocks")
    if split_blocks is None:
        # As on the command line: a file that is not an archive may hold many structures.
        split_blocks = upload.is_single() and path.name != "first"
    if not upload.fields.get("source", "").strip():
        raise ApiError(
            422, "bad_parameter", "source is missing", "name the generator or database as the field `source`"
        )
    given = {name: upload.fields[name] for name in ("submitter", "licence") if upload.fields.get(name, "").strip()}
    upload.close()
    try:
        return site.submit(site.challenge, path, source=upload.fields["source"], split_blocks=split_blocks, **given)
    except ChallengeError as error:
        raise ApiError(409, "no_round", "the challenge takes no submissions now", "ask who runs it") from error
    except (ConfigError, DataError) as error:
        message, _, advice = str(error).replace(str(path), "the upload").rpartition("; ")
        raise ApiError(422, "refused", message or advice, advice) from error


def _open_round(site: Site) -> RoundSettings:
    try:
        with site.read() as connection:
            return site.challenge.open_round(connection).settings
    except ChallengeError as error:
        raise ApiError(409, "no_round", "the challenge takes no submissions now", "ask who runs it") from error


def _announced(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _too_large(settings: RoundSettings) -> ApiError:
    return ApiError(
        413,
        "too_large",
        f"the upload is larger than the {settings.max_submission_bytes} bytes of this round",
        "split it into several submissions",
    )
