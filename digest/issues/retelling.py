"""Retelling: which candidates of an issue tell the same story for different sources, also with what came shortly before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from digest.catalogue.article import Article
from digest.catalogue.articles import articles_by_ids
from digest.issues.lifecycle import IssueState
from digest.issues.stories import Told, find_stories
from digest.store import tables

MOST = 10_000  # the latest to arrive are compared: a tenth of a second
_WENT_OUT = (IssueState.SENDING, IssueState.PAUSED, IssueState.SENT)
_article = tables.article.c
_came = func.coalesce(_article.published_at, _article.first_seen_at, type_=_article.first_seen_at.type)


@dataclass(frozen=True, slots=True)
class Retold:
    """The story of each article that is not the only one of its own; `before` are articles from below the pool's floor."""

    stories: Mapping[int, int] = field(default_factory=dict)
    before: Sequence[Article] = ()

    @property
    def others(self) -> dict[int, tuple[int, ...]]:
        """For each of them the others of its story."""
        told: defaultdict[int, list[int]] = defaultdict(list)
        for article, story in sorted(self.stories.items()):
            told[story].append(article)
        return {article: tuple(one for one in told[story] if one != article) for article, story in self.stories.items()}


def retold(connection: Connection, articles: Iterable[Article], floor: int, within: timedelta) -> Retold:
    """The stories of the articles that an issue may hold, and of those that arrived up to `floor` and are about as old."""
    latest = sorted(articles, key=lambda one: (one.arrival or 0, one.id))[-MOST:]
    if not latest or not within:
        return Retold()
    fresh = [Told(one.id, one.source, one.title, one.published_at or one.first_seen_at) for one in latest]
    known = {one.id for one in fresh}
    stories = find_stories([*fresh, *_before(connection, floor, min(one.at for one in fresh) - within, known)], within)
    ours = {story for article, story in stories.items() if article in known}
    stories = {article: story for article, story in stories.items() if story in ours}
    before = articles_by_ids(connection, stories.keys() - known)
    return Retold(stories, [before[one] for one in sorted(before)])


def sent_before(connection: Connection, newsletter: str, articles: Sequence[Article]) -> frozenset[int]:
    """Those that an earlier issue of a newsletter chose and sent."""
    issue, row = tables.issue.c, tables.decision.c
    query = (
        select(row.article_id)
        .join(tables.issue, issue.id == row.issue_id)
        .where(row.article_id.in_([one.id for one in articles]), row.chosen, issue.newsletter == newsletter)
        .where(issue.state.in_([state.value for state in _WENT_OUT]))
    )
    return frozenset(connection.execute(query).scalars()) if articles else frozenset()


def _before(connection: Connection, floor: int, since: datetime, known: set[int]) -> Iterable[Told]:
    query = (
        select(_article.id, _article.source, _article.title, _came)
        .where(_article.arrival > 0, _article.arrival <= floor, _article.withdrawn_at.is_(None), _came >= since)
        .order_by(_article.arrival.desc())
        .limit(MOST)
    )
    return [Told(*row) for row in connection.execute(query) if row.id not in known]
