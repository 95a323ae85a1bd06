"""Replaying: what a simulation needs, read from the store in a few statements; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.audience.subscription import SubscriptionState
from digest.audience.topics import ALL_TOPICS
from digest.insights.simulation import Group
from digest.issues.candidates import popularity
from digest.issues.selection import Candidate
from digest.issues.stories import Told, find_stories
from digest.issues.topics import Sorter
from digest.settings import NewsletterSettings
from digest.store import tables

_article = tables.article.c


def articles_to_replay(
    connection: Connection, newsletter: NewsletterSettings, after: datetime, until: datetime
) -> Iterator[tuple[datetime, Candidate]]:
    """What came in the span, withdrawn ones left out, each with the time at which it arrived.

    What is popular goes by the articles' own numbers alone: clicks came after the slots that are replayed.
    """
    came = func.coalesce(_article.published_at, _article.first_seen_at, type_=_article.first_seen_at.type)
    featured = func.coalesce(_article.featured_here, _article.featured, type_=_article.featured.type)
    told = select(_article.id, _article.source, _article.title, came)
    columns = (_article.id, came, _article.tags, featured, _article.language, _article.author, _article.popularity)
    span = (_article.withdrawn_at.is_(None), came > after, came <= until)
    stories: dict[int, int] = {}
    if newsletter.same_story:
        stories = find_stories((Told(*row) for row in connection.execute(told.where(*span))), newsletter.same_story)
    sorter = Sorter(newsletter)
    for number, at, tags, is_featured, language, author, read in connection.execute(select(*columns).where(*span)):
        often = popularity(newsletter, read, at, until)
        topics, story = sorter.topics_of(tags), stories.get(number)
        more = {"language": language, "author": author}
        yield at, Candidate(number, None, topics, at, bool(is_featured), popularity=often, story=story, **more)


def groups_of(connection: Connection, newsletter: NewsletterSettings) -> list[Group]:
    """Everybody whose subscription is active now, by frequency and topics."""
    row = tables.subscription.c
    where = (row.newsletter == newsletter.slug, row.state == SubscriptionState.ACTIVE.value)
    query = select(row.frequency, row.topics, func.count()).where(*where).group_by(row.frequency, row.topics)
    every = frozenset(newsletter.offered)
    found = ((frequency, topics.split(), many) for frequency, topics, many in connection.execute(query))
    return [
        Group(frequency, every if ALL_TOPICS in topics else frozenset(topics) & every, many) for frequency, topics, many in found
    ]
