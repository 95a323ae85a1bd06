"""Why somebody got an article, or did not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.delivery.providers.answer import Outcome
from digest.delivery.transitions import DeliveryState
from digest.errors import UsageError
from digest.insights.explaining import _BECAUSE, _DELIVERED, Explanation, _article, explain
from digest.insights.reading import standing
from digest.issues.issue import Issue
from digest.issues.selection import Decision, Reason
from tests.databases import Databases
from tests.issues.newsroom import DAILY, MONDAY, WEEKLY, Newsroom, a_newsroom


@pytest.fixture
def newsroom(tmp_path: Path, database: Databases) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        yield made


def told(newsroom: Newsroom, issue: Issue, name: str) -> Explanation:
    with newsroom.store.reading() as connection:
        return explain(issue, standing(connection, issue, f"{name}@x.example"))


def reasons(newsroom: Newsroom, issue: Issue, name: str) -> dict[str, str]:
    keys = {number: key for key, number in newsroom.articles().items()}
    return {keys[one.article]: one.reason for one in told(newsroom, issue, name).articles}


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_a_sentence(reason: Reason) -> None:
    decision = Decision(7, reason)
    sentence = _article(decision, "Queues", "ann@x.example").sentence
    assert sentence.startswith(f"“Queues” is {'in' if decision.chosen else 'not in'} the mail of ann@x.example: ")
    assert sentence.endswith(_BECAUSE[reason] + ".")
    assert _article(decision, "", "ann@x.example").sentence.startswith("Article 7 ")


def test_each_state_of_a_delivery_has_its_words() -> None:
    assert set(_DELIVERED) == set(DeliveryState)


def test_what_is_told_is_what_was_sent_and_every_candidate_has_its_reason(newsroom: Newsroom) -> None:
    newsroom.change(max_per_topic=1)
    newsroom.join("ann", "python")
    newsroom.arrive("owed")
    newsroom.issue(ann=Outcome.REJECTED)
    newsroom.arrive("new")
    newsroom.arrive("star", featured=True)
    newsroom.arrive("off", tags=("data",))
    newsroom.arrive("later", at=MONDAY.replace(year=2030))
    issue = newsroom.issue()
    found = reasons(newsroom, issue, "ann")
    assert found == {
        "owed": "carried_over",
        "star": "over_the_limit",
        "new": "over_the_limit",
        "off": "no_topic",
        "later": "not_yet_published",
    }
    assert newsroom.has(issue, "ann") == ["owed"]
    explanation = told(newsroom, issue, "ann")
    assert explanation.sentence == "weekly/2 for ann@x.example was accepted by the provider; 1 article chosen."
    assert explanation.to_json()["articles"][0]["chosen"] is True


def test_it_stays_as_it_was_planned_whatever_becomes_of_the_subscription(newsroom: Newsroom) -> None:
    newsroom.join("ann", "python")
    newsroom.arrive("a")
    issue = newsroom.issue()
    before = told(newsroom, issue, "ann")
    newsroom.join("ann", "data", DAILY)
    newsroom.arrive("b")
    newsroom.issue(DAILY)
    assert told(newsroom, issue, "ann") == before


def test_before_the_plan_it_says_what_would_be_and_why_nothing_would(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.join("bob", "career")
    newsroom.join("left")
    newsroom.join("held")
    newsroom.join("often", "", DAILY)
    newsroom.leave("left")
    newsroom.suppress("held")
    newsroom.arrive("a")
    issue = newsroom.freeze(WEEKLY)
    ends = {name: told(newsroom, issue, name).sentence.partition("@x.example ")[2] for name in newsroom.people}
    assert ends == {
        "ann": "would get 1 article with weekly/1.",
        "bob": "would get nothing with weekly/1: nothing new under their topics.",
        "left": "would get nothing with weekly/1: the subscription is unsubscribed.",
        "held": "would get nothing with weekly/1: the address must not be mailed.",
        "often": "would get nothing with weekly/1: the subscription is daily and the issue is weekly.",
    }


def test_what_another_open_issue_holds_for_them_is_told_as_sent(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a")
    newsroom.planned()
    newsroom.arrive("b")
    assert reasons(newsroom, newsroom.freeze(), "ann") == {"a": "already_sent", "b": "new"}
    assert reasons(newsroom, newsroom.planned(), "ann") == {"a": "already_sent", "b": "new"}


def test_a_stranger_is_said_to_be_one(newsroom: Newsroom) -> None:
    newsroom.arrive("a")
    with pytest.raises(UsageError, match="nobody is known by nobody@x"):
        told(newsroom, newsroom.freeze(), "nobody")
