"""Serving from the command line's side: a process that answers, to its own name alone, and ends when told."""

import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
from lamcore_crystal.web.serve import serve
from serving import filled_challenge

from lamcore.errors import ConfigError

SERVE = "import sys; from pathlib import Path; from lamcore_crystal.web.serve import serve; "
SERVE += "serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]))"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_process_serves_a_challenge_until_it_is_interrupted(tmp_path):
    filled_challenge(tmp_path / "challenge", 8).close()
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(tmp_path / "challenge"), str(port)])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client:
            end = time.monotonic() + 60
            while True:
                try:
                    answer = client.get("/api/v1/challenge")
                    break
                except httpx.ConnectError:
                    assert process.poll() is None, "the server ended"
                    assert time.monotonic() < end, "the server did not start"
                    time.sleep(0.1)
            assert answer.json()["name"] == "Filled for tests"
            assert client.get("/api/v1/challenge", headers={"Host": "elsewhere.example"}).status_code == 400
            assert client.get("/v1/info", headers={"Host": f"localhost:{port}"}).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, -signal.SIGINT, 130)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_an_address_that_is_taken_or_none_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"cannot listen on 127\.0\.0\.1, port {port}.*in use.*--port"):
            serve(tmp_path, port=port)
    with pytest.raises(ConfigError, match=r"port 99999 .*0-65535"):
        serve(tmp_path, port=99999)


def test_a_folder_that_is_no_challenge_is_not_served(tmp_path):
    with pytest.raises(ConfigError, match="not a challenge"):
        serve(tmp_path, port=0)
