"""Questions: who was asked whether they want to go on, when that was sent, and what they said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, select, update

from digest.audience.subscription import Subscription, SubscriptionState
from digest.store import tables

_row = tables.question.c


@dataclass(frozen=True, slots=True)
class Question:
    """The last one that a subscription was asked; `sent_at` is None while, or where, no provider took it."""

    asked_at: datetime
    sent_at: datetime | None


def ask(connection: Connection, subscription_id: int, *, now: datetime) -> None:
    """A new question takes the place of an old one."""
    connection.execute(delete(tables.question).where(_row.subscription_id == subscription_id))
    connection.execute(insert(tables.question).values(subscription_id=subscription_id, asked_at=now))


def mark_sent(connection: Connection, subscription_id: int, *, now: datetime) -> None:
    """The grace begins."""
    connection.execute(update(tables.question).where(_row.subscription_id == subscription_id).values(sent_at=now))


def question_of(connection: Connection, subscription_id: int) -> Question | None:
    """The last question, answered or not."""
    query = select(_row.asked_at, _row.sent_at).where(_row.subscription_id == subscription_id)
    found = connection.execute(query).one_or_none()
    return None if found is None else Question(*found)


def open_question(connection: Connection, subscription: Subscription) -> Question | None:
    """The question that still waits for an answer: the subscription is served, and they have done nothing since."""
    found = question_of(connection, subscription.id)
    if found is None or subscription.state is not SubscriptionState.ACTIVE:
        return None
    line = tables.consent.c
    since = exists().where(line.subscriber_id == subscription.subscriber_id, line.at >= found.asked_at)
    return None if connection.execute(select(since)).scalar_one() else found
