"""How many an issue's plan would look at, remembered for a minute: a million take a second to count, and every change shows the page anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection

from digest.delivery.plan import count_audience
from digest.issues.issue import Issue

GOOD_FOR = 60.0
"""Seconds."""


class Counted:
    """The last counts, by issue."""

    def __init__(
        self, count: Callable[[Connection, Issue], int] = count_audience, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count, self._clock, self._lock = count, clock, threading.Lock()
        self._known: dict[int, tuple[float, int]] = {}

    def __call__(self, connection: Connection, issue: Issue) -> int:
        """As it is now, or was less than a minute ago."""
        now = self._clock()
        with self._lock:
            self._known = {number: known for number, known in self._known.items() if now - known[0] < GOOD_FOR}
            known = self._known.get(issue.id)
        if known is None:
            known = (now, self._count(connection, issue))
            with self._lock:
                self._known[issue.id] = known
        return known[1]
