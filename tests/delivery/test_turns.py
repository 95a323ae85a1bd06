"""Turns: what is marked leaves in time or not at all, and what is claimed whole is marked at one stroke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text

from digest.delivery.allowance import Allowance, Canary, Plan, Quota
from digest.delivery.ending import Ending
from digest.delivery.engines.books import Load
from digest.delivery.engines.lanes import Job
from digest.delivery.engines.turns import MARGIN, Turns
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.lane import Phase
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.real_time import elapsed
from digest.delivery.recipient import Recipient
from digest.delivery.refusals import Refusal
from digest.delivery.sharing import SharedPace
from digest.delivery.steps import Answered, Claimed, Drain, Heard, Mark, NotHandedOver, Settle
from digest.settings import Delivery
from digest.store.database import Store
from digest.testing.specimens import a_rendition, an_envelope
from tests.databases import Databases, Server, eventually

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

    make_ahead = make


@dataclass(slots=True)
class Notebook:
    """Books with one batch of two, which write down what they are told; `ahead` says that a claim marks as well."""

    ahead: bool = True
    claimed: bool = False
    asked: int = 0
    people: tuple[int, ...] = PEOPLE
    told: list[Any] = field(default_factory=list)

    def writing(self) -> AbstractContextManager[Any]:
        @contextmanager
        def transaction() -> Any:
            yield None
            self.told.append("commit")

        return transaction()

    def claim(self, at: Any, size: int, *, now: datetime, lease: timedelta, whole: bool) -> Load | datetime | None:
        self.asked += 1
        if self.claimed:
            return None
        self.claimed = True
        self.told.append(f"claim of {size}{', whole' if whole else ''}")
        people = [Recipient(one, one, f"u{one}@example.com", f"u{one}@example.com", None, 0) for one in self.people]
        marked = frozenset(self.people if whole and self.ahead else ())
        return Load(Claimed(1, 1, self.people, ("example.com",) * len(people)), people, a_rendition(), 0, marked)

    def mark(
        self, at: Any, marks: Sequence[Mark], *, now: datetime, sub_revision: int, already: Mapping[int, frozenset[int]]
    ) -> list[list[int] | Refusal]:
        self.told.append(
            f"mark {[mark.recipients for mark in marks]}, already {sorted(one for theirs in already.values() for one in theirs)}"
        )
        return [list(mark.recipients) for mark in marks]

    def unmark(self, at: Any, batch: int, whose: Sequence[int]) -> None:
        self.told.append(f"unmark {list(whose)}")

    def settle(self, at: Any, settles: Sequence[Settle], *, now: datetime, retry_at: Mapping[int, datetime]) -> None:
        self.told += [[outcome.value for outcome in settle.answer.outcomes] for settle in settles]

    def take_back(self, at: Any, batch: int, whose: Sequence[int], *, now: datetime) -> None:
        self.told.append(f"take back {list(whose)}")

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
    """Takes every job into a queue, begins it when next listened to, and answers it at once; `stuck` answers nothing."""

    carried: list[list[int]] = field(default_factory=list)
    queue: list[tuple[int, Job]] = field(default_factory=list)
    kept: list[Heard] = field(default_factory=list)
    stuck: bool = False

    def send(self, lane: int, job: Job) -> None:
        self.queue.append((lane, job))

    def recall(self) -> None:
        self.kept += [NotHandedOver(lane) for lane, _ in self.queue]
        self.queue.clear()

    def hear(self, seconds: float) -> list[Heard]:
        heard, self.kept = self.kept, []
        if self.stuck:
            return heard
        for lane, job in self.queue:
            if job.in_time():
                self.carried.append([person.subscriber_id for person in job.people])
                heard.append(Answered(lane, Answer((Outcome.ACCEPTED,) * len(job.people))))
            else:
                heard.append(NotHandedOver(lane))
        self.queue.clear()
        return heard


@dataclass(slots=True)
class Diary:
    """An allowance that notes the day on which so much was given back, or taken."""

    ending: Ending = Ending.HELD_BACK
    days: list[tuple[int, int]] = field(default_factory=list)

    def take(self, connection: Any, many: int, now: datetime) -> int:
        self.days.append((now.day, -many))
        return many

    def give_back(self, connection: Any, many: int, now: datetime) -> None:
        self.days.append((now.day, many))

    def spent(self, now: datetime) -> str:
        return ""


def turns(books: Notebook, carrier: Carrier, clock: Clock, allowances: Sequence[Allowance] = (), **pace: Any) -> Turns:
    bounds = Pace(**({"unit": 2, "claim": 2, "rate": 0, "lanes": 1} | pace))
    return Turns(books, carrier, cast("EnvelopeMaker", Makes()), SETTINGS, bounds, clock, allowances)


def test_what_is_claimed_whole_is_marked_in_the_same_transaction() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    one = turns(books, carrier, clock)
    one.turn()
    assert books.told == ["claim of 2, whole", "mark [(1, 2)], already [1, 2]", "commit"]
    assert carrier.carried == []  # only what a commit has made durable is handed over
    one.turn()
    one.turn()
    assert carrier.carried == [[1, 2]]


def test_what_is_marked_is_handed_over_before_anything_else_once_its_mark_is_durable() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    one = turns(books, carrier, clock)
    one.turn()
    assert (books.told[-1], carrier.queue) == ("commit", [])
    carrier.stuck = True
    one.turn()
    assert [lane for lane, _ in carrier.queue] == [0]


@pytest.mark.parametrize(("lanes", "people", "claims"), [(3, 6, 1), (3, 5, 1), (3, 4, 2), (2, 2, 2), (2, 1, 2)])
def test_what_is_claimed_for_one_lane_is_enough_for_all_that_find_somebody_in_it(lanes: int, people: int, claims: int) -> None:
    books, carrier, clock = Notebook(people=tuple(range(people))), Carrier(), Clock()
    one = turns(books, carrier, clock, unit=1, claim=10, lanes=lanes, shared=True)
    one.turn()
    assert books.asked == claims
    assert sum(lane.phase is Phase.MARKED for lane in one.machine.lanes) == lanes - claims + 1


def test_a_claim_of_more_than_a_request_carries_is_marked_part_by_part() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    turns(books, carrier, clock, unit=1).turn()
    assert books.told == ["claim of 2", "mark [(1,)], already []", "commit"]


def test_who_was_marked_with_the_claim_and_may_not_leave_now_is_unmarked_before_anything_else() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    turns(books, carrier, clock, domains={"example.com": 0.1}).turn()
    assert books.told == ["claim of 2, whole", "unmark [2]", "mark [(1,)], already [1]", "commit"]


def test_who_an_allowance_has_no_room_for_is_unmarked_as_well() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    turns(books, carrier, clock, (Canary(1),)).turn()
    assert books.told == ["claim of 2, whole", "mark [(1,)], already [1]", "unmark [2]", "commit"]


LATE = timedelta(minutes=2, seconds=1)  # a request that began so long after its mark could end after its deadline


def test_what_its_process_was_too_late_to_hand_over_does_not_leave_and_is_no_attempt() -> None:
    books, carrier, clock, canary = Notebook(), Carrier(), Clock(), Canary(2)
    one = turns(books, carrier, clock, (canary,))
    one.turn()
    assert canary.left == 0
    clock.now += LATE
    one.turn()
    assert carrier.carried == []
    assert books.told[-3:] == ["take back [1, 2]", "finish", "commit"]
    assert canary.left == 2
    assert not any(one.outcomes.values())


def test_what_lies_in_a_queue_until_it_is_too_late_does_not_leave_either() -> None:
    books, carrier, clock = Notebook(), Carrier(stuck=True), Clock()
    one = turns(books, carrier, clock)
    for _ in range(3):
        one.turn()
    assert len(carrier.queue) == 1  # given in time
    clock.now += LATE
    carrier.stuck = False
    one.turn()
    assert carrier.carried == []
    assert "take back [1, 2]" in books.told


def test_what_was_not_begun_when_waiting_ends_is_not_handed_over_and_not_unknown() -> None:
    books, carrier, clock = Notebook(), Carrier(stuck=True), Clock()
    one = turns(books, carrier, clock)
    for _ in range(2):
        one.turn()
    one.machine.hear(Drain("told to stop"), clock())
    one.abandon("no answer came in time")
    one.turn()
    assert books.told[-3:] == ["take back [1, 2]", "finish", "commit"]
    assert one.machine.finished


def test_the_quota_that_gets_it_back_is_that_of_the_day_of_the_mark() -> None:
    books, carrier, clock, quota = Notebook(), Carrier(), Clock(), Diary()
    clock.now = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    one = turns(books, carrier, clock, (quota,))
    one.turn()
    clock.now += LATE
    one.turn()
    assert quota.days == [(23, -2), (23, 2)]


def test_what_one_transaction_marked_is_forgotten_with_it() -> None:
    one = turns(Notebook(), Carrier(), Clock())
    one.turn()
    assert not one._unasked


def test_what_another_process_may_begin_ends_by_the_deadline_however_slow_the_store_was() -> None:
    class Slow(Notebook):
        def renew(self, at: Any, batch: int, *, now: datetime, lease: timedelta, deadline: datetime) -> bool:
            clock.now += timedelta(seconds=20)
            return True

    carrier, clock = Carrier(stuck=True), Clock()
    one = turns(Slow(), carrier, clock)
    for _ in range(2):
        one.turn()
    ((_, job),) = carrier.queue
    assert job.begin_by <= elapsed() + (MARGIN - timedelta(seconds=20)).total_seconds()


def test_a_short_stop_after_the_mark_holds_nobody_up() -> None:
    books, carrier, clock = Notebook(), Carrier(), Clock()
    one = turns(books, carrier, clock)
    one.turn()
    clock.now += timedelta(minutes=1, seconds=59)
    for _ in range(3):
        one.turn()
    assert carrier.carried == [[1, 2]]
    assert ["accepted", "accepted"] in books.told


@dataclass(slots=True)
class InStore(Notebook):
    """The same, in real transactions beside those of other workers."""

    store: Store | None = None

    def writing(self) -> AbstractContextManager[Any]:
        assert self.store is not None
        return self.store.writing(together=True)


def waits_for_a_lock(store: Store) -> bool:
    with store.reading() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def test_who_has_something_to_tell_and_who_has_nothing_ask_quota_and_pace_in_one_order(
    tmp_path: Path, postgresql: Server, database: Databases
) -> None:
    with closing(Store(database.url(tmp_path))) as store, ThreadPoolExecutor(1) as pool:
        clock, quota, bounds = Clock(), Quota("smtp", Plan(daily=100)), Pace(unit=1, claim=2, rate=0, lanes=1)
        pace = SharedPace("smtp", 50.0, _probing=True)  # so the first answer is worth telling
        maker = cast("EnvelopeMaker", Makes())
        one = Turns(InStore(store=store), Carrier(), maker, SETTINGS, bounds, clock, (quota,), pace)
        one.turn()  # the first of two is marked; in the next turn it is handed over and answered
        with store.writing(together=True) as another:
            assert Quota("smtp", Plan(daily=100)).take(another, 1, clock()) == 1
            turn = pool.submit(one.turn)
            eventually(lambda: waits_for_a_lock(store))
            assert SharedPace("smtp", 50.0).take(another, 1, 1, clock() + timedelta(seconds=1)) == (1, None)
        turn.result(10)
        with store.reading() as connection:
            assert connection.execute(text("SELECT attempts FROM provider_day")).scalar_one() == 3
