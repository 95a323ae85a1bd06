"""Own letters: which of the letters in the queue went, or go, to one person, under whatever address."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select

from digest.store import tables


def letters_of(subscriber_id: int) -> ColumnElement[bool]:
    """To their address; to one that they want to move to or came from; about one of their subscriptions."""
    letter, change, subscription = tables.letter.c, tables.address_change.c, tables.subscription.c
    address = select(tables.subscriber.c.address).where(tables.subscriber.c.id == subscriber_id).scalar_subquery()
    changes = select(change.id).where(change.subscriber_id == subscriber_id)
    subscriptions = select(subscription.id).where(subscription.subscriber_id == subscriber_id)
    return or_(
        letter.address == address,
        letter.kind.in_(("move from", "move to")) & letter.about.in_(changes),
        letter.kind.in_(("erase", "download", "welcome", "sunset")) & letter.about.in_(subscriptions),
    )
