"""The members of a zip or a tar, read in memory one at a time. Nothing is ever written to a path from an archive."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING, Any

from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding
from lamcore_crystal.intake.shown import shown, shown_name
from lamcore_crystal.intake.sources import SubmissionError, SubmittedFile, check_totals, is_crumb, refusal_of

if TYPE_CHECKING:
    from lamcore_crystal.rounds import RoundSettings

_CHUNK = 1 << 20
# A CIF of many equal lines packs 40-fold, an ordinary one 4-fold.
_LARGEST_RATIO = 200
_SMALL_BYTES = 100_000
# Of a member of a tar: its header and padding, and twice that for a long name.
_TAR_OVERHEAD_BYTES = 4096
_XZ_MEMORY_BYTES = 256 * 2**20
# RecursionError: of a tar with a long chain of headers; the others are all that the modules raise.
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, RecursionError),
)
# The longest header of a tar that is read at once; a path has at most 4096 bytes.
_LARGEST_HEADER_BYTES = 1 << 20
_ZIP_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
_UNIX = 3
_LINK_MODE, _KIND_MODE = 0o120000, 0o170000


def zip_files(path: Path, settings: RoundSettings) -> Iterator[SubmittedFile]:
    """The members of a zip, sorted by name.

    Raises:
        SubmissionError: It is damaged, a bomb, or too large for the round.
    """
    # Counted before the directory is read, of which each entry takes half a kilobyte of memory.
    _check_entries(path, _n_zip_entries(path), settings)
    try:
        with zipfile.ZipFile(path) as archive:
            # An empty name is none of a folder, which is_dir() would look for.
            members = [
                one
                for one in archive.infolist()
                if not one.filename or (not one.is_dir() and not is_crumb(one.filename))
            ]
    except (*_DAMAGE, ValueError) as error:
        raise SubmissionError(f"{path}: the zip is damaged ({shown(str(error))}); pack it again") from error
    check_totals(path, len(members), sum(one.file_size for one in members), settings)
    if sum(one.compress_size for one in members) > path.stat().st_size:
        raise SubmissionError(f"{path}: members of the zip overlap, as in a bomb; pack it with an ordinary tool")
    return _read_zip(path, sorted(members, key=lambda one: one.filename), settings)


def _check_entries(path: Path, n_entries: int, settings: RoundSettings) -> None:
    """Refuse what holds so many folders that they cost as much memory as all files that the round takes."""
    if n_entries > 2 * settings.max_files:
        raise SubmissionError(
            f"{path}: holds {n_entries} or more files and folders, the round takes {settings.max_files} files; "
            "submit it in several parts"
        )


def _n_zip_entries(path: Path) -> int:
    """At least as many as the directory of a zip lists: how often the mark of an entry is in the file."""
    n, end = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            n += (end + chunk).count(_ZIP_ENTRY)
            end = chunk[1 - len(_ZIP_ENTRY) :]
    return n


def _read_zip(path: Path, members: list[zipfile.ZipInfo], settings: RoundSettings) -> Iterator[SubmittedFile]:
    with zipfile.ZipFile(path) as archive:
        for member in members:
            name, size = shown_name(member.filename), member.file_size
            refusal = _zip_refusal(member) or refusal_of(member.filename, size, settings)
            if refusal:
                yield SubmittedFile(name, size, None, refusal)
                continue
            try:
                with archive.open(member) as file:
                    # No more than the directory states: zipfile ends there, and compares the checksum.
                    data = file.read(settings.limits.max_bytes + 1)
            except (*_DAMAGE, OSError, RuntimeError, ValueError) as error:
                yield SubmittedFile(name, size, None, _damaged(error))
                continue
            yield _complete(name, size, data)


def _zip_refusal(member: zipfile.ZipInfo) -> Finding | None:
    if (refusal := _bad_name(member.filename)) is not None:
        return refusal
    if member.flag_bits & _ENCRYPTED:
        return finding("E_MEMBER", "it is encrypted, expected a file without a password")
    if member.create_system == _UNIX and member.external_attr >> 16 & _KIND_MODE == _LINK_MODE:
        return finding("E_MEMBER", "it is a link, expected a plain file")
    if member.file_size > _SMALL_BYTES and member.file_size > _LARGEST_RATIO * max(1, member.compress_size):
        ratio = member.file_size / max(1, member.compress_size)
        return finding(
            "E_BOMB", f"it unpacks {ratio:.0f}-fold, expected at most {_LARGEST_RATIO}-fold", ratio=round(ratio)
        )
    return None


def tar_files(path: Path, compression: str, settings: RoundSettings) -> Iterator[SubmittedFile]:
    """The members of a tar, sorted by name.

    A compressed one is first unpacked, as a whole, into a temporary file without a name: no more of it than the round
    allows.

    Args:
        path: The archive.
        compression: `tar` for none, `gzip`, `bzip2` or `xz`.
        settings: Of the round.

    Raises:
        SubmissionError: It is no tar, damaged, a bomb, or too large for the round.
    """
    plain = path.open("rb") if compression == "tar" else _unpacked(path, compression, settings)
    try:
        with _opened(plain, settings) as archive:
            members = []
            n_bytes = 0
            for n_entries, member in enumerate(archive):
                _check_entries(path, n_entries, settings)
                if member.isdir() or is_crumb(member.name):
                    continue
                members.append(member)
                n_bytes += member.size
                check_totals(path, len(members), n_bytes, settings)
    except SubmissionError:
        plain.close()
        raise
    except (*_DAMAGE, OSError, ValueError) as error:
        plain.close()
        what = "no tar" if compression != "tar" else "damaged"
        raise SubmissionError(
            f"{path}: the archive is {what} ({shown(str(error))}); give a folder, a zip, a tar or a plain CIF file"
        ) from error
    return _read_tar(plain, sorted(members, key=lambda one: one.name), settings)


class _InPieces:
    """A tar that is never read as a whole: tarfile takes a header as long as the tar says that it is.

    Args:
        file: The tar, not compressed.
        largest: Member that is read, bytes.
    """

    def __init__(self, file: IO[bytes], largest: int) -> None:
        self._file = file
        self._largest = max(_LARGEST_HEADER_BYTES, largest + 1)
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes.

        Raises:
            ReadError: More are asked for than any header or member that is read has.
        """
        if not 0 <= size <= self._largest:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)


