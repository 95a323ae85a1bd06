"""Pausing: nothing is sent for a while, and afterwards comes what was missed.

The coverage point and what is owed stay as they are, and no issue of the meantime makes what is owed older.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, func, select, update

from digest.audience.readership import is_frequency, of_frequency
from digest.audience.subscription import Subscription, SubscriptionState
from digest.errors import UsageError
from digest.store import tables

_row = tables.subscription.c
_PAUSED = _row.state == SubscriptionState.PAUSED.value
_GOING_ON = {"state": SubscriptionState.ACTIVE.value, "paused_until": None}


def pause(connection: Connection, subscription: Subscription, *, until: datetime | None, now: datetime) -> bool:
    """Send nothing until then, or until somebody says so. True when that changed something; a `UsageError` says what cannot be."""
    if subscription.state is SubscriptionState.PENDING:
        raise UsageError("they have not confirmed yet, so nothing is sent to them anyway")
    if subscription.state is SubscriptionState.UNSUBSCRIBED:
        raise UsageError(f"they have left {subscription.newsletter}; there is nothing to pause")
    if until is not None and until <= now:
        raise UsageError(f"--until: {until:%Y-%m-%d %H:%M %Z} is past; name a time to come, or none")
    if subscription.state is SubscriptionState.PAUSED and subscription.paused_until == until:
        return False
    values = {"state": SubscriptionState.PAUSED.value, "paused_until": until}
    connection.execute(update(tables.subscription).where(_row.id == subscription.id).values(values))
    return True


def resume(connection: Connection, subscription_id: int) -> bool:
    """Let a paused subscription go on. True when it was paused; of any other nothing changes."""
    gone_on = update(tables.subscription).where(_row.id == subscription_id, _PAUSED).values(_GOING_ON)
    return connection.execute(gone_on).rowcount == 1


def resume_due(connection: Connection, *, now: datetime) -> int:
    """Let every subscription go on whose pause has ended; returns how many those are."""
    return connection.execute(update(tables.subscription).where(_PAUSED, _row.paused_until <= now).values(_GOING_ON)).rowcount


def any_due(connection: Connection, *, now: datetime) -> bool:
    """Whether some pause has ended."""
    due = exists().where(_PAUSED, _row.paused_until <= now)
    return bool(connection.execute(select(due)).scalar_one())


def paused(connection: Connection, newsletter: str, frequency: str) -> int:
    """How many subscriptions of a frequency are paused; of all where the word is none."""
    where = (_row.newsletter == newsletter, of_frequency(frequency), _PAUSED)
    return connection.execute(select(func.count()).where(*where)).scalar_one()


def why_nobody(connection: Connection, newsletter: str, frequency: str) -> str:
    """Why an issue has no audience: nobody is subscribed, or whoever is rests."""
    how = f"{frequency} to" if is_frequency(frequency) else "to"
    if count := paused(connection, newsletter, frequency):
        return f"everybody who is subscribed {how} {newsletter} is paused ({count:,})"
    return f"nobody is subscribed {how} {newsletter}"
