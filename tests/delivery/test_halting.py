"""The kill switch, in the mark itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from digest.delivery import halting
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.refusals import NotSendable
from digest.issues.issue import Issue
from digest.store import tables
from tests.issues.newsroom import LEASE, MONDAY, Newsroom, a_newsroom
from tests.marking import mark_batch, settle_batch


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        for number in range(4):
            made.join(f"u{number}")
        made.arrive("a")
        yield made


def states(connection: Connection, issue: Issue) -> list[str]:
    row = tables.delivery.c
    return list(connection.execute(select(row.state).where(row.issue_id == issue.id).order_by(row.subscriber_id)).scalars())


def test_what_one_connection_halts_another_that_is_sending_does_not_mark(newsroom: Newsroom) -> None:
    issue = newsroom.planned()
    ledger = newsroom.ledger(issue)
    with newsroom.store.writing() as connection:
        found = ledger.claim(connection, 4, now=MONDAY, lease=LEASE)
        assert found is not None
        batch, whose = found[0].batch, found[0].recipients
        assert mark_batch(ledger, connection, batch, whose[:1], now=MONDAY) == [whose[0]]
    with newsroom.store.writing() as other:
        halting.halt(other, "the wrong list", "ann", MONDAY)
    with newsroom.store.writing() as connection:
        with pytest.raises(NotSendable, match="all sending is halted: the wrong list"):
            mark_batch(ledger, connection, batch, whose[1:2], now=MONDAY)
        # what is in flight is finished, the rest goes back
        settle_batch(ledger, connection, batch, whose[:1], Answer((Outcome.ACCEPTED,)), now=MONDAY, retry_at={})
        ledger.release(connection, batch, whose[1:], now=MONDAY)
        assert states(connection, issue) == ["accepted", "planned", "planned", "planned"]


def test_who_left_meanwhile_is_still_cancelled_and_the_rest_is_refused(newsroom: Newsroom) -> None:
    issue = newsroom.planned()
    ledger = newsroom.ledger(issue)
    newsroom.leave("u0")
    with newsroom.store.writing() as connection:
        found = ledger.claim(connection, 4, now=MONDAY, lease=LEASE)
        assert found is not None
        halting.halt(connection, "stop", "ann", MONDAY)
        with pytest.raises(NotSendable):
            mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY)
        assert "sending" not in states(connection, issue)
        assert halting.lift(connection, "bob", MONDAY) == 1
        assert len(mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY)) == 3


def test_halts_add_up_are_lifted_together_and_stay_on_record(newsroom: Newsroom) -> None:
    with newsroom.store.writing() as connection:
        assert halting.in_force(connection) is None
        halting.halt(connection, "first", "ann", MONDAY)
        halting.halt(connection, "weekly/1: 100%_of them", "alarm", MONDAY + timedelta(hours=1))
        found = halting.in_force(connection)
        assert found is not None
        assert (found.reason, found.actor) == ("first", "ann")
        assert "digest halt --lift" in found.advice
        assert halting.lift(connection, "bob", MONDAY) == 2
        assert halting.lift(connection, "bob", MONDAY) == 0
        assert halting.in_force(connection) is None
        assert halting.was_halted(connection, "alarm", "weekly/1: 100%_")
        assert not halting.was_halted(connection, "alarm", "weekly/1: 1%")
        assert not halting.was_halted(connection, "alarm", "first")
