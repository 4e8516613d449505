"""Finding and reading the files that a user names."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.errors import DataError

if TYPE_CHECKING:
    from ase import Atoms

_OPENERS: dict[str, Callable[..., Any]] = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}
COMPRESSIONS = tuple(_OPENERS)


def given_path(path: Path | None, dataset: str, expected: str, option: str = "path") -> Path:
    """The path that the user gave.

    Args:
        path: The option's value.
        dataset: Name of the dataset, for the message.
        expected: What has to be there, in words.
        option: Name of the option, for the message.

    Raises:
        DataError: Nothing was given, or nothing is there.
    """
    if path is None:
        raise DataError(f"dataset {dataset} needs {expected}; name it with dataset.{option}=…")
    found = path.expanduser()
    if not found.exists():
        raise DataError(f"dataset.{option}={path}: not found (looked at {found.absolute()}); expected {expected}")
    return found


def read_text(path: Path) -> str:
    """The text of a file, decompressed as its name says (.bz2, .gz, .xz).

    Raises:
        DataError: The file is missing, or is not what its name says.
    """
    try:
        with _OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8") as stream:
            text: str = stream.read()
    except FileNotFoundError as error:
        raise DataError(f"{path}: not found; put the file there or name another place with dataset.path=…") from error
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}; expected {_kind(path)}") from error
    return text


def read_json(path: Path) -> Any:
    """The content of a JSON file, compressed or not.

    Raises:
        DataError: The file is missing or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not valid JSON: {error}") from error


def read_extxyz(path: Path) -> list[Atoms]:
    """The structures of an extended XYZ file, compressed or not.

    Raises:
        DataError: The file is missing, truncated, or not extended XYZ.
    """
    from ase.io import iread

    # Decompressed first: ASE reads a gzipped file in quadratic time.
    text = StringIO(read_text(path))
    try:
        frames: list[Atoms] = list(iread(text, index=":", format="extxyz"))
    except Exception as error:  # which one depends on where the text stops making sense to ASE's parser
        reason = f"{type(error).__name__}: {error}"
        raise DataError(
            f"{path}: not extended XYZ, or truncated ({reason}); expected structures as ASE writes them"
        ) from error
    if not frames:
        raise DataError(f"{path}: holds no structures, expected extended XYZ as ASE writes it")
    return frames


def _kind(path: Path) -> str:
    return f"text compressed as {path.suffix}" if path.suffix in _OPENERS else "plain text"
