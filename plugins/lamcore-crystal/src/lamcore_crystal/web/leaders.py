"""The leaderboard as answered: computed when something changed, and not more often than twice a minute."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lamcore_crystal.leaderboard import leaderboard

if TYPE_CHECKING:
    from lamcore_crystal.web.site import Site

_SECONDS_KEPT = 30.0


class Leaders:
    """Keeps the last answer for a while."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._answer: dict[str, Any] | None = None
        self._made = 0.0

    def answer(self) -> dict[str, Any]:
        """`/leaderboard`; at most half a minute old."""
        with self._lock:
            if self._answer is None or time.monotonic() - self._made > _SECONDS_KEPT:
                with self._site.read() as connection:
                    self._answer = asdict(leaderboard(connection))
                self._made = time.monotonic()
            return self._answer
