"""A filled challenge, served by a real server in a thread."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from filled import fill
from lamcore_crystal.challenge import Challenge
from lamcore_crystal.stages.submit import Receipt
from lamcore_crystal.web.app import make_app


def filled_challenge(folder: Path, n: int = 60) -> Challenge:
    """A new challenge with made-up crystals."""
    challenge = Challenge.create(folder)
    fill(challenge.database, n)
    return challenge


class Inbox:
    """Takes submissions in as the stage does, and keeps what it was given."""

    def __init__(self) -> None:
        self.received = []

    def __call__(self, challenge, path, **fields):
        """As `lamcore_crystal.stages.submit.submit`."""
        self.received.append((path.read_bytes(), fields))
        return Receipt(len(self.received), 1, is_new=True)


@contextmanager
def served(challenge: Challenge, **options):
    """A client of a server of the challenge."""
    app = make_app(challenge, **options)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(10)
