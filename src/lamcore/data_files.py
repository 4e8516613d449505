"""Files of datasets: from the plugin's package, from the user's disk, or downloaded once and checked."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from lamcore.cards import DataFile
from lamcore.errors import DataError

CACHE_VARIABLE = "LAMCORE_CACHE"
_TIMEOUT_SECONDS = 60
_CHUNK_BYTES = 1 << 20

logger = logging.getLogger(__name__)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """Where downloads are kept: `LAMCORE_CACHE`, or else the platform's folder for caches."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("lamcore", appauthor=False)


def locate(name: str, file: DataFile, *, package: Path | None = None, local: Path | str | None = None) -> Path:
    """A file of a dataset, checked against the SHA-256 of its card.

    Looked for in this order: where the user says, in the plugin's package, in the cache, at its URL.

    Args:
        name: The file's name, as in the card.
        file: Its entry in the card.
        package: The folder in the plugin's package that may hold it.
        local: The user's own copy: the file itself, or a folder that holds it. Where given, nothing else is tried.

    Returns:
        Where the file is.

    Raises:
        DataError: It is missing, is not the file that the card means, or could not be downloaded. The message says
            which file to put where.
    """
    if Path(name).name != name or name == "..":
        raise DataError(f"data file {name!r}: the name has a folder in it, expected a bare file name")
    if local is not None:
        chosen = Path(local).expanduser()
        return _checked(chosen / name if chosen.is_dir() else chosen, name, file)
    if package is not None and (package / name).is_file():
        return _checked(package / name, name, file)
    if file.url is None:
        place = f" as {package / name}" if package is not None else ""
        raise DataError(f"{_description(name, file)} is missing{place} and has no address; give the path of your copy")
    return _download(name, file, file.url)


def _checked(path: Path, name: str, file: DataFile) -> Path:
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected {_description(name, file)}")
    try:
        found = sha256(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error}); expected {_description(name, file)}") from error
    if found != file.sha256.lower():
        raise DataError(
            f"{path}: SHA-256 is {found} ({path.stat().st_size} bytes), so it is not {_description(name, file)}; "
            "put the right file there, or give the path of another copy"
        )
    return path


def _download(name: str, file: DataFile, url: str) -> Path:
    folder = cache_folder() / "data" / file.sha256.lower()[:16]
    target = folder / name
    # A good copy is used without importing what downloads need.
    if target.is_file() and sha256(target) == file.sha256.lower():
        return target
    if not url.startswith(("https://", "http://")):
        raise DataError(f"{_description(name, file)}: the address must begin with https:// or http://")
    import pooch

    logger.info("downloading %s from %s to %s", name, url, target)
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{file.sha256.lower()}",
            fname=name,
            path=folder,
            downloader=_fetch,
        )
    # pooch raises ValueError for a wrong hash; every error of requests is an OSError.
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"could not download {_description(name, file)}: {reason}; try again, or fetch it on another machine and "
            f"put it at {target} (the environment variable {CACHE_VARIABLE} moves the cache)"
        ) from error
    return target


def _fetch(url: str, output_file: str, _pooch: object) -> None:
    """Download to a file; unlike pooch's own downloader it closes the connection when something goes wrong."""
    import requests

    with requests.get(url, stream=True, timeout=_TIMEOUT_SECONDS) as response:
        response.raise_for_status()
        with Path(output_file).open("wb") as file:
            for chunk in response.iter_content(chunk_size=_CHUNK_BYTES):
                file.write(chunk)


def _description(name: str, file: DataFile) -> str:
    size = f", {file.bytes} bytes" if file.bytes is not None else ""
    address = f", from {file.url}" if file.url is not None else ""
    return f"{name} (SHA-256 {file.sha256}{size}{address})"
