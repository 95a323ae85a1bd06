"""The circuit breaker: after a connection failed nothing more is claimed or marked until one message has come through.

Closed, all may go. Opened by a failure, nobody may, for a while. Then it is half open: one message is the probe; when it
comes through the breaker closes, when it fails it opens for twice as long. Pure; time is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True)
class Breaker:
    """`failures` counts those in a row; `retry_at` is None while it is closed."""

    back_off: timedelta
    failures: int = field(default=0, init=False)
    retry_at: datetime | None = field(default=None, init=False)
    _probe: int | None = field(default=None, init=False)

    def lets(self, now: datetime) -> bool:
        """Whether a lane may mark something at `now`: any while closed, one after the pause."""
        return self.retry_at is None or (self._probe is None and now >= self.retry_at)

    def begin(self, lane: int) -> None:
        """A lane marks something; while the breaker is not closed, that is the probe."""
        if self.retry_at is not None:
            self._probe = lane

    def withdraw(self, lane: int) -> None:
        """What a lane had begun did not leave after all."""
        if self._probe == lane:
            self._probe = None

    def fail(self, lane: int, now: datetime) -> timedelta | None:
        """A connection failed; returns how long nobody may try now. None: this is an echo of what opened the breaker."""
        if self.retry_at is not None and self._probe != lane:
            return None
        self.failures += 1
        pause = self.back_off * (1 << min(self.failures - 1, 16))
        self.retry_at, self._probe = now + pause, None
        return pause

    def succeed(self) -> None:
        """Something came through."""
        self.failures, self.retry_at, self._probe = 0, None, None
