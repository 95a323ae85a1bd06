"""Events: stored once, applied in any order, and never against what is known better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, update

from digest.delivery import upkeep
from digest.delivery.event import Cause, Event, Heard, Kind, furthest, proved
from digest.delivery.events import Applied, apply_events
from digest.delivery.heeding import heed_waiting
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.sealing import delivery_id, seal
from digest.delivery.settling import conclude
from digest.delivery.transitions import PROVABLE, DeliveryState
from digest.issues.issue import Issue, issue_by_id
from digest.store import tables
from tests.issues.newsroom import LEASE, MONDAY, Newsroom, a_newsroom
from tests.marking import mark_batch, settle_batch

KEY = b"k" * 32
D = DeliveryState
NAMES = ("ann", "bob", "cem", "dot", "eve", "fay")


@dataclass(slots=True)
class Desk:
    """One issue of six readers, and events about them."""

    room: Newsroom
    issue: Issue
    clock: datetime = field(default=MONDAY + timedelta(hours=1))

    def event(self, name: str, kind: Kind, attempt: int = 1, **rest: Any) -> Event:
        """One event of somebody's delivery; of the same minute, so that a repetition is one."""
        who = self.room.people[name]
        own = delivery_id(KEY, self.issue.newsletter, self.issue.frequency, self.issue.slot, who)
        return Event(own, attempt, kind, MONDAY, "m", seal=seal(KEY, own, who), **rest)

    def tell(self, *events: Event) -> Applied:
        with self.room.store.writing() as connection:
            applied = apply_events(connection, events, keys=[KEY], provider="fake", now=self.clock)
            for one in applied.changed:
                conclude(connection, issue_by_id(connection, one), now=self.clock)
            return applied

    def state(self, name: str) -> str:
        return self.room.states(self.issue)[name]

    def reported(self, name: str) -> str | None:
        row = tables.delivery.c
        where = (row.issue_id == self.issue.id, row.subscriber_id == self.room.people[name])
        with self.room.store.reading() as connection:
            found: str | None = connection.execute(select(row.reported).where(*where)).scalar_one()
        return found

    def history(self, name: str) -> list[tuple[str | None, str, str | None]]:
        line = tables.history.c
        query = select(line.from_state, line.to_state, line.reason).where(line.subscriber_id == self.room.people[name])
        with self.room.store.reading() as connection:
            return [(row.from_state, row.to_state, row.reason) for row in connection.execute(query.order_by(line.id))]

    def suppressed(self) -> list[str]:
        with self.room.store.reading() as connection:
            return sorted(connection.execute(select(tables.suppression.c.address)).scalars())


@contextmanager
def a_desk(folder: Path, **outcomes: Outcome) -> Iterator[Desk]:
    with a_newsroom(folder) as room:
        for name in NAMES:
            room.join(name)
        room.arrive("a")
        issue = room.planned()
        if outcomes:
            room.deliver(issue, outcomes)
        yield Desk(room, issue)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.REJECTED])
def test_every_event_that_proves_it_was_taken_makes_the_unknown_accepted_with_its_line(tmp_path: Path, kind: Kind) -> None:
    with a_desk(tmp_path, ann=Outcome.UNKNOWN) as desk:
        assert desk.room.conclude(desk.issue).state == "sending"
        applied = desk.tell(desk.event("ann", kind))
        assert (applied.new, applied.moved) == (1, {D.ACCEPTED: 1})
        assert desk.state("ann") == "accepted"
        assert desk.history("ann")[-1] == ("unknown", "accepted", f"the provider's event of attempt 1: {kind}")
        assert desk.room.conclude(desk.issue).state == "sent"


