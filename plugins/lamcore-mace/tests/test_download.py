"""Claims about downloads: mace's own function, pointed at a server of this test."""

import hashlib
import logging
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ase.build import bulk
from lamcore_mace.build import build_mace, mace_weights
from lamcore_mace.checkpoints import FOUNDATIONS

from lamcore.errors import DataError


class Handler(BaseHTTPRequestHandler):
    content = b""
    requests: list[str]

    def do_GET(self):
        self.requests.append(self.path)
        whole = len(self.content)
        match self.path.rsplit("/", 1)[1]:
            case "whole.model":
                self.answer(200, self.content, whole)
            case "half.model":
                self.answer(200, self.content[: whole // 2], whole)
            case "page.model":
                self.answer(200, b"<html>sign in</html>", 20, "text/html; charset=utf-8")
            case _:
                self.answer(404, b"not here", 8)

    def answer(self, status, body, length, kind="application/octet-stream"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(checkpoint):
    Handler.content = checkpoint.read_bytes()
    Handler.requests = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "mace"


@pytest.fixture
def point_at(monkeypatch, cache):
    """Give a checkpoint another address; its name, licence and place in the cache stay."""

    def point(name, url):
        monkeypatch.setitem(FOUNDATIONS, name, replace(FOUNDATIONS[name], url=url))

    return point


def test_a_named_checkpoint_is_downloaded_once_into_the_cache_of_mace_and_works(
    server, cache, point_at, capsys, precise, caplog
):
    point_at("small", f"{server}/whole.model")
    with caplog.at_level(logging.INFO, logger="lamcore_mace"):
        (path,) = mace_weights(checkpoint="small")
    assert path == cache / "20231210mace128L0_energy_epoch249model"
    assert path.read_bytes() == Handler.content
    assert hashlib.sha256(Handler.content).hexdigest() in caplog.text
    model = build_mace(checkpoint="small", device="cpu")
    assert Handler.requests == ["/whole.model"]
    assert model.evaluate([bulk("Si")])[0].energy == precise.evaluate([bulk("Si")])[0].energy
    assert capsys.readouterr().out == ""
    assert list(cache.iterdir()) == [path]


def test_half_a_file_is_not_taken_for_the_file(server, cache, point_at):
    point_at("small", f"{server}/half.model")
    size = len(Handler.content)
    with pytest.raises(DataError) as refusal:
        mace_weights(checkpoint="small")
    assert f"the connection ended after {size // 2} of {size} bytes" in str(refusal.value)
    assert_says_what_to_do(refusal.value, f"{server}/half.model", cache / "20231210mace128L0_energy_epoch249model")
    assert list(cache.iterdir()) == []


def test_what_does_not_exist_is_named(server, cache, point_at):
    point_at("small", f"{server}/gone.model")
    with pytest.raises(DataError, match=r"answers 404 Not Found") as refusal:
        mace_weights(checkpoint="small")
    assert_says_what_to_do(refusal.value, f"{server}/gone.model", cache / "20231210mace128L0_energy_epoch249model")
    assert list(cache.iterdir()) == []


def test_a_web_page_is_not_taken_for_the_file(server, cache, point_at):
    point_at("small", f"{server}/page.model")
    with pytest.raises(DataError, match="the answer is a web page"):
        mace_weights(checkpoint="small")
    assert list(cache.iterdir()) == []


def test_a_wrong_hash_is_refused_and_nothing_kept(server, cache, point_at):
    point_at("small", f"{server}/whole.model")
    right = hashlib.sha256(Handler.content).hexdigest()
    with pytest.raises(DataError, match=f"its SHA-256 is {right}, expected {'0' * 64}") as refusal:
        mace_weights(checkpoint="small", sha256="0" * 64)
    assert_says_what_to_do(refusal.value, f"{server}/whole.model", cache / "20231210mace128L0_energy_epoch249model")
    assert list(cache.iterdir()) == []
    assert mace_weights(checkpoint="small", sha256=right)[0].is_file()


def test_without_a_network_the_message_says_which_file_to_put_where(cache, point_at):
    point_at("small", "http://127.0.0.1:9/small.model")  # the discard port: nobody listens
    with pytest.raises(DataError, match="Connection refused") as refusal:
        mace_weights(checkpoint="small")
    target = cache / "20231210mace128L0_energy_epoch249model"
    assert_says_what_to_do(refusal.value, "http://127.0.0.1:9/small.model", target)
    target.write_bytes(b"by hand")
    assert mace_weights(checkpoint="small") == [target]


def assert_says_what_to_do(error, url, target):
    assert f"fetch {url} on another machine and put it at {target}" in str(error)


def test_a_licence_without_commercial_use_is_named_before_the_download(server, cache, point_at, caplog):
    Handler.requests = CheckedOnRequest(lambda: "no commercial use" in caplog.text)
    point_at("mace-off23-small", f"{server}/whole.model")
    with caplog.at_level(logging.WARNING, logger="lamcore_mace"):
        (path,) = mace_weights(checkpoint="mace-off23-small")
    assert path.name == "MACE-OFF23_small.model"
    assert Handler.requests == [True]
    assert "'mace-off23-small'" in caplog.text


def test_a_free_licence_is_downloaded_without_a_warning(server, cache, point_at, caplog):
    point_at("small", f"{server}/whole.model")
    with caplog.at_level(logging.WARNING, logger="lamcore_mace"):
        mace_weights(checkpoint="small")
    assert caplog.text == ""


class CheckedOnRequest(list):
    """Records at each request whether something held by then."""

    def __init__(self, check):
        super().__init__()
        self.check = check

    def append(self, path):
        super().append(self.check())
