"""Claims about names: DeePMD-kit's own download, pointed at a server in this process."""

import hashlib
import re
import socket
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from lamcore_deepmd.build import build_deepmd, deepmd_weights
from lamcore_deepmd.checkpoints import DEFAULT, checkpoint_path

from lamcore.data_files import sha256
from lamcore.errors import ConfigError, UnknownNameError

NAME = "DPA-3.1-3M"
FILE = "DPA-3.1-3M.pt"


class Server(BaseHTTPRequestHandler):
    """Serves one file; of `half`, it announces all and sends half."""

    def __init__(self, content, requests, *arguments):
        self.content, self.requests = content, requests
        super().__init__(*arguments)

    def do_GET(self):
        self.requests.append(self.path)
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content[: len(self.content) // 2] if self.path.startswith("/half") else self.content)

    def log_message(self, *arguments):
        """Nothing: requests are counted."""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """DeePMD-kit's cache in an empty folder, and its rule that addresses are https lifted for a server without one."""
    monkeypatch.setattr("deepmd.pretrained.download.DEFAULT_CACHE_DIR", tmp_path / "cache")
    monkeypatch.setattr("deepmd.pretrained.download._validate_download_url", lambda url: None)
    return tmp_path / "cache"


@pytest.fixture
def served(trained, monkeypatch, cache):
    """Call it with a folder on the server: what the registry then says of the name is where and what it serves."""
    from deepmd.pretrained.registry import MODEL_REGISTRY

    content = (trained / "model.ckpt-200.pt").read_bytes()
    requests = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, content, requests))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def point_at(folder, digest=None):
        address = f"http://127.0.0.1:{server.server_port}/{folder}/{FILE}"
        entry = {"urls": [address], "filename": FILE, "sha256": digest or hashlib.sha256(content).hexdigest()}
        monkeypatch.setitem(MODEL_REGISTRY, NAME, entry)
        return requests

    yield point_at
    server.shutdown()
    server.server_close()
    thread.join()


def assert_says_which_file_to_put_where(message, cache):
    assert f"put it at {cache / FILE}" in message
    assert re.search(r"SHA-256 [0-9a-f]{64}", message)
    assert "or give the path of your copy as checkpoint" in message


def test_the_names_are_those_of_the_package_and_the_default_is_one():
    from deepmd.pretrained.registry import available_model_names

    assert DEFAULT in available_model_names()


def test_a_name_is_downloaded_once_checked_and_used(served, cache, trained, model, crystals):
    requests = served("models")
    (path,) = deepmd_weights(checkpoint=NAME.lower())
    assert path == cache / FILE
    assert sha256(path) == sha256(trained / "model.ckpt-200.pt")
    downloads = len(requests)
    by_name = build_deepmd(checkpoint=NAME, device="cpu")
    assert len(requests) == downloads > 0
    assert by_name.evaluate(crystals[:1])[0].energy == model.evaluate(crystals[:1])[0].energy


def test_a_damaged_copy_in_the_cache_is_replaced(served, cache):
    served("models")
    cache.mkdir()
    (cache / FILE).write_bytes(b"damaged")
    assert checkpoint_path(NAME).stat().st_size > 1000


def test_a_file_with_another_hash_is_refused_and_not_kept(served, cache):
    served("models", digest="0" * 64)
    with pytest.raises(ConfigError, match="SHA256 verification failed") as caught:
        checkpoint_path(NAME)
    assert_says_which_file_to_put_where(str(caught.value), cache)
    assert not (cache / FILE).exists()


def test_half_a_file_is_refused_and_not_kept(served, cache):
    served("half")
    with pytest.raises(ConfigError, match="could not be downloaded") as caught:
        checkpoint_path(NAME)
    assert_says_which_file_to_put_where(str(caught.value), cache)
    assert not (cache / FILE).exists()


def test_a_missing_file_is_reported_with_the_server_s_words(served, cache):
    served("missing")
    with pytest.raises(ConfigError, match="404") as caught:
        checkpoint_path(NAME)
    assert_says_which_file_to_put_where(str(caught.value), cache)


def test_no_network_is_reported_as_such(cache, monkeypatch):
    from deepmd.pretrained.registry import MODEL_REGISTRY

    with socket.socket() as free:  # a port where nobody listens
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/{FILE}"
    monkeypatch.setitem(MODEL_REGISTRY, NAME, {"urls": [address], "filename": FILE, "sha256": "0" * 64})
    with pytest.raises(ConfigError, match="refused") as caught:
        checkpoint_path(NAME)
    assert_says_which_file_to_put_where(str(caught.value), cache)


def test_a_copy_in_the_cache_needs_no_network(cache, monkeypatch, trained):
    from deepmd.pretrained.registry import MODEL_REGISTRY

    content = (trained / "model.ckpt-200.pt").read_bytes()
    entry = {**MODEL_REGISTRY[NAME], "sha256": hashlib.sha256(content).hexdigest()}
    monkeypatch.setitem(MODEL_REGISTRY, NAME, entry)
    monkeypatch.setattr("urllib.request.urlopen", None)
    cache.mkdir()
    (cache / FILE).write_bytes(content)
    assert checkpoint_path(NAME) == cache / FILE


def test_the_weights_of_a_path_are_that_file(trained):
    path = trained / "frozen.pth"
    assert deepmd_weights(checkpoint=str(path), device="cuda", dtype="float64") == [path]


def test_a_misspelt_name_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"did you mean 'DPA-3\.2-5M'"):
        build_deepmd(checkpoint="dpa-3.2-6m")
