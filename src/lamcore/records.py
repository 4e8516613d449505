"""What became of each case of a run: appended once, never rewritten, read again after any crash.

A run's folder holds `records.jsonl`, one line a record. A line is complete or it is ignored: whatever a crash, a full
disk or an editor left half-written counts for nothing, and the case it belonged to is computed again. Large arrays lie
in `arrays/` beside it. Of each record, only its place in the file and what became of the case is kept in memory.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn

import numpy as np
from filelock import FileLock, Timeout

from lamcore.errors import RunFolderError
from lamcore.stored_values import ARRAYS_FOLDER, decode, encode, write_array

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

RECORDS_FILE = "records.jsonl"
LOCK_FILE = "records.lock"

Status = Literal["done", "failed"]
_Damage = (ValueError, KeyError, TypeError, OSError, ArithmeticError, RecursionError)
"""What reading a damaged line raises."""

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
    status: Status
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


class _Entry(NamedTuple):
    """What became of a case, and where in the file its record lies."""

    status: Status
    start: int


class Records(Mapping[str, Record]):
    """The record that counts of each case, by case id: the latest one, except that a failure never hides a done.

    The order is that in which the cases were first finished. A record is read from the file whenever it is asked for,
    and not kept.
    """

    def __init__(self, folder: Path, entries: Mapping[str, _Entry]) -> None:
        self._folder = folder
        self._entries = entries

    def __getitem__(self, case_id: str) -> Record:
        """Read one record.

        Raises:
            KeyError: The case has none.
            RunFolderError: The file, or that of an array, is no longer what it was when the run was opened.
        """
        entry = self._entries[case_id]
        try:
            with (self._folder / RECORDS_FILE).open("rb") as file:
                file.seek(entry.start)
                record = _read_line(file.readline(), self._folder)
            if record.case_id != case_id:
                raise ValueError(f"it is now that of {record.case_id!r}")
        except _Damage as error:
            raise RunFolderError(
                f"{self._folder / RECORDS_FILE}: the record of case {case_id!r} has changed since the file was opened "
                f"({type(error).__name__}: {error}); give the same command again"
            ) from error
        return record

    def __contains__(self, case_id: object) -> bool:
        return case_id in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def statuses(self) -> Mapping[str, Status]:
        """Whether each case was computed or failed; nothing is read for it."""
        return {case_id: entry.status for case_id, entry in self._entries.items()}

    @property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """What `Task.calculate` returned for each case that did not fail, read whenever it is asked for."""
        return _Outputs(self, [case_id for case_id, status in self.statuses.items() if status == "done"])


class _Outputs(Mapping[str, Mapping[str, Any]]):
    """The outputs among records."""

    def __init__(self, records: Records, case_ids: Iterable[str]) -> None:
        self._records = records
        self._case_ids = dict.fromkeys(case_ids)

    def __getitem__(self, case_id: str) -> Mapping[str, Any]:
        if case_id not in self._case_ids:
            raise KeyError(case_id)
        output = self._records[case_id].output
        assert output is not None
        return output

    def __contains__(self, case_id: object) -> bool:
        return case_id in self._case_ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._case_ids)

    def __len__(self) -> int:
        return len(self._case_ids)


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
        self._entries: dict[str, _Entry] = {}
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
    def records(self) -> Records:
        """The record that counts of each case, as of now."""
        return Records(self.folder, dict(self._entries))

    @property
    def n_ignored_lines(self) -> int:
        """Lines that were damaged or cut off when the store was opened."""
        return self._n_ignored

    def finished(self, retry_failed: bool) -> set[str]:
        """The ids of the cases that need not be computed again.

        Args:
            retry_failed: Whether failed cases are to be tried again.
        """
        return {case_id for case_id, entry in self._entries.items() if entry.status == "done" or not retry_failed}

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
                write_array(self.folder / ARRAYS_FOLDER / name, content)
            start = self._write_line(line)
        except OSError as error:
            raise RunFolderError(
                f"{self.folder}: cannot write the record of case {record.case_id!r} ({error}); the "
                f"{len(self._entries)} cases recorded before are safe; free some space or mend the folder, "
                "then give the same command again"
            ) from error
        self._take(record, start)

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
        scan = _Scan(self.folder)
        for record, start in scan:
            self._take(record, start)
        self._n_ignored, self._ends_mid_line = scan.n_ignored, scan.ends_mid_line

    def _take(self, record: Record, start: int) -> None:
        self._n_attempts[record.case_id] = max(record.attempt, self._n_attempts.get(record.case_id, 0))
        _take_if_it_counts(self._entries, record, start)

    def _write_line(self, line: bytes) -> int:
        """Append a line, and tell where it begins."""
        length = os.fstat(self._file).st_size
        start = length + self._ends_mid_line
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
        return start


def read_records(folder: Path) -> Records:
    """The record that counts of each case, without the lock and without write permission.

    Args:
        folder: The run's folder.

    Returns:
        Records by case id, in the order in which the cases were first finished, each read when it is asked for. Lines
        that are damaged or cut off are ignored, with a logged warning.

    Raises:
        RunFolderError: There are no records to read.
    """
    folder = Path(folder)
    if not (folder / RECORDS_FILE).is_file():
        raise RunFolderError(f"{folder}: no {RECORDS_FILE} here, expected the folder of a run")
    entries: dict[str, _Entry] = {}
    for record, start in _Scan(folder):
        _take_if_it_counts(entries, record, start)
    return Records(folder, entries)


def _take_if_it_counts(entries: dict[str, _Entry], record: Record, start: int) -> None:
    known = entries.get(record.case_id)
    if known is None or known.status == "failed" or record.status == "done":
        entries[record.case_id] = _Entry(record.status, start)


class _Scan:
    """Goes through a file of records once, holding one line at a time.

    Attributes:
        n_ignored: Lines that were damaged or cut off.
        ends_mid_line: Whether the last line lacks its end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.n_ignored = 0
        self.ends_mid_line = False

    def __iter__(self) -> Iterator[tuple[Record, int]]:
        """Each record with the byte at which its line begins."""
        path = self._folder / RECORDS_FILE
        try:
            with path.open("rb") as file:
                start = 0
                for number, line in enumerate(file, start=1):
                    self.ends_mid_line = not line.endswith(b"\n")
                    if line.strip() and (record := self._record(line, number)) is not None:
                        yield record, start
                    start += len(line)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be read ({error}); check its permissions") from error

    def _record(self, line: bytes, number: int) -> Record | None:
        try:
            return _read_line(line, self._folder)
        except _Damage as error:
            self.n_ignored += 1
            logger.warning(
                "%s, line %d: not a complete record, ignored; its case counts as not computed (%s: %s)",
                self._folder / RECORDS_FILE,
                number,
                type(error).__name__,
                error,
            )
            return None


def _line(record: Record, large: dict[str, bytes]) -> bytes:
    """A record as a line; `large` takes the arrays that go to files, by file name."""
    fields = {
        "case_id": record.case_id,
        "status": record.status,
        "output": None if record.output is None else encode(record.output, "", large),
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
        status="done" if fields["status"] == "done" else "failed",  # the one text, not one of each line
        output=None if fields["output"] is None else decode(fields["output"], folder),
        failure=None if fields["failure"] is None else Failure(**fields["failure"]),
        seconds=float(fields["seconds"]),
        attempt=int(fields["attempt"]),
        finished_at=str(fields["finished_at"]),
    )


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
