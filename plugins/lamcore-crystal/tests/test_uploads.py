"""Submitting over HTTP: tokens before bytes, limits, and half an upload that leaves nothing."""

import errno
import io
import socket
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from lamcore_crystal.rounds import RoundSettings
from lamcore_crystal.store.schema import content, round_, submission, submitted_file, token
from lamcore_crystal.web.multipart import Upload
from lamcore_crystal.web.tokens import make_token, may_of, revoke_tokens
from serving import Inbox, filled_challenge, served
from sqlalchemy import func, select, update

from lamcore.errors import ConfigError

CIF = b"data_a\n_cell_length_a 4\n"


@pytest.fixture(scope="module")
def challenge(tmp_path_factory):
    with filled_challenge(tmp_path_factory.mktemp("uploads") / "challenge", 8) as challenge:
        settings = RoundSettings(max_files=5, max_submission_bytes=2_000_000).as_json()
        with challenge.database.write() as connection:
            connection.execute(update(round_).values(settings=settings))
        yield challenge


@pytest.fixture(scope="module")
def bearer(challenge):
    with challenge.database.write() as connection:
        return {"Authorization": f"Bearer {make_token(connection, 'a submitter', 'submit')}"}


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def held(challenge, spool):
    """A server whose submissions end in an inbox."""
    inbox = Inbox()
    with served(challenge, submit=inbox, spool=spool) as client:
        yield client, inbox


@pytest.fixture
def client(held):
    return held[0]


@pytest.fixture
def inbox(held):
    held[1].received.clear()
    return held[1]


@pytest.fixture(scope="module")
def real(challenge, spool):
    """A client whose submissions are really taken in."""
    with served(challenge, spool=spool) as client:
        yield client


def packed(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_submission_is_kept_byte_by_byte_and_followed(real, challenge, bearer, spool):
    files = [("file", ("one.cif", CIF)), ("file", ("folder/two.cif", CIF * 2)), ("file", ("three.cif", b"\xff\xfe"))]
    form = {"source": "over http", "submitter": "A. Tester", "licence": "CC0-1.0", "split_blocks": "false"}
    response = real.post("/api/v1/submissions", files=files, data=form, headers=bearer)
    assert response.status_code == 202
    shown = real.get(response.headers["location"]).json()
    assert (shown["source"], shown["submitter"], shown["licence"]) == ("over http", "A. Tester", "CC0-1.0")
    assert shown["status"] == "received"
    assert shown["split_blocks"] is False
    with challenge.database.read() as connection:
        kept = connection.execute(
            select(submitted_file.c.name, submitted_file.c.size)
            .where(submitted_file.c.submission_id == shown["id"])
            .order_by(submitted_file.c.position)
        ).all()
    assert sorted(kept) == [("folder/two.cif", len(CIF * 2)), ("one.cif", len(CIF)), ("three.cif", 2)]
    again = real.post("/api/v1/submissions", files=files, data=form, headers=bearer)
    assert again.status_code == 200
    assert again.json() == {"id": shown["id"], "n_files": 3, "is_new": False}
    assert list(spool.iterdir()) == []


def test_one_archive_is_taken_as_the_archive_that_it_is(client, bearer, inbox):
    archive = packed({"a.cif": CIF, "b.cif": CIF})
    response = client.post(
        "/api/v1/submissions", files={"file": ("x.zip", archive)}, data={"source": "zip"}, headers=bearer
    )
    assert response.status_code == 202
    assert inbox.received == [(archive, {"source": "zip", "split_blocks": False})]


def test_one_file_keeps_its_name_and_may_hold_many_blocks(client, bearer, inbox):
    client.post("/api/v1/submissions", files={"file": ("dir/many.cif", CIF)}, data={"source": "one"}, headers=bearer)
    [(data, fields)] = inbox.received
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["dir/many.cif"]
        assert archive.read("dir/many.cif") == CIF
    assert fields["split_blocks"] is True


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "a\\..\\b.cif", "<script>.cif", "\u202egnp.cif", "C:\\x.cif", "x" * 3000],
)
def test_a_name_from_outside_is_never_a_path(real, challenge, bearer, spool, name):
    form = {"source": f"names {len(name)} {name[:3]!a}"}
    response = real.post("/api/v1/submissions", files={"file": (name, CIF)}, data=form, headers=bearer)
    assert response.status_code in (202, 422)
    assert list(spool.iterdir()) == []
    if response.status_code == 202:
        with challenge.database.read() as connection:
            shown = connection.execute(
                select(submitted_file.c.name).where(submitted_file.c.submission_id == response.json()["id"])
            ).scalar_one()
        assert shown.isprintable()
        assert len(shown) < 300


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthorized"),
        ({"Authorization": "Bearer lam_" + "A" * 43}, 401, "unauthorized"),
        ({"Authorization": "Bearer ' OR 1=1 --"}, 401, "unauthorized"),
        ({"Authorization": "Basic bGFtOmxhbQ=="}, 401, "unauthorized"),
    ],
)
def test_without_a_token_nothing_is_taken(client, inbox, headers, status, code):
    response = client.post("/api/v1/submissions", files={"file": ("a.cif", CIF)}, data={"source": "x"}, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert inbox.received == []


def test_a_token_for_reading_may_not_submit(client, challenge, inbox):
    with challenge.database.write() as connection:
        reading = make_token(connection, "a reader", "read")
    headers = {"Authorization": f"Bearer {reading}"}
    response = client.post("/api/v1/submissions", files={"file": ("a.cif", CIF)}, data={"source": "x"}, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "read_only")
    assert inbox.received == []


def test_the_token_is_judged_before_the_body_is_sent(client):
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as connection:
        connection.sendall(
            b"POST /api/v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            b"Content-Length: 1000000\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("files", "form", "status", "code"),
    [
        ([("file", (f"{i}.cif", CIF)) for i in range(6)], {"source": "x"}, 413, "too_many_files"),
        ([("file", ("a.cif", b"x" * 3_100_000))], {"source": "x"}, 413, "too_large"),
        ([("file", ("a.cif", CIF))], {}, 422, "bad_parameter"),
        ([("file", ("a.cif", CIF))], {"source": "  "}, 422, "bad_parameter"),
        ([("file", ("a.cif", CIF))], {"source": "a\x07b"}, 422, "refused"),
        ([("file", ("a.cif", CIF))], {"source": "y" * 300}, 422, "refused"),
        ([("file", ("a.cif", CIF))], {"source": "y" * 3000}, 422, "bad_parameter"),
        ([("file", ("a.cif", CIF))], {"source": "x", "split_blocks": "maybe"}, 422, "bad_parameter"),
        ([("file", ("a.cif", CIF))], {"source": "x", "nonsense": "1"}, 422, "bad_parameter"),
        ([("source", (None, "x"))], {}, 422, "no_file"),
    ],
)
def test_too_much_or_too_little_is_refused_and_leaves_nothing(
    real, challenge, bearer, spool, files, form, status, code
):
    before = counts(challenge)
    response = real.post("/api/v1/submissions", files=files, data=form, headers=bearer)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert str(spool) not in response.text
    assert list(spool.iterdir()) == []
    assert counts(challenge)[0] == before[0]


def counts(challenge):
    with challenge.database.read() as connection:
        return [connection.execute(select(func.count()).select_from(one)).scalar_one() for one in (submission, content)]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/plain", 415),
        ("multipart/form-data", 415),
        ("application/json", 415),
        ("multipart/form-data; boundary=b", 400),
    ],
)
def test_another_kind_of_body_is_refused(client, bearer, inbox, content_type, status):
    headers = {**bearer, "Content-Type": content_type}
    response = client.post("/api/v1/submissions", content=b"{}", headers=headers)
    assert response.status_code == status
    assert inbox.received == []


