"""Who gets what of an issue, decided once, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from digest.delivery.plan import count_audience
from digest.delivery.providers.answer import Outcome
from digest.issues.issue import Issue
from digest.issues.lifecycle import IssueState
from digest.store import tables
from tests.issues.newsroom import DAILY, WEEKLY, Newsroom, a_newsroom, newsletter

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path, newsletter(), newsletter("other")) as made:
        yield made


def many(newsroom: Newsroom, issue: Issue, kind: str) -> int:
    table = {"renditions": tables.rendition, "groups": tables.audience_group}[kind]
    with newsroom.store.reading() as connection:
        return connection.execute(select(func.count()).where(table.c.issue_id == issue.id)).scalar_one()


def test_everybody_who_is_active_at_that_frequency_is_counted_once(newsroom: Newsroom) -> None:
    for name in ("ann", "bob", "held", "left", "none", "daily"):
        newsroom.join(name, "career" if name == "none" else "", DAILY if name == "daily" else WEEKLY)
    newsroom.leave("left")
    newsroom.suppress("held")
    newsroom.arrive("a")
    issue = newsroom.approve(newsroom.freeze())
    with newsroom.store.reading() as connection:
        assert count_audience(connection, issue) == 4
    issue = newsroom.plan(issue)
    assert newsroom.states(issue) == {"ann": "planned", "bob": "planned", "held": "suppressed", "none": "skipped"}
    assert (issue.audience, issue.state) == (4, IssueState.SENDING)


def test_groups_share_renditions_and_topics_without_news_split_none(newsroom: Newsroom) -> None:
    for number, topics in enumerate(("", "python", "python data", "python career", "data career", "python")):
        newsroom.join(f"u{number}", topics)
    newsroom.arrive("a")
    issue = newsroom.planned()
    assert (many(newsroom, issue, "groups"), many(newsroom, issue, "renditions")) == (5, 1)
    assert {newsroom.states(issue)[f"u{number}"] for number in (0, 1, 2, 3, 5)} == {"planned"}
    assert newsroom.states(issue)["u4"] == "skipped"


def test_who_shares_an_arrangement_shares_a_rendition_whatever_they_were_owed(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.join("bob")
    newsroom.arrive("a")
    newsroom.issue(bob=Outcome.REJECTED)
    newsroom.join("new")
    issue = newsroom.planned()
    assert (newsroom.has(issue, "ann"), newsroom.has(issue, "bob"), many(newsroom, issue, "renditions")) == ([], ["a"], 1)


def test_what_an_open_paused_issue_holds_counts_as_sent_and_comes_back_when_it_is_cancelled(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a")
    paused = newsroom.step(newsroom.planned(), IssueState.PAUSED)
    newsroom.arrive("b")
    issue = newsroom.issue()
    assert newsroom.has(issue, "ann") == ["b"]
    newsroom.step(paused, IssueState.CANCELLED)
    assert newsroom.conclude(paused).settled_at is not None
    assert newsroom.owed("ann") == {"a": 1}
    assert newsroom.has(newsroom.issue(), "ann") == ["a"]


def test_another_frequency_and_another_newsletter_never_repeat_what_somebody_was_sent(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.join("ann", number=1)
    newsroom.join("bob", number=1)
    newsroom.arrive("a")
    newsroom.planned(WEEKLY)
    newsroom.join("ann", None, DAILY)
    newsroom.arrive("b")
    assert newsroom.has(newsroom.planned(DAILY), "ann") == ["b"]
    newsroom.arrive("c")
    other = newsroom.planned(number=1)
    assert (newsroom.has(other, "ann"), newsroom.has(other, "bob")) == (["c"], ["a", "b", "c"])


def test_who_comes_back_after_the_freeze_and_lags_behind_it_waits_for_the_issue_that_holds_it(newsroom: Newsroom) -> None:
    for name in ("ann", "bob"):
        newsroom.join(name)
    newsroom.arrive("a")
    newsroom.issue()
    newsroom.leave("bob")
    newsroom.arrive("b")
    newsroom.issue()
    newsroom.arrive("c")
    issue = newsroom.approve(newsroom.freeze())
    newsroom.join("bob")
    with newsroom.store.reading() as connection:
        assert count_audience(connection, issue) == 1
    newsroom.deliver(newsroom.plan(issue))
    assert newsroom.states(issue) == {"ann": "accepted"}
    newsroom.arrive("d")
    assert newsroom.has(newsroom.issue(), "bob") == ["b", "c", "d"]


def test_who_lags_by_more_issues_than_are_carried_over_gets_what_is_left_and_holds_nobody_up(newsroom: Newsroom) -> None:
    newsroom.change(carry_over=1)
    newsroom.join("ann")
    newsroom.join("bob")
    for key in ("a", "b", "c"):
        newsroom.arrive(key)
        newsroom.issue()
        newsroom.leave("bob")
    newsroom.arrive("d")
    newsroom.join("bob")
    issue = newsroom.issue()
    assert (newsroom.has(issue, "ann"), newsroom.has(issue, "bob")) == (["d"], ["c", "d"])


def test_topics_are_taken_from_the_newsletter_as_it_was_frozen_and_one_article_stands_once(newsroom: Newsroom) -> None:
    newsroom.join("ann", "python data")
    newsroom.arrive("both", tags=("data", "python"))
    issue = newsroom.planned()
    with newsroom.store.reading() as connection:
        arrangement = connection.execute(select(tables.rendition.c.arrangement)).scalar_one()
    assert arrangement["sections"] == [["python", [newsroom.articles()["both"]]]]
    assert newsroom.has(issue, "ann") == ["both"]
