"""The feed: what jobs an engine has, and when the time of one is over."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from digest.delivery.engines.books import Load, SqlBooks
from digest.delivery.engines.feed import FedBooks, Feed, Ticket
from digest.delivery.steps import Claimed
from digest.errors import Unreachable

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Planned:
    """Books in which batches of these sizes are left, and then something that comes due, or nothing."""

    sizes: list[int]
    later: datetime | None = None
    batch: int = 0
    finished: list[int] = field(default_factory=list)

    def writing(self) -> Any:
        return nullcontext()

    def claim(self, at: Any, size: int, *, now: datetime, lease: timedelta, whole: bool) -> Any:
        if not self.sizes:
            return self.later
        self.batch += 1
        return Load(Claimed(self.batch, 1, tuple(range(min(size, self.sizes.pop(0))))), (), cast("Any", None), 0)

    def finish(self, at: Any, batch: int, *, now: datetime) -> None:
        self.finished.append(batch)


def fed(sizes: list[int], *tickets: Ticket, later: datetime | None = None) -> FedBooks:
    feed = Feed()
    for ticket in tickets:
        feed.offer(ticket)
    return FedBooks(cast("SqlBooks", Planned(sizes, later)), feed, 7, 5 * SECOND)


def claim(books: FedBooks, size: int = 10) -> Any:
    return books.claim(cast("Any", None), size, now=NOW, lease=SECOND, whole=False)


def finish(books: FedBooks, batch: int) -> None:
    books.finish(cast("Any", None), batch, now=NOW)


def a_ticket(over: list[int], number: int = 1, issue: int = 7) -> Ticket:
    return Ticket(issue, lambda: over.append(number))


def test_a_job_is_over_when_what_was_claimed_for_it_is_finished() -> None:
    over: list[int] = []
    books = fed([10, 10], a_ticket(over, 1), a_ticket(over, 2))
    first, second = claim(books), claim(books)
    finish(books, second.claimed.batch)
    assert over == [2]
    finish(books, first.claimed.batch)
    assert over == [2, 1]


def test_a_job_is_worth_several_small_batches() -> None:
    over: list[int] = []
    books = fed([4, 4, 4, 4], a_ticket(over))
    batches = [claim(books).claimed.batch for _ in range(3)]
    assert isinstance(claim(books), datetime)  # it has brought twelve of ten
    for batch in batches:
        assert over == []
        finish(books, batch)
    assert over == [1]


def test_without_a_job_nothing_is_claimed_and_it_is_looked_for_one_soon() -> None:
    books = fed([10], a_ticket([], issue=8))
    assert claim(books) > NOW
    assert cast("Planned", books.books).sizes == [10]


def test_a_job_for_which_nothing_is_left_is_over() -> None:
    over: list[int] = []
    assert claim(fed([], a_ticket(over))) is None
    assert over == [1]


def test_the_time_of_a_job_for_which_claiming_fails_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Unreachable("the database is out of reach")

    over: list[int] = []
    books = fed([10], a_ticket(over))
    monkeypatch.setattr(Planned, "claim", fail)
    with pytest.raises(Unreachable):
        claim(books)
    books.end()
    assert over == [1]


def test_a_job_waits_for_what_comes_due_soon_and_not_for_what_comes_late() -> None:
    over: list[int] = []
    soon = fed([], a_ticket(over), later=NOW + SECOND)
    assert claim(soon) == NOW + SECOND
    assert over == []
    late = fed([], a_ticket(over), later=NOW + 60 * SECOND)
    assert claim(late) == NOW + 60 * SECOND
    assert over == [1]


def test_when_the_engine_ends_the_time_of_what_it_had_begun_is_over_once() -> None:
    over: list[int] = []
    books = fed([10], a_ticket(over))
    batch = claim(books).claimed.batch
    books.end()
    finish(books, batch)
    books.feed.end()
    assert over == [1]


def test_what_waits_for_an_issue_can_be_let_go_alone() -> None:
    over: list[int] = []
    feed = Feed()
    feed.offer(a_ticket(over, 1, issue=7))
    feed.offer(a_ticket(over, 2, issue=8))
    assert feed.issue(0) == 7
    feed.end(7)
    assert over == [1]
    assert feed.issue(0) == 8
    feed.end()
    assert feed.issue(0) is None
    assert over == [1, 2]
