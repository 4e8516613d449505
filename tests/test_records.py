"""The record store: nothing recorded is ever lost, and nothing half-written is ever believed."""

import gc
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from lamcore.errors import BadOutputError, RunFolderError
from lamcore.records import Failure, Record, RecordStore, read_records
from lamcore.stored_values import INLINE_ELEMENTS


def done(case_id, output=None, attempt=1):
    return Record.done(case_id, output if output is not None else {"energy_ev": 1.5}, seconds=0.1, attempt=attempt)


def failed(case_id, attempt=1):
    return Record.failed(case_id, Failure("ValueError", "no", "Traceback"), seconds=0.1, attempt=attempt)


def python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_field_of_a_record_comes_back(tmp_path):
    atoms = bulk("Cu", cubic=True)
    try:
        raise ValueError("the cell\nexploded: a₀ = ∞")
    except ValueError as error:
        failure = Failure.of(error, atoms)
    records = [
        Record(
            "si/α \u2028 1", "done", {"n": 3, "ok": True, "none": None, "names": ["a"]}, None, 1.25, 2, "2024-01-01"
        ),
        Record("cu", "failed", None, failure, 0.5, 1, "2024-01-01"),
    ]
    with RecordStore(tmp_path / "run") as store:
        for record in records:
            store.append(record)
    assert list(read_records(tmp_path / "run").values()) == records
    assert failure.kind == "ValueError"
    assert "test_records.py" in failure.traceback
    assert failure.structure["numbers"] == [29] * 4
    assert failure.structure["pbc"] == [True] * 3
    np.testing.assert_array_equal(failure.structure["cell"], atoms.cell.array)


def test_a_structure_that_exploded_can_be_recorded(tmp_path):
    atoms = bulk("Cu")
    atoms.positions[0, 1] = np.nan
    with RecordStore(tmp_path) as store:
        store.append(Record.failed("cu", Failure.of(ValueError("exploded"), atoms), seconds=1))
    assert read_records(tmp_path)["cu"].failure.structure["positions"] == [[0.0, None, 0.0]]


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(0).normal(size=(3, 4)),
        np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32),
        np.array(5e-324),
        np.zeros((0, 3)),
        np.zeros((2, 0, 3), dtype=np.int16),
        np.array([2**64 - 1], dtype=np.uint64),
        np.array([True, False]),
        np.array(["Cu", "O₂"]),
        np.array([1.5, -2.0], dtype=">f8"),
        np.array([1 + 2j, 3 - 1e-300j]),
        np.asfortranarray(np.arange(6000.0).reshape(50, 120)),
        np.arange(INLINE_ELEMENTS + 1, dtype=np.int32),
        np.random.default_rng(1).normal(size=(40, 3, 40)).transpose(2, 1, 0),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_arrays_come_back_with_type_shape_and_every_bit(tmp_path, array):
    with RecordStore(tmp_path) as store:
        store.append(done("a", {"deep": [{"array": array}]}))
        held = store.records["a"].output["deep"][0]["array"]
    for back in (held, read_records(tmp_path)["a"].output["deep"][0]["array"]):
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert back.tobytes() == np.ascontiguousarray(array).tobytes()


def test_only_large_arrays_go_to_files(tmp_path):
    with RecordStore(tmp_path) as store:
        store.append(done("a", {"small": np.zeros(INLINE_ELEMENTS), "large": np.zeros(INLINE_ELEMENTS + 1)}))
    (file,) = (tmp_path / "arrays").iterdir()
    np.testing.assert_array_equal(np.load(file, allow_pickle=False), np.zeros(INLINE_ELEMENTS + 1))