def body_of(*parts):
    return b"".join(b"--b\r\nContent-Disposition: form-data; " + part for part in parts)


@pytest.mark.parametrize(
    "body",
    [
        body_of(b'name="file"; filename="a.cif"\r\n\r\ndata_a'),
        body_of(b'name="source"\r\n\r\nx\r\n', b'name="file"; filename="a.cif"\r\n\r\ndata_a\r\n'),
        b"--b\r\n" + b"X" * 10_000,
        body_of(b'name="file"; filename="' + b"a" * 50_000),
        b"--b\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(21)),
    ],
)
def test_half_a_body_is_no_submission(client, bearer, inbox, spool, body):
    headers = {**bearer, "Content-Type": "multipart/form-data; boundary=b"}
    response = client.post("/api/v1/submissions", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "malformed"
    assert inbox.received == []
    assert list(spool.iterdir()) == []


def test_a_client_that_leaves_half_way_leaves_nothing(client, bearer, inbox, spool):
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as connection:
        connection.sendall(
            b"POST /api/v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            + f"Authorization: {bearer['Authorization']}\r\nContent-Length: 500000\r\n\r\n".encode()
            + body_of(b'name="file"; filename="a.cif"\r\n\r\n' + b"x" * 100_000)
        )
        wait_until(lambda: any(spool.rglob("first")))
    wait_until(lambda: not any(spool.iterdir()))
    assert inbox.received == []
    assert client.get("/api/v1/challenge").status_code == 200


def test_a_client_that_falls_silent_loses_its_place(challenge, bearer, tmp_path):
    inbox = Inbox()
    begin = b"POST /api/v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    begin += f"Authorization: {bearer['Authorization']}\r\nContent-Length: 500000\r\n\r\n--b\r\n".encode()
    with served(challenge, submit=inbox, spool=tmp_path, max_uploads=1, silent_seconds=0.3) as client:
        address = (client.base_url.host, client.base_url.port)
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(begin)
            assert connection.recv(100).startswith(b"HTTP/1.1 408")
        form = {"files": {"file": ("a.cif", CIF)}, "data": {"source": "x"}, "headers": bearer}
        assert client.post("/api/v1/submissions", **form).status_code == 202
    assert len(inbox.received) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_body_without_a_length_is_counted_as_it_comes(client, bearer, inbox, spool):
    def endless():
        yield body_of(b'name="file"; filename="a.cif"\r\n\r\n')
        for _ in range(40):
            yield b"x" * 100_000

    headers = {**bearer, "Content-Type": "multipart/form-data; boundary=b"}
    try:
        response = client.post("/api/v1/submissions", content=endless(), headers=headers)
    except httpx.WriteError:  # the answer came, and the connection closed, before the last byte was sent
        pass
    else:
        assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")
    assert inbox.received == []
    wait_until(lambda: not any(spool.iterdir()))


def test_the_same_thing_at_the_same_instant_is_one_submission(real, challenge, bearer):
    before = counts(challenge)
    form = {"files": {"file": ("twin.cif", CIF + b"# twins")}, "data": {"source": "twins"}, "headers": bearer}
    address = f"{real.base_url}/api/v1/submissions"
    with ThreadPoolExecutor(4) as threads:
        tasks = [threads.submit(httpx.post, address, **form, timeout=20, trust_env=False) for _ in range(4)]
        answers = [task.result() for task in tasks]
    assert sorted(one.status_code for one in answers) == [200, 200, 200, 202]
    assert len({one.json()["id"] for one in answers}) == 1
    assert counts(challenge) == [before[0] + 1, before[1] + 1]


def wait_until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_more_uploads_at_once_than_there_are_places_are_sent_away(challenge, bearer, tmp_path):
    release, entered = threading.Event(), threading.Event()

    class Slow(Inbox):
        def __call__(self, *args, **fields):
            entered.set()
            assert release.wait(10)
            return super().__call__(*args, **fields)

    def send(client, into):
        form = {"files": {"file": ("a.cif", CIF)}, "data": {"source": "x"}, "headers": bearer}
        into.append(client.post("/api/v1/submissions", **form).status_code)

    first, second, third = [], [], []
    with served(challenge, submit=Slow(), spool=tmp_path, max_uploads=1) as client:
        thread = threading.Thread(target=send, args=(client, first))
        thread.start()
        assert entered.wait(10)
        send(client, second)
        release.set()
        thread.join()
        send(client, third)
    assert (first, second, third) == ([202], [503], [202])


def test_a_closed_round_takes_nothing(tmp_path):
    with filled_challenge(tmp_path / "closed", 4) as challenge:
        with challenge.database.write() as connection:
            connection.execute(update(round_).values(closed_at="2026-01-01T00:00:00Z"))
            given = make_token(connection, "x", "submit")
        with served(challenge) as client:
            headers = {"Authorization": f"Bearer {given}"}
            response = client.post(
                "/api/v1/submissions", files={"file": ("a.cif", CIF)}, data={"source": "x"}, headers=headers
            )
    assert (response.status_code, response.json()["error"]["code"]) == (409, "no_round")


def test_a_token_is_kept_as_a_hash_alone_and_can_be_ended(challenge):
    with challenge.database.write() as connection:
        given = make_token(connection, "somebody", "submit")
        other = make_token(connection, "somebody", "read")
        rows = connection.execute(select(token).where(token.c.name == "somebody")).mappings().all()
        assert given != other
        assert all(secret not in str(dict(row)) for row in rows for secret in (given, other))
        assert (may_of(connection, given), may_of(connection, other)) == ("submit", "read")
        assert may_of(connection, rows[0]["sha256"]) is None
        assert may_of(connection, given[:-1]) is None
        assert revoke_tokens(connection, "somebody") == 2
        assert revoke_tokens(connection, "somebody") == 0
        assert may_of(connection, given) is None
        for name, may in (("", "read"), ("x" * 101, "read"), ("a\nb", "read"), ("a", "write")):
            with pytest.raises(ConfigError):
                make_token(connection, name, may)


def test_a_token_in_an_address_is_no_token(client, bearer, inbox):
    given = bearer["Authorization"].removeprefix("Bearer ")
    for name in ("token", "accessKey", "access_token"):
        response = client.post(
            f"/api/v1/submissions?{name}={given}", files={"file": ("a.cif", CIF)}, data={"source": "x"}
        )
        assert response.status_code == 401
    assert inbox.received == []


def test_a_full_disk_is_told_and_leaves_nothing(client, bearer, inbox, spool, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Upload, "write", full)
    form = {"files": {"file": ("a.cif", CIF)}, "data": {"source": "x"}, "headers": bearer}
    response = client.post("/api/v1/submissions", **form)
    assert (response.status_code, response.json()["error"]["code"]) == (507, "full")
    assert inbox.received == []
    assert list(spool.iterdir()) == []
