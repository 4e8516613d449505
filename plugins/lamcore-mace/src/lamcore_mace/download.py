"""Downloads by mace's own function, complete or not at all."""

from __future__ import annotations

import warnings
from contextlib import redirect_stdout
from email.message import Message
from http.client import HTTPException
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError

from lamcore.data_files import sha256 as sha256_of
from lamcore.errors import DataError
from lamcore.model_tools import process_left_as_found


def fetch(url: str, target: Path, sha256: str | None) -> str:
    """Download a file to where it belongs; it appears there only when it is whole and right.

    mace's function takes a connection that ends early for the end of the file, so its length is checked here.

    Args:
        url: The address, as in mace's tables.
        target: Where the file will be.
        sha256: What it must have, if known.

    Returns:
        The SHA-256 of the file.

    Raises:
        DataError: Nobody answers, the answer is an error or a web page, or the file is not whole or not the right one.
    """
    with process_left_as_found():
        warnings.simplefilter("ignore")  # of importing mace: see build.py
        with redirect_stdout(StringIO()):
            retrieve = import_module("mace.calculators.foundations_models")._urlretrieve_with_timeout
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=".download-") as folder:
            part = Path(folder) / target.name
            with redirect_stdout(StringIO()):  # mace prints its progress
                _, headers = retrieve(url, str(part))
            _check_whole(part, headers)
            found = sha256_of(part)
            if sha256 is not None and found != sha256.lower():
                raise DataError(f"its SHA-256 is {found}, expected {sha256.lower()}")
            part.replace(target)
    except HTTPError as error:
        error.close()
        raise DataError(f"{url} answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise DataError(f"{type(error).__name__}: {' '.join(str(error).split())}") from error
    return found


def _check_whole(part: Path, headers: Message) -> None:
    size = part.stat().st_size
    announced = headers.get("Content-Length")
    if announced is not None and size != int(announced):
        raise DataError(f"the connection ended after {size} of {announced} bytes")
    if headers.get_content_type() == "text/html":
        raise DataError("the answer is a web page, not a checkpoint")
