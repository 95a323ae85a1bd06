"""Candidates: what selection needs to know of the articles in a pool, by a newsletter's rules as they are now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from digest.catalogue.article import Article
from digest.issues.popularity import clicked, clicks_of, decayed
from digest.issues.selection import Candidate
from digest.issues.topics import Sorter
from digest.settings import NewsletterSettings, Order


def candidates_of(
    connection: Connection, newsletter: NewsletterSettings, articles: Sequence[Article], now: datetime
) -> tuple[Candidate, ...]:
    """A candidate for every article; clicks are looked up where the order goes by them."""
    sorter = Sorter(newsletter)
    clicks = _clicks(connection, newsletter, (article.id for article in articles), now)
    return tuple(
        Candidate(
            id=article.id,
            arrival=article.arrival,
            topics=sorter.topics_of(article.tags),
            published_at=article.published_at,
            featured=article.featured,
            seeded_at=article.seeded_at,
            withdrawn=article.withdrawn_at is not None,
            language=article.language,
            author=article.author,
            clicks=clicks.get(article.id, 0.0),
            popularity=popularity(newsletter, article.popularity, article.published_at, now),
        )
        for article in articles
    )


def with_stories(candidates: Iterable[Candidate], stories: Mapping[int, int]) -> tuple[Candidate, ...]:
    """The candidates in the order of their ids, each with its story."""
    told = (replace(one, story=stories[one.id]) if one.id in stories else one for one in candidates)
    return tuple(sorted(told, key=lambda one: one.id))


def put_under(
    candidates: Iterable[Candidate], taken_in: Iterable[tuple[int, str]], topics: Collection[str]
) -> tuple[Candidate, ...]:
    """The candidates, those that an editor took in first of all under the topic they said; one that is not offered any more is as if
    they had said none. Who does not follow that topic may get it by its own."""
    said = {article: topic for article, topic in taken_in if topic in topics}
    return tuple(
        replace(one, topics=tuple(dict.fromkeys((said[one.id], *one.topics)))) if one.id in said else one for one in candidates
    )


def popularity(newsletter: NewsletterSettings, number: float | None, at: datetime | None, now: datetime) -> float:
    """What an article's own number counts now; nothing where the order does not ask."""
    if number is None or newsletter.order is not Order.POPULAR:
        return 0.0
    return decayed(number, at, now=now, half_life=newsletter.popular_half_life)


def _clicks(connection: Connection, newsletter: NewsletterSettings, ids: Iterable[int], now: datetime) -> Mapping[int, float]:
    if newsletter.order is not Order.POPULAR:
        return {}
    return clicked(clicks_of(connection, ids), now=now, half_life=newsletter.popular_half_life)
