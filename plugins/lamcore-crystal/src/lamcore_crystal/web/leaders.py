"""The leaderboard as answered: it goes over every crystal, so it is made anew only now and then."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lamcore_crystal.leaderboard import leaderboard

if TYPE_CHECKING:
    from lamcore_crystal.web.site import Site

_SECONDS_KEPT = 30.0
# It may take this many times as long as other queries, and then it is kept this many times as long as it took.
_PATIENCE = 20


class Leaders:
    """Keeps the last answer for a while; those who ask while a new one is made get the last."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._making = threading.Lock()
        self._answer: dict[str, Any] | None = None
        self._good_until = 0.0

    def answer(self) -> dict[str, Any]:
        """`/leaderboard`; as a rule at most half a minute old.

        Raises:
            TooSlowError: There is none yet, and making one takes too long.
        """
        last = self._answer
        if last is not None and time.monotonic() < self._good_until:
            return last
        if not self._making.acquire(blocking=last is None):
            assert last is not None
            return last
        try:
            return self._made_anew()
        finally:
            self._making.release()

    def _made_anew(self) -> dict[str, Any]:
        if self._answer is not None and time.monotonic() < self._good_until:
            return self._answer
        began = time.monotonic()
        with self._site.read(_PATIENCE * self._site.query_seconds) as connection:
            self._answer = asdict(leaderboard(connection))
        ended = time.monotonic()
        self._good_until = ended + max(_SECONDS_KEPT, _PATIENCE * (ended - began))
        return self._answer
