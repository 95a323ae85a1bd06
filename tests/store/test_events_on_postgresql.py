"""Events, resolving, alarms and the kill switch on PostgreSQL: the same statements, and two connections at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from digest.delivery import halting
from digest.delivery.alarms import count_figures
from digest.delivery.event import Cause, Event, Kind
from digest.delivery.events import apply_events
from digest.delivery.heeding import heed_waiting
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.refusals import NotSendable
from digest.delivery.resolving import resolve_unknown
from digest.delivery.sealing import delivery_id, seal
from digest.insights.statistics import statistics
from digest.issues.issue import Issue, issue_by_id
from digest.settings import Delivery
from tests.databases import Databases, Server
from tests.issues.newsroom import LEASE, MONDAY, Newsroom, a_newsroom
from tests.marking import mark_batch, settle_batch

KEY = b"k" * 32
LATER = MONDAY + timedelta(hours=1)


@pytest.fixture
def newsroom(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        for number in range(12):
            made.join(f"u{number}")
        made.arrive("a")
        yield made


def event(room: Newsroom, issue: Issue, name: str, kind: Kind, reason: Cause | None = None) -> Event:
    who = room.people[name]
    own = delivery_id(KEY, issue.newsletter, issue.frequency, issue.slot, who)
    return Event(own, 1, kind, MONDAY, "m", reason=reason, seal=seal(KEY, own, who))


def test_events_are_stored_once_and_silence_is_evidence(newsroom: Newsroom) -> None:
    issue = newsroom.deliver(newsroom.planned(), {"u0": Outcome.UNKNOWN, "u1": Outcome.UNKNOWN})
    events = [event(newsroom, issue, f"u{number}", Kind.DELIVERED) for number in range(1, 12)]
    events += [event(newsroom, issue, "u2", Kind.BOUNCED, Cause.BOUNCED), event(newsroom, issue, "u3", Kind.UNSUBSCRIBED)]
    for expected in (13, 0):
        with newsroom.store.writing() as connection:
            assert apply_events(connection, [*events, *events], keys=[KEY], provider="fake", now=LATER).new == expected
    with newsroom.store.writing() as connection:
        resolve_unknown(connection, newsroom.ledger(issue), Delivery(unknown="hold"), timedelta(hours=8), now=LATER + LEASE)
        figures = count_figures(connection, issue, bound=1)
        found = statistics(connection, issue_by_id(connection, issue.id))
    assert (figures.heard, figures.hard_bounces, figures.twice) == (11, 1, 0)
    assert found["reported"] == {"delivered": 10, "bounced": 1, "complained": 0, "dropped": 0}
    assert newsroom.states(issue) == {"u0": "planned"} | {f"u{number}": "accepted" for number in range(1, 12)}


def test_an_event_of_another_connection_is_heeded_after_the_settle_it_came_before(newsroom: Newsroom) -> None:
    issue = newsroom.planned()
    ledger = newsroom.ledger(issue)
    with newsroom.store.writing() as connection:
        found = ledger.claim(connection, 1, now=MONDAY, lease=LEASE)
        assert found is not None
        batch, whose = found[0].batch, found[0].recipients
        mark_batch(ledger, connection, batch, whose, now=MONDAY)
    name = next(name for name, who in newsroom.people.items() if who == whose[0])
    with newsroom.store.writing() as other:
        apply_events(other, [event(newsroom, issue, name, Kind.QUEUED)], keys=[KEY], provider="fake", now=MONDAY)
    with newsroom.store.writing(together=True) as sender:
        settle_batch(ledger, sender, batch, whose, Answer((Outcome.UNKNOWN,)), now=MONDAY, retry_at={})
    assert newsroom.states(issue)[name] == "unknown"
    with newsroom.store.writing() as connection:
        assert heed_waiting(connection, issue.id, actor="me", now=MONDAY).moved
    assert newsroom.states(issue)[name] == "accepted"


def test_a_halt_of_another_connection_stops_the_next_mark(newsroom: Newsroom) -> None:
    issue = newsroom.planned()
    ledger = newsroom.ledger(issue)
    with newsroom.store.writing(together=True) as connection:
        found = ledger.claim(connection, 2, now=MONDAY, lease=LEASE)
        assert found is not None
        assert mark_batch(ledger, connection, found[0].batch, found[0].recipients[:1], now=MONDAY)
    with newsroom.store.writing() as other:
        halting.halt(other, "stop", "ann", MONDAY)
    with newsroom.store.writing(together=True) as connection, pytest.raises(NotSendable, match="all sending is halted: stop"):
        mark_batch(ledger, connection, found[0].batch, found[0].recipients[1:], now=MONDAY)
