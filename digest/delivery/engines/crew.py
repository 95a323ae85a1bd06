"""The crew: workers send, and whoever ran waits for them, looks after the issue meanwhile, and has the account at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from digest.delivery import jobs
from digest.delivery.account import next_retry
from digest.delivery.ending import OUT_OF_REACH, Ending
from digest.delivery.engines.local import Progress, Result
from digest.delivery.providers.answer import Outcome
from digest.issues.issue import issue_by_id
from digest.issues.lifecycle import IssueState
from digest.store import tables
from digest.store.database import Store

_LOOK = 0.5  # seconds; longer where a look takes long
_TEND = 2.0
_THOROUGHLY = 60.0
_LEAST_PATIENCE = 15.0  # seconds in which nothing moves and nothing is under way
_UNDER_WAY = ("claimed", "sending")
_row = tables.delivery.c


@dataclass(slots=True)
class Crew:
    """The workers of one issue, as the process sees them that waits for them; `tend` looks after the issue, now and then thoroughly.

    Of the renditions, those `below` may leave by now, or all.
    """

    store: Store
    issue_id: int
    patience: timedelta
    tend: Callable[[bool], None]
    below: int | None = None
    _moved_at: float = 0.0
    _last: Mapping[str, int] | None = None

    def run(self, stop: threading.Event, on_progress: Progress) -> Result:
        """Until nothing is left that is sent soon, or a reason to wait no longer; the workers go on, whatever that is."""
        began = time.monotonic()
        tended, thoroughly = began, began
        first, self._moved_at = self._states(), began
        while True:
            looked = time.monotonic()
            states = self._states()
            outcomes = _outcomes(first, states)
            on_progress(outcomes)
            ending = self._ending(states)
            if ending is not None:
                return Result(*ending, outcomes)
            took = time.monotonic() - looked
            if stop.wait(max(_LOOK, 10 * took)):
                return Result(Ending.DRAINED, "told to stop; the workers go on", outcomes)
            now = time.monotonic()
            if now - tended > _TEND:
                self.tend(now - thoroughly > _THOROUGHLY)
                tended, thoroughly = now, now if now - thoroughly > _THOROUGHLY else thoroughly

    def _states(self) -> dict[str, int]:
        counted = select(_row.state, func.count()).where(_row.issue_id == self.issue_id).group_by(_row.state)
        if self.below is not None:
            counted = counted.where(_row.rendition < self.below)
        with self.store.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(counted)}

    def _ending(self, states: Mapping[str, int]) -> tuple[Ending, str] | None:
        clock = datetime.now(UTC)
        with self.store.reading() as connection:
            issue, later = issue_by_id(connection, self.issue_id), next_retry(connection, self.issue_id)
            at_work = jobs.workers(connection)
        if issue.state is not IssueState.SENDING:
            return _stopped(issue.state, issue.reason or "")
        if not any(states.get(state) for state in ("planned", *_UNDER_WAY)):
            soon = states.get("deferred") and later is not None and later <= clock + self.patience
            return None if soon else (Ending.EMPTY, "")
        if any(states.get(state) for state in _UNDER_WAY) or states != self._last:
            self._moved_at, self._last = time.monotonic(), states
        if time.monotonic() - self._moved_at < max(self.patience.total_seconds(), _LEAST_PATIENCE):
            return None
        if issue.canary_until is not None and issue.canary_until > clock:
            return Ending.CANARY, f"the canary went out; the rest follows after {issue.canary_until:%Y-%m-%d %H:%M} UTC"
        if not at_work:
            return Ending.HELD_BACK, "no worker is at work; start `digest worker`, and the rest goes out"
        return Ending.HELD_BACK, "nothing may leave just now; the workers go on when it may"


def _stopped(state: IssueState, reason: str) -> tuple[Ending, str]:
    """What a worker, or a person, has made of the issue meanwhile."""
    if state is IssueState.PAUSED:
        return (Ending.OUT_OF_REACH if reason.startswith(OUT_OF_REACH) else Ending.PAUSED), reason
    return (Ending.EMPTY, "") if state is IssueState.SENT else (Ending.STOPPED, reason)


def _outcomes(first: Mapping[str, int], states: Mapping[str, int]) -> dict[Outcome, int]:
    """How many came to which outcome since the first look."""
    return {outcome: max(0, states.get(outcome.value, 0) - first.get(outcome.value, 0)) for outcome in Outcome}
