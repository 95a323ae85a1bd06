"""Leavers: people who have left every newsletter that they had subscribed to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, select

from digest.audience.subscription import SubscriptionState
from digest.store import tables

_person, _row = tables.subscriber.c, tables.subscription.c


def gone_since(connection: Connection, before: datetime, *, after: int = 0, most: int) -> list[int]:
    """Who left their last newsletter before a time; at most so many, those with ids above `after`, in their order."""
    theirs = _row.subscriber_id == _person.id
    lately = (_row.state != SubscriptionState.UNSUBSCRIBED.value) | _row.ended_at.is_(None) | (_row.ended_at >= before)
    query = select(_person.id).where(_person.id > after, exists().where(theirs), ~exists().where(theirs, lately))
    return list(connection.execute(query.order_by(_person.id).limit(most)).scalars())
