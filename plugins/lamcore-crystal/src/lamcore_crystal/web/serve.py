"""Serving a challenge from this machine."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any

from lamcore.errors import ConfigError


def serve(challenge: Path, host: str = "127.0.0.1", port: int = 8000, **options: Any) -> None:
    """Serve the page and the API until the process is interrupted.

    Args:
        challenge: The folder.
        host: Address to listen on.
        port: 0 takes a free one.
        options: Of `lamcore_crystal.web.site.Site`; `root_url` behind a proxy.

    Raises:
        LamcoreError: The challenge cannot be opened, or the address cannot be listened on.
    """
    import uvicorn
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from lamcore_crystal.challenge import Challenge
    from lamcore_crystal.web.app import make_app

    _check_address(host, port)
    with Challenge.open(challenge) as opened:
        app = make_app(opened, **options)
        if _is_loopback(host):
            # A page of elsewhere whose name is made to point here is not answered.
            app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]", host])
        uvicorn.run(
            app,
            host=host,
            port=port,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=15,
            h11_max_incomplete_event_size=64_000,
        )


def _check_address(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"cannot listen on {host}, port {port} ({error}); choose another with --host or --port"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
