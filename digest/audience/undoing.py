"""Undoing: who left by a slip of the finger has a day to take it back, and has then what they had."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, update

from digest.audience.consent import Act, Evidence, Kept, Source, evidence_of, write_down
from digest.audience.finding import subscriber_by_id, subscription_by_id, subscriptions_of
from digest.audience.left_topics import take_up
from digest.audience.subscription import Subscription, SubscriptionState
from digest.audience.suppression import is_suppressed
from digest.store import tables

FOR_SO_LONG = timedelta(days=1)
_UNDOABLE = frozenset({Act.LEFT, Act.CHANGED})
_BY_THEM = frozenset({Source.PAGE, Source.ONE_CLICK})


def can_undo(connection: Connection, subscription: Subscription, *, now: datetime) -> bool:
    """Whether the last thing that happened to a subscription is one that can still be taken back."""
    return _last(connection, subscription, now) is not None


def undo(connection: Connection, subscription_id: int, evidence: Evidence, *, now: datetime) -> bool:
    """Put back what the last step took away, in every newsletter that it touched. True when that changed something."""
    subscription = subscription_by_id(connection, subscription_id)
    last = None if subscription is None else _last(connection, subscription, now)
    if subscription is None or last is None:
        return False
    theirs = {one.newsletter: one for one in subscriptions_of(connection, subscription.subscriber_id)}
    kept = {line.newsletter: line for line in evidence_of(connection, subscription.subscriber_id)}  # of each, the last
    for line in kept.values():
        if line.at == last.at and line.act == last.act and line.newsletter in theirs and _still_so(theirs[line.newsletter], line):
            _put_back(connection, theirs[line.newsletter], line, evidence, now)
    return True


def _last(connection: Connection, subscription: Subscription, now: datetime) -> Kept | None:
    lines = [one for one in evidence_of(connection, subscription.subscriber_id) if one.newsletter == subscription.newsletter]
    last = lines[-1] if lines else None
    theirs = last is not None and last.act in _UNDOABLE and last.source in _BY_THEM
    fresh = last is not None and theirs and last.before is not None and last.at > now - FOR_SO_LONG
    if last is None or not fresh or not _still_so(subscription, last):
        return None
    person = subscriber_by_id(connection, subscription.subscriber_id)
    shut = person is None or is_suppressed(connection, person.address, subscription.newsletter)  # they complained, say
    return None if shut else last


def _still_so(subscription: Subscription, line: Kept) -> bool:
    """Whether the step is what ended the subscription, or left it going on: a provider's report may have ended it since."""
    return (subscription.state is SubscriptionState.UNSUBSCRIBED) is (line.act is Act.LEFT)


def _put_back(connection: Connection, subscription: Subscription, line: Kept, evidence: Evidence, now: datetime) -> None:
    before = line.before or {}
    until = before["paused_until"]
    state = before["state"]
    over = state == SubscriptionState.PAUSED and until is not None and datetime.fromisoformat(until) <= now
    values = {
        "state": SubscriptionState.ACTIVE.value if over else state,
        "topics": before["topics"],
        "frequency": before["frequency"],
        "paused_until": None if over or until is None else datetime.fromisoformat(until),
        "ended_at": None,
    }
    connection.execute(update(tables.subscription).where(tables.subscription.c.id == subscription.id).values(values))
    person = subscriber_by_id(connection, subscription.subscriber_id)
    if person is not None:
        take_up(connection, {person.address}, subscription.newsletter, before["topics"])
    after = subscription_by_id(connection, subscription.id) or subscription
    write_down(connection, Act.RETURNED, after, evidence, before=subscription, now=now)
