"""The files of a submission: a folder, a zip, a tar, or one file; read one at a time, and never unpacked to paths."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lamcore.errors import LamcoreError
from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding
from lamcore_crystal.intake.cif import BLOCKS_FACTOR
from lamcore_crystal.intake.shown import shown_name

if TYPE_CHECKING:
    from lamcore_crystal.rounds import RoundSettings

SUFFIXES = (".cif", ".mcif")
_MAGIC_LENGTH = 512
_CRUMBS = {".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX"}


class SubmissionError(LamcoreError):
    """A submission that is refused as a whole: damaged, or too large for the round."""


@dataclass(frozen=True)
class SubmittedFile:
    """One file of a submission.

    Attributes:
        name: Within the folder or archive, for display alone; two files may share one.
        size: Bytes, unpacked.
        data: None where the file was refused before it was read.
        refusal: Why; None where it was read.
    """

    name: str
    size: int
    data: bytes | None
    refusal: Finding | None = None


def read_submission(path: Path, settings: RoundSettings) -> Iterator[SubmittedFile]:
    """The files of a submission, sorted by name, each read when it is its turn.

    Every file counts: what is no CIF by its name, too large, a link, or damaged comes with its refusal. Only what file
    managers leave behind (hidden files, `__MACOSX`) is left out. A single file that is no archive may hold many blocks,
    and be larger for it.

    Args:
        path: A folder, a zip, a tar (also gzip, bzip2 or xz), or one CIF file.
        settings: Of the round: `max_files`, `max_submission_bytes` and `limits.max_bytes`.

    Raises:
        SubmissionError: Before the first file: the path cannot be read, the archive is damaged or a bomb, or there are
            more files or bytes than the round allows.
    """
    from lamcore_crystal.intake import archives

    try:
        if path.is_dir():
            return _folder(path, settings)
        kind = archive_kind(path)
        if kind == "zip":
            return archives.zip_files(path, settings)
        if kind is not None:
            return archives.tar_files(path, kind, settings)
        return _alone(path, settings)
    except OSError as error:
        raise SubmissionError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error


def is_archive(path: Path) -> bool:
    """Whether the file is a zip or a tar, by its content."""
    return archive_kind(path) is not None


def archive_kind(path: Path) -> str | None:
    """`zip`, `tar`, or how a file is compressed (`gzip`, `bzip2`, `xz`), by its content; None where it is none."""
    with path.open("rb") as file:
        begin = file.read(_MAGIC_LENGTH)
    for magic, kind in ((b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2")):
        if begin.startswith(magic):
            return kind
    if begin.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    return "tar" if begin[257:262] == b"ustar" else None


def is_crumb(name: str) -> bool:
    """Whether a file manager left it: hidden, or known by its name."""
    return any(part in _CRUMBS or part.startswith(".") for part in PurePosixPath(name).parts if part not in (".", ".."))


def refusal_of(name: str, size: int, settings: RoundSettings) -> Finding | None:
    """Why a plain file is refused by its name or size; None where it is read."""
    if not name.lower().endswith(SUFFIXES):
        return finding("E_FORMAT", f"the name ends with none of {', '.join(SUFFIXES)}")
    largest = settings.limits.max_bytes
    if size > largest:
        return finding("E_TOO_LARGE", f"the file has {size} bytes, expected at most {largest}", size=size)
    return None


def check_totals(path: Path, n_files: int, n_bytes: int, settings: RoundSettings) -> None:
    """Refuse a submission that is too large.

    Raises:
        SubmissionError: More files or bytes than the round allows.
    """
    if n_files > settings.max_files:
        raise SubmissionError(
            f"{path}: holds {n_files} files, the round takes {settings.max_files}; submit it in several parts"
        )
    if n_bytes > settings.max_submission_bytes:
        raise SubmissionError(
            f"{path}: holds {n_bytes} bytes unpacked, the round takes {settings.max_submission_bytes}; "
            "submit it in several parts"
        )


def _folder(path: Path, settings: RoundSettings) -> Iterator[SubmittedFile]:
    found: list[tuple[str, os.stat_result]] = []
    for folder, folders, files in os.walk(path, onerror=_raise):
        # A link to a folder is a file here: it is refused, and never followed.
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in [*files, *links]:
            whole = Path(folder) / name
            relative = whole.relative_to(path).as_posix()
            if not is_crumb(relative):
                found.append((relative, whole.lstat()))
                check_totals(path, len(found), 0, settings)
    check_totals(path, len(found), sum(status.st_size for _, status in found), settings)
    return _read_folder(path, sorted(found, key=lambda one: one[0]), settings)


def _raise(error: OSError) -> None:
    raise error


def _read_folder(
    path: Path, found: list[tuple[str, os.stat_result]], settings: RoundSettings
) -> Iterator[SubmittedFile]:
    for relative, status in found:
        name, size = shown_name(relative), status.st_size
        if not stat.S_ISREG(status.st_mode):
            kind = "a link" if stat.S_ISLNK(status.st_mode) else "a pipe, a socket or a device"
            yield SubmittedFile(name, size, None, finding("E_MEMBER", f"it is {kind}, expected a plain file"))
        elif refusal := refusal_of(relative, size, settings):
            yield SubmittedFile(name, size, None, refusal)
        else:
            yield _read(path / relative, name, settings.limits.max_bytes)


def _alone(path: Path, settings: RoundSettings) -> Iterator[SubmittedFile]:
    largest = min(settings.limits.max_bytes * BLOCKS_FACTOR, settings.max_submission_bytes)
    size = path.stat().st_size
    if not stat.S_ISREG(path.stat().st_mode):
        raise SubmissionError(f"{path}: is neither a folder nor a plain file; give a folder, an archive or a CIF file")
    check_totals(path, 1, size, settings)
    name = shown_name(path.name)
    if size > largest:
        refusal = finding("E_TOO_LARGE", f"the file has {size} bytes, expected at most {largest}", size=size)
        return iter([SubmittedFile(name, size, None, refusal)])
    return iter([_read(path, name, largest)])


def _read(path: Path, name: str, largest: int) -> SubmittedFile:
    """The bytes of a plain file; never of what took its place since it was looked at, nor more than allowed."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        return SubmittedFile(name, 0, None, finding("E_READ", f"it cannot be read: {error.strerror or error}"))
    if len(data) > largest:
        refusal = finding("E_TOO_LARGE", f"the file grew beyond {largest} bytes while it was read", size=len(data))
        return SubmittedFile(name, len(data), None, refusal)
    return SubmittedFile(name, len(data), data)
