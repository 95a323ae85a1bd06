"""The feed: what a worker's engine may claim, a job's worth at a time. The engine itself is the one that there is without jobs.

A job's time is over when what was claimed for it is finished, or when there was nothing to claim. Jobs are offered by one
thread and taken by another.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.delivery.engines.books import Load, SqlBooks
from digest.delivery.refusals import Refusal
from digest.delivery.steps import Mark, Settle

_LINGER = 0.5  # seconds: so long an engine without a job waits for the next, its connections open
_LOOK = timedelta(milliseconds=50)


@dataclass(slots=True)
class Ticket:
    """One job in hand: for which issue, how much it is still worth, and whom to tell when its time is over."""

    issue: int
    over: Callable[[], None]
    left: int = 0
    batches: int = 0
    _told: bool = False

    def end_if_spent(self) -> None:
        """Its time is over when it is worth nothing more and nothing is under way for it."""
        if self.left <= 0 and self.batches <= 0:
            self.end()

    def end(self) -> None:
        """Its time is over, once."""
        if not self._told:
            self._told = True
            self.over()


class Feed:
    """The jobs that a worker has in hand."""

    def __init__(self) -> None:
        self._waiting: deque[Ticket] = deque()
        self._changed = threading.Condition()

    def offer(self, ticket: Ticket) -> None:
        """One more."""
        with self._changed:
            self._waiting.append(ticket)
            self._changed.notify_all()

    def issue(self, seconds: float) -> int | None:
        """For which issue the first is, waiting up to so long for one."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting), seconds)
            return self._waiting[0].issue if self._waiting else None

    def take(self, issue: int) -> Ticket | None:
        """The first of an issue."""
        with self._changed:
            found = next((one for one in self._waiting if one.issue == issue), None)
            if found is not None:
                self._waiting.remove(found)
            return found

    def give_back(self, ticket: Ticket) -> None:
        """It is worth more than was claimed for it."""
        with self._changed:
            self._waiting.appendleft(ticket)

    def end(self, issue: int | None = None) -> None:
        """The time of all of an issue is over, or of all there are: what they hint at has to be hinted at again."""
        with self._changed:
            ended = [one for one in self._waiting if issue in {None, one.issue}]
            self._waiting = deque(one for one in self._waiting if one not in ended)
        for one in ended:
            one.end()


@dataclass(slots=True)
class FedBooks:
    """The books of an engine that claims a job's worth at a time."""

    books: SqlBooks
    feed: Feed
    issue: int
    patience: timedelta
    _tickets: dict[int, Ticket] = field(default_factory=dict)  # by batch
    _idle_since: float | None = None

    def writing(self) -> AbstractContextManager[Connection]:
        """As `Books.writing`."""
        return self.books.writing()

    def claim(self, at: Connection, size: int, *, now: datetime, lease: timedelta, whole: bool) -> Load | datetime | None:
        """As `Books.claim`, where there is a job for it."""
        ticket = self.feed.take(self.issue)
        if ticket is None:
            return self._linger(now)
        self._idle_since = None
        ticket.left = ticket.left or size
        try:
            found = self.books.claim(at, size, now=now, lease=lease, whole=whole)
        except BaseException:
            ticket.end()  # nobody else knows of it now, and somebody waits for its end
            raise
        if isinstance(found, Load):
            self._spend(ticket, found)
        elif found is not None and found - now <= self.patience:
            self.feed.give_back(ticket)  # something comes due
        else:
            ticket.left = 0
            ticket.end_if_spent()
        return found

    def finish(self, at: Connection, batch: int, *, now: datetime) -> None:
        """As `Books.finish`; should this transaction fail after all, whoever looks after the issue makes new jobs."""
        self.books.finish(at, batch, now=now)
        ticket = self._tickets.pop(batch, None)
        if ticket is not None:
            ticket.batches -= 1
            ticket.end_if_spent()

    def end(self) -> None:
        """The engine has ended, however it did: nothing is under way any more."""
        for ticket in self._tickets.values():
            ticket.end()
        self._tickets.clear()

    def mark(
        self, at: Connection, marks: Sequence[Mark], *, now: datetime, sub_revision: int, already: Mapping[int, frozenset[int]]
    ) -> list[list[int] | Refusal]:
        """As `Books.mark`."""
        return self.books.mark(at, marks, now=now, sub_revision=sub_revision, already=already)

    def unmark(self, at: Connection, batch: int, whose: Sequence[int]) -> None:
        """As `Books.unmark`."""
        self.books.unmark(at, batch, whose)

    def settle(self, at: Connection, settles: Sequence[Settle], *, now: datetime, retry_at: Mapping[int, datetime]) -> None:
        """As `Books.settle`."""
        self.books.settle(at, settles, now=now, retry_at=retry_at)

    def take_back(self, at: Connection, batch: int, whose: Sequence[int], *, now: datetime) -> None:
        """As `Books.take_back`."""
        self.books.take_back(at, batch, whose, now=now)

    def release(self, at: Connection, batch: int, whose: Sequence[int], *, now: datetime, until: datetime | None) -> None:
        """As `Books.release`."""
        self.books.release(at, batch, whose, now=now, until=until)

    def renew(self, at: Connection, batch: int, *, now: datetime, lease: timedelta, deadline: datetime) -> bool:
        """As `Books.renew`."""
        return self.books.renew(at, batch, now=now, lease=lease, deadline=deadline)

    def refresh(self, at: Connection) -> None:
        """As `Books.refresh`."""
        self.books.refresh(at)

    def _spend(self, ticket: Ticket, load: Load) -> None:
        ticket.left -= len(load.claimed.recipients)
        ticket.batches += 1
        self._tickets[load.claimed.batch] = ticket
        if ticket.left > 0:
            self.feed.give_back(ticket)

    def _linger(self, now: datetime) -> datetime | None:
        """When to look for a job again: for a moment, or while something is under way."""
        clock = time.monotonic()
        self._idle_since = clock if self._tickets or self._idle_since is None else self._idle_since
        return None if clock - self._idle_since > _LINGER else now + _LOOK
