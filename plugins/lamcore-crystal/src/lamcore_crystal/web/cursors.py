"""Places in a list as text that clients hand back and do not read."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from lamcore_crystal.store.search import is_id
from lamcore_crystal.web.errors import ApiError

_CHECK_BYTES = 6
_LONGEST = 2000


def encode(purpose: str, place: list[Any]) -> str:
    """A cursor.

    Args:
        purpose: Of which list in which order; a cursor is good for no other.
        place: JSON values.
    """
    content = json.dumps(place, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(purpose, content) + content).decode().rstrip("=")


def decode(purpose: str, cursor: str) -> list[Any]:
    """The place that a cursor stands for.

    Raises:
        ApiError: It is damaged, or of another list.
    """
    try:
        if len(cursor) > _LONGEST:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        content = raw[_CHECK_BYTES:]
        if raw[:_CHECK_BYTES] != _check(purpose, content):
            raise ValueError("of something else")
        place = json.loads(content)
        if not isinstance(place, list):
            raise ValueError("no list")
        return place
    except (ValueError, binascii.Error, UnicodeError, RecursionError) as error:
        raise _damaged(cursor) from error


def decode_id(purpose: str, cursor: str) -> int:
    """The id that a cursor of one id stands for.

    Raises:
        ApiError: It is damaged, or of another list.
    """
    place = decode(purpose, cursor)
    # Anyone can make the check of a cursor: what it holds is judged as any other input.
    if len(place) != 1 or not is_id(place[0]):
        raise _damaged(cursor)
    number: int = place[0]
    return number


def _damaged(cursor: str) -> ApiError:
    return ApiError(
        422,
        "bad_cursor",
        f"the cursor {cursor[:40]!a} is damaged, or belongs to another list or order",
        "begin without a cursor, and follow `next` as it is given",
    )


def _check(purpose: str, content: bytes) -> bytes:
    return hashlib.sha256(purpose.encode() + b"\0" + content).digest()[:_CHECK_BYTES]
