"""What is popular: clicks of readers, or else the publisher's own count, each counting less with time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.delivery.event import Event, Kind
from digest.delivery.events import apply_events
from digest.delivery.sealing import delivery_id, seal
from digest.delivery.shelf import widest_arrangement
from digest.issues.issue import Issue
from digest.issues.popularity import clicked, clicks_of, decayed
from digest.settings import Order
from tests.issues.newsroom import DAILY, MONDAY, Newsroom

DAY, WEEK = timedelta(days=1), timedelta(days=7)
KEY = b"k" * 32


@pytest.mark.parametrize(
    ("number", "age", "counts"),
    [(8, timedelta(0), 8.0), (8, WEEK, 4.0), (8, 3 * WEEK, 1.0), (8, -WEEK, 8.0), (8, None, 8.0), (0, WEEK, 0.0)],
)
def test_a_number_counts_half_after_each_half_life(number: float, age: timedelta | None, counts: float) -> None:
    at = None if age is None else MONDAY - age
    assert decayed(number, at, now=MONDAY, half_life=WEEK) == counts


def test_a_click_of_today_counts_more_than_one_of_last_week() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    found = clicked({1: {"2026-11-23": 1}, 2: {"2026-11-16": 1, "2026-11-09": 2}}, now=now, half_life=WEEK)
    assert found == {1: 1.0, 2: 1.0}


def click(newsroom: Newsroom, issue: Issue, name: str, link: str, at: datetime = MONDAY) -> None:
    """A provider tells of a click."""
    whose = delivery_id(KEY, issue.newsletter, issue.frequency, issue.slot, newsroom.people[name])
    event = Event(whose, 1, Kind.CLICKED, at, "m-1", seal=seal(KEY, whose, newsroom.people[name]), link=link)
    with newsroom.store.writing() as connection:
        apply_events(connection, [event], keys=[KEY], provider="fake", now=newsroom.now)


def clicks(newsroom: Newsroom) -> dict[str, dict[str, int]]:
    keys = {number: key for key, number in newsroom.articles().items()}
    with newsroom.store.reading() as connection:
        return {keys[one]: days for one, days in clicks_of(connection, keys).items()}


def test_each_reader_counts_once_for_an_article_on_the_day_of_their_first_click(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.join("bob")
    newsroom.arrive("a", "b")
    issue = newsroom.issue()
    click(newsroom, issue, "ann", "https://n.example/a?utm_source=mail", MONDAY + DAY)
    click(newsroom, issue, "ann", "https://n.example/a", MONDAY)
    click(newsroom, issue, "bob", "https://n.example/a", MONDAY + DAY)
    click(newsroom, issue, "bob", "https://n.example/unsubscribe", MONDAY)
    click(newsroom, issue, "bob", "not an address", MONDAY + 2 * DAY)
    assert clicks(newsroom) == {"a": {"2026-11-23": 1, "2026-11-24": 1}}


def test_what_daily_readers_clicked_comes_first_for_weekly_ones(newsroom: Newsroom) -> None:
    newsroom.change(order=Order.POPULAR)
    newsroom.join("ann", "", DAILY)
    newsroom.join("bob")
    newsroom.arrive("a", "b", "c")
    daily = newsroom.issue(DAILY)
    click(newsroom, daily, "ann", "https://n.example/b")
    weekly = newsroom.freeze()
    with newsroom.store.reading() as connection:
        keys = {number: key for key, number in newsroom.articles().items()}
        assert [keys[one] for one in widest_arrangement(connection, weekly).articles] == ["b", "c", "a"]


def test_without_clicks_the_articles_own_number_decides(newsroom: Newsroom) -> None:
    newsroom.change(order=Order.POPULAR, max_articles=1)
    newsroom.join("ann")
    for key, read, at in (("new", None, MONDAY), ("old", 100.0, MONDAY - 10 * WEEK), ("read", 90.0, MONDAY - DAY)):
        newsroom.arrive(key, at=at, popularity=read)
    assert newsroom.has(newsroom.issue(), "ann") == ["read"]
