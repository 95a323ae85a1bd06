"""The coverage audit: what settling an issue must have come to, counted once more from the rows.

It does not repair anything: what it finds is a defect, told by the run that made it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, func, select

from digest.audience.dialects import among
from digest.delivery.owing import counts_as_sent
from digest.delivery.transitions import GIVES_BACK, DeliveryState
from digest.issues.issue import Issue
from digest.issues.pool import coverage_point
from digest.store import tables

_row, _subscription, _held = tables.delivery.c, tables.subscription.c, tables.rendition_article.c
_BACK = [state.value for state in GIVES_BACK]


def audit(connection: Connection, issue: Issue) -> tuple[str, ...]:
    """What does not hold of an issue that has settled, each with how many it is true of; empty before it has settled.

    An issue outside the slots moves no coverage point.
    """
    if issue.settled_at is None:
        return ()
    found = tuple(f"{many:,} {what}" for what, many in _counted(connection, issue) if many)
    if issue.outside:
        return found
    point = coverage_point(connection, issue.newsletter, issue.frequency)
    if point < issue.cutoff:
        found += (f"new {issue.frequency} subscriptions would start at {point:,}, behind the cutoff at {issue.cutoff:,}",)
    return found


def _counted(connection: Connection, issue: Issue) -> Iterator[tuple[str, int]]:
    kept = and_(_row.state.in_(_BACK), _row.returned.is_(False))
    wrong = (_subscription.coverage < issue.cutoff, kept)
    # In one look: it reads everybody.
    counts = [func.coalesce(func.sum(case((one, 1), else_=0)), 0) for one in wrong]
    behind, not_owed = connection.execute(_considered(issue).with_only_columns(*counts)).one()
    if not issue.outside:
        yield "were considered and stand behind the cutoff", int(behind)
    yield "did not get it, and are not owed what it held", int(not_owed)
    yield "have an article of it in another issue, too", _twice(connection, issue)


def _considered(issue: Issue) -> Select[Any]:
    """Its deliveries with their subscriptions; who is suppressed stays where they were."""
    theirs = (_subscription.subscriber_id == _row.subscriber_id) & (_subscription.newsletter == issue.newsletter)
    joined = tables.delivery.join(tables.subscription, theirs)
    ours = (_row.issue_id == issue.id, _row.state != DeliveryState.SUPPRESSED.value)
    return select(_row.subscriber_id).select_from(joined).where(*ours)


def _twice(connection: Connection, issue: Issue) -> int:
    """How many were, or may yet be, sent an article by this issue and by another one; whichever newsletter's that is."""
    articles = _articles_of(connection, issue.id)
    every = {article for held in articles.values() for article in held}
    others = select(_held.issue_id).where(among(connection, _held.article_id, every), _held.issue_id != issue.id).distinct()
    found = 0
    for other in connection.execute(others).scalars().all():
        theirs = _articles_of(connection, other)
        found += sum(both.many for both in _both(connection, issue.id, other) if articles[both.one] & theirs[both.two])
    return found


def _articles_of(connection: Connection, issue_id: int) -> dict[int, set[int]]:
    articles: defaultdict[int, set[int]] = defaultdict(set)
    for rendition, article in connection.execute(select(_held.rendition, _held.article_id).where(_held.issue_id == issue_id)):
        articles[rendition].add(article)
    return articles


def _both(connection: Connection, issue_id: int, other_id: int) -> Iterable[Row[Any]]:
    """The renditions of two issues that the same subscribers were sent, and how many those are."""
    other = tables.delivery.alias()
    same = (other.c.subscriber_id == _row.subscriber_id) & (other.c.issue_id == other_id)
    sent = (_row.issue_id == issue_id, counts_as_sent(), counts_as_sent(other), other.c.rendition.is_not(None))
    columns = (_row.rendition.label("one"), other.c.rendition.label("two"))
    joined = select(*columns, func.count().label("many")).select_from(tables.delivery.join(other, same))
    return connection.execute(joined.where(*sent).group_by(_row.rendition, other.c.rendition))
