"""Topics that have had nothing for a while are named, once there is a while to speak of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.issues.issue import Issue
from digest.issues.topics import silent_topics
from tests.issues.newsroom import Newsroom, a_newsroom


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        made.join("ann")
        yield made


def silent(room: Newsroom, issue: Issue) -> tuple[str, ...]:
    with room.store.reading() as connection:
        return silent_topics(connection, room.newsletter, issue)


def test_a_topic_is_silent_when_nothing_arrived_for_it_in_four_issues(newsroom: Newsroom) -> None:
    newsroom.arrive("0", tags=("python", "data"))
    issue = newsroom.issue()
    found = []
    for week in range(1, 6):
        newsroom.arrive(str(week), tags=("Python",))  # tags are compared without regard to case
        found.append(silent(newsroom, issue))
        issue = newsroom.issue()
    assert found == [(), (), (), (), ("data", "career")]
    newsroom.arrive("late", tags=("career",))
    assert silent(newsroom, newsroom.issue()) == ("data",)


def test_a_topic_with_a_rule_is_silent_when_nothing_meets_it(newsroom: Newsroom) -> None:
    topics = dict(newsroom.newsletter.topics)
    topics["data"] = topics["data"].model_copy(update={"tags": "python and not career"})
    newsroom.change(topics=topics)
    for week in range(4):
        newsroom.arrive(f"both{week}", tags=("python", "career"))
        newsroom.issue()
    newsroom.arrive("last", tags=("python", "career"))
    assert silent(newsroom, newsroom.issue()) == ("data",)
    newsroom.arrive("one", tags=("python",))
    assert silent(newsroom, newsroom.issue()) == ()


def test_a_topic_is_silent_when_all_it_had_was_in_another_language(newsroom: Newsroom) -> None:
    newsroom.change(languages=("en",))
    for week in range(5):
        newsroom.arrive(f"en{week}", tags=("python", "career"), language="en-GB")
        newsroom.arrive(f"de{week}", tags=("data",), language="de")
        issue = newsroom.issue()
    assert silent(newsroom, issue) == ("data",)


def test_a_new_newsletter_has_no_silent_topics(newsroom: Newsroom) -> None:
    newsroom.arrive("a")
    assert silent(newsroom, newsroom.issue()) == ()
