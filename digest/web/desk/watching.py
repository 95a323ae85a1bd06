"""Watching: how an issue goes out, for as many as look: one question to the database for all of them, and not too often.

How fast it goes is told by what was asked a while ago. Nothing is remembered of an issue that nobody looks at.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from digest.app import App
from digest.app.standing import Standing, stands
from digest.delivery.transitions import DeliveryState
from digest.issues.lifecycle import IssueState

FRESH = 1.0
"""For so many seconds an answer serves everybody; where the database takes long, ten times as long as that took."""

_SPAN = 30.0  # seconds over which a rate is told
_ISSUES = 16  # so many are remembered at once


@dataclass(frozen=True, slots=True)
class Going:
    """How an issue goes: how it stands, how many a second come to an end, and in how many seconds the rest will have; None: not known."""

    standing: Standing
    rate: float | None
    left: float | None

    def to_json(self) -> dict[str, Any]:
        """What a page is told. No reason: that may quote what a provider said of somebody."""
        stands = self.standing
        return {
            "state": stands.state.value,
            "audience": stands.audience,
            "done": stands.done,
            "account": dict(stands.account),
            "rate": None if self.rate is None else round(self.rate, 1),
            "left": None if self.left is None else round(self.left),
            "settled": stands.settled,
        }


@dataclass(slots=True)
class _Seen:
    """What is known of one issue: until when the last answer serves, and how many had come to an end when."""

    going: Going
    until: float
    marks: deque[tuple[float, int]] = field(default_factory=deque)
    turn: threading.Lock = field(default_factory=threading.Lock)


class Watch:
    """Looks at issues; `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def look(self, app: App, name: str) -> Going:
        """How an issue goes now, or did a moment ago. `UsageError` where there is none."""
        with self._lock:
            seen = self._seen.get(name)
        if seen is None:
            return self._ask(app, name, None)
        if self._clock() < seen.until or not seen.turn.acquire(blocking=False):
            return seen.going  # fresh, or somebody asks just now
        try:
            return self._ask(app, name, seen)
        finally:
            seen.turn.release()

    def _ask(self, app: App, name: str, seen: _Seen | None) -> Going:
        began = self._clock()
        standing = stands(app, name)
        at = self._clock()
        marks = deque() if seen is None else seen.marks
        marks.append((at, standing.done))
        while len(marks) > 2 and marks[0][0] < at - _SPAN:
            marks.popleft()
        going = _told(standing, marks)
        # Before it is planned a look costs nothing, and what an editor has just decided shows at once.
        until = at + max(FRESH, 10 * (at - began)) if standing.audience else at
        with self._lock:
            if seen is None:
                self._seen[standing.name] = _Seen(going, until, marks)
            else:
                seen.going, seen.until = going, until
            self._seen.move_to_end(standing.name)
            while len(self._seen) > _ISSUES:
                self._seen.popitem(last=False)
        return going


def _told(standing: Standing, marks: deque[tuple[float, int]]) -> Going:
    (first_at, first), (last_at, last) = marks[0], marks[-1]
    if standing.state is not IssueState.SENDING or last_at - first_at < FRESH / 2 or last < first:
        return Going(standing, None, None)
    rate = (last - first) / (last_at - first_at)
    planned = standing.waiting - standing.account[DeliveryState.DEFERRED.value]
    return Going(standing, rate, planned / rate if rate else None)
