"""Turns: what is marked leaves in time or not at all, and what is claimed whole is marked at one stroke."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from digest.delivery.allowance import Allowance, Canary
from digest.delivery.engines.books import Taken
from digest.delivery.engines.lanes import Job
from digest.delivery.engines.turns import Turns
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.ledger import Recipient
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.refusals import Refusal
from digest.delivery.steps import Answered, Claimed, Mark, Settle
from digest.settings import Delivery
from digest.testing.specimens import a_rendition, an_envelope

SETTINGS = Delivery(concurrency=1)
PEOPLE = (1, 2)


@dataclass(slots=True)
class Clock:
    now: datetime = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Makes:
    """What makes envelopes."""

    def make(self, recipient: Recipient, rendition: object) -> Any:
        return an_envelope(recipient.subscriber_id)


@dataclass(slots=True)
class Notebook:
    """Books with one batch of two, which write down what they are told; `ahead` says that a claim marks as well."""

    ahead: bool = True
    claimed: bool = False
    told: list[Any] = field(default_factory=list)

    def writing(self, meanwhile: Callable[[], None]) -> AbstractContextManager[Any]:
        @contextmanager
        def transaction() -> Any:
            meanwhile()
            yield None
            self.told.append("commit")

        return transaction()

    def claim(self, at: Any, size: int, *, now: datetime, lease: timedelta, whole: bool) -> Taken | datetime | None:
        if self.claimed:
            return None
        self.claimed = True
        self.told.append(f"claim of {size}{', whole' if whole else ''}")
        people = [Recipient(one, one, f"u{one}@example.com", f"u{one}@example.com", None, 0) for one in PEOPLE]
        marked = frozenset(PEOPLE if whole and self.ahead else ())
        return Taken(Claimed(1, 1, PEOPLE, ("example.com",) * 2), people, a_rendition(), 0, marked)

    def mark(
        self, at: Any, marks: Sequence[Mark], *, now: datetime, sub_revision: int, taken: Collection[tuple[int, int]]
    ) -> list[list[int] | Refusal]:
        self.told.append(f"mark {[mark.recipients for mark in marks]}, taken {sorted(one for one, _ in taken)}")
        return [list(mark.recipients) for mark in marks]

    def unmark(self, at: Any, batch: int, whose: Sequence[int]) -> None:
        self.told.append(f"unmark {list(whose)}")

    def settle(self, at: Any, settles: Sequence[Settle], *, now: datetime, retry_at: Mapping[int, datetime]) -> None:
        self.told += [[outcome.value for outcome in settle.answer.outcomes] for settle in settles]

    def release(self, at: Any, batch: int, whose: Sequence[int], *, now: datetime, until: datetime | None) -> None:
        self.told.append(f"release {list(whose)}")

    def finish(self, at: Any, batch: int, *, now: datetime) -> None:
        self.told.append("finish")

    def renew(self, at: Any, batch: int, *, now: datetime, lease: timedelta, deadline: datetime) -> bool:
        return True

    def refresh(self, at: Any) -> None:
        self.told.append("refresh")


@dataclass(slots=True)
class Carrier:
    """Takes every job, and answers it at once."""

    carried: list[list[int]] = field(default_factory=list)
    answers: list[Answered] = field(default_factory=list)

    def send(self, lane: int, job: Job) -> None:
        self.carried.append([person.subscriber_id for person in job.people])
        self.answers.append(Answered(lane, Answer((Outcome.ACCEPTED,) * len(job.people))))

    def hear(self, seconds: float) -> list[Answered]:
        heard, self.answers = self.answers, []
        return heard


def turns(books: Notebook, carrier: Carrier, clock: Clock, allowances: Sequence[Allowance] = (), **pace: Any) -> Turns:
    bounds = Pace(**({"unit": 2, "claim": 2, "rate": 0, "lanes": 1} | pace))
    return Turns(books, carrier, cast("EnvelopeMaker", Makes()), SETTINGS, bounds, clock, allowances)


def test_what_is_claimed_whole_is_marked_in_the_same_transaction() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    one = turns(books, carrier, clock)
    one.turn()
    assert books.told == ["claim of 2, whole", "mark [(1, 2)], taken [1, 2]", "commit"]
    assert carrier.carried == []  # only what a commit has made durable is handed over
    one.turn()
    assert carrier.carried == [[1, 2]]


def test_a_claim_of_more_than_a_request_carries_is_marked_part_by_part() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    turns(books, carrier, clock, unit=1).turn()
    assert books.told == ["claim of 2", "mark [(1,)], taken []", "commit"]


def test_who_was_marked_with_the_claim_and_may_not_leave_now_is_unmarked_before_anything_else() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    turns(books, carrier, clock, domains={"example.com": 0.1}).turn()
    assert books.told == ["claim of 2, whole", "unmark [2]", "mark [(1,)], taken [1]", "commit"]


def test_who_an_allowance_has_no_room_for_is_unmarked_as_well() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    turns(books, carrier, clock, (Canary(1),)).turn()
    assert books.told == ["claim of 2, whole", "mark [(1,)], taken [1]", "unmark [2]", "commit"]


def test_what_its_process_was_too_late_to_hand_over_is_deferred_and_does_not_leave() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    one = turns(books, carrier, clock)
    one.turn()
    clock.now += timedelta(minutes=2, seconds=1)  # a request that began now could end after its deadline
    one.turn()
    one.turn()
    assert carrier.carried == []
    assert ["deferred", "deferred"] in books.told


def test_what_one_transaction_marked_is_forgotten_with_it() -> None:
    one = turns(Notebook(), Carrier(), Clock())
    one.turn()
    assert not one._unasked


def test_a_short_stop_after_the_mark_holds_nobody_up() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    one = turns(books, carrier, clock)
    one.turn()
    clock.now += timedelta(minutes=1, seconds=59)
    one.turn()
    one.turn()
    assert carrier.carried == [[1, 2]]
    assert ["accepted", "accepted"] in books.told