def _opened(plain: IO[bytes], settings: RoundSettings) -> tarfile.TarFile:
    pieces: Any = _InPieces(plain, settings.limits.max_bytes)
    return tarfile.open(fileobj=pieces, mode="r:")


def _read_tar(plain: IO[bytes], members: list[tarfile.TarInfo], settings: RoundSettings) -> Iterator[SubmittedFile]:
    with plain, _opened(plain, settings) as archive:
        for member in members:
            name, size = shown_name(member.name), member.size
            refusal = _bad_name(member.name)
            # A hard link or a sparse file would stand for bytes that the archive does not hold.
            if refusal is None and (not member.isreg() or member.issparse()):
                refusal = finding("E_MEMBER", f"it is {_kind(member)}, expected a plain file")
            refusal = refusal or refusal_of(member.name, size, settings)
            if refusal:
                yield SubmittedFile(name, size, None, refusal)
                continue
            try:
                file = archive.extractfile(member)
                data = b"" if file is None else file.read(settings.limits.max_bytes + 1)
            except (*_DAMAGE, OSError, ValueError) as error:
                yield SubmittedFile(name, size, None, _damaged(error))
                continue
            yield _complete(name, size, data)


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "a link"
    return "a sparse file" if member.issparse() else "a device or a pipe"


def _unpacked(path: Path, compression: str, settings: RoundSettings) -> IO[bytes]:
    """The content of a compressed file as a temporary one, bounded by what the round allows."""
    largest = settings.max_submission_bytes + _TAR_OVERHEAD_BYTES * (settings.max_files + 1)
    spool = tempfile.TemporaryFile()  # noqa: SIM115  closed by whoever reads it
    n_bytes = 0
    try:
        for chunk in _chunks(path, compression):
            n_bytes += len(chunk)
            if n_bytes > largest:
                check_totals(path, 0, n_bytes, settings)
            spool.write(chunk)
    except SubmissionError:
        spool.close()
        raise
    except (*_DAMAGE, OSError, ValueError) as error:
        spool.close()
        raise SubmissionError(f"{path}: cannot be unpacked ({shown(str(error))}); pack it again") from error
    spool.seek(0)
    return spool


def _chunks(path: Path, compression: str) -> Iterator[bytes]:
    if compression == "xz":
        yield from _xz_chunks(path)
        return
    opener: Callable[[Path], IO[bytes]] = gzip.open if compression == "gzip" else bz2.open  # type: ignore[assignment]
    with opener(path) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _xz_chunks(path: Path) -> Iterator[bytes]:
    """As `lzma.open`, which knows no bound on the memory that a file may ask for."""
    with path.open("rb") as file:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES)
        while not decompressor.eof:
            packed = file.read(_CHUNK) if decompressor.needs_input else b""
            if decompressor.needs_input and not packed:
                raise EOFError("the file ends too soon")
            yield decompressor.decompress(packed, _CHUNK)


def _bad_name(name: str) -> Finding | None:
    if not name:
        return finding("E_MEMBER", "it has no name")
    windows = PureWindowsPath(name)
    if PurePosixPath(name).is_absolute() or windows.drive or windows.root:
        return finding("E_MEMBER", "its name is absolute, expected one within the archive")
    if ".." in windows.parts or "\\" in name:
        return finding("E_MEMBER", "its name leaves the archive or holds a backslash, expected parts between /")
    return None


def _damaged(error: Exception) -> Finding:
    return finding("E_MEMBER", f"it is damaged: {shown(str(error) or type(error).__name__)}")


def _complete(name: str, size: int, data: bytes) -> SubmittedFile:
    if len(data) != size:
        message = f"it is damaged: {len(data)} bytes, {size} are stated"
        return SubmittedFile(name, size, None, finding("E_MEMBER", message))
    return SubmittedFile(name, size, data)
