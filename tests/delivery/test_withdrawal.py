"""Withdrawing, step by step: sub-revisions, marks that look at them, renditions of which nothing is left, and what is owed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from digest.delivery.batches import sub_revision_of_batch
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.refusals import LeaseLost, NotSendable, Stale
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.delivery.transitions import DeliveryState
from digest.delivery.upkeep import drop, resolve
from digest.delivery.withdrawal import Withdrawal, withdraw
from digest.errors import Refused, UsageError
from digest.issues.issue import Issue, issue_by_id
from digest.issues.lifecycle import IssueState
from digest.store import tables
from tests.issues.newsroom import DAILY, LEASE, MONDAY, Newsroom, a_newsroom
from tests.marking import mark_batch, settle_batch


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        yield made


def gone(newsroom: Newsroom, key: str) -> Withdrawal:
    """Somebody withdraws an article."""
    with newsroom.store.writing() as connection:
        return withdraw(connection, key, actor="editor", now=MONDAY)


def sub_revision(newsroom: Newsroom, issue: Issue) -> int:
    with newsroom.store.reading() as connection:
        return issue_by_id(connection, issue.id).sub_revision


def test_every_unfinished_issue_that_holds_it_is_touched_once_and_no_other(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.join("dan", None, DAILY)
    newsroom.arrive("a", "b")
    sent, skipped = newsroom.issue(), newsroom.step(newsroom.freeze(DAILY), IssueState.SKIPPED)
    newsroom.arrive("c")
    draft, planned = newsroom.freeze(), newsroom.planned(DAILY)
    touched = gone(newsroom, "c").touched
    assert [(one.issue.name, one.issue.state, one.too_late) for one in touched] == [
        (draft.name, IssueState.DRAFT, 0),
        (planned.name, IssueState.SENDING, 0),
    ]
    assert gone(newsroom, "c").touched == ()
    assert [sub_revision(newsroom, one) for one in (sent, skipped, draft, planned)] == [0, 0, 1, 1]
    # The daily issue carries it over; who lags behind and turns weekly before the plan could yet get it with the draft.
    assert [one.issue.name for one in gone(newsroom, "a").touched] == [draft.name, planned.name]
    with pytest.raises(UsageError, match="no article is known as 'nothing'"):
        gone(newsroom, "nothing")


def test_a_draft_is_not_touched_by_what_was_none_of_its_candidates(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a")
    newsroom.arrive("later", at=MONDAY.replace(year=2030))
    newsroom.arrive("elsewhere", tags=("cooking",))
    issue = newsroom.freeze()
    assert gone(newsroom, "later").touched == gone(newsroom, "elsewhere").touched == ()
    assert sub_revision(newsroom, issue) == 0


def test_a_mark_asks_for_the_sub_revision_and_marks_nobody_of_an_older_one(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.join("bob")
    newsroom.arrive("a", "b")
    issue = newsroom.planned()
    ledger = newsroom.ledger(issue)
    with newsroom.store.writing() as connection:
        found = ledger.claim(connection, 2, now=MONDAY, lease=LEASE)
        assert found is not None
        batch, whose = found[0].batch, found[0].recipients
    gone(newsroom, "b")
    with newsroom.store.writing() as connection:
        with pytest.raises(Stale):
            mark_batch(ledger, connection, batch, whose, now=MONDAY)
        ledger.release(connection, batch, whose, now=MONDAY)
        ledger.finish(connection, batch, now=MONDAY)
    assert set(newsroom.states(issue).values()) == {"planned"}
    with newsroom.store.writing() as connection:
        again = ledger.claim(connection, 2, now=MONDAY, lease=LEASE, sub_revision=1)
        assert again is not None
        with pytest.raises(LeaseLost):
            mark_batch(ledger, connection, again[0].batch, whose, now=MONDAY + LEASE, sub_revision=1)
        assert mark_batch(ledger, connection, again[0].batch, whose, now=MONDAY, sub_revision=1) == list(whose)
        assert [sub_revision_of_batch(connection, issue.id, one) for one in (batch, again[0].batch)] == [0, 1]


def test_an_issue_that_is_paused_is_told_as_such_also_when_something_was_withdrawn(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a", "b")
    issue = newsroom.planned()
    ledger = newsroom.ledger(issue)
    gone(newsroom, "b")
    newsroom.step(issue, IssueState.PAUSED)
    with newsroom.store.writing() as connection:
        found = ledger.claim(connection, 2, now=MONDAY, lease=LEASE)
        assert found is not None
        with pytest.raises(NotSendable, match="paused"):
            mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY)


def test_who_left_is_cancelled_and_keeps_nobody_from_being_marked_anew(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a", "b")
    issue = newsroom.planned()
    ledger = newsroom.ledger(issue)
    with newsroom.store.writing() as connection:
        found = ledger.claim(connection, 1, now=MONDAY, lease=LEASE)
        assert found is not None
    gone(newsroom, "b")
    newsroom.leave("ann")
    with newsroom.store.writing() as connection:
        assert mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY) == []
    assert newsroom.states(issue) == {"ann": "cancelled"}


def test_a_shelf_leaves_out_what_is_withdrawn_and_its_hash_stays_that_of_the_whole(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a", "b")
    issue = newsroom.planned()
    with newsroom.store.reading() as connection:
        shelf = Shelf(connection, issue)
        whole = shelf.take(connection, 1)
    gone(newsroom, "b")
    with newsroom.store.reading() as connection:
        assert shelf.take(connection, 1) is whole
        shelf.refresh(connection)
        left = shelf.take(connection, 1)
        assert whole is not None
        assert left is not None
        assert ("Title b" in "".join(whole.text.literals), "Title b" in "".join(left.text.literals)) == (True, False)
        assert (shelf.sub_revision, shelf.content_hash, left.number) == (1, issue.content_hash, whole.number)
        assert Shelf(connection, issue).take(connection, 1) == left
    gone(newsroom, "a")
    with newsroom.store.reading() as connection:
        shelf.refresh(connection)
        assert shelf.take(connection, 1) is None
        with pytest.raises(Refused, match="nothing of issue weekly/1 remains"):
            shelf.assemble(widest_arrangement(connection, issue), 0)


def test_of_an_empty_rendition_only_our_batch_and_those_who_wait_are_cancelled(newsroom: Newsroom) -> None:
    for name in ("other", "mine", "late", "waits", "more"):
        newsroom.join(name, "python")
    newsroom.join("reads", "data")
    newsroom.arrive("a", "b")
    newsroom.arrive("d", tags=("data",))
    issue = newsroom.planned()
    with newsroom.store.writing() as connection:
        rendition = select(tables.rendition_article.c.rendition).where(
            tables.rendition_article.c.article_id == newsroom.articles()["a"]
        )
        number = connection.execute(rendition).scalar_one()
        connection.execute(
            update(tables.delivery).where(tables.delivery.c.subscriber_id == newsroom.people["late"]).values(state="deferred")
        )
        connection.execute(
            update(tables.delivery).where(tables.delivery.c.subscriber_id == newsroom.people["reads"]).values(state="accepted")
        )
        mine, other = newsroom.ledger(issue, "mine"), newsroom.ledger(issue, "other")
        assert other.claim(connection, 1, now=MONDAY, lease=LEASE) is not None
        found = mine.claim(connection, 1, now=MONDAY, lease=LEASE)
        assert found is not None
        drop(connection, mine, found[0].batch, number, now=MONDAY)
        answers = set(connection.execute(select(tables.delivery.c.answer)).scalars())
    assert newsroom.states(issue) == {
        "other": "claimed",
        "mine": "cancelled",
        "late": "cancelled",
        "waits": "cancelled",
        "more": "cancelled",
        "reads": "accepted",
    }
    assert answers == {None, "all its articles were withdrawn"}


def test_what_is_withdrawn_is_owed_to_nobody_also_where_there_was_no_room_for_it(newsroom: Newsroom) -> None:
    newsroom.change(max_articles=2)
    newsroom.join("ann")
    newsroom.join("bob")
    newsroom.arrive("a", "b", "c")  # there is room for c and b
    issue = newsroom.planned()
    assert gone(newsroom, "a").touched == ()  # it stands in no mail of it
    assert [one.issue.sub_revision for one in gone(newsroom, "b").touched] == [1]
    deliver_from(newsroom, issue, 1, {"bob": Outcome.REJECTED})
    assert (newsroom.owed("ann"), newsroom.owed("bob")) == ({}, {"c": 1})


def test_what_comes_to_be_given_back_long_after_is_not_owed_when_it_was_withdrawn_meanwhile(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a", "b")
    issue = newsroom.deliver(newsroom.planned(), {"ann": Outcome.UNKNOWN})
    assert issue.settled_at is not None
    assert [(one.too_late, one.issue.audience) for one in gone(newsroom, "b").touched] == [(1, 1)]
    with newsroom.store.writing() as connection:
        whose = [newsroom.people["ann"]]
        resolve(connection, newsroom.ledger(issue), whose, DeliveryState.REJECTED, now=MONDAY, reason="a person said so")
    newsroom.conclude(issue)
    assert newsroom.owed("ann") == {"a": 1}
    assert newsroom.has(newsroom.issue(), "ann") == ["a"]


def test_the_plan_leaves_out_what_was_withdrawn_before_it_and_fills_no_place_with_what_was_not_approved_there(
    newsroom: Newsroom,
) -> None:
    newsroom.change(max_articles=1)
    newsroom.join("ann")
    newsroom.join("data", "data")
    newsroom.arrive("a")
    newsroom.arrive("b", tags=("data",))
    issue = newsroom.approve(newsroom.freeze())
    gone(newsroom, "b")
    with newsroom.store.reading() as connection:
        issue = issue_by_id(connection, issue.id)
    issue = newsroom.plan(issue)
    assert newsroom.states(issue) == {"ann": "skipped", "data": "skipped"}
    newsroom.conclude(issue)
    assert (newsroom.owed("ann"), newsroom.owed("data")) == ({"a": 1}, {})
    assert newsroom.coverage("data") == issue.cutoff


def deliver_from(newsroom: Newsroom, issue: Issue, number: int, outcomes: dict[str, Outcome]) -> None:
    """Send what is planned of it, as of a sub-revision; everybody accepts, but who is named."""
    by_id = {newsroom.people[name]: outcome for name, outcome in outcomes.items()}
    ledger = newsroom.ledger(issue)
    with newsroom.store.writing() as connection:
        while found := ledger.claim(connection, 9, now=MONDAY, lease=LEASE, sub_revision=number):
            batch, whose = found[0].batch, found[0].recipients
            marked = mark_batch(ledger, connection, batch, whose, now=MONDAY, sub_revision=number)
            answers = tuple(by_id.get(one, Outcome.ACCEPTED) for one in marked)
            settle_batch(ledger, connection, batch, marked, Answer(answers, "said"), now=MONDAY, retry_at={})
            ledger.finish(connection, batch, now=MONDAY)
    newsroom.conclude(issue)
