"""Leaving a topic, and with the last one the newsletter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from digest.audience.finding import subscriptions_of
from digest.audience.leaving import end, leave_topic
from digest.audience.links import leave_topic_url
from digest.audience.people import subscribe
from digest.audience.subscription import Subscription
from digest.settings import NewsletterSettings

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OFFERED = ("databases", "python", "reliability")


def joined(connection: Connection, newsletter: NewsletterSettings, topics: str) -> Subscription:
    person = subscribe(connection, newsletter, "ann@x.example", topics=topics, confirmed=True, now=NOW)
    return subscriptions_of(connection, person.subscription.subscriber_id)[0]


@pytest.mark.parametrize(("topics", "left"), [("", "databases reliability"), ("databases python", "databases")])
def test_the_other_topics_stay(connection: Connection, weekly: NewsletterSettings, topics: str, left: str) -> None:
    mine = joined(connection, weekly, topics)
    assert leave_topic(connection, mine.id, "python", OFFERED, now=NOW)
    (now,) = subscriptions_of(connection, mine.subscriber_id)
    assert (now.topics, now.state) == (left, "active")
    assert not leave_topic(connection, mine.id, "python", OFFERED, now=NOW)


def test_with_the_last_topic_the_newsletter_is_left(connection: Connection, weekly: NewsletterSettings) -> None:
    mine = joined(connection, weekly, "python")
    assert leave_topic(connection, mine.id, "python", OFFERED, now=NOW)
    assert subscriptions_of(connection, mine.subscriber_id)[0].state == "unsubscribed"


def test_of_what_has_ended_or_is_not_there_nothing_changes(connection: Connection, weekly: NewsletterSettings) -> None:
    mine = joined(connection, weekly, "")
    end(connection, mine.id, now=NOW)
    assert not leave_topic(connection, mine.id, "python", OFFERED, now=NOW)
    assert not leave_topic(connection, mine.id + 1, "python", OFFERED, now=NOW)
    assert subscriptions_of(connection, mine.subscriber_id)[0].topics == "*"


def test_the_link_names_the_topic() -> None:
    assert leave_topic_url("https://n.example/unsubscribe/t0ken", "python") == "https://n.example/unsubscribe/t0ken/python"
