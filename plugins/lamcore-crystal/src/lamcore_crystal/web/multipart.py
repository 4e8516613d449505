"""An upload of form fields and files, written to disk as it comes, within limits."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import IO, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from lamcore_crystal.web.errors import ApiError

FIELDS = ("source", "submitter", "licence", "split_blocks")
_LONGEST_FIELD = 1000
_LONGEST_NAME = 255
_LONGEST_HEADER = 4000
_MAX_PARTS_BESIDE_FILES = 20
_MAX_HEADERS_OF_PART = 20


class Upload:
    """Takes the body of a `multipart/form-data` request piece by piece.

    A single file is kept as it is, so that an archive stays one; several become the members of a zip.

    Attributes:
        fields: Texts by name.
        n_files: So far.
    """

    def __init__(self, content_type: str, folder: Path, max_files: int) -> None:
        """Begin.

        Args:
            content_type: The header of the request.
            folder: Empty, for files on the way.
            max_files: Most files.

        Raises:
            ApiError: It is no `multipart/form-data`.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise ApiError(
                415,
                "wrong_content",
                f"the request is {content_type[:80]!a}, expected multipart/form-data with a boundary",
                "send files as a form does, such as with curl -F file=@structures.zip -F source=my-generator",
            )
        self.fields: dict[str, str] = {}
        self.n_files = 0
        self._folder = folder
        self._max_files = max_files
        self._first_name = ""
        self._zip: zipfile.ZipFile | None = None
        self._file: IO[bytes] | None = None
        self._field: str | None = None
        self._text = bytearray()
        self._header = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._n_parts = 0
        self._is_complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": lambda data, start, end: self._on_header(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._on_header(1, data[start:end]),
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def write(self, data: bytes) -> None:
        """The next piece of the body.

        Raises:
            ApiError: It is not as it should be, or too much.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed(str(error)) from error

    def finish(self) -> Path:
        """The file or archive that was sent, after the last piece.

        Raises:
            ApiError: The body ended early, or held no file.
        """
        if not self._is_complete:
            raise _malformed("it ended before its last boundary")
        if self.n_files == 0:
            raise ApiError(422, "no_file", "no file was sent", "send one archive, or files, as the field `file`")
        from lamcore_crystal.intake.sources import is_archive

        first = self._folder / "first"
        if self.n_files == 1 and is_archive(first):
            return first
        with self._archive() as archive, first.open("rb") as source, archive.open(_member(self._first_name), "w") as to:
            shutil.copyfileobj(source, to)
        return self._folder / "files.zip"

    def is_single(self) -> bool:
        """Whether one file was sent."""
        return self.n_files == 1

    def close(self) -> None:
        """Let go of open files."""
        if self._file is not None:
            self._file.close()
        if self._zip is not None:
            self._zip.close()

    def _archive(self) -> zipfile.ZipFile:
        if self._zip is None:
            self._zip = zipfile.ZipFile(self._folder / "files.zip", "w", zipfile.ZIP_STORED)
        return self._zip

    def _on_part_begin(self) -> None:
        self._headers = {}
        self._n_parts += 1
        if self._n_parts > self._max_files + _MAX_PARTS_BESIDE_FILES:
            raise _too_many(self._max_files)

    def _on_header(self, which: int, data: bytes) -> None:
        self._header[which].extend(data)
        if len(self._header[which]) > _LONGEST_HEADER:
            raise _malformed(f"a header of a part is longer than {_LONGEST_HEADER} bytes")

    def _on_header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        if len(self._headers) > _MAX_HEADERS_OF_PART:
            raise _malformed(f"a part has more than {_MAX_HEADERS_OF_PART} headers")
        name.clear()
        value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self._begin_file(options[b"filename"].decode("utf-8", "replace"))
            return
        if name not in FIELDS:
            raise ApiError(422, "bad_parameter", f"the field {name[:40]!a} is not known", f"send {', '.join(FIELDS)}")
        if name in self.fields:
            raise ApiError(422, "bad_parameter", f"the field {name} is sent twice", "send it once")
        self._field = name
        self._text.clear()

    def _begin_file(self, name: str) -> None:
        self.n_files += 1
        if self.n_files > self._max_files:
            raise _too_many(self._max_files)
        # Shown to people and nothing else; a name of the whole path is cut from the front.
        shown = name[-_LONGEST_NAME:] or f"file-{self.n_files}"
        if self.n_files == 1:
            self._first_name = shown
            self._file = (self._folder / "first").open("wb")
        else:
            self._file = self._archive().open(_member(shown), "w")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
        elif self._field is not None:
            self._text += data[start:end]
            if len(self._text) > _LONGEST_FIELD:
                raise ApiError(
                    422, "bad_parameter", f"{self._field} is longer than {_LONGEST_FIELD} bytes", "shorten it"
                )

    def _on_part_end(self) -> None:
        if self._file is not None:
            self._file.close()
        elif self._field is not None:
            self.fields[self._field] = _decoded(self._field, bytes(self._text))
        self._file = self._field = None

    def _on_end(self) -> None:
        self._is_complete = True


def _member(name: str) -> zipfile.ZipInfo:
    # A zip ends names at NUL; everything else is judged by who reads the archive.
    return zipfile.ZipInfo(name.replace("\0", "\N{REPLACEMENT CHARACTER}"))


def _decoded(field: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ApiError(422, "bad_parameter", f"{field} is not UTF-8", "send it as UTF-8") from error


def _malformed(what: str) -> ApiError:
    return ApiError(400, "malformed", f"the upload is malformed: {what}", "nothing of it was kept; send it again")


def _too_many(max_files: int) -> ApiError:
    return ApiError(413, "too_many_files", f"more than {max_files} files were sent", "split them, or send one archive")


def flag(fields: dict[str, Any], name: str) -> bool | None:
    """A truth value of the form; None where it was not sent.

    Raises:
        ApiError: It is neither true nor false.
    """
    text = fields.get(name, "").strip().lower()
    if text in ("true", "1", "on", "yes"):
        return True
    if text in ("false", "0", "off", "no"):
        return False
    if text == "":
        return None
    raise ApiError(422, "bad_parameter", f"{name} is {text[:40]!a}", "send true or false, or leave it out")
