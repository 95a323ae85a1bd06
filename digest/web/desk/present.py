"""Who has an issue's page open just now, as far as this process is asked: kept in memory, and forgotten within seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

GONE_AFTER = 15.0
"""Seconds without a question: a page that is open asks every few."""


class Present:
    """Who asked last, and when; whoever asks is told of the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._seen: dict[tuple[str, str], float] = {}

    def others(self, issue: str, email: str) -> list[str]:
        """Those who have the issue's page open beside this one, who has it open as well."""
        now = self._clock()
        with self._lock:
            self._seen = {whose: at for whose, at in self._seen.items() if now - at < GONE_AFTER} | {(issue, email): now}
            return sorted(other for about, other in self._seen if about == issue and other != email)
