"""The raw bytes of submitted files: kept once, whatever they are called and however often they come."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from lamcore_crystal.store.errors import StoreError
from lamcore_crystal.store.schema import content
from lamcore_crystal.store.upsert import insert_missing


def add_content(connection: Connection, data: bytes) -> str:
    """Keep bytes.

    Returns:
        Their SHA-256, which `content_of` finds them by.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    insert_missing(connection, content, [_row(sha256, data)])
    return sha256


def add_contents(connection: Connection, many: list[bytes]) -> list[str]:
    """`add_content` for many, in one statement; SHA-256 in the same order."""
    hashes = [hashlib.sha256(data).hexdigest() for data in many]
    insert_missing(connection, content, [_row(*one) for one in dict(zip(hashes, many, strict=True)).items()])
    return hashes


def content_of(connection: Connection, sha256: str) -> bytes:
    """The bytes of a SHA-256, as they came.

    Raises:
        LookupError: There are none.
        StoreError: What is kept is not what came: the database is damaged.
    """
    row = connection.execute(select(content.c.codec, content.c.data).where(content.c.sha256 == sha256)).one_or_none()
    if row is None:
        raise LookupError(f"no file of SHA-256 {sha256!r} was submitted")
    try:
        data = zlib.decompress(row.data) if row.codec == "zlib" else bytes(row.data)
    except zlib.error as error:
        raise StoreError(
            f"content {sha256}: its bytes are damaged ({error}); put back a copy of the database"
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StoreError(f"content {sha256}: its bytes are damaged (another SHA-256); put back a copy of the database")
    return data


def _row(sha256: str, data: bytes) -> Mapping[str, Any]:
    packed = zlib.compress(data, 6)
    if len(packed) < len(data):
        return {"sha256": sha256, "size": len(data), "codec": "zlib", "data": packed}
    return {"sha256": sha256, "size": len(data), "codec": "raw", "data": data}
