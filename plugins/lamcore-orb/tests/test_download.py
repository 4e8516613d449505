"""Claims about downloading by name, with the package's real download function and a server on this machine."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cached_path
import pytest
from ase.build import bulk
from lamcore_orb import checkpoints
from lamcore_orb.build import build_orb, orb_weights
from urllib3.util.retry import Retry

from lamcore.data_files import sha256
from lamcore.errors import ConfigError

NAME = "orb-v3-conservative-inf-omat"
PATH = "/forcefields/orb-v3/orb-v3-conservative-inf-omat-20250404.ckpt"


class Server(ThreadingHTTPServer):
    """Sends what it is told to, and counts requests."""

    daemon_threads = True
    body = b""
    status = 200
    announced_length: int | None = None
    requests: list[str]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(with_body=True)

    def do_HEAD(self):
        self.answer(with_body=False)

    def answer(self, with_body):
        server = self.server
        server.requests.append(f"{self.command} {self.path}")
        self.send_response(server.status if self.path == PATH else 404)
        self.send_header("ETag", '"1"')
        if server.announced_length is not None:
            self.send_header("Content-Length", str(server.announced_length))
        self.end_headers()
        if with_body and server.status == 200:
            self.wfile.write(server.body)

    def log_message(self, *args):
        pass


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the package."""
    before = cached_path.get_cache_dir()
    cached_path.set_cache_dir(tmp_path / "cache")
    monkeypatch.setattr(Retry, "sleep", lambda *args: None)  # the package waits half a minute before it gives up
    yield tmp_path / "cache"
    cached_path.set_cache_dir(before)


@pytest.fixture
def server(cache, files, monkeypatch):
    server = Server(("127.0.0.1", 0), Handler)
    server.requests = []
    server.body = files["conservative"].read_bytes()
    server.announced_length = len(server.body)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(checkpoints, "SERVER", f"http://127.0.0.1:{server.server_address[1]}/forcefields")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def kept(cache):
    """Files in the cache, its locks and notes apart."""
    return [path for path in cache.glob("*") if path.suffix not in (".lock", ".json")]


def test_a_checkpoint_is_downloaded_once_and_is_the_model_of_its_file(server, cache, files, built):
    (path,) = orb_weights()
    assert path.parent == cache
    assert sha256(path) == sha256(files["conservative"])
    model = build_orb(checkpoint=NAME.upper(), device="cpu", dtype="float64", sha256=sha256(path))
    assert model.evaluate([bulk("Si")])[0].energy == built("conservative").evaluate([bulk("Si")])[0].energy
    assert [request for request in server.requests if request.startswith("GET")] == [f"GET {PATH}"]


def test_what_was_downloaded_needs_no_network(server, cache):
    (path,) = orb_weights()
    server.status, n_requests = 503, len(server.requests)
    assert orb_weights() == [path]
    assert len(server.requests) == n_requests


def refusal(**options):
    """The message, which must say which file to put where."""
    with pytest.raises(ConfigError) as caught:
        orb_weights(checkpoint=NAME, **options)
    return str(caught.value)


def assert_says_what_to_do(message, cache):
    url = f"{checkpoints.SERVER}/orb-v3/orb-v3-conservative-inf-omat-20250404.ckpt"
    assert f"fetch {url} on another machine and put it at {cache}/" in message
    assert f"or give its path as checkpoint with architecture={NAME}" in message


def test_a_missing_file_on_the_server_is_told_and_leaves_nothing(server, cache):
    server.status = 404
    message = refusal()
    assert "could not download" in message
    assert "FileNotFoundError" in message
    assert_says_what_to_do(message, cache)
    assert kept(cache) == []


def test_a_refusing_server_is_told(server, cache):
    server.status = 403
    message = refusal()
    assert "403" in message
    assert_says_what_to_do(message, cache)


def test_half_a_file_is_told_and_not_kept(server, cache, files):
    server.body = server.body[: len(server.body) // 2]
    message = refusal()
    assert "could not download" in message
    assert_says_what_to_do(message, cache)
    assert kept(cache) == []
    server.body = files["conservative"].read_bytes()
    assert sha256(orb_weights()[0]) == sha256(files["conservative"])


def test_half_a_file_of_unannounced_length_is_told_and_not_kept(server, cache):
    server.body, server.announced_length = server.body[: len(server.body) // 2], None
    message = refusal()
    assert f"is not a whole file ({len(server.body)} bytes)" in message
    assert_says_what_to_do(message, cache)
    assert kept(cache) == []


def test_a_wrong_hash_is_told_with_both_hashes_and_the_place(server, cache, files):
    message = refusal(sha256="0" * 64)
    (path,) = kept(cache)
    assert f"SHA-256 of {path} is {sha256(files['conservative'])}" in message
    assert f"expected {'0' * 64}; put the right file there" in message


def test_a_damaged_file_in_the_cache_is_named(server, cache):
    (path,) = orb_weights()
    path.write_bytes(path.read_bytes()[:1000])
    message = refusal()
    assert f"{path} is not a whole file (1000 bytes); delete it" in message
    assert_says_what_to_do(message, cache)


def test_without_a_network_the_file_and_its_place_are_told_and_a_file_put_there_is_used(
    server, cache, files, monkeypatch
):
    monkeypatch.setattr(checkpoints, "SERVER", "http://127.0.0.1:9/forcefields")
    message = refusal()
    assert "ConnectionError" in message
    assert_says_what_to_do(message, cache)
    place = message.split("put it at ")[1].split(",")[0]
    with open(place, "wb") as file:
        file.write(files["conservative"].read_bytes())
    assert [str(path) for path in orb_weights()] == [place]
    assert server.requests == []
