"""Leaving: the end of a subscription, or of one topic in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select, update

from digest.audience.left_topics import keep_left
from digest.audience.subscription import SubscriptionState
from digest.audience.topics import ALL_TOPICS
from digest.store import tables


def end(connection: Connection, subscription_id: int, *, now: datetime) -> bool:
    """Unsubscribe. True when that changed something; again, or of one that does not exist, it changes nothing.

    The coverage point stays, so that who comes back gets what came since.
    """
    subscription = tables.subscription
    ended = (
        update(subscription)
        .where(subscription.c.id == subscription_id, subscription.c.state != SubscriptionState.UNSUBSCRIBED.value)
        .values(state=SubscriptionState.UNSUBSCRIBED.value, ended_at=now, paused_until=None)
    )
    return connection.execute(ended).rowcount == 1


def leave_topic(connection: Connection, subscription_id: int, topic: str, offered: Iterable[str], *, now: datetime) -> bool:
    """Unsubscribe from one topic of those `offered`; of the last one, from the newsletter. True when that changed something.

    Who followed everything follows the other topics from then on, and not those of tomorrow. Only they bring it back.
    """
    row = tables.subscription.c
    mine = row.id == subscription_id, row.state != SubscriptionState.UNSUBSCRIBED.value
    columns = (row.topics, row.subscriber_id, row.newsletter)
    found = connection.execute(select(*columns).where(*mine).with_for_update()).one_or_none()
    if found is None:
        return False
    followed = set(offered) if found.topics == ALL_TOPICS else set(found.topics.split())
    if topic not in followed:
        return False
    keep_left(connection, found.subscriber_id, found.newsletter, topic, now=now)
    left = " ".join(sorted(followed - {topic}))
    if not left:
        return end(connection, subscription_id, now=now)
    return connection.execute(update(tables.subscription).where(*mine).values(topics=left)).rowcount == 1