def test_a_drop_makes_the_unknown_rejected_its_articles_owed_and_what_came_after_all_is_taken_back(tmp_path: Path) -> None:
    with a_desk(tmp_path, ann=Outcome.UNKNOWN) as desk:
        desk.tell(desk.event("ann", Kind.REJECTED, reason=Cause.SPAM, words="no"))
        assert (desk.state("ann"), desk.room.owed("ann")) == ("rejected", {"a": 1})
        assert desk.history("ann")[-1] == ("unknown", "rejected", "the provider's event of attempt 1: rejected (spam)")
        desk.tell(desk.event("ann", Kind.DELIVERED))
        assert (desk.state("ann"), desk.room.owed("ann"), desk.reported("ann")) == ("accepted", {}, "delivered")


def test_a_drop_of_an_earlier_attempt_says_nothing_of_the_last(tmp_path: Path) -> None:
    with a_desk(tmp_path, ann=Outcome.UNKNOWN) as desk:
        with desk.room.store.writing() as connection:
            connection.execute(update(tables.delivery).values(attempts=2))
        desk.tell(desk.event("ann", Kind.REJECTED, 1), desk.event("ann", Kind.REJECTED, 0))
        assert desk.state("ann") == "unknown"
        desk.tell(replace(desk.event("ann", Kind.REJECTED, 2), provider_message_id="n"))
        assert desk.state("ann") == "rejected"


def test_no_event_moves_what_is_accepted_and_what_was_reported_only_grows(tmp_path: Path) -> None:
    with a_desk(tmp_path, ann=Outcome.ACCEPTED) as desk:
        for kind, reported in (
            (Kind.REJECTED, None),
            (Kind.OPENED, None),
            (Kind.DELIVERED, "delivered"),
            (Kind.COMPLAINED, "complained"),
            (Kind.BOUNCED, "complained"),
            (Kind.DEFERRED, "complained"),
        ):
            desk.tell(desk.event("ann", kind))
            assert (desk.state("ann"), desk.reported("ann")) == ("accepted", reported)


def test_duplicates_are_told_by_delivery_kind_time_and_the_providers_message_id(tmp_path: Path) -> None:
    with a_desk(tmp_path, ann=Outcome.ACCEPTED) as desk:
        one = desk.event("ann", Kind.OPENED)
        applied = desk.tell(one, one, replace(one, attempt=0))
        assert (applied.new, applied.repeated) == (1, 2)
        others = [
            replace(one, occurred_at=MONDAY + timedelta(seconds=1)),
            replace(one, provider_message_id="n"),
            replace(one, kind=Kind.CLICKED),
            desk.event("bob", Kind.OPENED),
        ]
        assert desk.tell(*others, one).new == 4
        with desk.room.store.reading() as connection:
            assert connection.execute(select(func.count()).select_from(tables.event)).scalar_one() == 5


def test_an_event_that_is_not_of_ours_or_of_another_issue_is_counted_and_kept_out(tmp_path: Path) -> None:
    with a_desk(tmp_path, ann=Outcome.UNKNOWN) as desk:
        good = desk.event("ann", Kind.DELIVERED)
        strange = [
            replace(good, seal=""),
            replace(good, seal="0" * 16),
            replace(good, delivery_id="f" * 32),
            replace(good, seal=desk.event("bob", Kind.DELIVERED).seal),
        ]
        applied = desk.tell(*strange)
        assert (applied.strange, applied.new, desk.state("ann")) == (4, 0, "unknown")
        with desk.room.store.writing() as connection:
            applied = apply_events(connection, [good], keys=[KEY], provider="fake", now=MONDAY, only=desk.issue.id + 1)
        assert (applied.elsewhere, applied.new, desk.state("ann")) == (1, 0, "unknown")


