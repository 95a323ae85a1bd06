"""Who gets what of an issue, decided once, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from digest.delivery.plan import count_audience
from digest.delivery.providers.answer import Outcome
from digest.issues.issue import Issue, frozen_of
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


def asks(newsroom: Newsroom, **languages: str) -> None:
    """Readers, each with the language they asked for."""
    for name, language in languages.items():
        newsroom.join(name)
        with newsroom.store.writing() as connection:
            row = tables.subscriber
            connection.execute(update(row).where(row.c.id == newsroom.people[name]).values(language=language or None))


def read_in(newsroom: Newsroom, issue: Issue) -> dict[str, str]:
    """In which language each reader gets an issue, by their rendition."""
    row, kept = tables.delivery.c, tables.rendition.c
    query = (
        select(row.subscriber_id, kept.language)
        .join(tables.rendition, (kept.issue_id == row.issue_id) & (kept.number == row.rendition))
        .where(row.issue_id == issue.id)
    )
    with newsroom.store.reading() as connection:
        found = {who: language for who, language in connection.execute(query)}  # noqa: C416  # rows are no pairs to mypy
    return {name: found[number] for name, number in newsroom.people.items() if number in found}


def test_a_language_splits_groups_and_renditions_and_what_comes_to_the_same_words_does_not(newsroom: Newsroom) -> None:
    asks(newsroom, ann="", bob="de", cid="de-AT", dot="pt-BR", eve="en-GB", fay="xx", gus="pt")
    newsroom.arrive("a")
    issue = newsroom.planned()
    assert (many(newsroom, issue, "groups"), many(newsroom, issue, "renditions")) == (3, 3)
    wanted = {"ann": "en", "bob": "de", "cid": "de", "dot": "pt", "eve": "en", "fay": "en", "gus": "pt"}
    assert read_in(newsroom, issue) == wanted
    with newsroom.store.reading() as connection:
        blocks = select(tables.issue_blocks.c.language).where(tables.issue_blocks.c.issue_id == issue.id)
        assert sorted(connection.execute(blocks).scalars()) == ["de", "en", "pt"]


def test_languages_and_what_readers_had_from_other_issues_go_together(newsroom: Newsroom) -> None:
    asks(newsroom, ann="de", bob="de", cid="ja")
    newsroom.join("bob", frequency=DAILY)
    newsroom.arrive("a")
    newsroom.issue(DAILY)
    newsroom.join("bob", frequency=WEEKLY)
    newsroom.arrive("b")
    issue = newsroom.planned()
    assert read_in(newsroom, issue) == {"ann": "de", "bob": "de", "cid": "ja"}
    assert (newsroom.has(issue, "ann"), newsroom.has(issue, "bob"), newsroom.has(issue, "cid")) == (["a", "b"], ["b"], ["a", "b"])


def test_an_issue_that_only_other_newsletters_readers_would_read_in_another_language_has_its_own(newsroom: Newsroom) -> None:
    asks(newsroom, ann="", bob="de")
    newsroom.leave("bob")
    newsroom.arrive("a")
    issue = newsroom.planned()
    with newsroom.store.reading() as connection:
        assert frozen_of(connection, issue).languages == ("en",)
    assert read_in(newsroom, issue) == {"ann": "en"}
