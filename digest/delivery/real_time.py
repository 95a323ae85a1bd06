"""Real time, as leases and deadlines go by it: one clock for both, which nobody sets.

Where there is one, it is a clock that goes on while the machine is suspended: a mark grows old in its sleep, and so does a request.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed() -> float:
    """Seconds since some moment in the past; only differences mean anything."""
    return time.clock_gettime(_CLOCK)


def steady_clock() -> Callable[[], datetime]:
    """Real time as it is now, and from here on by `elapsed`: a step back must not stretch a wait by an hour."""
    began, since = datetime.now(UTC), elapsed()
    return lambda: began + timedelta(seconds=elapsed() - since)