def in_flight(desk: Desk) -> int:
    """Ann's delivery is being sent; returns its batch."""
    ledger = desk.room.ledger(desk.issue)
    with desk.room.store.writing() as connection:
        found = ledger.claim(connection, 1, now=MONDAY, lease=LEASE)
        assert found is not None
        assert mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY) == [desk.room.people["ann"]]
    return found[0].batch


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.DEFERRED])
def test_an_event_before_our_own_commit_is_kept_and_wins_once_the_answer_is_written_down(
    tmp_path: Path, outcome: Outcome
) -> None:
    with a_desk(tmp_path) as desk:
        batch = in_flight(desk)
        assert not desk.tell(desk.event("ann", Kind.DELIVERED)).moved
        assert (desk.state("ann"), desk.reported("ann")) == ("sending", "delivered")
        ledger, ann = desk.room.ledger(desk.issue), desk.room.people["ann"]
        with desk.room.store.writing() as connection:
            settle_batch(ledger, connection, batch, [ann], Answer((outcome,), "said"), now=MONDAY, retry_at={ann: MONDAY})
            heed_waiting(connection, desk.issue.id, actor="me", now=MONDAY)
            assert upkeep.replan(connection, ledger, now=MONDAY, all_of_them=True) == 0
        assert desk.state("ann") == "accepted"


