"""Tokens of those who may read or submit: shown once, kept as a SHA-256, sent in a header."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Literal

from sqlalchemy import insert, select, update

from lamcore.errors import ConfigError
from lamcore_crystal.store.schema import token
from lamcore_crystal.store.writing import now

if TYPE_CHECKING:
    from sqlalchemy import Connection

May = Literal["read", "submit"]
_PREFIX = "lam_"
_FORM = re.compile(r"lam_[A-Za-z0-9_-]{43}")
_LONGEST_NAME = 100


def make_token(connection: Connection, name: str, may: str) -> str:
    """A new token.

    Args:
        connection: Of a transaction that writes.
        name: Of its holder; several tokens may have it.
        may: `read`, or `submit`, which includes reading.

    Returns:
        The token: 256 random bits. It is not kept, and cannot be shown again.

    Raises:
        ConfigError: The name is empty, too long or not printable, or `may` is neither.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError(
            f"the name of a token is {name[:_LONGEST_NAME]!a}, expected 1 to {_LONGEST_NAME} printable characters"
        )
    if may not in ("read", "submit"):
        raise ConfigError(f"a token may {may!a}, expected read or submit")
    made = _PREFIX + secrets.token_urlsafe(32)
    connection.execute(insert(token).values(sha256=_sha256(made), name=name, may=may, created_at=now()))
    return made


def revoke_tokens(connection: Connection, name: str) -> int:
    """End all tokens of a name; gives how many were in force."""
    ended = connection.execute(
        update(token).where(token.c.name == name.strip(), token.c.revoked_at.is_(None)).values(revoked_at=now())
    )
    return ended.rowcount


def may_of(connection: Connection, given: str) -> May | None:
    """What a token allows; None where there is no such token in force."""
    if not _FORM.fullmatch(given):
        return None
    sha256 = _sha256(given)
    row = connection.execute(
        select(token.c.sha256, token.c.may).where(token.c.sha256 == sha256, token.c.revoked_at.is_(None))
    ).first()
    if row is None or not hmac.compare_digest(row.sha256, sha256):
        return None
    return "submit" if row.may == "submit" else "read"


def bearer(header: str | None) -> str | None:
    """The token of an `Authorization` header; None where it holds none."""
    scheme, _, given = (header or "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" and given.strip() else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
