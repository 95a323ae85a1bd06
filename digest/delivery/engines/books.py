"""The books: everything that the turns of a dispatch write down or look up, in transactions of its own.

The port is small, so that a simulation can keep books of its own; `SqlBooks` are the real ones, the ledger in the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection

from digest.delivery.account import next_retry
from digest.delivery.heeding import heed_waiting
from digest.delivery.ledger import Ledger
from digest.delivery.press import Planned
from digest.delivery.recipient import Recipient
from digest.delivery.refusals import Refusal
from digest.delivery.shelf import Shelf
from digest.delivery.steps import Claimed, Mark, Settle
from digest.delivery.upkeep import drop, replan
from digest.rendering.rendition import Rendition
from digest.store.database import Store


@dataclass(frozen=True, slots=True)
class Load:
    """What was claimed for a lane, or for several: a batch, with what its messages need; their content is as of `sub_revision`.

    `marked` are those marked at the same stroke: in the same transaction `mark` is told of them (`already`), or `unmark`.
    """

    claimed: Claimed
    people: Sequence[Recipient]
    content: Rendition | Planned
    sub_revision: int
    marked: frozenset[int] = frozenset()


class Books(Protocol):
    """What a dispatch asks of its store. `at` is the transaction that `writing` gave."""

    def writing(self) -> AbstractContextManager[Any]:
        """A transaction, committed when the block ends well."""
        ...

    def claim(self, at: Any, size: int, *, now: datetime, lease: timedelta, whole: bool) -> Load | datetime | None:
        """A batch; or when something that waits may be claimed; None when nothing waits. With `whole` it may be marked as well."""
        ...

    def mark(
        self, at: Any, marks: Sequence[Mark], *, now: datetime, sub_revision: int, already: Mapping[int, frozenset[int]]
    ) -> list[list[int] | Refusal]:
        """As `Ledger.mark`."""
        ...

    def unmark(self, at: Any, batch: int, whose: Sequence[int]) -> None:
        """As `Ledger.unmark`."""
        ...

    def settle(self, at: Any, settles: Sequence[Settle], *, now: datetime, retry_at: Mapping[int, datetime]) -> None:
        """As `Ledger.settle`; how many were accepted is remembered until their batch is finished."""
        ...

    def take_back(self, at: Any, batch: int, whose: Sequence[int], *, now: datetime) -> None:
        """As `Ledger.take_back`."""
        ...

    def release(self, at: Any, batch: int, whose: Sequence[int], *, now: datetime, until: datetime | None) -> None:
        """As `Ledger.release`."""
        ...

    def finish(self, at: Any, batch: int, *, now: datetime) -> None:
        """As `Ledger.finish`."""
        ...

    def renew(self, at: Any, batch: int, *, now: datetime, lease: timedelta, deadline: datetime) -> bool:
        """As `Ledger.renew`."""
        ...

    def refresh(self, at: Any) -> None:
        """Something was withdrawn: what is claimed from now on goes without it."""
        ...


@dataclass(frozen=True, slots=True)
class SqlBooks:
    """The ledger, the shelf and the upkeep of one issue, in a store."""

    store: Store
    ledger: Ledger
    shelf: Shelf
    accepted: Counter[int] = field(default_factory=Counter)

    def writing(self) -> AbstractContextManager[Connection]:
        """As `Books.writing`."""
        return self.store.writing(together=True)

    def claim(self, at: Connection, size: int, *, now: datetime, lease: timedelta, whole: bool) -> Load | datetime | None:
        """As `Books.claim`. Where nothing is planned, what was deferred and has come due is planned first."""
        replanned = False
        while True:
            sub_revision = self.shelf.sub_revision
            found = self._claim(at, size, now, lease, sub_revision, whole=whole)
            if found is None:
                if replanned or not self._replan(at, now):
                    return next_retry(at, self.ledger.issue_id)
                replanned = True
                continue
            claimed, people, marked = found
            content = self.shelf.look(at, claimed.rendition)
            if content is not None:
                return Load(claimed, people, content, sub_revision, marked)
            self.ledger.unmark(at, claimed.batch, list(marked))
            drop(at, self.ledger, claimed.batch, claimed.rendition, now=now)

    def mark(
        self, at: Connection, marks: Sequence[Mark], *, now: datetime, sub_revision: int, already: Mapping[int, frozenset[int]]
    ) -> list[list[int] | Refusal]:
        """As `Books.mark`."""
        return self.ledger.mark(at, marks, now=now, sub_revision=sub_revision, already=already)

    def unmark(self, at: Connection, batch: int, whose: Sequence[int]) -> None:
        """As `Books.unmark`."""
        self.ledger.unmark(at, batch, whose)

    def settle(self, at: Connection, settles: Sequence[Settle], *, now: datetime, retry_at: Mapping[int, datetime]) -> None:
        """As `Books.settle`."""
        self.accepted.update(self.ledger.settle(at, settles, now=now, retry_at=retry_at))

    def take_back(self, at: Connection, batch: int, whose: Sequence[int], *, now: datetime) -> None:
        """As `Books.take_back`."""
        self.ledger.take_back(at, batch, whose, now=now)

    def release(self, at: Connection, batch: int, whose: Sequence[int], *, now: datetime, until: datetime | None) -> None:
        """As `Books.release`."""
        self.ledger.release(at, batch, whose, now=now, until=until)

    def finish(self, at: Connection, batch: int, *, now: datetime) -> None:
        """As `Books.finish`."""
        self.ledger.finish(at, batch, now=now, accepted=self.accepted.pop(batch, 0))

    def renew(self, at: Connection, batch: int, *, now: datetime, lease: timedelta, deadline: datetime) -> bool:
        """As `Books.renew`."""
        return self.ledger.renew(at, batch, now=now, lease=lease, deadline=deadline)

    def refresh(self, at: Connection) -> None:
        """As `Books.refresh`."""
        self.shelf.refresh(at)

    def _claim(
        self, at: Connection, size: int, now: datetime, lease: timedelta, sub_revision: int, *, whole: bool
    ) -> tuple[Claimed, Sequence[Recipient], frozenset[int]] | None:
        if whole:
            return self.ledger.claim_and_mark(at, size, now=now, lease=lease, sub_revision=sub_revision)
        found = self.ledger.claim(at, size, now=now, lease=lease, sub_revision=sub_revision)
        return None if found is None else (*found, frozenset())

    def _replan(self, at: Connection, now: datetime) -> int:
        """Plan what was deferred and has come due, but for those of whom an event has told meanwhile."""
        heed_waiting(at, self.ledger.issue_id, actor=self.ledger.owner, now=now)
        return replan(at, self.ledger, now=now)
