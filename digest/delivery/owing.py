"""Owing anew: what bounced never reached anybody, and who may be mailed again is owed it, as long as it would still be sent.

A delivery that was accepted stays accepted. That its articles are owed anew stands beside it (`owed_anew`), and while what is known of it
is that it bounced it counts as sent no more; should they complain about it, so that it was there, it does again.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, func, insert, not_, select, update

from digest.delivery.event import Kind
from digest.delivery.transitions import COUNTS_AS_SENT, DeliveryState
from digest.errors import Refused
from digest.issues.owed import format_owed, parse_owed
from digest.store import tables

_row, _issue, _held = tables.delivery.c, tables.issue.c, tables.rendition_article.c
_subscription, _article, _anew = tables.subscription.c, tables.article.c, tables.owed_anew.c
_event = tables.event.c
_READ = (Kind.OPENED.value, Kind.CLICKED.value, Kind.UNSUBSCRIBED.value)


def counts_as_sent(alias: FromClause | None = None, states: Collection[DeliveryState] = COUNTS_AS_SENT) -> ColumnElement[bool]:
    """Whether a delivery's articles count as sent to its subscriber: it is in one of these states, and did not bounce for good."""
    row = _row if alias is None else alias.c
    owed_anew = exists().where(_anew.issue_id == row.issue_id, _anew.subscriber_id == row.subscriber_id)
    return and_(row.state.in_(states), not_(and_(row.reported.is_not_distinct_from(Kind.BOUNCED.value), owed_anew)))


def owe_what_bounced(connection: Connection, subscriber_id: int, carry_over: dict[str, int]) -> int:
    """Owe a subscriber the articles of mails that bounced and that nobody has read, in issues that have settled; `carry_over` is by
    newsletter for how many issues an article waits. Older ones, and those of newsletters that are not named, have expired. Returns
    how many articles.

    `Refused` while one of them has not settled: it would count as dealt with when it does.
    """
    # One of the mailboxes that a mail is handed on to may refuse what was read in another one.
    read = exists().where(
        _event.issue_id == _row.issue_id, _event.subscriber_id == _row.subscriber_id, _event.kind.in_(_READ), not_(_event.machine)
    )
    bounced = (
        select(_row.issue_id, _row.rendition, _issue.newsletter, _issue.frequency, _issue.number, _issue.settled_at)
        .join(tables.issue, _issue.id == _row.issue_id)
        .where(_row.subscriber_id == subscriber_id, _row.state == DeliveryState.ACCEPTED.value, counts_as_sent())
        .where(_row.reported == Kind.BOUNCED.value, _row.rendition.is_not(None), not_(read))
        .order_by(_issue.id)
    )
    total = 0
    for found in connection.execute(bounced).all():
        if found.settled_at is None:
            raise Refused(
                f"{found.newsletter}/{found.number}, which bounced, is still being sent; do this again when that is over,"
                " else what it held would be lost to them"
            )
        age = 1 + _settled_since(connection, found.newsletter, found.frequency, found.number)
        if age <= carry_over.get(found.newsletter, 0):
            total += _owe(connection, subscriber_id, found.newsletter, found.issue_id, found.rendition, age)
            values = {"issue_id": found.issue_id, "subscriber_id": subscriber_id}
            connection.execute(insert(tables.owed_anew).values(values))
    return total


def _settled_since(connection: Connection, newsletter: str, frequency: str, number: int) -> int:
    where = (
        _issue.newsletter == newsletter,
        _issue.frequency == frequency,
        _issue.number > number,
        _issue.settled_at.is_not(None),
    )
    return int(connection.execute(select(func.count()).where(*where)).scalar_one())


def _owe(connection: Connection, subscriber_id: int, newsletter: str, issue_id: int, rendition: int, age: int) -> int:
    mine = (_subscription.subscriber_id == subscriber_id, _subscription.newsletter == newsletter)
    subscription = connection.execute(select(_subscription.id, _subscription.owed).where(*mine).with_for_update()).one_or_none()
    if subscription is None:
        return 0
    articles = (
        select(_held.article_id)
        .join(tables.article, _article.id == _held.article_id)
        .where(_held.issue_id == issue_id, _held.rendition == rendition, _article.withdrawn_at.is_(None))
    )
    before = parse_owed(subscription.owed)
    owed = {article: age for article in connection.execute(articles).scalars() if article not in before}
    connection.execute(
        update(tables.subscription).where(_subscription.id == subscription.id).values(owed=format_owed(before | owed))
    )
    return len(owed)