@pytest.mark.parametrize(
    ("output", "where"),
    [
        ({"a": {"b": [1.0, float("nan")]}}, "'a.b\\[1\\]'"),
        ({"a": float("inf")}, "'a'"),
        ({"a": np.float32("-inf")}, "'a'"),
        ({"forces": np.array([[0, 0, 0], [0, np.nan, 0]])}, r"'forces' of shape \(2, 3\) has 1 .* at \(1, 1\)"),
        ({"big": np.full(5000, np.inf)}, "'big' of shape .* has 5000"),
        ({"z": np.array([1, complex(0, np.nan)])}, "'z'"),
        ({"a": {1: 2}}, "'a' has the key 1"),
        ({"__array__": [1]}, "key '__array__'"),
        ({"a": [object()]}, r"'a\[0\]' is a object"),
        ({"a": np.array([None])}, "'a' is an array of object"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name_before_anything_is_written(tmp_path, output, where):
    with RecordStore(tmp_path) as store:
        store.append(done("first"))
        before = (tmp_path / "records.jsonl").read_bytes()
        with pytest.raises(BadOutputError, match=where):
            store.append(done("a", {"large": np.zeros(5000), **output}))
        assert (tmp_path / "records.jsonl").read_bytes() == before
        assert not (tmp_path / "arrays").exists()
        store.append(failed("a"))
    assert {case: record.status for case, record in read_records(tmp_path).items()} == {"first": "done", "a": "failed"}


def test_a_failure_never_hides_a_done_and_a_done_replaces_a_failure(tmp_path):
    with RecordStore(tmp_path) as store:
        assert store.next_attempt("a") == 1
        store.append(failed("a"))
        assert store.next_attempt("a") == 2
        assert store.finished(retry_failed=False) == {"a"}
        assert store.finished(retry_failed=True) == set()
        store.append(done("a", {"x": 1}, attempt=2))
        store.append(failed("a", attempt=3))
        store.append(failed("b"))
        store.append(failed("b", attempt=2))
        held = store.records
    for records in (held, read_records(tmp_path)):
        assert records["a"].output == {"x": 1}
        assert (records["b"].status, records["b"].attempt) == ("failed", 2)
    with RecordStore(tmp_path) as store:
        assert store.next_attempt("a") == 4
        assert store.finished(retry_failed=True) == {"a"}


def test_a_line_cut_anywhere_is_ignored_and_does_not_spoil_the_next(tmp_path, caplog):
    with RecordStore(tmp_path) as store:
        for case in "abc":
            store.append(done(case, {"x": np.arange(3.0)}))
    file = tmp_path / "records.jsonl"
    whole = file.read_bytes()
    start_of_last = whole[:-1].rindex(b"\n") + 1
    for length in range(start_of_last + 1, len(whole) - 1, 7):
        file.write_bytes(whole[:length])
        caplog.clear()
        with caplog.at_level(logging.WARNING), RecordStore(tmp_path) as store:
            assert store.finished(retry_failed=False) == {"a", "b"}
            assert store.n_ignored_lines == 1
            assert "line 3" in caplog.text
            store.append(done("d", {"energy_ev": float(length)}))
            assert store.records["d"].output == {"energy_ev": length}
        assert list(read_records(tmp_path)) == ["a", "b", "d"]
        assert read_records(tmp_path)["d"].output == {"energy_ev": length}


def test_a_last_line_that_lacks_only_its_newline_counts(tmp_path):
    with RecordStore(tmp_path) as store:
        store.append(done("a"))
    file = tmp_path / "records.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    with RecordStore(tmp_path) as store:
        assert store.n_ignored_lines == 0
        store.append(done("b"))
    assert list(read_records(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize(
    "rubbish",
    [b"\0" * 100, b"{}", b"[1]", b"null", b"\xff\xfe", b'{"case_id":"b","status":"do', b"[" * 100_000],
    ids=["zeros", "empty", "list", "null", "binary", "cut", "deep"],
)
def test_a_damaged_line_in_the_middle_costs_only_its_own_case(tmp_path, rubbish):
    with RecordStore(tmp_path) as store:
        for case in "abc":
            store.append(done(case))
    file = tmp_path / "records.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + rubbish + b"\n" + lines[2])
    with RecordStore(tmp_path) as store:
        assert store.n_ignored_lines == 1
        assert store.finished(retry_failed=False) == {"a", "c"}


def test_a_number_that_is_not_finite_in_the_file_is_damage(tmp_path):
    with RecordStore(tmp_path) as store:
        store.append(done("a", {"x": 1.25}))
    file = tmp_path / "records.jsonl"
    file.write_text(file.read_text().replace("1.25", "NaN"))
    assert read_records(tmp_path) == {}


@pytest.mark.parametrize("damage", ["missing", "changed", "cut"])
def test_a_record_whose_array_file_is_damaged_is_computed_again(tmp_path, damage):
    array = np.arange(5000.0)
    with RecordStore(tmp_path) as store:
        store.append(done("a", {"x": array}))
    (file,) = (tmp_path / "arrays").iterdir()
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(content[:-8] + b"\1" * 8 if damage == "changed" else content[:-8])
    with RecordStore(tmp_path) as store:
        assert store.finished(retry_failed=False) == set()
    with RecordStore(tmp_path) as store:
        store.append(done("a", {"x": array}, attempt=2))
    np.testing.assert_array_equal(read_records(tmp_path)["a"].output["x"], array)


class Array(np.ndarray):
    """An array that can be referred to weakly."""


def test_an_output_dies_when_it_is_recorded_and_each_use_reads_a_new_one(tmp_path):
    array = np.arange(10.0).view(Array)
    recorded = weakref.ref(array)
    gc.disable()
    try:
        with RecordStore(tmp_path) as store:
            store.append(done("a", {"x": array}))
            del array
            assert recorded() is None
            records = store.records
    finally:
        gc.enable()
    for held in (records, read_records(tmp_path)):
        output = held["a"].output
        output["x"][:] = 0  # what a reader does to it is its own affair
        np.testing.assert_array_equal(held["a"].output["x"], np.arange(10.0))
        np.testing.assert_array_equal(held.outputs["a"]["x"], np.arange(10.0))


def test_memory_does_not_grow_with_what_is_recorded(tmp_path):
    n_cases, kilobytes_each = 300, 20

    def append_and_read():
        with RecordStore(tmp_path) as store:
            for number in range(n_cases):
                store.append(done(str(number), {"text": f"{number:0{1000 * kilobytes_each}}"}))
        records = read_records(tmp_path)
        for case_id, output in records.outputs.items():
            assert output["text"].lstrip("0") == case_id.lstrip("0")
        return records

    tracemalloc.start()
    try:
        records = append_and_read()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(records) == n_cases
    assert (tmp_path / "records.jsonl").stat().st_size > n_cases * kilobytes_each * 1000
    assert held < n_cases * 1000
    assert peak < 1_000_000


def test_records_tell_ids_and_statuses_without_reading(tmp_path):
    with RecordStore(tmp_path) as store:
        store.append(done("a"))
        store.append(failed("b"))
    records = read_records(tmp_path)
    (tmp_path / "records.jsonl").unlink()
    assert records.statuses == {"a": "done", "b": "failed"}
    assert list(records.outputs) == ["a"]
    assert ("a" in records, "b" in records.outputs, "c" in records) == (True, False, False)
    assert len(records.outputs) == 1
    with pytest.raises(KeyError):
        records["c"]
    with pytest.raises(KeyError):
        records.outputs["b"]
    assert records.outputs.get("b", {}) == {}


@pytest.mark.parametrize("change", ["gone", "shifted", "exchanged"])
def test_a_record_that_changes_behind_the_readers_back_is_an_error_that_names_it(tmp_path, change):
    with RecordStore(tmp_path) as store:
        for case in "abc":
            store.append(done(case))
    records = read_records(tmp_path)
    file = tmp_path / "records.jsonl"
    content = file.read_bytes()
    file.unlink()
    if change != "gone":
        file.write_bytes(b" " * 10 + content if change == "shifted" else content.replace(b'"b"', b'"x"'))
    with pytest.raises(RunFolderError, match="the record of case 'b' has changed since the file was opened"):
        records["b"]


HOLD = """
import sys, time
from pathlib import Path
from lamcore.records import RecordStore
with RecordStore(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_and_the_lock_goes_with_a_killed_one(tmp_path):
    holder = python(HOLD, tmp_path)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(
            RunFolderError, match="another process is computing this run; wait for it or stop it"
        ) as info:
            RecordStore(tmp_path).__enter__()
        assert str(tmp_path) in str(info.value)
        assert read_records(tmp_path) == {}
    finally:
        holder.kill()
        holder.communicate()
    with RecordStore(tmp_path) as store:
        store.append(done("a"))


def test_one_process_cannot_open_a_run_twice(tmp_path):
    with RecordStore(tmp_path):
        with pytest.raises(RunFolderError, match="another process"):
            RecordStore(tmp_path).__enter__()
        with pytest.raises(RunFolderError, match="another process"):
            RecordStore(tmp_path).__enter__()
    with RecordStore(tmp_path):
        pass


WRITE = """
import sys
from pathlib import Path
import numpy as np
from lamcore.records import Record, RecordStore
n_cases = int(sys.argv[2])
with RecordStore(Path(sys.argv[1])) as store:
    print("started", flush=True)
    finished = store.finished(retry_failed=False)
    for number in range(n_cases):
        if str(number) not in finished:
            size = 20000 if number % 3 == 0 else 300
            output = {"number": number, "array": np.full(size, number, dtype=float)}
            store.append(Record.done(str(number), output, seconds=0.0))
            print(number, flush=True)
"""


def test_after_kills_at_random_moments_every_case_is_there_exactly_once(tmp_path):
    n_cases = 300
    clock = random.Random(7)
    acknowledged = []
    for _ in range(10):
        writer = python(WRITE, tmp_path, n_cases)
        assert writer.stdout.readline() == "started\n"
        time.sleep(clock.uniform(0.002, 0.06))
        os.kill(writer.pid, signal.SIGKILL)
        out, _ = writer.communicate()
        acknowledged += out.split("\n")[:-1]
        recorded = read_records(tmp_path)
        assert set(acknowledged) <= set(recorded)
        assert len(recorded) < n_cases, "the writer finished before it could be killed; raise n_cases"
    assert len(set(acknowledged)) == len(acknowledged) > 0
    last = python(WRITE, tmp_path, n_cases)
    _, errors = last.communicate()
    assert (last.returncode, errors) == (0, "")
    records = read_records(tmp_path)
    assert sorted(map(int, records)) == list(range(n_cases))
    lines = (tmp_path / "records.jsonl").read_bytes().splitlines()
    complete = [json.loads(line)["case_id"] for line in lines if line.endswith(b"}")]
    assert len(complete) == len(set(complete)) == n_cases
    for case_id, record in records.items():
        assert record.output["number"] == int(case_id)
        assert np.all(record.output["array"] == int(case_id))
    assert not list((tmp_path / "arrays").glob("*.tmp"))


FILL = """
import resource, sys
from pathlib import Path
import numpy as np
from lamcore.errors import RunFolderError
from lamcore.records import Record, RecordStore
folder, limit, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
with RecordStore(folder) as store:
    for number in range(1000):
        length = (folder / "records.jsonl").stat().st_size
        try:
            store.append(Record.done(str(number), {"array": np.full(size, number, dtype=float)}, seconds=0.0))
        except RunFolderError as error:
            assert (folder / "records.jsonl").stat().st_size == length
            assert len(store.records) == number
            print(number, error)
            break
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize(("limit", "size", "n_recorded"), [(10_000, 100, None), (20_000, 5000, 0)])
def test_a_full_disk_loses_nothing_and_says_so(tmp_path, limit, size, n_recorded):
    filler = python(FILL, tmp_path, limit, size)
    out, errors = filler.communicate()
    assert (filler.returncode, errors) == (0, "")
    number, message = out.split(" ", 1)
    assert f"the {number} cases recorded before are safe" in message
    assert str(tmp_path) in message
    records = read_records(tmp_path)
    assert list(records) == [str(case) for case in range(int(number))]
    assert len(records) > 3 if n_recorded is None else len(records) == n_recorded
    with RecordStore(tmp_path) as store:
        assert store.n_ignored_lines == 0
        store.append(done("more"))
    assert len(read_records(tmp_path)) == int(number) + 1
    assert not list(tmp_path.glob("arrays/*.tmp"))


@pytest.mark.parametrize("can_roll_back", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_write_that_stops_half_way_leaves_the_file_usable(tmp_path, monkeypatch, error, can_roll_back):
    really_write, really_truncate = os.write, os.ftruncate

    def write_half(descriptor, content):
        if len(content) > 20:
            return really_write(descriptor, content[: len(content) // 2])
        raise error

    def fail_to_truncate(descriptor, length):
        raise OSError(5, "Input/output error")

    with RecordStore(tmp_path) as store:
        store.append(done("a"))
        before = (tmp_path / "records.jsonl").read_bytes()
        monkeypatch.setattr(os, "write", write_half)
        monkeypatch.setattr(os, "ftruncate", really_truncate if can_roll_back else fail_to_truncate)
        with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else RunFolderError):
            store.append(done("b"))
        assert ((tmp_path / "records.jsonl").read_bytes() == before) == can_roll_back
        monkeypatch.undo()
        assert set(store.records) == {"a"}
        store.append(done("c", {"energy_ev": -2.5}))
        assert store.records["c"].output == {"energy_ev": -2.5}
    assert list(read_records(tmp_path)) == ["a", "c"]
    assert read_records(tmp_path)["c"].output == {"energy_ev": -2.5}


OPEN = """
import os, sys
from pathlib import Path
from lamcore.errors import RunFolderError
from lamcore.records import RecordStore, read_records
folder = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setuid(65534)  # permissions do not bind the superuser
print(sorted(read_records(folder)))
try:
    RecordStore(folder).__enter__()
except RunFolderError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")
@pytest.mark.parametrize("with_lock_file", [True, False])
def test_a_folder_without_write_permission_can_be_read_but_not_continued(with_lock_file):
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        with RecordStore(folder) as store:
            store.append(done("a"))
        lock = folder / "records.lock"
        lock.unlink(missing_ok=True)
        if with_lock_file:
            lock.touch(0o444)
        (folder / "records.jsonl").chmod(0o444)
        folder.chmod(0o555)
        reader = python(OPEN, folder)
        out, errors = reader.communicate()
        folder.chmod(0o755)
    assert (reader.returncode, errors) == (0, "")
    recorded, message = out.strip().split("\n")
    assert recorded == "['a']"
    assert message.startswith(f"{folder}: cannot write here (")
    assert "choose another folder" in message


def test_a_folder_that_is_a_file_is_refused_with_a_message(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(RunFolderError, match="run: cannot write here"):
        RecordStore(tmp_path / "run").__enter__()


def test_reading_where_no_run_is_says_so(tmp_path):
    with pytest.raises(RunFolderError, match="expected the folder of a run"):
        read_records(tmp_path)
