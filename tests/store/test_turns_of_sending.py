"""PostgreSQL, several processes at once: steps of sending wait for whoever changes what they depend on, not for each other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.refusals import LeaseLost, NotSendable
from digest.delivery.upkeep import Swept, sweep
from digest.issues.issue import Issue
from digest.issues.lifecycle import IssueState
from digest.store import tables
from tests.databases import Databases, Server
from tests.issues.newsroom import LEASE, MONDAY, Newsroom, a_newsroom
from tests.marking import mark_batch, settle_batch
from tests.store.others import Others

Claimed = tuple[Issue, int, list[int]]


@pytest.fixture
def newsroom(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        yield made


@pytest.fixture
def others(newsroom: Newsroom) -> Iterator[Others]:
    made = Others(newsroom)
    yield made
    made.close()


@pytest.fixture
def claimed(newsroom: Newsroom) -> Claimed:
    """An issue of two readers, claimed and not marked."""
    newsroom.join("ann")
    newsroom.join("bob")
    newsroom.arrive("a")
    issue = newsroom.planned()
    with newsroom.store.writing(together=True) as connection:
        found = newsroom.ledger(issue).claim(connection, 2, now=MONDAY, lease=LEASE)
    assert found is not None
    return issue, found[0].batch, list(found[0].recipients)


def mark(room: Newsroom, claimed: Claimed) -> list[int]:
    issue, batch, whose = claimed
    with room.store.writing(together=True) as connection:
        return mark_batch(room.ledger(issue), connection, batch, whose, now=MONDAY)


def settle(room: Newsroom, claimed: Claimed, owner: str = "me") -> None:
    issue, batch, whose = claimed
    with room.store.writing(together=True) as connection:
        answer = Answer((Outcome.ACCEPTED,) * len(whose), "250")
        settle_batch(room.ledger(issue, owner), connection, batch, whose, answer, now=MONDAY, retry_at={})


def taken_over(room: Newsroom, issue: Issue) -> Swept:
    with room.store.writing() as connection:
        return sweep(connection, room.ledger(issue, "other"), now=MONDAY + LEASE, others_are_dead=True)


def test_who_leaves_before_a_mark_is_not_marked_and_who_leaves_during_one_leaves_after_it(
    newsroom: Newsroom, others: Others, claimed: Claimed
) -> None:
    issue = claimed[0]
    where = tables.subscription.c.subscriber_id == newsroom.people["ann"]
    with newsroom.store.writing() as connection:
        connection.execute(tables.subscription.update().where(where).values(state="unsubscribed"))
        marking = others.begin(lambda room: mark(room, claimed))
        assert not marking.done()
    assert marking.result(30) == [newsroom.people["bob"]]
    with newsroom.store.writing(together=True) as connection:
        leaving = others.begin(lambda room: room.leave("bob"))
        assert not leaving.done()
    leaving.result(30)
    assert newsroom.states(issue) == {"ann": "cancelled", "bob": "sending"}


@pytest.mark.parametrize("to", [IssueState.PAUSED, IssueState.CANCELLED])
def test_nothing_is_marked_after_a_pause_or_a_cancellation(
    newsroom: Newsroom, others: Others, claimed: Claimed, to: IssueState
) -> None:
    with newsroom.store.writing() as connection:
        connection.execute(tables.issue.update().values(state=to.value))
        marking = others.begin(lambda room: mark(room, claimed))
        assert not marking.done()
    with pytest.raises(NotSendable, match=f"the issue is {to}"):
        marking.result(30)
    assert set(newsroom.states(claimed[0]).values()) == {"claimed"}


def test_a_mark_and_who_takes_over_at_once_agree_on_whose_it_is(newsroom: Newsroom, others: Others, claimed: Claimed) -> None:
    issue, batch, whose = claimed
    with newsroom.store.writing(together=True) as connection:
        assert mark_batch(newsroom.ledger(issue), connection, batch, whose[:1], now=MONDAY) == whose[:1]
        sweeping = others.begin(lambda room: taken_over(room, issue))
        assert not sweeping.done()
    assert sweeping.result(30) == Swept(planned=1, unknown=1)
    with pytest.raises(LeaseLost):
        mark(newsroom, (issue, batch, whose[1:]))
    assert newsroom.states(issue) == {"ann": "unknown", "bob": "planned"}


def test_an_answer_and_who_takes_over_at_once_both_come_to_accepted(newsroom: Newsroom, others: Others, claimed: Claimed) -> None:
    issue = claimed[0]
    mark(newsroom, claimed)
    with newsroom.store.writing() as connection:
        assert sweep(connection, newsroom.ledger(issue, "other"), now=MONDAY, others_are_dead=True) == Swept(0, 2)
        settling = others.begin(lambda room: settle(room, claimed))
        assert not settling.done()
    settling.result(30)
    assert newsroom.states(issue) == {"ann": "accepted", "bob": "accepted"}
    assert taken_over(newsroom, issue) == Swept(0, 0)


def test_claims_marks_and_answers_of_different_processes_never_wait_for_one_another(newsroom: Newsroom, others: Others) -> None:
    names = [f"u{number}" for number in range(40)]
    for name in names:
        newsroom.join(name)
    newsroom.arrive("a")
    issue = newsroom.planned()
    sent: list[int] = []

    def work(room: Newsroom, owner: str) -> None:
        draw, ledger = random.Random(owner), room.ledger(issue, owner)
        while True:
            with room.store.writing(together=True) as connection:
                found = ledger.claim(connection, draw.randint(1, 4), now=MONDAY, lease=LEASE)
                if found is None:
                    return
                marked = mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY)
            sent.extend(marked)
            settle(room, (issue, found[0].batch, marked), owner)

    with newsroom.store.writing(together=True):
        doing = [others.start(lambda room, owner=owner: work(room, owner)) for owner in "abc"]  # type: ignore[misc]
        for each in doing:
            each.result(60)
    assert sorted(sent) == sorted(newsroom.people.values())
    assert set(newsroom.states(issue).values()) == {"accepted"}
