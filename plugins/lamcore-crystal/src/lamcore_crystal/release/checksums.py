"""SHA-256 of each file of a release, as `sha256sum --check SHA256SUMS` reads them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from lamcore.errors import DataError

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def write_sums(folder: Path) -> None:
    """Write the sums of all files under a folder, beside them."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in files if name != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def verify(folder: Path) -> int:
    """Compare each file of a release with its sum.

    Returns:
        How many files there are.

    Raises:
        DataError: A file is missing, changed or not listed.
    """
    sums = folder / SUMS
    if not sums.is_file():
        raise DataError(f"{folder}: not a release (it has no {SUMS}); `lamcore crystal export` makes one")
    listed: dict[str, str] = {}
    for number, line in enumerate(sums.read_text(encoding="utf-8").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise DataError(f"{sums}, line {number}: expected a SHA-256, two spaces and a name; get the release again")
        listed[match[2]] = match[1]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {SUMS}
    if found != set(listed):
        different = ", ".join(sorted(found ^ set(listed)))
        raise DataError(f"{folder}: files that are missing or not listed in {SUMS}: {different}; get the release again")
    for name in sorted(found):
        if sha256_of(folder / name) != listed[name]:
            raise DataError(f"{folder / name}: changed since the release was made; get it again")
    return len(found)


def sha256_of(path: Path) -> str:
    """Of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
