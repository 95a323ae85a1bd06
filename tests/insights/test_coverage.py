"""The coverage audit finds what settling must never leave, and is silent about everything that may be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from digest.delivery.providers.answer import Outcome
from digest.insights.coverage import audit
from digest.issues.issue import Issue
from digest.store import tables
from tests.issues.newsroom import Newsroom, a_newsroom


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        for name in ("ann", "bob", "cem"):
            made.join(name)
        made.arrive("a", "b")
        yield made


def audited(room: Newsroom, issue: Issue) -> tuple[str, ...]:
    with room.store.reading() as connection:
        return audit(connection, issue)


def spoil(room: Newsroom, issue: Issue, name: str, **values: Any) -> None:
    row = tables.delivery.c
    with room.store.writing() as connection:
        where = (row.issue_id == issue.id, row.subscriber_id == room.people[name])
        connection.execute(update(tables.delivery).where(*where).values(values))


def test_an_issue_with_every_kind_of_end_leaves_no_gap(newsroom: Newsroom) -> None:
    newsroom.join("dan", topics="career")  # there is nothing for them
    newsroom.join("eva")
    newsroom.suppress("eva")
    issue = newsroom.issue(ann=Outcome.REJECTED, bob=Outcome.UNKNOWN)
    assert newsroom.states(issue) == {
        "ann": "rejected",
        "bob": "unknown",
        "cem": "accepted",
        "dan": "skipped",
        "eva": "suppressed",
    }
    assert audited(newsroom, issue) == ()


def test_nothing_is_said_before_an_issue_has_settled(newsroom: Newsroom) -> None:
    assert audited(newsroom, newsroom.planned()) == ()


def test_who_was_considered_and_stands_behind_is_found(newsroom: Newsroom) -> None:
    issue = newsroom.issue()
    newsroom._set("ann", coverage=issue.cutoff - 1)
    newsroom._set("bob", coverage=0)
    assert audited(newsroom, issue) == ("2 were considered and stand behind the cutoff",)


def test_who_did_not_get_it_and_is_owed_nothing_is_found(newsroom: Newsroom) -> None:
    issue = newsroom.issue()
    spoil(newsroom, issue, "ann", state="rejected")
    assert audited(newsroom, issue) == ("1 did not get it, and are not owed what it held",)


def test_who_has_an_article_in_two_issues_is_found(newsroom: Newsroom) -> None:
    first = newsroom.issue(ann=Outcome.REJECTED)  # given back, so it may come again
    newsroom.arrive("c")
    issue = newsroom.issue()
    assert newsroom.has(issue, "ann") == ["a", "b", "c"]
    assert audited(newsroom, issue) == audited(newsroom, first) == ()
    rendition = {name: _rendition(newsroom, issue, name) for name in ("ann", "bob")}
    spoil(newsroom, issue, "bob", rendition=rendition["ann"])
    assert audited(newsroom, issue) == audited(newsroom, first) == ("1 have an article of it in another issue, too",)


def _rendition(room: Newsroom, issue: Issue, name: str) -> int:
    row = tables.delivery.c
    with room.store.reading() as connection:
        where = (row.issue_id == issue.id, row.subscriber_id == room.people[name])
        return int(connection.execute(select(row.rendition).where(*where)).scalar_one())


def test_a_frequency_that_starts_behind_its_own_issue_is_found(newsroom: Newsroom) -> None:
    issue = newsroom.issue()
    with newsroom.store.writing() as connection:
        connection.execute(update(tables.coverage).values(point=0))
    assert audited(newsroom, issue) == (f"new weekly subscriptions would start at 0, behind the cutoff at {issue.cutoff}",)
