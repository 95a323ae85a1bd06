"""Alarms: each at its bound, below it and above."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from digest.delivery import upkeep
from digest.delivery.alarms import Figures, count_figures, ringing
from digest.delivery.providers.answer import Outcome
from digest.delivery.transitions import DeliveryState
from digest.issues.issue import Issue
from digest.store import tables
from tests.issues.newsroom import MONDAY, Newsroom, a_newsroom

QUIET = Figures(
    audience=2000,
    heard=2000,
    twice=0,
    first=1000,
    hard_bounces=0,
    complaints=0,
    accepted=2000,
    last_accepted=2000,
    unknown=0,
    bound=40,
)


@pytest.mark.parametrize(
    ("name", "halts", "at", "above"),
    [
        ("delivered twice", True, {"twice": 0}, {"twice": 1}),
        ("too many readers", True, {"heard": 2100}, {"heard": 2101}),
        ("hard bounces", True, {"hard_bounces": 50}, {"hard_bounces": 51}),
        ("complaints", True, {"complaints": 3}, {"complaints": 4}),
        ("unusually few", False, {"accepted": 1000}, {"accepted": 999}),
        ("many unknown", False, {"unknown": 40}, {"unknown": 41}),
        ("missed slots", False, {"missed_slots": ()}, {"missed_slots": ("2026-11-16T09:00",)}),
        ("silent topics", False, {"silent_topics": ()}, {"silent_topics": ("career",)}),
        ("coverage", False, {"uncovered": ()}, {"uncovered": ("1 have an article of it in another issue, too",)}),
    ],
)
def test_an_alarm_is_quiet_at_its_bound_and_rings_above_it(
    name: str, halts: bool, at: dict[str, Any], above: dict[str, Any]
) -> None:
    assert ringing(replace(QUIET, **at)) == ()
    (alarm,) = ringing(replace(QUIET, **above))
    assert (alarm.name, alarm.halts) == (name, halts)


def test_a_rate_of_one_or_two_stops_nothing() -> None:
    few = replace(QUIET, audience=20, heard=20, first=20, accepted=20, last_accepted=20)
    assert ringing(replace(few, complaints=2, hard_bounces=2)) == ()
    assert [alarm.name for alarm in ringing(replace(few, complaints=3, hard_bounces=3))] == ["hard bounces", "complaints"]


def test_where_there_is_no_issue_before_few_are_not_few() -> None:
    assert ringing(replace(QUIET, accepted=1, last_accepted=None)) == ()


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        for name in ("ann", "bob", "cem"):
            made.join(name)
        made.arrive("a")
        yield made


def tell(room: Newsroom, issue: Issue, who: int, kind: str, attempt: int = 1, reason: str | None = None) -> None:
    with room.store.writing() as connection:
        connection.execute(
            insert(tables.event).values(
                issue_id=issue.id,
                subscriber_id=who,
                attempt=attempt,
                kind=kind,
                occurred_at=MONDAY + timedelta(seconds=attempt),
                provider="fake",
                provider_message_id=f"{kind} {attempt}",
                reason=reason,
                received_at=MONDAY,
            )
        )


def figures(room: Newsroom, issue: Issue) -> Figures:
    with room.store.reading() as connection:
        return count_figures(connection, issue, bound=4)


def test_figures_count_readers_and_not_events(newsroom: Newsroom) -> None:
    issue = newsroom.issue(cem=Outcome.UNKNOWN)
    ann, bob, cem = (newsroom.people[name] for name in ("ann", "bob", "cem"))
    for who, kind, attempt, reason in (
        (ann, "bounced", 1, "bounced: 550 invalid"),
        (ann, "bounced", 2, "invalid"),
        (bob, "bounced", 1, "blocked: bounced"),
        (bob, "complained", 1, None),
        (bob, "complained", 2, None),
        (cem, "complained", 1, None),  # not accepted, so not of the first
        (99, "delivered", 1, None),
    ):
        tell(newsroom, issue, who, kind, attempt, reason)
    found = figures(newsroom, issue)
    assert (found.audience, found.heard, found.first, found.hard_bounces, found.complaints) == (3, 4, 2, 1, 1)
    assert (found.accepted, found.unknown, found.twice, found.last_accepted) == (2, 1, 0, None)


def test_only_the_first_thousand_count(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    issue = newsroom.issue()
    with newsroom.store.writing() as connection:  # bob was accepted last
        bob = tables.delivery.c.subscriber_id == newsroom.people["bob"]
        connection.execute(update(tables.delivery).where(bob).values(batch_id=9))
    for name in ("ann", "bob", "cem"):
        tell(newsroom, issue, newsroom.people[name], "complained")
    monkeypatch.setattr("digest.delivery.alarms.FIRST", 2)
    found = figures(newsroom, issue)
    assert (found.first, found.complaints) == (2, 2)


def test_two_deliveries_of_different_attempts_ring_unless_a_person_had_it_sent_again(newsroom: Newsroom) -> None:
    issue = newsroom.issue(ann=Outcome.UNKNOWN, bob=Outcome.UNKNOWN)
    ann, bob, cem = (newsroom.people[name] for name in ("ann", "bob", "cem"))
    with newsroom.store.writing() as connection:
        ledger = newsroom.ledger(issue)
        upkeep.resolve(connection, ledger, [ann], DeliveryState.PLANNED, now=MONDAY, reason="a person says so")
    for who, attempt in ((ann, 1), (ann, 2), (bob, 1), (cem, 0), (cem, 1)):
        tell(newsroom, issue, who, "delivered", attempt)
    assert figures(newsroom, issue).twice == 0
    tell(newsroom, issue, bob, "delivered", 2)
    assert figures(newsroom, issue).twice == 1


def test_the_issue_before_is_compared_once_this_one_is_at_its_end(newsroom: Newsroom) -> None:
    newsroom.issue()
    newsroom.arrive("b")
    issue = newsroom.planned()
    assert figures(newsroom, issue).last_accepted is None
    assert figures(newsroom, newsroom.deliver(issue, {"ann": Outcome.REJECTED})).last_accepted == 3
