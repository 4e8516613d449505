"""Files of datasets: the right file or a message that says which one to put where."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lamcore.cards import DataFile
from lamcore.data_files import cache_folder, locate, sha256
from lamcore.errors import DataError

CONTENT = b"the labels\n" * 1000
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LAMCORE_CACHE", str(tmp_path / "cache"))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "cache"


class Handler(BaseHTTPRequestHandler):
    n_requests = 0

    def do_GET(self):
        type(self).n_requests += 1
        if self.path == "/good.json":
            self.answer(200, CONTENT, len(CONTENT))
        elif self.path == "/changed.json":
            self.answer(200, CONTENT[:-1] + b"!", len(CONTENT))
        elif self.path == "/half.json":
            self.answer(200, CONTENT[: len(CONTENT) // 2], len(CONTENT))
        else:
            self.answer(404, b"not here", 8)

    def answer(self, status, body, length):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    Handler.n_requests = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_sha256_of_a_known_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-4, example of the one-block message.
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_cache_is_where_the_variable_says_or_in_the_platforms_place(cache, monkeypatch, tmp_path):
    assert cache_folder() == cache
    monkeypatch.delenv("LAMCORE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name == "lamcore"
    assert not cache_folder().exists()


def test_a_file_is_downloaded_once(server, cache):
    file = DataFile(HASH, f"{server}/good.json")
    path = locate("good.json", file)
    assert path.read_bytes() == CONTENT
    assert cache in path.parents
    assert locate("good.json", file) == path
    assert Handler.n_requests == 1


def test_a_damaged_copy_in_the_cache_is_downloaded_again(server):
    file = DataFile(HASH, f"{server}/good.json")
    path = locate("good.json", file)
    path.write_bytes(b"damaged")
    assert locate("good.json", file).read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["changed.json", "half.json", "absent.json"])
def test_a_bad_download_leaves_nothing_and_says_which_file_to_put_where(server, cache, name):
    url = f"{server}/{name}"
    with pytest.raises(DataError) as info:
        locate(name, DataFile(HASH, url, bytes=len(CONTENT)))
    message = str(info.value)
    target = cache / "data" / HASH[:16] / name
    for part in (name, HASH, url, f"{len(CONTENT)} bytes", f"put it at {target}", "LAMCORE_CACHE"):
        assert part in message
    assert not [path for path in cache.rglob("*") if path.is_file()]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(CONTENT)
    assert locate(name, DataFile(HASH, url)) == target


def test_offline_the_message_says_which_file_to_put_where_and_a_cached_file_works(server, cache):
    file = DataFile(HASH, f"{server}/good.json")
    path = locate("good.json", file)
    unreachable = DataFile(HASH, "http://127.0.0.1:9/good.json")
    assert locate("good.json", unreachable) == path
    path.unlink()
    with pytest.raises(DataError, match=r"could not download good\.json") as info:
        locate("good.json", unreachable)
    assert f"put it at {path}" in str(info.value)


def test_a_cache_that_cannot_be_made_is_a_message(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAMCORE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="could not download"):
        locate("good.json", DataFile(HASH, f"{server}/good.json"))


def test_only_web_addresses_are_fetched():
    with pytest.raises(DataError, match="must begin with https"):
        locate("a.json", DataFile(HASH, "file:///etc/hostname"))


@pytest.mark.parametrize("name", ["../a.json", "/etc/passwd", "a/b.json", ".."])
def test_a_name_cannot_leave_its_folder(name):
    with pytest.raises(DataError, match="expected a bare file name"):
        locate(name, DataFile(HASH))


def test_a_file_of_the_package_is_checked(tmp_path):
    (tmp_path / "a.json").write_bytes(CONTENT)
    assert locate("a.json", DataFile(HASH.upper()), package=tmp_path) == tmp_path / "a.json"
    (tmp_path / "a.json").write_bytes(CONTENT[:100])
    with pytest.raises(DataError, match=r"a\.json: SHA-256 is .* \(100 bytes\), so it is not a\.json \(SHA-256 "):
        locate("a.json", DataFile(HASH), package=tmp_path)


def test_the_users_copy_may_be_a_file_or_a_folder_and_comes_first(tmp_path):
    package, mine = tmp_path / "package", tmp_path / "mine"
    for folder in (package, mine):
        folder.mkdir()
        (folder / "a.json").write_bytes(CONTENT)
    (mine / "other-name").write_bytes(CONTENT)
    file = DataFile(HASH)
    assert locate("a.json", file, package=package, local=mine) == mine / "a.json"
    assert locate("a.json", file, package=package, local=str(mine / "other-name")) == mine / "other-name"
    with pytest.raises(DataError, match=r"no such file; expected a\.json"):
        locate("a.json", file, package=package, local=mine / "absent")
    (mine / "other-name").write_bytes(b"")
    with pytest.raises(DataError, match=r"\(0 bytes\), so it is not a\.json"):
        locate("a.json", file, package=package, local=mine / "other-name")


def test_a_file_without_address_that_is_missing_says_so(tmp_path):
    with pytest.raises(DataError, match=r"is missing as .* give the path of your copy"):
        locate("a.json", DataFile(HASH), package=tmp_path)
