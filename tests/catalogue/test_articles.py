"""Articles found, listed, featured and withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from digest.catalogue.article import Entry
from digest.catalogue.articles import articles_by_ids, feature, find_article, list_articles, window, withdraw
from digest.catalogue.sources.port import Reading
from digest.catalogue.storing import store_reading
from digest.errors import UsageError
from digest.settings import SourceSettings


@pytest.fixture(autouse=True)
def stored(connection: Connection, source: Callable[..., SourceSettings], entry: Callable[..., Entry], now: datetime) -> None:
    first = (
        entry("a", days=3, tags=("python", "databases"), author="Jane", featured=True, reading_minutes=4, language="en"),
        entry("b", days=2, image="https://backend.example/b.jpg", image_alt="B", updated_at=now),
        entry("99", days=1),
        entry("ahead", days=-1),
    )
    store_reading(connection, source(), Reading(first), now)
    other = (entry("a", days=None, url="https://other.example/a"), entry("x", days=None, url="https://other.example/x"))
    store_reading(connection, source("other"), Reading(other), now)


def test_an_article_comes_back_as_it_went_in(connection: Connection, now: datetime) -> None:
    article = window(connection, 0, 1)[0]
    assert (article.source, article.arrival, article.tags, article.author) == ("blog", 1, ("python", "databases"), "Jane")
    assert (article.published_at, article.first_seen_at) == (now - timedelta(days=3), now)
    assert (article.featured, article.reading_minutes, article.language, article.withdrawn_at) == (True, 4, "en", None)
    assert articles_by_ids(connection, [article.id]) == {article.id: article}


def test_a_window_is_open_below_and_closed_above(connection: Connection) -> None:
    assert [article.arrival for article in window(connection, 1, 3)] == [2, 3]
    assert window(connection, 3, 3) == []


def test_articles_are_listed_newest_first_and_narrowed(connection: Connection, now: datetime) -> None:
    titles = [article.title for article in list_articles(connection)]
    assert titles == ["About ahead", "About 99", "About b", "About a", "About x", "About a"]
    assert [article.title for article in list_articles(connection, waiting=True)] == ["About ahead"]
    assert len(list_articles(connection, waiting=False, limit=2)) == 2
    assert len(list_articles(connection, source="other")) == 2
    assert [article.title for article in list_articles(connection, featured=True)] == ["About a"]
    withdraw(connection, "b", now)
    assert [article.title for article in list_articles(connection, withdrawn=True)] == ["About b"]
    assert len(list_articles(connection, withdrawn=False)) == 5


def test_an_article_is_found_by_number_id_or_address(connection: Connection) -> None:
    b = find_article(connection, "b")
    refs = [str(b.id), " b ", "https://backend.example/b", "HTTPS://BACKEND.example/b?utm_source=x#y"]
    assert {find_article(connection, ref).id for ref in refs} == {b.id}
    assert find_article(connection, "99").title == "About 99", "no article has this number, so it is an id"


@pytest.mark.parametrize("ref", ["", "nobody", "https://backend.example/nobody", "12345678901234567890", "²", "javascript:x"])
def test_an_unknown_article_says_where_to_look(connection: Connection, ref: str) -> None:
    with pytest.raises(UsageError, match="digest articles list"):
        find_article(connection, ref)


def test_a_number_that_is_also_an_id_of_another_article_is_refused_and_nothing_is_withdrawn(
    connection: Connection, source: Callable[..., SourceSettings], entry: Callable[..., Entry], now: datetime
) -> None:
    store_reading(connection, source("third"), Reading((entry("2", days=None, url="https://third.example/2"),)), now)
    with pytest.raises(UsageError, match=r"'2' names 2 articles.*number:2 is “About b” of blog; number:7 is “About 2” of third"):
        withdraw(connection, "2", now)
    assert list_articles(connection, withdrawn=True) == []
    assert withdraw(connection, "third:2", now).id == 7
    assert find_article(connection, "number:2").title == "About b"
    with pytest.raises(UsageError, match="no article is known as 'number:99'"):
        find_article(connection, "number:99")


def test_a_number_that_is_also_its_own_articles_id_is_that_article(
    connection: Connection, source: Callable[..., SourceSettings], entry: Callable[..., Entry], now: datetime
) -> None:
    store_reading(connection, source("third"), Reading((entry("7", days=None, url="https://third.example/7"),)), now)
    assert find_article(connection, "7").source == "third"


def test_an_id_of_two_sources_has_to_be_said_more_precisely(connection: Connection) -> None:
    with pytest.raises(UsageError) as refused:
        find_article(connection, "a")
    assert str(refused.value) == (
        "'a' names 2 articles, by number or by a source's id; say which:"
        " number:1 is “About a” of blog; number:5 is “About a” of other"
    )
    assert [find_article(connection, ref).id for ref in ("number:1", "number:5", "blog:a", "other:a")] == [1, 5, 1, 5]
    assert find_article(connection, "https://other.example/a").source == "other"


def test_the_desk_has_the_last_word_on_what_is_featured(
    connection: Connection, source: Callable[..., SourceSettings], entry: Callable[..., Entry], now: datetime
) -> None:
    assert feature(connection, "b", True).featured
    assert not feature(connection, "1", False).featured
    store_reading(connection, source(), Reading((entry("b", days=2), entry("a", days=3, featured=True))), now)
    assert find_article(connection, "b").featured
    assert not find_article(connection, "1").featured


def test_an_article_is_withdrawn_once(connection: Connection, now: datetime) -> None:
    assert withdraw(connection, "b", now).withdrawn_at == now
    assert withdraw(connection, "b", now + timedelta(days=1)).withdrawn_at == now
    assert len(window(connection, 0, 9)) == 5, "a window holds withdrawn articles: their decision wants a reason"