def test_an_event_before_a_crash_is_heeded_by_whoever_sweeps(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        in_flight(desk)
        desk.tell(desk.event("ann", Kind.QUEUED))
        with desk.room.store.writing() as connection:
            other = desk.room.ledger(desk.issue, "other")
            assert upkeep.sweep(connection, other, now=MONDAY, others_are_dead=True).unknown == 1
            assert heed_waiting(connection, desk.issue.id, actor="other", now=MONDAY).moved == {D.ACCEPTED: 1}
        assert desk.state("ann") == "accepted"


def test_in_a_restored_copy_that_forgot_it_what_an_event_proves_is_not_sent_again(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        assert desk.state("ann") == "planned"
        desk.tell(desk.event("ann", Kind.DELIVERED))
        desk.room.deliver(desk.issue)
        lines = desk.history("ann")
        assert lines == [("planned", "accepted", "the provider's event of attempt 1: delivered")]
        assert set(desk.room.states(desk.issue).values()) == {"accepted"}


def test_hard_bounces_and_complaints_suppress_for_everything_and_a_block_never_does(tmp_path: Path) -> None:
    with a_desk(tmp_path, ann=Outcome.ACCEPTED) as desk:
        applied = desk.tell(
            desk.event("ann", Kind.BOUNCED, reason=Cause.BOUNCED, words="550 5.1.1"),
            desk.event("bob", Kind.BOUNCED, reason=Cause.INVALID),
            desk.event("cem", Kind.BOUNCED, reason=Cause.BLOCKED, words="bounced: it says"),
            desk.event("dot", Kind.BOUNCED, reason=Cause.TIMED_OUT),
            desk.event("eve", Kind.COMPLAINED),
            desk.event("fay", Kind.REJECTED, reason=Cause.BOUNCED),
        )
        assert applied.suppressed == 3
        assert desk.suppressed() == ["ann@x.example", "bob@x.example", "eve@x.example"]
        with desk.room.store.reading() as connection:
            row = tables.suppression.c
            found = {(one.scope, one.reason, one.source) for one in connection.execute(select(row.scope, row.reason, row.source))}
        assert found == {("*", "bounced", "fake"), ("*", "complained", "fake")}
        assert [desk.reported(name) for name in NAMES] == [*["bounced"] * 4, "complained", None]


def test_who_unsubscribed_has_left_unless_they_have_come_back_since(tmp_path: Path) -> None:
    with a_desk(tmp_path, ann=Outcome.ACCEPTED) as desk:
        late = replace(desk.event("ann", Kind.UNSUBSCRIBED), occurred_at=MONDAY - timedelta(days=9))
        assert desk.tell(late).ended == 0  # she joined after that
        assert desk.tell(desk.event("ann", Kind.UNSUBSCRIBED)).ended == 1
        desk.room.now = MONDAY + timedelta(days=1)
        desk.room.join("ann")
        assert desk.tell(replace(desk.event("ann", Kind.UNSUBSCRIBED), provider_message_id="n")).ended == 0


STORY: tuple[tuple[str, Kind, int, Cause | None], ...] = (
    ("ann", Kind.QUEUED, 1, None),
    ("ann", Kind.DELIVERED, 1, None),
    ("ann", Kind.COMPLAINED, 1, None),
    ("ann", Kind.UNSUBSCRIBED, 1, None),
    ("bob", Kind.REJECTED, 1, Cause.BOUNCED),
    ("bob", Kind.DELIVERED, 1, None),
    ("cem", Kind.REJECTED, 1, Cause.OTHER),
    ("cem", Kind.REJECTED, 0, Cause.OTHER),
    ("dot", Kind.DEFERRED, 1, None),
    ("dot", Kind.BOUNCED, 1, Cause.BOUNCED),
    ("dot", Kind.DELIVERED, 1, None),
    ("eve", Kind.BOUNCED, 1, Cause.BLOCKED),
    ("eve", Kind.REJECTED, 1, Cause.SPAM),
    ("fay", Kind.OPENED, 1, None),
)


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_whatever_order_and_however_often_events_come_the_end_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    outcomes = {name: data.draw(st.sampled_from(list(Outcome)), name) for name in NAMES}
    orders = [data.draw(st.permutations(range(len(STORY)))) for _ in range(2)]
    again = data.draw(st.lists(st.sampled_from(range(len(STORY))), max_size=20))
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    with a_desk(tmp_path_factory.mktemp("desk"), **outcomes) as desk:
        events = [desk.event(name, kind, attempt, reason=reason) for name, kind, attempt, reason in STORY]
        ends = [
            _end_of(desk, [events[one] for one in order], sizes)
            for order in (*orders, [*orders[0], *again], [*again, *orders[1]])
        ]
    assert all(end == ends[0] for end in ends)


def _end_of(desk: Desk, events: Sequence[Event], sizes: Sequence[int]) -> list[Any]:
    """What stands in the store after these were told in posts of these sizes; and then nothing of it is kept."""
    with desk.room.store.writing() as connection, connection.begin_nested() as nested:
        rest, turn = list(events), 0
        while rest:
            size = sizes[turn % len(sizes)]
            apply_events(connection, rest[:size], keys=[KEY], provider="fake", now=desk.clock)
            conclude(connection, issue_by_id(connection, desk.issue.id), now=desk.clock)
            rest, turn = rest[size:], turn + 1
        seen = _seen(connection)
        nested.rollback()
    return seen


def _seen(connection: Connection) -> list[Any]:
    row, event, person, issue = tables.delivery.c, tables.event.c, tables.subscription.c, tables.issue.c
    queries = (
        select(row.subscriber_id, row.state, row.attempts, row.reported, row.returned).order_by(row.subscriber_id),
        select(event.subscriber_id, event.kind).order_by(event.subscriber_id, event.kind),
        select(tables.suppression.c.address).order_by(tables.suppression.c.address),
        select(person.subscriber_id, person.state, person.coverage, person.owed).order_by(person.subscriber_id),
        select(issue.id, issue.state),
    )
    return [[tuple(line) for line in connection.execute(query)] for query in queries]


@pytest.mark.parametrize("state", DeliveryState)
def test_the_fold_knows_every_state(state: DeliveryState) -> None:
    taken, dropped = Heard(Kind.DELIVERED, 1), Heard(Kind.REJECTED, 1, "spam")
    assert proved(state, 1, []) == (state, None)
    assert proved(state, 1, [dropped, taken]) == ((D.ACCEPTED, taken) if state in PROVABLE else (state, None))
    assert proved(state, 1, [dropped]) == ((D.REJECTED, dropped) if state is D.UNKNOWN else (state, None))
    assert (furthest(None, [dropped]), furthest("bounced", [taken])) == (None, "bounced")
