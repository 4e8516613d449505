"""What became of each case of a run: appended once, never rewritten, read again after any crash.

A run's folder holds `records.jsonl`, one line a record. A line is complete or it is ignored: whatever a crash, a full
disk or an editor left half-written counts for nothing, and the case it belonged to is computed again. Arrays of more
than `INLINE_ELEMENTS` elements lie in `arrays/` beside it, each named by the SHA-256 of its file.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
from filelock import FileLock, Timeout

from lamcore.data_files import sha256
from lamcore.errors import BadOutputError, RunFolderError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

RECORDS_FILE = "records.jsonl"
ARRAYS_FOLDER = "arrays"
LOCK_FILE = "records.lock"
INLINE_ELEMENTS = 1000
"""Arrays with more elements than this go to files of their own."""

_INLINE_ARRAY = "__array__"
_FILED_ARRAY = "__array_file__"
_MAPPED_BYTES = 64 * 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """Why a case failed.

    Attributes:
        kind: The class name of the exception.
        message: Its message.
        traceback: Its traceback, as printed by Python.
        structure: The structure at fault, if there was one: `numbers`, `positions` (Å), `cell` (Å, vectors as rows)
            and `pbc`; a coordinate that is not finite is None.
    """

    kind: str
    message: str
    traceback: str
    structure: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, error: BaseException, structure: Atoms | None = None) -> Failure:
        """The failure that an exception stands for."""
        return cls(
            kind=type(error).__name__,
            message=str(error),
            traceback="".join(traceback.format_exception(error)),
            structure=None if structure is None else _plain_structure(structure),
        )


@dataclass(frozen=True)
class Record:
    """What became of one case.

    Attributes:
        case_id: The case.
        status: Whether it was computed or failed.
        output: What `Task.calculate` returned; None when it failed.
        failure: Why it failed; None when it did not.
        seconds: Wall-clock time spent on it.
        attempt: 1 for the first try.
        finished_at: When, in UTC, as ISO 8601.
    """

    case_id: str
    status: Literal["done", "failed"]
    output: Mapping[str, Any] | None
    failure: Failure | None
    seconds: float
    attempt: int
    finished_at: str

    @classmethod
    def done(cls, case_id: str, output: Mapping[str, Any], seconds: float, attempt: int = 1) -> Record:
        """A case that was computed just now."""
        return cls(case_id, "done", output, None, seconds, attempt, _now())

    @classmethod
    def failed(cls, case_id: str, failure: Failure, seconds: float, attempt: int = 1) -> Record:
        """A case that failed just now."""
        return cls(case_id, "failed", None, failure, seconds, attempt, _now())


class RecordStore:
    """The records of a run, open for appending by this process alone.

        with RecordStore(folder) as store:
            if case.id not in store.finished(retry_failed=False):
                store.append(Record.done(case.id, output, seconds))

    The lock goes with the process: after a crash there is nothing to clean up.

    Args:
        folder: The run's folder; made if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._lock = FileLock(self.folder / LOCK_FILE, timeout=0)
        self._file = -1
        self._ends_mid_line = False
        self._records: dict[str, Record] = {}
        self._n_attempts: dict[str, int] = {}
        self._n_ignored = 0

    def __enter__(self) -> RecordStore:
        """Lock the folder and read what is there.

        Raises:
            RunFolderError: Another process holds the folder, or it cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout as error:
            raise RunFolderError(
                f"{self.folder}: another process is computing this run; wait for it or stop it, then give the same "
                "command again: what it has finished is kept"
            ) from error
        except (OSError, NotImplementedError) as error:
            raise _cannot_write(self.folder, error) from error
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file and let go of the folder."""
        os.close(self._file)
        self._file = -1
        self._lock.release()

    @property
    def records(self) -> Mapping[str, Record]:
        """The record that counts of each case: the latest one, except that a failure never hides a done."""
        return dict(self._records)

    @property
    def n_ignored_lines(self) -> int:
        """Lines that were damaged or cut off when the store was opened."""
        return self._n_ignored

    def finished(self, retry_failed: bool) -> set[str]:
        """The ids of the cases that need not be computed again.

        Args:
            retry_failed: Whether failed cases are to be tried again.
        """
        return {case_id for case_id, record in self._records.items() if record.status == "done" or not retry_failed}

    def next_attempt(self, case_id: str) -> int:
        """The number of the next try of a case: 1 if it has no record yet."""
        return self._n_attempts.get(case_id, 0) + 1

    def append(self, record: Record) -> None:
        """Write one record, through to the disk. On any error the file is as it was before.

        Raises:
            BadOutputError: The output holds something that cannot be stored, such as a value that is not finite;
                nothing was written, so that the caller can record a failure instead.
            RunFolderError: The disk is full or the folder not writable. Earlier records are not touched.
        """
        if self._file < 0:
            raise RuntimeError("the record store is not open; use it in a `with` statement")
        large: dict[str, bytes] = {}
        line = _line(record, large)
        try:
            for name, content in large.items():
                _write_array(self.folder / ARRAYS_FOLDER / name, content)
            self._write_line(line)
        except OSError as error:
            raise RunFolderError(
                f"{self.folder}: cannot write the record of case {record.case_id!r} ({error}); the "
                f"{len(self._records)} cases recorded before are safe; free some space or mend the folder, "
                "then give the same command again"
            ) from error
        self._take(_read_line(line, self.folder))

    def _open(self) -> None:
        try:
            self._file = os.open(self.folder / RECORDS_FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            for leftover in (self.folder / ARRAYS_FOLDER).glob("*.tmp"):
                leftover.unlink()
        except OSError as error:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
            raise _cannot_write(self.folder, error) from error
        content = _content(self.folder)
        self._ends_mid_line = bool(content) and not content.endswith(b"\n")
        read, self._n_ignored = _parse(content, self.folder)
        for record in read:
            self._take(record)

    def _take(self, record: Record) -> None:
        self._n_attempts[record.case_id] = max(record.attempt, self._n_attempts.get(record.case_id, 0))
        _take_if_it_counts(self._records, record)

    def _write_line(self, line: bytes) -> None:
        length = os.fstat(self._file).st_size
        left = memoryview(b"\n" + line if self._ends_mid_line else line)
        try:
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except BaseException:
            # Should this fail too, the half line stays, and the next record begins on a line of its own.
            left_over = self._ends_mid_line
            self._ends_mid_line = True
            with suppress(OSError):
                os.ftruncate(self._file, length)
                self._ends_mid_line = left_over
            raise
        self._ends_mid_line = False


def read_records(folder: Path) -> dict[str, Record]:
    """The record that counts of each case, read without the lock and without write permission.

    Args:
        folder: The run's folder.

    Returns:
        Records by case id, in the order in which the cases were first finished. Lines that are damaged or cut off
        are ignored, with a logged warning.

    Raises:
        RunFolderError: There are no records to read.
    """
    if not (Path(folder) / RECORDS_FILE).is_file():
        raise RunFolderError(f"{folder}: no {RECORDS_FILE} here, expected the folder of a run")
    records: dict[str, Record] = {}
    for record in _parse(_content(Path(folder)), Path(folder))[0]:
        _take_if_it_counts(records, record)
    return records


def _take_if_it_counts(records: dict[str, Record], record: Record) -> None:
    known = records.get(record.case_id)
    if known is None or known.status == "failed" or record.status == "done":
        records[record.case_id] = record


def _content(folder: Path) -> bytes:
    try:
        return (folder / RECORDS_FILE).read_bytes()
    except OSError as error:
        raise RunFolderError(f"{folder / RECORDS_FILE}: cannot be read ({error}); check its permissions") from error


def _parse(content: bytes, folder: Path) -> tuple[list[Record], int]:
    """The records of a file's content and the number of lines ignored."""
    records = []
    n_ignored = 0
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append(_read_line(line, folder))
        except (ValueError, KeyError, TypeError, OSError, ArithmeticError, RecursionError) as error:
            n_ignored += 1
            logger.warning(
                "%s, line %d: not a complete record, ignored; its case counts as not computed (%s: %s)",
                folder / RECORDS_FILE,
                number,
                type(error).__name__,
                error,
            )
    return records, n_ignored


def _line(record: Record, large: dict[str, bytes]) -> bytes:
    """A record as a line; `large` takes the arrays that go to files, by file name."""
    fields = {
        "case_id": record.case_id,
        "status": record.status,
        "output": None if record.output is None else _encode(record.output, "", large),
        "failure": None if record.failure is None else asdict(record.failure),
        "seconds": record.seconds,
        "attempt": record.attempt,
        "finished_at": record.finished_at,
    }
    return json.dumps(fields, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def _read_line(line: bytes, folder: Path) -> Record:
    fields = json.loads(line, parse_constant=_refuse_constant)
    if fields["status"] not in ("done", "failed"):
        raise ValueError(f"status is {fields['status']!r}, expected 'done' or 'failed'")
    return Record(
        case_id=str(fields["case_id"]),
        status=fields["status"],
        output=None if fields["output"] is None else _decode(fields["output"], folder),
        failure=None if fields["failure"] is None else Failure(**fields["failure"]),
        seconds=float(fields["seconds"]),
        attempt=int(fields["attempt"]),
        finished_at=str(fields["finished_at"]),
    )


def check_storable(output: object) -> None:
    """Refuse an output that could not be stored.

    Raises:
        BadOutputError: It is not a mapping, or holds something that is not finite or neither JSON nor an array.
    """
    if not isinstance(output, Mapping):
        raise BadOutputError(f"the task returned a {type(output).__name__}, expected values by name")
    _encode(output, "", {})


def _encode(value: Any, path: str, large: dict[str, bytes]) -> Any:
    """A value as JSON, with arrays tagged so that they come back with their type and shape."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        return _encode(value.item(), path, large)
    if isinstance(value, float):
        if not np.isfinite(value):
            raise BadOutputError(f"output {path!r} is {value}, expected a finite number")
        return value
    if isinstance(value, np.ndarray):
        return _encode_array(value, path, large)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or key in (_INLINE_ARRAY, _FILED_ARRAY):
                raise BadOutputError(f"output {path!r} has the key {key!r}, expected a string other than that")
        return {key: _encode(part, f"{path}.{key}" if path else key, large) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(part, f"{path}[{index}]", large) for index, part in enumerate(value)]
    raise BadOutputError(f"output {path!r} is a {type(value).__name__}, expected JSON values and NumPy arrays")


def _encode_array(array: NDArray[Any], path: str, large: dict[str, bytes]) -> dict[str, Any]:
    if array.dtype.kind not in "biufcU":
        raise BadOutputError(f"output {path!r} is an array of {array.dtype}, expected numbers, truth values or text")
    if array.dtype.kind in "fc" and not np.all(np.isfinite(array)):
        first = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        n_bad = int(np.sum(~np.isfinite(array)))
        raise BadOutputError(
            f"output {path!r} of shape {array.shape} has {n_bad} values that are not finite, the first at {first}"
        )
    exact_in_json = array.dtype.kind in "biuU" or (array.dtype.kind == "f" and array.dtype.itemsize <= 8)
    if array.size <= INLINE_ELEMENTS and exact_in_json:
        return {_INLINE_ARRAY: array.tolist(), "dtype": array.dtype.str, "shape": list(array.shape)}
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    content = buffer.getvalue()
    name = hashlib.sha256(content).hexdigest() + ".npy"
    large[name] = content
    return {_FILED_ARRAY: name}


def _decode(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_decode(part, folder) for part in value]
    if not isinstance(value, dict):
        return value
    if _INLINE_ARRAY in value:
        return np.array(value[_INLINE_ARRAY], dtype=value["dtype"]).reshape(value["shape"])
    if _FILED_ARRAY in value:
        path = folder / ARRAYS_FOLDER / Path(value[_FILED_ARRAY]).name
        if sha256(path) + ".npy" != path.name:
            raise ValueError(f"{ARRAYS_FOLDER}/{path.name} is damaged: its SHA-256 is not its name")
        # Mapped and not read, so that the records of a large run need not fit in memory.
        mapped = path.stat().st_size > _MAPPED_BYTES
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return {key: _decode(part, folder) for key, part in value.items()}


def _write_array(path: Path, content: bytes) -> None:
    """Write a file that is there complete or not at all; its name tells its content."""
    if path.exists() and path.stat().st_size == len(content):
        return
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".tmp")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _plain_structure(atoms: Atoms) -> dict[str, Any]:
    def finite_or_none(rows: NDArray[np.float64]) -> list[list[float | None]]:
        return [[float(number) if np.isfinite(number) else None for number in row] for row in rows]

    return {
        "numbers": atoms.numbers.tolist(),
        "positions": finite_or_none(atoms.positions),
        "cell": finite_or_none(atoms.cell.array),
        "pbc": atoms.pbc.tolist(),
    }


def _cannot_write(folder: Path, error: Exception) -> RunFolderError:
    return RunFolderError(
        f"{folder}: cannot write here ({error}); check the permissions and the free space, or choose another folder; "
        "what is recorded there can still be read"
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a finite number")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
