"""Pacing: how often somebody may ask in a minute. By this process's own clock and in its memory: a limit on load, not on what is decided."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from math import ceil

WITHIN = 60.0
"""Seconds for which requests are counted together."""


class Pace:
    """At most so many in a minute for each key; all are counted from the same moment on, so that what is over is forgotten at once."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock, self._counted, self._since = threading.Lock(), Counter[str](), clock()

    def wait(self, key: str) -> int:
        """Whole seconds until it may ask again; 0 when it may now, which is counted."""
        with self._lock:
            now = self._clock()
            if now - self._since >= WITHIN:
                self._counted.clear()
                self._since = now
            if self._counted[key] >= self._most:
                return max(1, ceil(self._since + WITHIN - now))
            self._counted[key] += 1
            return 0
