"""Leaving: the end of a subscription."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from digest.audience.subscription import SubscriptionState
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
