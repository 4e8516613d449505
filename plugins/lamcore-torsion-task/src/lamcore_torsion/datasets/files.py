"""Reading what the user names."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from lamcore.errors import DataError


def given_path(path: Path | None, expected: str) -> Path:
    """The path that the user gave.

    Raises:
        DataError: Nothing was given, or nothing is there.
    """
    if path is None:
        raise DataError(f"dataset torsions needs {expected}; name it with dataset.path=…")
    found = path.expanduser()
    if not found.exists():
        raise DataError(f"dataset.path={path}: not found (looked at {found.absolute()}); expected {expected}")
    return found


def read_bytes(path: Path) -> bytes:
    """The content of a file, decompressed where its name ends in .gz.

    ASE reads a gzipped extended XYZ in quadratic time, so it is given the text instead.

    Raises:
        DataError: The file cannot be read, or is not what its name says.
    """
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def read_text(path: Path) -> str:
    """As `read_bytes`, as UTF-8 text.

    Raises:
        DataError: It is not text either.
    """
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not text: {error}") from error
